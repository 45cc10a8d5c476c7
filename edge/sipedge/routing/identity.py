"""Who calls, and what the other side is told of it: caller id, PAI, Diversion, privacy. Pure.

The same rules for a call's first INVITE, for what follows in its dialog, and for answers.
"""

from __future__ import annotations

from typing import Final

from sipedge.e164 import is_e164, with_plus
from sipedge.numbering import is_emergency_of, plan_of
from sipedge.routing.call import Call
from sipedge.routing.decision import UNCHANGED, Direction, HeaderChanges, Parties
from sipedge.routing.dialog.memory import CallFacts, CallMemory, SideKind
from sipedge.routing.findings import Finding, failed, passed, skipped
from sipedge.routing.message.headers import CALL_REASON
from sipedge.routing.message.messages import Message, SipAnswer, SipRequest
from sipedge.routing.message.nameless import M, nameless
from sipedge.routing.message.privacy import TELLING, hidden_sender, is_private, names_tell, present
from sipedge.routing.number_formats import as_read, as_sent, format_of, later_for
from sipedge.routing.numbers import made_by, number_of_header
from sipedge.routing.parties import exchanged, replaced
from sipedge.routing.reasons import Reason
from sipedge.routing.shown_number import number_shown
from sipedge.table import SiteRow, Table
from sipedge.uri import split_header, uri_of_header

_SHOWS_CALLER: Final = frozenset({"INVITE", "UPDATE"})
"""Requests that bear the judged number to a carrier."""
_KEY_OF_CALL_REASON: Final = CALL_REASON.lower()
LONGEST_CALL_REASON: Final = 50
"""Characters."""
_NOTHING: Final = UNCHANGED
_PRIVACY: Final = ("Privacy", "id")
_NONE: Final = skipped("none")
_NOT_ASKED_FOR: Final = skipped("not asked for")


def calling_number(request: SipRequest) -> str:
    """S41: From; if it has no number Remote-Party-ID, then P-Asserted-Identity."""
    return _calling(request)[1]


def calling_header(request: SipRequest) -> str:
    """The From, or the member of an identity header, that has the calling number; "" if there is none."""
    return _calling(request)[0]


def _calling(request: SipRequest) -> tuple[str, str]:
    """`calling_header`, and the number in it."""
    headers = request.headers
    for value in headers.get("from", ()):
        if number := number_of_header(value):
            return value, number
    for name in ("remote-party-id", "p-asserted-identity"):
        for value in headers.get(name, ()):
            for member in split_header(value):
                if number := number_of_header(member):
                    return member, number
    return "", ""


def caller_id_allowed(call: Call) -> Finding:
    """S40; an emergency call must come from a number of the same trunk, and of a country with that number."""
    side = call.side
    if not side.calling:
        detail = "neither From, Remote-Party-ID nor P-Asserted-Identity holds a number"
        return failed(Reason.CallerIdMalformed, detail + made_by(call))
    if side.is_emergency:
        owner = call.table.number(call.calling)
        if owner is None or owner.trunk != call.trunk.id:
            return failed(
                Reason.CallerIdNotAllowed, f"{call.calling} is no number of this trunk (emergency call)"
            )
        code, plan = call.side.emergency_code, plan_of(call.calling)
        if code and (plan is None or plan.code != code):
            return failed(
                Reason.CallerIdNotAllowed,
                f"{call.called} was dialled with +{code}, the country code of another country than that of "
                f"{call.calling}",
            )
        if not is_emergency_of(call.called, call.calling):
            return failed(
                Reason.CallerIdNotAllowed,
                f"{call.called} is no emergency number in the country of {call.calling}",
            )
    elif not call.table.is_caller_id(call.trunk.account, side.calling):
        return failed(
            Reason.CallerIdNotAllowed,
            f"{call.calling}{made_by(call)} is neither a number of the account nor verified",
        )
    return passed(side.calling)


def change_identity(call: Call, parties: Parties) -> HeaderChanges:
    """From and To; towards a carrier one identity of ours for all that the customer wrote."""
    shown = replaced(call.request, parties.from_sent, parties.to_sent)
    side = call.side
    if side.direction is Direction.ORIGINATION:
        return HeaderChanges(replace=shown)
    asserted = (_asserted(call.site, side.calling),) if side.calling else ()
    return HeaderChanges(present(call.request, TELLING), (), asserted, shown)


def tell_identity(call: Call, parties: Parties, changes: HeaderChanges) -> Finding:
    return passed(f"From {parties.from_sent}, To {parties.to_sent}{_without(changes)}")


def change_call_reason(call: Call, parties: Parties) -> HeaderChanges:
    """Why somebody calls, in words for a display, goes to a carrier if it is short enough for one."""
    values = call.request.headers.get(_KEY_OF_CALL_REASON)
    if values is None or call.side.direction is Direction.ORIGINATION:
        return _NOTHING
    if all(len(value) <= LONGEST_CALL_REASON for value in values):
        return _NOTHING
    return HeaderChanges(remove=(CALL_REASON,))


def tell_call_reason(call: Call, parties: Parties, changes: HeaderChanges) -> Finding:
    if changes.remove:
        return passed(
            f"{CALL_REASON} of more than {LONGEST_CALL_REASON} characters is left out (error 32115)"
        )
    return _NONE


def change_diversion(call: Call, parties: Parties) -> HeaderChanges:
    """S49, S81: towards a PBX the called number, topmost. S82, S83: towards a carrier what may stand."""
    if call.side.direction is Direction.ORIGINATION:
        value = f"<sip:{call.called}@{call.site.base_domain}>;reason=unconditional"
        return HeaderChanges(insert=(("Diversion", value),))
    if "diversion" not in call.request.headers:
        return _NOTHING
    return _judged_diversions(call.table, call.site, call.trunk.account, call.request)


def tell_diversion(call: Call, parties: Parties, changes: HeaderChanges) -> Finding:
    if call.direction is Direction.ORIGINATION:
        return passed(f"{call.called} on top")
    if "diversion" not in call.request.headers:
        return _NONE
    return passed(f"{len(changes.append)} left" if changes.remove else "all may stand")


def change_privacy(call: Call, parties: Parties) -> HeaderChanges:
    """A hidden number is shown to carriers alone, and they are asked to hide it."""
    if call.side.direction is Direction.ORIGINATION:
        return hidden_sender(call.request, private=parties.anonymous, contact=True, number=call.calling)
    return _asked_of_carrier(call.request) if parties.anonymous else _NOTHING


def tell_privacy(call: Call, parties: Parties, changes: HeaderChanges) -> Finding:
    if not parties.anonymous:
        return _NOT_ASKED_FOR
    if call.direction is Direction.ORIGINATION:
        told = f"the caller stays unknown{_without(changes)}"
        kept = names_tell(call.request, call.calling)
        return passed(f"{told}, but by the Call-ID or the From-tag, which hold the number" if kept else told)
    return passed("the carrier is asked to hide the number")


def changes_in_dialog(
    table: Table, memory: CallMemory, message: Message, *, by_caller: bool
) -> HeaderChanges:
    """All that a later request or an answer tells of its two sides; `by_caller`: the caller has sent it.

    Without a table nothing of it can be judged, and nobody asserts anything.
    """
    site, sender = table.site(), memory.side(caller=by_caller).kind
    told = (
        HeaderChanges(remove=present(message, TELLING))
        if site is None
        else _told_later(table, site, memory, sender, message, by_caller=by_caller)
    )
    is_answer = isinstance(message, SipAnswer)
    shown = exchanged(memory.facts, message, by_caller=by_caller, is_answer=is_answer, sender=sender)
    facts = memory.facts
    if facts is not None and facts.from_number and by_caller and site is not None:
        by_carrier = sender is SideKind.CARRIER
        told = number_shown(message, facts.from_number, site.base_domain, told, by_carrier=by_carrier)
    return told + HeaderChanges(replace=shown)


def _told_later(
    table: Table, site: SiteRow, memory: CallMemory, sender: SideKind, message: Message, *, by_caller: bool
) -> HeaderChanges:
    """`later_changes` where a carrier writes numbers in a form of its own."""
    form = None if memory.facts is None else format_of(table, memory.facts.carrier)
    if form is None:
        return later_changes(table, site, memory, sender, message)
    if sender is not SideKind.CARRIER:
        return later_for(form, message, later_changes(table, site, memory, sender, message))
    read = as_read(form, message, is_caller=by_caller)
    return as_sent(message, read, later_changes(table, site, memory, sender, read), parties=False)


def later_changes(
    table: Table, site: SiteRow, memory: CallMemory, sender: SideKind, message: Message
) -> HeaderChanges:
    """The same for a request in a dialog and for an answer; From and To are `parties.exchanged`'s.

    Without facts, after a restart, a customer asserts nothing, and a carrier's caller stays unknown unless
    the token says that it need not.
    """
    facts = memory.facts
    if sender is SideKind.CUSTOMER:
        return _later_of_customer(table, site, facts, message)
    if sender is not SideKind.CARRIER:
        return _NOTHING  # it was judged where it came in
    return _hidden_carrier(memory, message, contact=facts is not None or memory.anonymous is True)


def changes_to_b2bua(memory: CallMemory, message: Message, *, by_caller: bool) -> HeaderChanges:
    """What the edge's own B2BUA is not told of a sender who stays unknown: it passes things on to whomever it
    has connected, and what comes from it is judged no more."""
    if memory.side(caller=by_caller).kind is not SideKind.CARRIER:
        return _NOTHING
    return _hidden_carrier(memory, message, contact=False)


def _hidden_carrier(memory: CallMemory, message: Message, *, contact: bool) -> HeaderChanges:
    facts = memory.facts
    # Of a call that goes to the carrier the judged number is not who sends this.
    number = facts.calling if facts is not None and facts.direction is Direction.ORIGINATION else ""
    return hidden_sender(message, private=_is_hidden(memory, message), contact=contact, number=number)


def body_in_dialog(memory: CallMemory, message: M, *, by_caller: bool) -> M:
    """The message with a body that tells no more of its sender than `changes_in_dialog` leaves."""
    is_carrier = memory.side(caller=by_caller).kind is SideKind.CARRIER
    return nameless(message) if message.body and is_carrier and _is_hidden(memory, message) else message


def first_body(facts: CallFacts, caller: SideKind, request: SipRequest) -> SipRequest:
    """The same of the INVITE that sets a call up."""
    is_hidden = facts.anonymous and facts.direction is Direction.ORIGINATION and caller is SideKind.CARRIER
    return nameless(request) if is_hidden else request


def _is_hidden(memory: CallMemory, message: Message) -> bool:
    """True if the carrier that sends this, or its party, stays unknown to the customer."""
    anonymous = memory.anonymous if memory.facts is None else memory.facts.anonymous
    hidden = anonymous is None or (anonymous and memory.direction is Direction.ORIGINATION)
    return hidden or is_private(message)


def _later_of_customer(
    table: Table, site: SiteRow, facts: CallFacts | None, message: Message
) -> HeaderChanges:
    changes = HeaderChanges(remove=present(message, TELLING))
    if present(message, ("Diversion",)):
        changes += _judged_diversions(table, site, facts.account if facts else "", message)
    # Of a call that came from a carrier the judged number is that carrier's caller, not who sends this.
    if facts is None or facts.direction is not Direction.TERMINATION or not is_e164(facts.calling):
        return changes
    if isinstance(message, SipRequest) and message.method in _SHOWS_CALLER:
        changes += HeaderChanges(append=(_asserted(site, facts.calling),))
        if facts.anonymous or is_private(message):
            changes += _asked_of_carrier(message)
    return changes


def _without(changes: HeaderChanges) -> str:
    """What a stage took out and put in another's place, for its step."""
    replaced_too = [value for name, value in changes.replace if name == "Contact"]
    removed = f", without {', '.join(changes.remove)}" if changes.remove else ""
    return removed + (f", Contact {replaced_too[0]}" if replaced_too else "")


def _asserted(site: SiteRow, number: str) -> tuple[str, str]:
    return "P-Asserted-Identity", f"<sip:{number}@{site.base_domain}>"


def _asked_of_carrier(message: Message) -> HeaderChanges:
    """RFC 3325 section 7: `Privacy: id` beside our own identity, however the customer asked for it."""
    if message.headers.get("privacy") == (_PRIVACY[1],):
        return _NOTHING
    return HeaderChanges(remove=present(message, ("Privacy",)), append=(_PRIVACY,))


def _judged_diversions(table: Table, site: SiteRow, account: str, message: Message) -> HeaderChanges:
    sent = [member for value in message.headers.get("diversion", ()) for member in split_header(value)]
    kept = [member for member in sent if _diversion_allowed(table, site, account, member)]
    if kept == sent:
        return _NOTHING
    return HeaderChanges(remove=("Diversion",), append=tuple(("Diversion", member) for member in kept))


def _diversion_allowed(table: Table, site: SiteRow, account: str, member: str) -> bool:
    """S83: one in the platform's own domain must name a number of the account; others pass."""
    uri = uri_of_header(member)
    if uri is None:
        # Unreadable here does not mean unreadable at the carrier: it must not speak for the platform.
        return site.base_domain not in member.lower()
    if not is_platform_host(site, uri.host):
        return True
    number = with_plus(uri.number)
    return is_e164(number) and table.is_caller_id(account, number)


def is_platform_host(site: SiteRow, host: str) -> bool:
    """True for the base domain and every name below it."""
    return host == site.base_domain or host.endswith("." + site.base_domain)
