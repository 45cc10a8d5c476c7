"""Any set of decoded objects compiles; order does not show; nobody's rows change by another's objects."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from random import Random
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sipedge.table import CarrierRow, CredentialRow, EdgeTable, Section, Table, TrunkRow
from sipedge.table.publication import pack_parts, rows_of
from support import objects as make
from support.calls import table_of
from support.object_strategies import NAMESPACES, SECRETS, invalid_objects, object_sets
from trunkline.api import AnyResource, InvalidObject, Number, Resources, Trunk
from trunkline.cli.render_compilation import compilation_document, compilation_yaml
from trunkline.compiler import Compilation, ConditionType, Verdict, compile_resources

EDGE = make.make_edge("observer", advertise={"type": "Static", "addresses": ["127.0.13.1"]})
"""One edge that is always served, so that there is a table to compare."""


def resources_of(
    objects: list[AnyResource], *, open_account: bool = True, invalid: tuple[InvalidObject, ...] = ()
) -> Resources:
    return make.make_resources(*objects, EDGE, secrets=SECRETS, open_account=open_account, invalid=invalid)


def packed(compilation: Compilation) -> Mapping[str, Mapping[str, bytes]]:
    return {edge: pack_parts(table) for edge, table in compilation.tables.items()}


def rows(compilation: Compilation) -> dict[tuple[Section, bytes], bytes]:
    """Every packed row of the observing edge."""
    by_section = rows_of(pack_parts(compilation.tables["observer"]).values())
    return {(section, key): data for section, found in by_section.items() for key, data in found.items()}


@given(object_sets(), st.booleans(), st.lists(invalid_objects, max_size=2, unique_by=lambda one: one.ref))
def test_any_set_of_objects_compiles_and_each_has_a_verdict(
    objects: list[AnyResource], open_account: bool, invalid: list[InvalidObject]
) -> None:
    compilation = compile_resources(resources_of(objects, open_account=open_account, invalid=tuple(invalid)))
    accepted = [each.ref for each in compilation.verdicts if each.type is ConditionType.ACCEPTED]
    named = [EDGE.ref, *(each.ref for each in objects), *(each.ref for each in invalid)]
    assert sorted(accepted) == sorted(named), "one for each"
    keys = [(each.ref, each.type) for each in compilation.verdicts]
    assert len(keys) == len(set(keys)), "one condition of a type"
    assert all(each.message for each in compilation.verdicts)
    assert "observer" in compilation.tables
    assert {ref for ref in compilation.facts if ref.kind == "Trunk"} == {
        thing.ref for thing in objects if isinstance(thing, Trunk)
    }


@given(object_sets(), st.booleans(), st.integers())
def test_the_order_of_objects_does_not_show(
    objects: list[AnyResource], open_account: bool, seed: int
) -> None:
    shuffled = list(objects)
    Random(seed).shuffle(shuffled)
    first, second = (
        compile_resources(resources_of(each, open_account=open_account)) for each in (objects, shuffled)
    )
    assert packed(first) == packed(second)
    assert first.verdicts == second.verdicts
    assert first.facts == second.facts


@given(object_sets())
@settings(max_examples=25)
def test_what_is_printed_shows_no_secret(objects: list[AnyResource]) -> None:
    compilation = compile_resources(resources_of(objects))
    text = compilation_yaml(compilation_document(compilation)) + repr(compilation)
    secrets = {secret for keys in SECRETS.values() for secret in keys.values() if len(secret) > 2}
    sections = compilation.tables["observer"].sections
    hashes = {
        row.ha1.reveal()
        for section in (Section.CREDENTIAL, Section.CARRIER)
        for row in sections[section].values()
        if isinstance(row, CredentialRow | CarrierRow) and row.ha1 is not None
    }
    assert not [each for each in secrets | hashes if each in text]


@given(object_sets())
def test_every_row_leads_somewhere(objects: list[AnyResource]) -> None:
    """No domain or trunk of a table names a trunk or an account that it lacks; a number is held then."""
    compilation = compile_resources(resources_of(objects))
    for table in compilation.tables.values():
        sections: Any = table.sections
        trunks, accounts = sections[Section.TRUNK], sections[Section.ACCOUNT]
        assert all(row.trunk in trunks for row in sections[Section.DOMAIN].values())
        for row in (*sections[Section.NUMBER].values(), *sections[Section.RANGE].values()):
            assert row.account in accounts
        assert all(
            row.account in accounts for row in (*trunks.values(), *sections[Section.CALLER_ID].values())
        )
        for source in sections[Section.SOURCES]["sources"].sources:
            assert source.carrier in sections[Section.CARRIER]
        for route in sections[Section.ROUTE].values():
            assert route.gateways
            assert all(gateway.carrier in sections[Section.CARRIER] for gateway in route.gateways)


@given(object_sets())
def test_a_trunk_that_may_be_called_has_been_given_a_way_in(objects: list[AnyResource]) -> None:
    """S26, S34: a list that is named but missing still stands guard."""
    compilation = compile_resources(resources_of(objects))
    trunks: Any = compilation.tables["observer"].sections[Section.TRUNK]
    for thing in objects:
        row: TrunkRow | None = trunks.get(thing.ref.id) if isinstance(thing, Trunk) else None
        if isinstance(thing, Trunk) and row is not None and thing.spec.termination is not None:
            assert (row.access is not None) == bool(thing.spec.termination.ip_access_control_list_refs)
            assert (row.credential_lists is not None) == bool(thing.spec.termination.credential_list_refs)


@given(object_sets())
def test_the_number_count_is_how_many_numbers_lead_to_the_trunk(objects: list[AnyResource]) -> None:
    compilation = compile_resources(resources_of(objects))
    table = table_of(compilation.tables["observer"])
    every = {
        f"+{number}"
        for thing in objects
        if isinstance(thing, Number)
        for number in range(int(thing.first[1:]), int(thing.last[1:]) + 1)
    }
    found = Counter(trunk_of(table, number) for number in every)
    assert {ref.id: facts["numberCount"] for ref, facts in compilation.facts.items()} == {
        ref.id: found[ref.id] for ref in compilation.facts
    }


def trunk_of(table: Table, number: str) -> str | None:
    """The served trunk that the number leads to."""
    row = table.number(number)
    trunk = None if row is None or row.trunk is None else table.trunk(row.trunk)
    return None if trunk is None else trunk.id


# ----------------------------------------------------------------------------------- Isolation

STRANGERS: tuple[AnyResource, ...] = (
    make.make_trunk(
        "a", "zeta", termination={"domainName": "zeta", "ipAccessControlListRefs": [{"name": "a"}]}
    ),
    make.make_trunk(
        "b", "zeta", termination={"domainName": "broken.zeta", "credentialListRefs": [{"name": "x"}]}
    ),
    make.make_number("a", "zeta", number="+353123456789", trunkRef={"name": "a"}),
    make.make_number("b", "zeta", range={"first": "+353111111100", "last": "+353111111199"}),
    make.make_origination_uri("a", "zeta", trunkRef={"name": "nowhere"}, sipUri="sip:192.0.2.1"),
    make.make_credential_list("a", "zeta"),
    make.make_ip_access_control_list("a", "zeta"),
    make.make_account("zeta", namespaces=["zeta"], numberPrefixes=[], domainNames=[]),
    make.make_caller_id("zeta", number="+14155550100", accountRef={"name": "zeta"}),
    make.make_edge("zeta", advertise={"type": "Static", "addresses": ["127.0.14.1"]}),
    make.make_carrier(
        "zeta", sourceRanges=["198.18.0.0/15"], prefixes=["+999"], gateways=[{"host": "198.18.0.1"}]
    ),
)
"""Objects of a stranger, each of which claims nothing that the others have."""


@pytest.mark.parametrize("stranger", STRANGERS, ids=lambda stranger: stranger.ref)
@given(object_sets(10), st.booleans())
@settings(max_examples=15)
def test_an_object_that_claims_nothing_of_others_changes_no_row_of_theirs(
    stranger: AnyResource, objects: list[AnyResource], open_account: bool
) -> None:
    before = compile_resources(resources_of(objects, open_account=open_account))
    after = compile_resources(resources_of([*objects, stranger], open_account=open_account))
    # What the edge knows of itself and of all carriers' networks is the platform's own.
    shared = {Section.SITE, Section.SOURCES} if stranger.kind == "Carrier" else {Section.SITE}
    kept = {key: data for key, data in rows(before).items() if key[0] not in shared}
    now = rows(after)
    assert {key: now.get(key) for key in kept} == kept
    said = [each for each in after.verdicts if each.ref != stranger.ref]
    assert [_without_edges(each) for each in said] == [_without_edges(each) for each in before.verdicts]


def _without_edges(verdict: Verdict) -> Verdict:
    """Who names no Edge that there is, is told those that there are."""
    return verdict._replace(message="") if verdict.type is ConditionType.UNKNOWN_EDGE else verdict


@given(object_sets(), st.data())
def test_a_younger_claim_on_what_is_taken_changes_no_row_at_all(
    objects: list[AnyResource], data: st.DataObject
) -> None:
    before = compile_resources(resources_of(objects))
    rival = data.draw(rivals(objects, before.tables["observer"]))
    after = compile_resources(resources_of([*objects, rival]))
    ours = {(section, key): data for (section, key), data in rows(after).items() if b"zz" not in key}
    assert ours == rows(before)
    assert [each for each in after.verdicts if each.ref != rival.ref] == list(before.verdicts)
    told = {each.type: each.status for each in after.verdicts if each.ref == rival.ref}
    told.pop(ConditionType.FEATURE_UNAVAILABLE, None)
    assert told == {ConditionType.ACCEPTED: False}


@st.composite
def rivals(draw: st.DrawFn, objects: list[AnyResource], table: EdgeTable) -> AnyResource:
    """A younger object of another namespace that claims a domain or a number of an accepted one."""
    sections: Any = table.sections
    taken: list[AnyResource] = []
    late = "2027-01-01T00:00:00Z"
    taken += [
        make.make_trunk("rival", "zz", created=late, termination={"domainName": domain})
        for domain in sections[Section.DOMAIN]
    ]
    taken += [
        make.make_number("rival", "zz", created=late, number=row.first, trunkRef={"name": "rival"})
        for section in (Section.NUMBER, Section.RANGE)
        for row in sections[section].values()
    ]
    taken += [
        make.make_number("rival", "zz", created=late, range={"first": row.first, "last": row.last})
        for section in (Section.NUMBER, Section.RANGE)
        for row in sections[section].values()
    ]
    taken += [
        make.make_carrier("rival", created=late, sourceRanges=[source.cidr])
        for source in sections[Section.SOURCES]["sources"].sources
    ]
    assume(taken)
    assert "zz" not in NAMESPACES
    return draw(st.sampled_from(taken))
