"""The pure parts of reading a cluster: what is known, what is assumed, whose word counts."""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from sipedge.table import EdgeTable, MemoryRows, Section, Table
from sipedge.table.codec import TableFormatError
from sipedge.table.publication import group_name, head_object, head_of, pack_parts, part_object
from support.objects import manifest_of
from trunkline.api import ALL_KINDS
from trunkline.cli.cluster.assumption import assumed_objects, assumptions
from trunkline.cli.cluster.contents import resources_of
from trunkline.cli.cluster.judgement import cluster_findings
from trunkline.cli.cluster.overview import overview_of_cluster
from trunkline.cli.cluster.published import TornError, assemble, groups_of, selector
from trunkline.cli.cluster.snapshot import Snapshot, base_domain_of, unread_notes
from trunkline.cli.cluster.stored import without_refused
from trunkline.cli.finding import Finding
from trunkline.cli.options import ClusterOptions
from trunkline.cli.render_status import status_document
from trunkline.compiler import compile_resources

PLATFORM = frozenset(each.kind for each in ALL_KINDS if each.scope == "Cluster")
SINCE = "2026-01-31T12:00:00Z"

Manifest = dict[str, Any]


def stored(kind: str, name: str, spec: Mapping[str, object], **status: Any) -> Manifest:
    """An object of namespace acme (or of a cluster kind) as an API server has it, at generation 2."""
    namespace = None if kind in PLATFORM else "acme"
    return {**manifest_of(kind, name, namespace, spec, generation=2), "status": status}


def condition(kind: str, status: str, reason: str, message: str = "words") -> Manifest:
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": message,
        "observedGeneration": 2,
        "lastTransitionTime": SINCE,
    }


def judged(*conditions: Manifest) -> dict[str, Any]:
    """The status of an object that the operator has looked at."""
    return {"observedGeneration": 2, "conditions": list(conditions)}


def snapshot_of(*manifests: Manifest, unread: frozenset[str] = frozenset(), **changes: Any) -> Snapshot:
    objects: dict[str, tuple[Manifest, ...]] = {
        kind.kind: tuple(each for each in manifests if each["kind"] == kind.kind)
        for kind in ALL_KINDS
        if kind.kind not in unread
    }
    return Snapshot("dev", "acme", objects, unread, **changes)


def found_in(snapshot: Snapshot) -> list[tuple[str, str, str]]:
    """Object, field and reason of each finding."""
    verdicts = compile_resources(resources_of(snapshot, "trunkline.test")).verdicts
    findings: Sequence[Finding] = cluster_findings(snapshot, verdicts)
    return [(str(each.ref), each.field, each.reason) for each in findings]


LOST = {"trunkRef": {"name": "nowhere"}, "sipUri": "sip:pbx.acme.example"}


# ------------------------------------------------------------------------------------------ judgement


def test_the_operators_word_counts_over_the_compilers() -> None:
    """It found the trunk, so it is there, whatever may be read here."""
    fine = stored("OriginationUri", "a", LOST, **judged(condition("ResolvedRefs", "True", "Resolved")))
    assert found_in(snapshot_of(fine)) == []


def test_the_field_is_read_out_of_the_operators_message() -> None:
    """Which says it first; a message without one is taken whole."""
    told = condition("Accepted", "False", "Conflict", "spec.number: held by another: change it")
    number = stored("Number", "a", {"number": "+14155550100"}, **judged(told))
    snapshot = snapshot_of(number)
    (finding,) = cluster_findings(snapshot, ())
    assert finding.text() == "Number acme/a: spec.number: Conflict: held by another: change it"
    plain = stored("Number", "a", {"number": "+14155550100"}, **judged(condition("Accepted", "False", "Odd")))
    (finding,) = cluster_findings(snapshot_of(plain), ())
    assert (finding.field, finding.message) == ("", "words")


def test_conditions_that_are_no_verdict_are_no_findings() -> None:
    """An edge that is not there yet is not the author's fault; a trunk without numbers is none at all."""
    trunk = stored(
        "Trunk",
        "hq",
        {},
        **judged(
            condition("Programmed", "False", "NoEdgePods"),
            condition("Ready", "False", "NoEdgePods"),
            condition("OriginationReady", "False", "NoNumbers"),
            condition("FeatureUnavailable", "False", "NotYet"),
        ),
    )
    assert found_in(snapshot_of(trunk)) == []


@pytest.mark.parametrize("status", ({}, {"observedGeneration": 1, "conditions": []}), ids=("none", "older"))
def test_the_compiler_judges_what_the_operator_has_not(status: dict[str, Any]) -> None:
    """An object that is new, or has changed since."""
    assert found_in(snapshot_of(stored("OriginationUri", "a", LOST, **status))) == [
        ("OriginationUri acme/a", "spec.trunkRef", "TrunkNotFound")
    ]


def test_nothing_is_said_to_be_missing_that_may_not_be_read() -> None:
    """Neither Trunks, nor the Account without which nothing may be claimed."""
    uri = stored("OriginationUri", "a", LOST)
    number = stored("Number", "a", {"number": "+14155550100"})
    assert found_in(snapshot_of(uri, number, unread=PLATFORM | {"Trunk"})) == []
    assert found_in(snapshot_of(number)) == [("Number acme/a", "metadata.namespace", "NotPermitted")]


def test_a_stored_object_that_todays_rules_refuse_is_a_finding() -> None:
    """CRDs of another version may have let it in."""
    ((ref, field, reason),) = found_in(snapshot_of(stored("Trunk", "hq", {"colour": "red"})))
    assert (ref, field, reason) == ("Trunk acme/hq", "spec.colour", "Invalid")


def test_an_object_that_is_being_deleted_takes_no_part() -> None:
    """Its name is free for what comes."""
    ending = stored("OriginationUri", "a", LOST)
    ending["metadata"]["deletionTimestamp"] = SINCE
    assert found_in(snapshot_of(ending)) == []


# ----------------------------------------------------------------------------------------- assumption


def test_passwords_are_stood_in_for_and_never_read() -> None:
    """Each user of a list can pass; the stand-in is no password of anybody."""
    users = {"credentials": [{"username": "pbx", "passwordSecretRef": {"name": "s", "key": "k"}}]}
    resources = resources_of(snapshot_of(stored("CredentialList", "users", users)), "trunkline.test")
    secret = resources.secret("acme", "s")
    assert secret is not None
    assert list(secret) == ["k"]
    assert "Stand" not in repr(resources)


@pytest.mark.parametrize(
    ("uri", "sources"),
    (
        ("sip:+12125550111@acme-hq.pstn.trunkline.test", ()),
        ("sip:+12125550111@ACME-HQ.pstn.ashburn.Trunkline.Test", ()),
        ("sip:+14155550100@203.0.113.1", ("192.0.2.1",)),
        ("sip:+14155550100@acme-hq.pstn.other.example", ("192.0.2.1",)),
        ("nonsense", ("192.0.2.1",)),
    ),
)
def test_the_source_is_taken_for_a_carriers_unless_a_trunks_name_is_dialled(
    uri: str, sources: tuple[str, ...]
) -> None:
    """Where Carriers may not be read, the dialled name tells the direction."""
    snapshot = snapshot_of(unread=PLATFORM)
    edge, carrier = assumed_objects(snapshot, "ashburn", "192.0.2.1", uri, "trunkline.test")
    assert (edge.kind, edge.metadata.name) == ("Edge", "ashburn")
    assert carrier.model_dump()["spec"]["source_ranges"] == sources


def test_only_what_may_not_be_read_is_assumed_and_said() -> None:
    """With every kind readable that is the passwords alone."""
    everything = snapshot_of()
    assert assumed_objects(everything, "ashburn", "192.0.2.1", "sip:1@x", "trunkline.test") == ()
    assert list(assumptions(everything, "ashburn", "trunkline.test")) == [
        "a strong password for every user of a CredentialList"
    ]
    told = " ".join(assumptions(snapshot_of(unread=PLATFORM), "ashburn", None))
    for word in ("Edge ashburn", "Account", "CallerIds", "carrier", "--base-domain"):
        assert word in told


def test_what_the_operator_refused_takes_no_part_but_credential_lists_do() -> None:
    """Of a list with a weak password only that user is left out."""
    refused = judged(condition("Accepted", "False", "Conflict"))
    number = stored("Number", "a", {"number": "+14155550100"}, **refused)
    users = stored("CredentialList", "users", {"credentials": []}, **refused)
    later = stored("Number", "b", {"number": "+14155550101"}, observedGeneration=1, conditions=[])
    kept = without_refused(snapshot_of(number, users, later))
    assert [str(ref) for ref, _ in kept.all()] == ["CredentialList acme/users", "Number acme/b"]


def test_the_base_domain_is_what_most_trunks_say() -> None:
    """A trunk that is not judged yet says nothing."""
    hq = {"termination": {"domainName": "Acme-HQ"}}
    told = stored("Trunk", "a", hq, terminationUri="acme-hq.pstn.voice.example.com")
    assert base_domain_of(snapshot_of(told, stored("Trunk", "b", hq), stored("Trunk", "c", {}))) == (
        "voice.example.com"
    )
    assert base_domain_of(snapshot_of(stored("Trunk", "b", hq))) is None
    here = "acme-hq.pstn.ashburn.voice.example.com"
    told = stored("Trunk", "a", hq, terminationUri=here, localizedUris=[here])
    assert base_domain_of(snapshot_of(told)) == "voice.example.com", "a trunk that one edge serves"


def test_notes_name_what_was_left_out_and_the_mend() -> None:
    """Rights that are lacking, and kinds that the cluster does not have."""
    snapshot = snapshot_of(unread=frozenset({"Edge", "Carrier"}), unserved=frozenset({"Carrier"}), alone=True)
    assert unread_notes(snapshot) == (
        "not read, since you may not: Edge (ClusterRole trunkline-platform-view may)",
        "nothing was read of namespaces other than acme, since you may not",
        "this cluster has no kind Carrier: its CRDs are older; helm upgrade",
    )


# ----------------------------------------------------------------------------------- published tables


def secrets_of(table: EdgeTable, sequence: int, group: str = "") -> list[Manifest]:
    """A published table as an API server lists it; `group` has its numbers and trunks."""
    parts = {
        f"{group}.{name}" if group and name.startswith(("number", "trunk")) else name: data
        for name, data in pack_parts(table).items()
    }
    named = {part_object(table.edge, name): data for name, data in parts.items()}
    named[head_object(table.edge)] = head_of(table.edge, sequence, parts).pack()
    return [
        {"metadata": {"name": name}, "data": {"data": base64.b64encode(data).decode()}}
        for name, data in named.items()
    ]


def table_of_acme() -> EdgeTable:
    snapshot = snapshot_of(
        stored("Edge", "ashburn", {"advertise": {"type": "PodIP"}}),
        stored("Account", "acme", {"namespaces": ["acme"], "numberPrefixes": ["+"]}),
        stored("Trunk", "hq", {}),
        stored("Number", "a", {"number": "+14155550100", "trunkRef": {"name": "hq"}}),
    )
    return compile_resources(resources_of(snapshot, "trunkline.test")).tables["ashburn"]


def test_a_published_table_answers_as_the_compiled_one() -> None:
    """Put together from Secrets, row for row."""
    table = table_of_acme()
    found = assemble("ashburn", secrets_of(table, 7))
    assert found is not None
    assert found.sequence == 7
    asked, compiled = Table(MemoryRows.of_packed(found.rows)), Table(MemoryRows(table))
    assert asked.number("+14155550100") == compiled.number("+14155550100") is not None
    assert asked.site() == compiled.site() is not None


def test_parts_of_the_groups_that_the_edge_is_in_are_asked_for_as_well() -> None:
    """Without them the table is torn: they have a label of their own."""
    table, group = table_of_acme(), group_name(["ashburn"])
    secrets = secrets_of(table, 7, group)
    assert groups_of("ashburn", secrets) == {group}
    assert selector("ashburn", {group}) == f"trunkline.dev/table in (ashburn,shared,{group})"
    found = assemble("ashburn", secrets)
    assert found is not None
    assert MemoryRows.of_packed(found.rows).get(Section.NUMBER, b"+14155550100") is not None
    with pytest.raises(TornError, match=r"group\."):
        assemble("ashburn", [each for each in secrets if group not in each["metadata"]["name"]])
    assert groups_of("oslo", secrets) == frozenset()


def test_a_table_of_mixed_revisions_is_torn() -> None:
    """A part that is missing, or not the one that the head names."""
    secrets = secrets_of(table_of_acme(), 7)
    position = next(place for place, each in enumerate(secrets) if "-number-" in each["metadata"]["name"])
    with pytest.raises(TornError, match="number"):
        assemble("ashburn", secrets[:position] + secrets[position + 1 :])
    secrets[position]["data"]["data"] = "AAAA"
    with pytest.raises(TornError, match="number"):
        assemble("ashburn", secrets)


def test_no_head_is_no_table_and_a_damaged_one_is_a_fault() -> None:
    """Also where other edges have tables."""
    secrets = secrets_of(table_of_acme(), 7)
    assert assemble("oslo", secrets) is None
    secrets[-1]["data"]["data"] = "AAAA"
    with pytest.raises(TableFormatError):
        assemble("ashburn", secrets)


# --------------------------------------------------------------------------------------------- status


def edge_with(*addresses: Mapping[str, object]) -> Manifest:
    ready = judged(condition("Ready", "True", "Ready"))
    return stored("Edge", "ashburn", {"advertise": {"type": "PodIP"}}, **ready, addresses=list(addresses))


def test_all_is_ready_when_every_pod_has_the_newest_table() -> None:
    """A pod that is behind, or that is not ready, or none at all, makes it a no."""
    new = {"address": "10.0.0.1", "pod": "edge-ashburn-0", "ready": True, "revision": "12"}
    old = {"address": "10.0.0.2", "pod": "edge-ashburn-1", "ready": True, "revision": "11"}
    mute = {"address": "10.0.0.3", "pod": "edge-ashburn-2", "ready": False, "revision": ""}

    def document(*addresses: Mapping[str, object]) -> dict[str, Any]:
        return status_document(overview_of_cluster(snapshot_of(edge_with(*addresses))))

    assert document(new)["ready"] is True
    assert [each["revision"] for each in document(new, old)["edges"]] == [12]
    assert document(new, old)["ready"] is False
    assert document(new, mute)["ready"] is False
    assert document()["edges"][0]["ready"] is False


def test_an_object_that_nobody_has_looked_at_is_not_ready() -> None:
    """The CRD's default status says nothing, and one of an older generation is out of date."""
    pending = {"conditions": [{**condition("Ready", "Unknown", "Pending"), "observedGeneration": None}]}
    older = {"observedGeneration": 1, "conditions": [condition("Ready", "True", "Ready")]}
    for status in (pending, older):
        seen = overview_of_cluster(snapshot_of(stored("Trunk", "hq", {}, **status), unread=PLATFORM))
        (told,) = status_document(seen)["notReady"]
        assert (told["name"], told["reason"]) == ("hq", "Pending")
        assert "generation 2" in told["message"]
        assert not seen.ready


def test_a_cluster_in_which_nothing_is_seen_is_not_ready() -> None:
    """Neither to who may read Edges, nor to a tenant without objects."""
    assert not overview_of_cluster(snapshot_of()).ready
    assert not overview_of_cluster(snapshot_of(unread=PLATFORM)).ready
    ready = stored("Trunk", "hq", {}, **judged(condition("Ready", "True", "Ready")))
    assert overview_of_cluster(snapshot_of(ready, unread=PLATFORM)).ready


# -------------------------------------------------------------------------------------------- options


@pytest.mark.parametrize(
    ("options", "others", "words"),
    (
        (ClusterOptions(namespace="acme"), ("PATH",), "PATH and -n do not go together"),
        (ClusterOptions(context="dev"), ("--state-dir",), "--state-dir and --context do not go together"),
        (ClusterOptions(namespace="acme", all_namespaces=True), (), "-n and -A do not go together"),
        (ClusterOptions(namespace="a/b"), (), "'a/b' is no name of a namespace"),
        (ClusterOptions(namespace=""), (), "'' is no name of a namespace"),
    ),
)
def test_options_that_contradict_each_other_are_refused(
    options: ClusterOptions, others: tuple[str, ...], words: str
) -> None:
    """The message names both."""
    assert words in options.fault(others)


def test_options_that_fit_are_taken() -> None:
    """Each alone, and none."""
    for options in (ClusterOptions(), ClusterOptions(namespace="acme"), ClusterOptions(all_namespaces=True)):
        assert options.fault(()) == ""
    assert ClusterOptions().fault(("PATH",)) == ""
