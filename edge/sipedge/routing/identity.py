"""Who calls, and what the other side is told of it: caller id, PAI, Diversion, privacy. Pure.

The same rules for a call's first INVITE, for what follows in its dialog, and for answers.
"""

from __future__ import annotations

from typing import Final

from sipedge.e164 import is_e164, with_plus
from sipedge.routing.call import Call, Finding, failed, passed, skipped
from sipedge.routing.decision import UNCHANGED, Direction, HeaderChanges, Parties
from sipedge.routing.memory import CallFacts, CallMemory, SideKind
from sipedge.routing.message import Message, SipAnswer, SipRequest
from sipedge.routing.numbers import number_of_header
from sipedge.routing.parties import exchanged, replaced
from sipedge.routing.privacy import TELLING, hidden_sender, is_private, present
from sipedge.routing.reasons import Reason
from sipedge.table import SiteRow, Table
from sipedge.uri import split_header, uri_of_header

_SHOWS_CALLER: Final = frozenset({"INVITE", "UPDATE"})
"""Requests that bear the judged number to a carrier."""
_NOTHING: Final = UNCHANGED
_PRIVACY: Final = ("Privacy", "id")
_NONE: Final = skipped("none")
_NOT_ASKED_FOR: Final = skipped("not asked for")


def calling_number(request: SipRequest) -> str:
    """S41: From; if it has no number Remote-Party-ID, then P-Asserted-Identity."""
    for name in ("from", "remote-party-id", "p-asserted-identity"):
        for value in request.headers.get(name, ()):
            for member in split_header(value) if name != "from" else (value,):
                number = number_of_header(member)
                if number:
                    return number
    return ""


def caller_id_allowed(call: Call) -> Finding:
    """S40; an emergency call must come from a number of the same trunk."""
    if not call.calling:
        return failed(
            Reason.CallerIdMalformed, "neither From, Remote-Party-ID nor P-Asserted-Identity holds a number"
        )
    if call.is_emergency:
        owner = call.table.number(call.calling)
        if owner is None or owner.trunk != call.trunk.id:
            return failed(
                Reason.CallerIdNotAllowed, f"{call.calling} is no number of this trunk (emergency call)"
            )
    elif not call.table.is_caller_id(call.trunk.account, call.calling):
        return failed(
            Reason.CallerIdNotAllowed, f"{call.calling} is neither a number of the account nor verified"
        )
    return passed(call.calling)


def change_identity(call: Call, parties: Parties) -> tuple[Finding, HeaderChanges]:
    """From and To; towards a carrier one identity of ours for all that the customer wrote."""
    shown = replaced(call.request, parties.from_sent, parties.to_sent)
    if call.direction is Direction.ORIGINATION:
        changes = HeaderChanges(insert=(("X-Trunkline-AccountSid", call.account.sid),), replace=shown)
    else:
        changes = HeaderChanges(
            remove=present(call.request, TELLING),
            append=(_asserted(call.site, call.calling),),
            replace=shown,
        )
    return passed(f"From {parties.from_sent}, To {parties.to_sent}{_without(changes)}"), changes


def change_diversion(call: Call, parties: Parties) -> tuple[Finding, HeaderChanges]:
    """S49, S81: towards a PBX the called number, topmost. S82, S83: towards a carrier what may stand."""
    if call.direction is Direction.ORIGINATION:
        value = f"<sip:{call.called}@{call.site.base_domain}>;reason=unconditional"
        return passed(f"{call.called} on top"), HeaderChanges(insert=(("Diversion", value),))
    if "diversion" not in call.request.headers:
        return _NONE, _NOTHING
    changes = _judged_diversions(call.table, call.site, call.trunk.account, call.request)
    left = f"{len(changes.append)} left" if changes.remove else "all may stand"
    return passed(left), changes


def change_privacy(call: Call, parties: Parties) -> tuple[Finding, HeaderChanges]:
    """A hidden number is shown to carriers alone, and they are asked to hide it."""
    if call.direction is Direction.ORIGINATION:
        changes = hidden_sender(call.request, private=parties.anonymous, contact=True)
        if parties.anonymous:
            return passed(f"the caller stays unknown{_without(changes)}"), changes
        return _NOT_ASKED_FOR, changes
    if not parties.anonymous:
        return _NOT_ASKED_FOR, _NOTHING
    return passed("the carrier is asked to hide the number"), _asked_of_carrier(call.request)


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
        else later_changes(table, site, memory.facts, sender, message)
    )
    is_answer = isinstance(message, SipAnswer)
    shown = exchanged(memory.facts, message, by_caller=by_caller, is_answer=is_answer, sender=sender)
    return told + HeaderChanges(replace=shown)


def later_changes(
    table: Table, site: SiteRow, facts: CallFacts | None, sender: SideKind, message: Message
) -> HeaderChanges:
    """The same for a request in a dialog and for an answer; From and To are `parties.exchanged`'s.

    Without facts, after a restart, a customer asserts nothing and a carrier's caller stays unknown.
    """
    if sender is SideKind.CUSTOMER:
        return _later_of_customer(table, site, facts, message)
    if sender is not SideKind.CARRIER:
        return _NOTHING  # it was judged where it came in
    hidden = facts is None or (facts.anonymous and facts.direction is Direction.ORIGINATION)
    return hidden_sender(message, private=hidden or is_private(message), contact=facts is not None)


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
