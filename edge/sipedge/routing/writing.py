"""A call that goes on, with what its stages have made of it written as each side is to have it. Pure.

Stages add changes; what is here writes their work anew: in other numbers than those that the call was judged
by.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sipedge.routing.call import Call
from sipedge.routing.decision import Direction, HeaderChanges, Parties, Target
from sipedge.routing.message.messages import SipRequest
from sipedge.routing.number_formats import as_sent, as_sent_by_caller, format_of, written_for
from sipedge.routing.parties import remembered
from sipedge.routing.shown_number import number_shown
from sipedge.values import quickly_made, replace


@quickly_made
@dataclass(frozen=True)
class Outgoing:
    """How a call leaves."""

    call: Call
    request: SipRequest
    """As it came, whatever was read in it."""
    parties: Parties
    changes: HeaderChanges
    targets: tuple[Target, ...]
    """In the order to try."""


def as_policies_show_it(outgoing: Outgoing) -> Outgoing:
    """The number that a trunk's policy has put in the caller's place stands wherever the caller's did."""
    call, shaped = outgoing.call, outgoing.call.shaped
    if shaped is None or not shaped.from_number:
        return outgoing
    changes = number_shown(
        call.request,
        shaped.from_number,
        call.site.base_domain,
        outgoing.changes,
        by_carrier=call.direction is Direction.ORIGINATION,
    )
    return replace(outgoing, changes=changes)


def as_its_carrier_wrote_it(outgoing: Outgoing) -> Outgoing:
    """A carrier's call leaves with the numbers that were read in it; the carrier sees its own From and To."""
    side = outgoing.call.side
    if side.read is None:
        return outgoing
    return replace(
        outgoing,
        parties=as_sent_by_caller(outgoing.request, outgoing.parties, remembered),
        changes=as_sent(outgoing.request, side.read, outgoing.changes),
    )


def as_carriers_write_it(outgoing: Outgoing) -> Outgoing:
    """Each carrier that is called is sent numbers as it writes them."""
    call = outgoing.call
    if call.direction is not Direction.TERMINATION:
        return outgoing
    asked = call.table, outgoing.targets, outgoing.request, call.called, outgoing.changes
    targets, changes = written_for(*asked)
    if targets is outgoing.targets:
        return outgoing
    return replace(outgoing, targets=targets, changes=changes)


WRITERS: Final[tuple[Callable[[Outgoing], Outgoing], ...]] = (
    as_policies_show_it,
    as_its_carrier_wrote_it,
    as_carriers_write_it,
)
"""In order. Each gives back what it is given where it has nothing to do."""


def written(outgoing: Outgoing) -> Outgoing:
    """What has passed all of them."""
    for write in WRITERS:
        outgoing = write(outgoing)
    return outgoing


def is_written_anew(call: Call, targets: tuple[Target, ...]) -> bool:
    """False for a call with which none of them has anything to do."""
    return call.shaped is not None or call.side.read is not None or have_form(targets)


def may_be_written_anew(call: Call) -> bool:
    """False where only the carriers that are called may have something to do for them, of any call of this
    one's likeness: that, each call's own targets tell."""
    side = call.side
    return call.plan.policies[side.direction] is not None or format_of(call.table, side.carrier) is not None


def have_form(targets: tuple[Target, ...]) -> bool:
    """True if a carrier among them writes numbers its own way."""
    return any(each.pattern is not None and each.pattern.has_form for each in targets)
