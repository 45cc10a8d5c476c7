"""Who may claim what: namespaces to accounts, and what each account permits."""

from __future__ import annotations

import pytest

from sipedge.table import AccountRow, Section
from support.objects import (
    make_account,
    make_caller_id,
    make_edge,
    make_number,
    make_resources,
    make_trunk,
)
from trunkline.api import AnyResource, ObjectRef
from trunkline.compiler import Compilation, ConditionReason, ConditionType, compile_resources
from trunkline.compiler.tenants import Tenant


def compiled(*objects: AnyResource, open_account: bool = False) -> Compilation:
    return compile_resources(make_resources(*objects, make_edge(), open_account=open_account))


def accounts(compilation: Compilation) -> dict[str, AccountRow]:
    rows = compilation.tables["ashburn"].sections[Section.ACCOUNT]
    return {key: row for key, row in rows.items() if isinstance(row, AccountRow)}


def accepted(compilation: Compilation, ref: ObjectRef) -> tuple[bool, ConditionReason, str]:
    (verdict,) = (
        each for each in compilation.verdicts if each.ref == ref and each.type is ConditionType.ACCEPTED
    )
    return verdict.status, verdict.reason, verdict.field


@pytest.mark.parametrize(
    "thing",
    (
        make_trunk("hq", "beta"),
        make_trunk("hq", "beta", termination={"domainName": "beta"}),
        make_number("line", "beta"),
        make_number("block", "beta", range={"first": "+14155551000", "last": "+14155551009"}),
    ),
    ids=lambda thing: f"{thing.ref}",
)
def test_a_namespace_without_an_account_may_claim_nothing(thing: AnyResource) -> None:
    compilation = compiled(make_account(), thing)
    assert accepted(compilation, thing.ref) == (False, ConditionReason.NOT_PERMITTED, "metadata.namespace")
    sections = compilation.tables["ashburn"].sections
    assert not any(sections[each] for each in (Section.TRUNK, Section.DOMAIN, Section.NUMBER, Section.RANGE))
    assert list(accounts(compilation)) == ["acme"]


def test_the_message_says_the_mend() -> None:
    compilation = compiled(make_trunk("hq", "beta"))
    (message,) = (
        each.message for each in compilation.verdicts if each.ref.kind == "Trunk" and not each.status
    )
    assert "list it in an Account's spec.namespaces" in message


def test_with_an_open_account_each_namespace_is_an_account_of_its_own() -> None:
    compilation = compiled(make_trunk("hq", "acme"), make_number("line", "beta"), open_account=True)
    rows = accounts(compilation)
    assert sorted(rows) == ["default/acme", "default/beta"]
    assert not any(row.suspended for row in rows.values())


def test_account_default_covers_the_namespaces_that_no_other_names() -> None:
    compilation = compiled(
        make_account("default", namespaces=[], callsPerSecond=7),
        make_account("acme"),
        make_trunk("hq", "acme"),
        make_trunk("hq", "beta"),
    )
    assert {key: row.calls_per_second for key, row in accounts(compilation).items()} == {
        "acme": None,
        "default/beta": 7,
    }


def test_account_default_that_is_suspended_suspends_each_of_them() -> None:
    compilation = compiled(make_account("default", namespaces=[], suspended=True), make_trunk("hq", "beta"))
    assert accounts(compilation)["default/beta"].suspended


def test_a_caller_id_of_account_default_counts_for_each_of_its_accounts() -> None:
    compilation = compiled(
        make_trunk("hq", "acme"),
        make_trunk("hq", "beta"),
        make_caller_id("shared", accountRef={"name": "default"}),
        open_account=True,
    )
    assert sorted(compilation.tables["ashburn"].sections[Section.CALLER_ID]) == [
        "default/acme|+442079460000",
        "default/beta|+442079460000",
    ]


@pytest.mark.parametrize(
    ("prefixes", "first", "last", "may"),
    (
        (("+",), "+14155551000", "+999999999999", True),
        (("+1415",), "+14155551000", "+14155551999", True),
        (("+1415",), "+14165551000", "+14165551000", False),
        (("+1415", "+1416"), "+14159999999", "+14160000000", False),
        (("+14155551",), "+14155551000", "+14155551999", True),
        (("+14155550100",), "+14155550100", "+14155550100", True),
        ((), "+14155551000", "+14155551000", False),
    ),
)
def test_both_ends_must_lie_under_one_permitted_prefix(
    prefixes: tuple[str, ...], first: str, last: str, may: bool
) -> None:
    assert Tenant("acme", None, prefixes, ()).may_claim_numbers(first, last) is may


@pytest.mark.parametrize(
    ("names", "domain", "may"),
    (
        (("*",), "anything", True),
        (("acme",), "acme", True),
        (("acme",), "lab.acme", True),
        (("acme",), "x.lab.acme", True),
        (("acme",), "xacme", False),
        (("lab.acme",), "acme", False),
        (("lab.acme",), "lab.acme", True),
        ((), "acme", False),
    ),
)
def test_a_permitted_domain_permits_the_names_below_it(
    names: tuple[str, ...], domain: str, may: bool
) -> None:
    assert Tenant("acme", None, (), names).may_claim_domain(domain) is may


def test_what_an_account_may_not_claim_it_does_not_take_from_others() -> None:
    """Oldest wins decides only between permitted claims."""
    greedy = make_trunk("hq", "beta", created="2020-01-01T00:00:00Z", termination={"domainName": "acme"})
    rightful = make_trunk("hq", "acme", created="2026-01-01T00:00:00Z", termination={"domainName": "acme"})
    compilation = compiled(
        make_account("acme"),
        make_account("beta", namespaces=["beta"], domainNames=["beta"]),
        greedy,
        rightful,
    )
    assert accepted(compilation, greedy.ref)[:2] == (False, ConditionReason.NOT_PERMITTED)
    assert accepted(compilation, rightful.ref)[0]


def test_the_limits_of_an_account_are_rows_of_the_table() -> None:
    row = accounts(
        compiled(
            make_account(
                allowDeprecatedTls=True,
                maxCallDurationSeconds=86_400,
                callsPerSecond=50,
                maxConcurrentCalls=1000,
                allowedTargetCidrs=["10.20.0.0/16"],
                suspended=True,
            )
        )
    )["acme"]
    assert (row.allow_deprecated_tls, row.max_call_duration_seconds) == (True, 86_400)
    assert (row.calls_per_second, row.max_concurrent_calls) == (50, 1000)
    assert (row.allowed_targets, row.suspended) == (("10.20.0.0/16",), True)
    assert row.sid.startswith("AC")
    assert len(row.sid) == 34
