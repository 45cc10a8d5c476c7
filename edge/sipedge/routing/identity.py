"""Who calls, and what the other side is told of it: caller id, PAI, Privacy, Diversion."""

from __future__ import annotations

from sipedge.e164 import is_e164, with_plus
from sipedge.routing.call import Call, Finding, failed, passed
from sipedge.routing.decision import Direction, HeaderChanges
from sipedge.routing.message import SipRequest
from sipedge.routing.reasons import Reason
from sipedge.table import SiteRow
from sipedge.uri import address_part, split_header, uri_of_header

ASSERTED = ("P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID", "P-Charge-Info")
"""Identity headers a customer may send but not assert: replaced by one PAI of ours."""


def number_of_header(value: str) -> str:
    """The number in a From, PAI ... value (`sip:` or `tel:`), its `+` added; "" if there is none."""
    uri = uri_of_header(value)
    number = with_plus(uri.number if uri is not None else _tel_number(address_part(value)))
    return number if is_e164(number) else ""


def _tel_number(address: str) -> str:
    """The digits of a `tel:` URI without its visual separators (RFC 3966 section 3)."""
    scheme, _, rest = address.partition(":")
    if scheme.lower() != "tel":
        return ""
    return rest.partition(";")[0].translate({ord(separator): None for separator in "-.()"})


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


def identity_changes(call: Call) -> HeaderChanges:
    """The identity headers of the forwarded INVITE (wire rules of both directions)."""
    if call.direction is Direction.TERMINATION:
        return _termination_changes(call)
    privacy = ";".join(call.request.headers.get("privacy", ())).replace(",", ";")
    private = "id" in [token.strip().lower() for token in privacy.split(";")]
    return HeaderChanges(
        remove=("P-Asserted-Identity", "Remote-Party-ID") if private else (),
        insert=(
            # S49, S81: topmost, and in both cases of S47 and S48.
            ("Diversion", f"<sip:{call.called}@{call.site.base_domain}>;reason=unconditional"),
            ("X-Trunkline-AccountSid", call.account.sid),
        ),
    )


def _termination_changes(call: Call) -> HeaderChanges:
    sent = [member for value in call.request.headers.get("diversion", ()) for member in split_header(value)]
    kept = [member for member in sent if _diversion_allowed(call, member)]
    return HeaderChanges(
        remove=(*ASSERTED, *(("Diversion",) if kept != sent else ())),
        append=(
            ("P-Asserted-Identity", f"<sip:{call.calling}@{call.site.base_domain}>"),
            *((("Diversion", member) for member in kept) if kept != sent else ()),
        ),
    )


def _diversion_allowed(call: Call, member: str) -> bool:
    """S83: one in the platform's own domain must name a number of the account; others pass."""
    uri = uri_of_header(member)
    if uri is None:
        # Unreadable here does not mean unreadable at the carrier: it must not speak for the platform.
        return call.site.base_domain not in member.lower()
    if not is_platform_host(call.site, uri.host):
        return True
    number = with_plus(uri.number)
    return is_e164(number) and call.table.is_caller_id(call.trunk.account, number)


def is_platform_host(site: SiteRow, host: str) -> bool:
    """True for the base domain and every name below it."""
    return host == site.base_domain or host.endswith("." + site.base_domain)
