"""Carries decisions out on the message at hand: answers, header changes, where a request goes."""

from __future__ import annotations

from collections.abc import Collection

from sipedge.instance import InstanceSettings, own_socket
from sipedge.kemi.journal import note_reason, note_refusal
from sipedge.kemi.ksr import KSR
from sipedge.kemi.reader import Received, text
from sipedge.routing.attempts import Attempt
from sipedge.routing.decision import Challenge, Decision, HeaderChanges
from sipedge.routing.failover import CallState
from sipedge.routing.headers import LONGEST_PHRASE, clean, header_line, passes, phrase
from sipedge.routing.hops import Hop, hop_of_attempt
from sipedge.routing.reasons import Reason, error_header
from sipedge.routing.wellformed import MAXIMUM_HOPS

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
    KSR.sl.send_reply(answer.status, phrase(answer.text))


def reject(decision: Decision, reason: Reason, extra: tuple[tuple[str, str], ...] = ()) -> None:
    """`refuse`, counted and logged."""
    note_refusal(decision, reason)
    refuse(reason, extra)


def challenge(decision: Challenge) -> None:
    """`challenge_with`, counted and logged."""
    note_refusal(decision, decision.reason)
    challenge_with(decision.realm, decision.reason)


def challenge_with(realm: str, reason: Reason) -> None:
    """407 with a fresh nonce (S38)."""
    stale = _STALE if reason is Reason.CredentialsStale else 0
    KSR.auth.auth_challenge(realm, _QOP_AUTH | stale)


def reply(status: int, text: str, extra: tuple[tuple[str, str], ...] = ()) -> None:
    """Answer with this status; `text` may be what a target said."""
    for name, value in extra:
        KSR.hdr.append_to_reply(header_line(name, value))
    KSR.sl.send_reply(status, phrase(text))


def drop_answer() -> None:
    """Have reply_route of kamailio.cfg drop the answer at hand; it reads this variable."""
    KSR.pv.seti("$var(drop)", 1)


def fail_call(state: CallState, reason: Reason, extra: tuple[tuple[str, str], ...] = ()) -> None:
    """The final answer of a call whose attempts have all failed."""
    tried = ", ".join(dict.fromkeys(each.target for each in state.attempts))
    detail = f"targets tried: {tried or 'none, there is no address to call'}"
    note_reason(reason, trunk=state.trunk, direction=state.direction, detail=detail)
    refuse(reason, extra)


def put_back(received: Received) -> None:
    """Headers that the walk took out and that travel on with another value."""
    for name, value in received.rewritten:
        KSR.hdr.append(header_line(name, value))


def count_hop() -> None:
    """One less in Max-Forwards; that it is a number, and not 0, has been judged."""
    KSR.maxfwd.process_maxfwd(MAXIMUM_HOPS)


def change_headers(received: Received, changes: HeaderChanges) -> None:
    """The decision's own changes; an inserted header comes before all others of its name."""
    present: set[str] = set()
    if changes.insert:
        method, removed = text("$rm"), {name.lower() for name in changes.remove}
        present = {name for name in received.names if passes(method, name, is_answer=False)} - removed
    write(changes, present)


def write(changes: HeaderChanges, present: Collection[str] = ()) -> None:
    """Changes of the message at hand; `present` are the headers (long, lower-case names) that it keeps."""
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
    for name, value in changes.replace:
        KSR.hdr.remove(name)
        KSR.hdr.append(header_line(name, value))


def set_body(received: Received, body: str) -> None:
    """The body that the message carries from now on, its type the same; "" = none."""
    if body:
        kinds = received.headers.get("content-type", ())
        KSR.textops.set_body(body, clean(kinds[0] if kinds else "application/sdp", LONGEST_PHRASE))
    else:
        KSR.textopsx.remove_body()
        KSR.hdr.remove("Content-Type")


def aim(settings: InstanceSettings, attempt: Attempt) -> None:
    """Point the request at one address, leaving from our own."""
    KSR.seturi(attempt.request_uri)
    send_to(settings, hop_of_attempt(attempt))
    KSR.pvx.xavp_rm(_XAVP_TLS)
    if attempt.server_name is not None:
        KSR.pvx.xavp_child_sets(_XAVP_TLS, "server_name", attempt.server_name)


def send_to(settings: InstanceSettings, hop: Hop) -> None:
    """Send there whatever Request-URI, Route and Via say, from the address that the edge listens on.

    A stream would else choose an address by itself; and whatever is not told here, Kamailio would resolve.
    """
    KSR.setdsturi(hop.uri)
    KSR.pv.sets("$fs", own_socket(settings, hop.transport))


def own_addresses(settings: InstanceSettings) -> tuple[str, ...]:
    """Addresses of this very instance: what it sends there comes back to it."""
    return (settings.address,) if settings.advertised is None else (settings.address, settings.advertised)
