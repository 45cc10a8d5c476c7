"""Carries decisions out on the message at hand: answers, header changes, where a request goes."""

from __future__ import annotations

from collections.abc import Collection

from sipedge.instance import InstanceSettings
from sipedge.kemi.journal import note_reason, note_refusal
from sipedge.kemi.ksr import KSR
from sipedge.kemi.reader import Received, text
from sipedge.routing.attempts import Attempt
from sipedge.routing.decision import Challenge, Decision, HeaderChanges
from sipedge.routing.dialog.hops import Hop, hop_of_attempt
from sipedge.routing.failover import CallState
from sipedge.routing.message.headers import LONGEST_PHRASE, clean, header_line, header_lines, passes, phrase
from sipedge.routing.message.wellformed import MAXIMUM_HOPS
from sipedge.routing.reasons import Reason, error_header
from sipedge.table import Table
from sipedge.tls_files import OPEN_PROFILE

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


def mark_unjudged() -> None:
    """Have kamailio.cfg treat the message at hand as one that nobody could judge; it reads this variable."""
    KSR.pv.seti("$var(unjudged)", 1)


def put_back(received: Received) -> None:
    """Headers that the walk took out and that travel on with another value."""
    for name, value in received.rewritten:
        KSR.hdr.append(header_line(name, value))


def count_hop() -> None:
    """One less in Max-Forwards; that it is a number, and not 0, has been judged."""
    KSR.maxfwd.process_maxfwd(MAXIMUM_HOPS)


def changes_of_call(received: Received, changes: HeaderChanges) -> HeaderChanges:
    """All that is changed on an INVITE for every attempt, the decision's changes and our own."""
    present = _present(received, changes)
    found = tuple(each for each in changes.insert if each[0].lower() in present)
    absent = tuple(each for each in changes.insert if each[0].lower() not in present)
    return HeaderChanges(
        # A preloaded Route: ours has done its work, a foreign one is never followed.
        ("Route", *changes.remove),
        found,
        (*received.rewritten, *absent, *changes.append),
        changes.replace,
    )


def change_headers(received: Received, changes: HeaderChanges) -> None:
    """The decision's own changes; an inserted header comes before all others of its name."""
    write(changes, _present(received, changes))


def _present(received: Received, changes: HeaderChanges) -> set[str]:
    """Of the headers that are to be inserted, those that the message has already and keeps."""
    if not changes.insert:
        return set()
    inserted = {name.lower() for name, _ in changes.insert}
    known = inserted.intersection(received.headers)
    if not known:
        return known
    method, removed = text("$rm"), {name.lower() for name in changes.remove}
    return {name for name in known if passes(method, name, is_answer=False)} - removed


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
    for name, _ in changes.replace:
        KSR.hdr.remove(name)
    if lines := header_lines((*changes.append, *changes.replace)):
        KSR.hdr.append(lines)


def set_body(received: Received, body: str) -> None:
    """The body that the message carries from now on, its type the same; "" = none."""
    if body:
        kinds = received.headers.get("content-type", ())
        KSR.textops.set_body(body, clean(kinds[0] if kinds else "application/sdp", LONGEST_PHRASE))
    else:
        KSR.textopsx.remove_body()
        KSR.hdr.remove("Content-Type")


def aim(settings: InstanceSettings, table: Table, attempt: Attempt) -> None:
    """Point the request at one address, leaving from our own."""
    KSR.seturi(attempt.request_uri)
    send_to(settings, table, hop_of_attempt(attempt), attempt.server_name)


def choose_tls(table: Table, hop: Hop, name: str | None = None) -> None:
    """How a TLS connection begins that what is sent next to this hop may need: `name` is for whom it asks
    (SNI)."""
    if hop.transport != "tls":
        return
    KSR.pvx.xavp_rm(_XAVP_TLS)
    if name is not None:
        KSR.pvx.xavp_child_sets(_XAVP_TLS, "server_name", name)
    if not table.is_verified(hop.address, hop.port):
        KSR.pvx.xavp_child_sets(_XAVP_TLS, "server_id", OPEN_PROFILE)


def forget_tls() -> None:
    """Of a process that sends requests of the edge's own, to one after another."""
    KSR.pvx.xavp_rm(_XAVP_TLS)


def send_to(settings: InstanceSettings, table: Table, hop: Hop, name: str | None = None) -> None:
    """Send there whatever Request-URI, Route and Via say, from the address that the edge listens on.

    A stream would else choose an address by itself; and whatever is not told here, Kamailio would resolve.
    """
    KSR.setdsturi(hop.uri)
    KSR.pv.sets("$fs", settings.sockets[hop.transport])
    if hop.transport == "tls":
        choose_tls(table, hop, name)
