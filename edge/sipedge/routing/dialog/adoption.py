"""What the B2BUA is told of a call that it adopts, from what the edge remembers of it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sipedge.calls.events import DISASTER_RECOVERY, TRANSFER
from sipedge.e164 import is_e164, with_plus
from sipedge.routing.decision import Direction
from sipedge.routing.dialog.memory import CallFacts, CallMemory, SideKind
from sipedge.routing.dialog.refer import Referral
from sipedge.routing.handover import TAKEN, UNKNOWN, Adopted, End, Instructed, Placed
from sipedge.routing.message.privacy import ANONYMOUS
from sipedge.table import SiteRow, TrunkRow
from sipedge.uri import split_header, uri_of_header

_FROM_TRANSFEROR: Final = "FromTransferor"


@dataclass(frozen=True, slots=True)
class DialogNumbers:
    """What Kamailio's own dialog holds of one side."""

    tag: str
    cseq: int
    """Of its last request; 0 = it has sent none."""
    routes: str
    """Its route set beyond ours, as Kamailio has it."""


def adopted(
    site: SiteRow,
    trunk: TrunkRow,
    memory: CallMemory,
    facts: CallFacts,
    referral: Referral,
    *,
    call_id: str,
    route: str,
    by_caller: bool,
    caller: DialogNumbers,
    callee: DialogNumbers,
) -> Adopted:
    """The call as the B2BUA must know it. `route` is the edge's own Record-Route of it, `by_caller` who
    transfers."""
    ends = {
        True: _end(memory, caller, facts.from_received, is_caller=True),
        False: _end(memory, callee, facts.to_sent, is_caller=False),
    }
    own, other = _numbers(facts)
    is_outgoing = facts.direction is Direction.TERMINATION
    shows_own = trunk.transfer is not None and trunk.transfer.caller_id == _FROM_TRANSFEROR
    calling, is_anonymous = own if shows_own else other, facts.anonymous and shows_own is is_outgoing
    if referral.number and not is_e164(calling):
        # A carrier is told a number that the customer may show.
        calling, is_anonymous = own, facts.anonymous
    return Adopted(
        call_id=call_id,
        near=ends[by_caller],
        far=ends[not by_caller],
        route=route,
        call_sid=facts.call_sid,
        placed=Placed(
            TRANSFER,
            trunk.id,
            facts.call_sid,
            calling,
            is_anonymous,
            own,
            facts.carrier or "",
            _headers(referral),
        ),
        target=f"sip:{referral.number}@{site.base_domain}" if referral.number else referral.uri,
        caller=_address(site, calling, is_hidden=is_anonymous and not referral.number),
        is_silent=referral.is_silent,
        diversion="" if facts.anonymous and is_outgoing else _diversion(site, own),
    )


def why_not_found(trunk: TrunkRow, known: CallMemory | None) -> int | None:
    """Why the B2BUA may not have the call that it seeks, for one of this trunk: `UNKNOWN` or `TAKEN`.

    None = it may. Of another account's nobody is told that it is there.
    """
    if known is None or known.facts is None or known.facts.account != trunk.account:
        return UNKNOWN
    return TAKEN if known.is_b2buas else None


def instructed(site: SiteRow, facts: CallFacts) -> Instructed:
    """A call that no target took, as the B2BUA must know it to carry its instructions out."""
    own, calling = _numbers(facts)
    placed = Placed(
        DISASTER_RECOVERY, facts.trunk, facts.call_sid, calling, facts.anonymous, own, facts.carrier or ""
    )
    return Instructed(
        placed,
        facts.account,
        facts.account_sid,
        own,
        _address(site, calling, is_hidden=facts.anonymous),
        _diversion(site, own),
    )


def _numbers(facts: CallFacts) -> tuple[str, str]:
    """The customer's own number in the call, and the other side's as it was shown it; "" = not known."""
    if facts.direction is Direction.TERMINATION:
        return facts.calling, _first_number(facts.to_received)
    # A carrier may write numbers in a form of its own, and a policy anything.
    return _first_number(facts.to_sent, facts.to_received), facts.from_number or facts.calling


def _first_number(*addresses: str) -> str:
    """The first E.164 number in one of these, one with its `+` before one without; "" if none holds one."""
    numbers = [uri.number for each in addresses if (uri := uri_of_header(each)) is not None]
    return next((each for each in (*numbers, *map(with_plus, reversed(numbers))) if is_e164(each)), "")


def _diversion(site: SiteRow, own: str) -> str:
    return f"<sip:{own}@{site.base_domain}>;reason=unconditional" if own else ""


def _headers(referral: Referral) -> tuple[tuple[str, str], ...]:
    replaces = () if referral.replaces is None else (("Replaces", str(referral.replaces)),)
    referred = (("Referred-By", referral.referred_by),) if referral.referred_by else ()
    return (*referral.headers, *replaces, *referred)


def _address(site: SiteRow, number: str, *, is_hidden: bool) -> str:
    """From of the INVITE to the target."""
    return ANONYMOUS if is_hidden or not number else f"<sip:{number}@{site.base_domain}>"


def _end(memory: CallMemory, numbers: DialogNumbers, address: str, *, is_caller: bool) -> End:
    side = memory.side(caller=is_caller)
    return End(
        tag=numbers.tag,
        address=address,
        contact=side.contact or side.hop.uri,
        routes=split_header(numbers.routes),
        cseq=numbers.cseq,
        sdp=memory.caller_sdp if is_caller else memory.callee_sdp,
        is_customer=side.kind is SideKind.CUSTOMER,
    )
