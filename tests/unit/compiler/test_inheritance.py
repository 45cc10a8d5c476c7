"""What accounts have from those above them: permissions of the nearest, blocked prefixes of all."""

from __future__ import annotations

import pytest

from sipedge.table import AccountRow, Section
from sipedge.table.dialing import BlockedRow, CountryRow, DialingRow
from support.objects import make_account, make_edge, make_resources
from trunkline.api import Account, ObjectRef
from trunkline.compiler import ConditionReason, ConditionType, compile_resources
from trunkline.compiler.delta import InputChanges, Surroundings
from trunkline.compiler.running import RunningCompiler
from trunkline.compiler.verdict import Verdict

US = {"countries": [{"isoCode": "US"}]}
GB = {"unlisted": "Allow", "countries": [{"isoCode": "GB", "allow": []}]}
ONLY_US = DialingRow("top", (), (CountryRow("US", ("LowRisk",)),))
NOTHING = ((), ())


def account(name: str, parent: str | None = None, **spec: object) -> Account:
    whole = {"namespaces": [name], **({} if parent is None else {"parent": {"name": parent}}), **spec}
    return make_account(name, **whole)  # type: ignore[arg-type]


def compiled(*accounts: Account) -> tuple[dict[str, AccountRow], tuple[Verdict, ...]]:
    compilation = compile_resources(make_resources(*accounts, make_edge()))
    rows = compilation.tables["ashburn"].sections[Section.ACCOUNT]
    return {key: row for key, row in rows.items() if isinstance(row, AccountRow)}, compilation.verdicts


def reference_fault(verdicts: tuple[Verdict, ...], name: str) -> tuple[ConditionReason, str]:
    (found,) = (
        each
        for each in verdicts
        if each.ref == ObjectRef("Account", None, name) and each.type is ConditionType.RESOLVED_REFS
    )
    assert not found.status
    return found.reason, found.field


def test_without_a_word_from_anybody_every_country_may_be_called() -> None:
    rows, _ = compiled(account("top"), account("below", "top"))
    assert {each.dialing for each in rows.values()} == {None}


def test_the_nearest_word_counts() -> None:
    rows, _ = compiled(
        account("top", dialingPermissions=US),
        account("middle", "top"),
        account("below", "middle"),
        account("own", "top", dialingPermissions=GB),
    )
    assert rows["below"].dialing == rows["middle"].dialing == rows["top"].dialing == ONLY_US
    assert rows["own"].dialing == DialingRow("own", ("LowRisk",), (CountryRow("GB", ()),))


def test_blocked_prefixes_are_those_of_all_above() -> None:
    rows, _ = compiled(
        account("below", "top", blockedPrefixes=["+371"]), account("top", blockedPrefixes=["+44"])
    )
    assert rows["below"].blocked == (BlockedRow("below", ("+371",)), BlockedRow("top", ("+44",)))
    assert rows["top"].blocked == (BlockedRow("top", ("+44",)),)


def test_a_missing_parent_permits_nothing_until_it_comes_back() -> None:
    rows, verdicts = compiled(account("below", "gone"), account("own", "gone", dialingPermissions=GB))
    dialing = rows["below"].dialing
    assert dialing is not None
    assert (dialing.unlisted, dialing.countries) == NOTHING
    assert reference_fault(verdicts, "below") == (ConditionReason.ACCOUNT_NOT_FOUND, "spec.parent")
    assert rows["own"].dialing == DialingRow("own", ("LowRisk",), (CountryRow("GB", ()),))


def test_accounts_in_a_circle_permit_nothing_and_say_so() -> None:
    rows, verdicts = compiled(
        account("a", "b", blockedPrefixes=["+1"]), account("b", "c"), account("c", "a"), account("below", "c")
    )
    for name in ("a", "b", "c", "below"):
        dialing = rows[name].dialing
        assert dialing is not None
        assert (dialing.unlisted, dialing.countries) == NOTHING
        assert rows[name].blocked == (BlockedRow("a", ("+1",)),)
        assert reference_fault(verdicts, name) == (ConditionReason.PARENT_CIRCLE, "spec.parent")


def test_a_country_that_does_not_exist_is_told() -> None:
    _, verdicts = compiled(account("top", dialingPermissions={"countries": [{"isoCode": "UK"}]}))
    field = "spec.dialingPermissions.countries[0].isoCode"
    assert reference_fault(verdicts, "top") == (ConditionReason.COUNTRY_NOT_FOUND, field)


@pytest.mark.parametrize("order", (("top", "middle", "below"), ("below", "middle", "top")))
def test_a_change_above_is_heard_below(order: tuple[str, ...]) -> None:
    """Objects that come one by one, in either order; then the uppermost is another, then it is gone."""
    objects = {
        "top": account("top", dialingPermissions=US),
        "middle": account("middle", "top"),
        "below": account("below", "middle"),
    }
    running = RunningCompiler(Surroundings(make_resources().platform))
    told: dict[str, DialingRow | None] = {}

    def change(ref: ObjectRef, now: Account | None) -> None:
        delta = running.update(InputChanges({ref: now}))
        told.update(
            (key, change.row.dialing)
            for (_, key), change in delta.shared.items()
            if isinstance(change.row, AccountRow)
        )

    for name in order:
        change(objects[name].ref, objects[name])
    assert told == dict.fromkeys(order, ONLY_US)
    changed = account("top", dialingPermissions=GB)
    change(changed.ref, changed)
    assert told == dict.fromkeys(order, DialingRow("top", ("LowRisk",), (CountryRow("GB", ()),)))
    change(changed.ref, None)
    assert told["below"] == DialingRow("below", *NOTHING)
