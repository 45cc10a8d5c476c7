"""The rules about one Number: what it may claim, and what follows for its row and verdicts."""

from __future__ import annotations

from typing import Final

from sipedge.e164 import range_name
from sipedge.table import NumberRow, Section
from trunkline.compiler import opinions
from trunkline.compiler.delta import RowKey
from trunkline.compiler.lines import Line, Standing
from trunkline.compiler.numbering_plans import Plausibility, are_plainly_valid, plausibility_of
from trunkline.compiler.opinions import Fault
from trunkline.compiler.questions import View
from trunkline.compiler.reasons import ConditionReason
from trunkline.compiler.tenants import Tenant
from trunkline.compiler.trunk_state import TrunkState, trunk_fault
from trunkline.compiler.verdict import ConditionType, Verdict

_RANKS: Final = tuple(Plausibility)
# A look into an enumeration takes as long as a call, and there are many Numbers.
_IMPOSSIBLE, _VALID, _SERVED = Plausibility.IMPOSSIBLE, Plausibility.VALID, TrunkState.SERVED
_NUMBER, _RANGE = Section.NUMBER, Section.RANGE


def refusal(line: Line, tenant: Tenant | None, view: View) -> Fault | None:
    """Why the Number may claim nothing, whatever others claim. Asks the numbering plans once."""
    if tenant is None:
        return Fault(ConditionReason.NOT_PERMITTED, "metadata.namespace", _no_account(line))
    if not tenant.may_claim_numbers(line.first, line.last):
        return Fault(ConditionReason.NOT_PERMITTED, _field(line), _not_permitted(line, tenant))
    if line.plausibility is None:
        line.plausibility = _plausibility(line)
    if line.plausibility is _IMPOSSIBLE:
        number = _first_that_is(line, _IMPOSSIBLE)
        message = f"{number} cannot be a number of its country: correct the country code or the length"
        return Fault(ConditionReason.NOT_POSSIBLE, _field(line), message)
    over = None if tenant.quota is None else view.over_quota(line.ref)
    return None if over is None else Fault(ConditionReason.QUOTA_EXCEEDED, _field(line), over)


def conflict(line: Line, older: Line) -> Fault:
    """The claim that stands against the Number is an older one's."""
    same = older.ref.namespace == line.ref.namespace
    holder = f"Number {older.ref.name}" if same else "an older Number of another namespace"
    message = f"{_shown(line)} is held by {holder}: change or remove one of the two"
    return Fault(ConditionReason.CONFLICT, _field(line), message)


def verdicts_of(line: Line, standing: Standing) -> tuple[Verdict, ...]:
    """All verdicts of the Number, by type."""
    if standing.refusal is not None:
        return (opinions.refused(line, *standing.refusal),)
    found: tuple[Verdict, ...] = (opinions.accepted(line),)
    if line.plausibility is not _VALID:
        found = (*found, _unassigned(line))
    if line.trunk is not None:
        found = (*found, opinions.references(line, _trunk_faults(line.trunk, standing)))
    return found


def row_of(line: Line, account: str) -> tuple[RowKey, NumberRow]:
    """The row of an accepted Number, and its place."""
    row = NumberRow(line.ref.id, account, line.trunk, line.first, line.last, line.caller_name)
    if line.is_single:
        return (_NUMBER, line.first), row
    return (_RANGE, range_name(line.first)), row


def _trunk_faults(trunk: str, standing: Standing) -> tuple[Fault, ...]:
    if standing.trunk is _SERVED:
        return ()
    fault = trunk_fault(
        trunk,
        standing.trunk,
        "until it does, the number is held but not routed",
        "the number is held but not routed; see the Trunk's conditions",
    )
    return () if fault is None else (fault,)


def _unassigned(line: Line) -> Verdict:
    number = next(each for each in line.ends if plausibility_of(each) is not _VALID)
    return opinions.unusual(
        line,
        ConditionType.NUMBER_NOT_VALID,
        ConditionReason.NOT_ASSIGNED,
        _field(line),
        f"{number} is possible but not assigned in its numbering plan: check it for a typo",
    )


def _plausibility(line: Line) -> Plausibility:
    """Of its less plausible end."""
    if are_plainly_valid(line.first, line.last):
        return _VALID
    first = plausibility_of(line.first)
    if line.is_single:
        return first
    last = plausibility_of(line.last)
    return first if first is last else min(first, last, key=_RANKS.index)


def _first_that_is(line: Line, wanted: Plausibility) -> str:
    return next(each for each in line.ends if plausibility_of(each) is wanted)


def _no_account(line: Line) -> str:
    return (
        f"namespace {line.ref.namespace} belongs to no Account, so it may claim nothing: "
        "list it in an Account's spec.namespaces"
    )


def _not_permitted(line: Line, tenant: Tenant) -> str:
    prefixes = ", ".join(tenant.number_prefixes) or "none"
    return (
        f"Account {tenant.id} may not claim {_shown(line)}: "
        f"add a prefix of it to the Account's numberPrefixes (now {prefixes})"
    )


def _field(line: Line) -> str:
    return "spec.number" if line.is_single else "spec.range"


def _shown(line: Line) -> str:
    return line.first if line.first == line.last else f"{line.first} to {line.last}"
