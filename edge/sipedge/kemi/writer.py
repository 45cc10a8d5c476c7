"""Carries decisions out on the message at hand: answers, header changes, where a request goes."""

from __future__ import annotations

from collections.abc import Callable

from sipedge.instance import InstanceSettings
from sipedge.kemi.headers import (
    OPTION_LISTS,
    header_line,
    reply_header_travels,
    request_header_travels,
    without_timer,
)
from sipedge.kemi.journal import note_reason, note_refusal
from sipedge.kemi.ksr import KSR
from sipedge.kemi.reader import current_value, header_names, remove_current
from sipedge.routing.attempts import Attempt
from sipedge.routing.decision import Challenge, Decision, HeaderChanges
from sipedge.routing.reasons import Reason
from sipedge.uri import bracketed

_QOP_AUTH = 1
_STALE = 16
_XAVP_TLS = "tls"


def refuse(reason: Reason, extra: tuple[tuple[str, str], ...] = ()) -> None:
    """Answer with the reason's status; no answer for a reason without one."""
    answer = reason.value
    if not answer.status:
        return
    for name, value in (*extra, *error_header(reason)):
        KSR.hdr.append_to_reply(header_line(name, value))
    KSR.sl.send_reply(answer.status, answer.text)


def error_header(reason: Reason) -> tuple[tuple[str, str], ...]:
    """X-Trunkline-Error, for reasons that have a number."""
    answer = reason.value
    return () if answer.error_code is None else (("X-Trunkline-Error", f"{answer.error_code} {answer.text}"),)


def reject(decision: Decision, reason: Reason, extra: tuple[tuple[str, str], ...] = ()) -> None:
    """`refuse`, counted and logged."""
    note_refusal(decision, reason)
    refuse(reason, extra)


def challenge(decision: Challenge) -> None:
    """407 with a fresh nonce (S38)."""
    note_refusal(decision, decision.reason)
    stale = _STALE if decision.reason is Reason.CredentialsStale else 0
    KSR.auth.auth_challenge(decision.realm, _QOP_AUTH | stale)


def reply(status: int, text: str, extra: tuple[tuple[str, str], ...] = ()) -> None:
    for name, value in extra:
        KSR.hdr.append_to_reply(header_line(name, value))
    KSR.sl.send_reply(status, text)


def drop_answer() -> None:
    """Have reply_route of kamailio.cfg drop the answer at hand; it reads this variable."""
    KSR.pv.seti("$var(drop)", 1)


def fail_call(reason: Reason, trunk: str, direction: str) -> None:
    """The final answer of a call whose attempts have all failed."""
    note_reason(reason, trunk=trunk, direction=direction)
    refuse(reason)


def strip_request() -> None:
    """Take out whatever does not travel on, and session timers from the option lists."""
    _strip(request_header_travels)


def strip_reply() -> None:
    """The same for an answer, which keeps more."""
    _strip(reply_header_travels)


def _strip(travels: Callable[[str], bool]) -> None:
    rewritten = []
    for header in header_names():
        if not travels(header):
            remove_current()
        elif header in OPTION_LISTS and "timer" in (value := current_value()).lower():
            remove_current()
            rewritten.append((header.capitalize(), without_timer(value)))
    for name, value in rewritten:
        if value:
            KSR.hdr.append(header_line(name, value))


def change_headers(changes: HeaderChanges) -> None:
    """The decision's own changes; an inserted header comes before all others of its name."""
    removed = {name.lower() for name in changes.remove}
    present = {header for header in header_names() if request_header_travels(header)} - removed
    for name in changes.remove:
        KSR.hdr.remove(name)
    for name, value in changes.insert:
        line = header_line(name, value)
        if name.lower() in present:
            KSR.hdr.insert_before(line, name)
        else:
            KSR.hdr.append(line)
    for name, value in changes.append:
        KSR.hdr.append(header_line(name, value))


def aim(settings: InstanceSettings, attempt: Attempt) -> None:
    """Point the request at one address, leaving from our own."""
    KSR.seturi(attempt.request_uri)
    KSR.setdsturi(f"sip:{bracketed(attempt.address)}:{attempt.port};transport={attempt.transport}")
    leave_from_own_address(settings, attempt.transport)
    KSR.pvx.xavp_rm(_XAVP_TLS)
    if attempt.server_name is not None:
        KSR.pvx.xavp_child_sets(_XAVP_TLS, "server_name", attempt.server_name)


def leave_from_own_address(settings: InstanceSettings, transport: str) -> None:
    """Send from the address that the edge listens on; a stream would else choose one by itself."""
    ports = {"udp": settings.ports.udp, "tcp": settings.ports.tcp, "tls": settings.ports.tls}
    if transport in ports:
        KSR.pv.sets("$fs", f"{transport}:{bracketed(settings.address)}:{ports[transport]}")
