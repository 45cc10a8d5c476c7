"""What is told of a call for its record: which attempts leave one, and what is known at first. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sipedge.calls.causes import q850_cause
from sipedge.calls.events import (
    LONGEST_TEXT,
    AttemptFailed,
    begun_line,
    frame_of_begun,
    uri_without_password,
)
from sipedge.routing.alike import TOLD
from sipedge.routing.attempts import Attempt
from sipedge.routing.decision import Decision, Direction, Forward
from sipedge.routing.failover import Failure
from sipedge.routing.handover import Placed
from sipedge.routing.message.messages import SipRequest
from sipedge.routing.number_formats import as_read
from sipedge.routing.numbers import number_of_header
from sipedge.routing.reasons import Reason
from sipedge.table.rows import NumberFormatRow
from sipedge.uri import address_part, split_header

Fields = tuple[str | int | None, ...]
"""Those of a `Begun` or a `Refused`, in their order."""


@dataclass(frozen=True, slots=True)
class RefusalBound:
    """How many refused calls in a second leave an event; the rest is counted.

    Whoever floods an edge shall not push others' records out of its files.
    """

    name: str
    of_trunk: int
    of_instance: int
    """Over all trunks."""


KNOWN_SENDERS: Final = RefusalBound("known", 20, 100)
STRANGERS: Final = RefusalBound("strangers", 1, 5)
"""Who has not proven to be a trunk's customer: some hours of it fit the files."""

_UNPROVEN: Final = frozenset(
    {
        Reason.Draining, Reason.MalformedRequest, Reason.RequestUriTooLong, Reason.BoundExceeded,
        Reason.BodyNotSupported, Reason.ExtensionNotSupported, Reason.VersionNotSupported, Reason.TooManyHops,
        Reason.AccountSuspended, Reason.TransportNotSecure, Reason.TlsVersionTooLow, Reason.NoAuthentication,
        Reason.SourceNotAllowed, Reason.CredentialsWrong, Reason.InternalError,
    }
)  # fmt: skip
"""Reasons that a customer's call is refused for before it is known whose it is."""
_SAME_ATTEMPT: Final = frozenset({Reason.MergedRequest})
DIALLED: Final = "dialled"


def fields_of_begun(
    place: tuple[str, str],
    request: SipRequest,
    source: tuple[str, str],
    decision: Forward,
    sequence: int | None,
    form: NumberFormatRow | None = None,
    placed: Placed | None = None,
) -> Fields:
    """Of a call that is admitted.

    `place`: edge and its address; `source`: address and transport of the caller; `sequence`: the revision
    of the table; `form`: how the carrier that brings the call writes numbers; `placed`: by the edge's own
    B2BUA.
    """
    origin, parent = (DIALLED, None) if placed is None else _origin(placed)
    return (
        *_fields(place, request, source, decision, decision.trunk_sid, origin),
        decision.secure,
        sequence,
        decision.max_duration_seconds,
        parent,
        forwarded_from(request, form) if "diversion" in request.headers else None,
        decision.caller_name or None,
        decision.attestation,
        decision.verstat,
    )


def line_of_alike(
    place: tuple[str, str],
    request: SipRequest,
    source: tuple[str, str],
    decision: Forward,
    sequence: int | None,
    sid: str,
    at: float,
) -> str | None:
    """The line of `fields_of_begun` of a call alike that nobody has placed; None: none was kept of these.

    `at`: when it begins, in seconds since the epoch.
    """
    shelf = decision.shelf
    if shelf is None or sequence is None:
        return None
    frame: str | None = shelf[TOLD].get((place, source))
    if frame is None:
        return None
    return begun_line(frame, sid, at, decision.calling, decision.called, request.call_id, sequence)


def keep_line(place: tuple[str, str], source: tuple[str, str], decision: Forward, fields: Fields) -> None:
    """Keep what calls like this one have in common with its `fields_of_begun`: they come from one place."""
    if decision.shelf is not None and not decision.shelf[TOLD]:
        decision.shelf[TOLD][place, source] = frame_of_begun(fields)


def _origin(placed: Placed | None) -> tuple[str, str | None]:
    """Why there is such a call, and the one that it belongs to."""
    return (DIALLED, None) if placed is None else (placed.origin, placed.parent)


def fields_of_refused(
    place: tuple[str, str],
    request: SipRequest,
    decision: Decision,
    reason: Reason,
    trunk_sid: str | None,
    sequence: int | None,
    form: NumberFormatRow | None = None,
    placed: Placed | None = None,
) -> Fields:
    """Of a call that is refused for `reason`; `placed`: by the edge's own B2BUA."""
    answer = reason.value
    source = (request.source, request.transport)
    origin, parent = _origin(placed)
    begun = _fields(place, request, source, decision, trunk_sid, origin)
    others = (None, sequence, None, parent, forwarded_from(request, form), None, None, None)
    return (*begun, *others, answer.status, reason.name, answer.rule, answer.error_code)


def fields_of_waiting(
    place: tuple[str, str],
    request: SipRequest,
    decision: Decision,
    trunk_sid: str | None,
    sequence: int | None,
    form: NumberFormatRow | None = None,
    placed: Placed | None = None,
) -> Fields:
    """As `fields_of_begun`, of a call that waits before it is decided whether it is admitted."""
    source = (request.source, request.transport)
    origin, parent = _origin(placed)
    begun = _fields(place, request, source, decision, trunk_sid, origin)
    return (*begun, None, sequence, None, parent, forwarded_from(request, form), None, None, None)


def leaves_record(request: SipRequest, decision: Decision, reason: Reason) -> bool:
    """True for a refused INVITE that is an attempt to set up a call of a trunk or of a carrier.

    Of strangers there is none to keep, and a repeated INVITE is the attempt that it repeats.
    """
    return (
        request.method == "INVITE"
        and not request.to_tag
        and decision.direction is not None
        and reason.value.status != 0
        and reason not in _SAME_ATTEMPT
    )


def refusal_bound(decision: Decision, reason: Reason) -> RefusalBound:
    """How many such refusals leave an event. A carrier is known by its address."""
    unproven = decision.direction is Direction.TERMINATION and reason in _UNPROVEN
    return STRANGERS if unproven else KNOWN_SENDERS


def forwarded_from(request: SipRequest, form: NumberFormatRow | None = None) -> str | None:
    """The number that forwarded the call last, by the first Diversion; None where there is none."""
    members = split_header(as_read(form, request).header("diversion"))
    return number_of_header(members[0]) or None if members else None


def attempt_told(attempt: Attempt, failure: Failure) -> AttemptFailed:
    """What is told of an attempt that did not set its call up."""
    redirected = redirect_of(failure.contact) if failure.contact else None
    return AttemptFailed(
        attempt.target,
        uri_without_password(attempt.request_uri)[:LONGEST_TEXT],
        f"{attempt.transport}:{attempt.address}:{attempt.port}",
        failure.kind,
        int(failure.elapsed * 1000),
        failure.status or None,
        attempt.carrier,
        _cause_of(failure) if failure.why else None,
        redirected and redirected[:LONGEST_TEXT],
    )


def _cause_of(failure: Failure) -> int | None:
    return next((q850_cause(value) for name, value in failure.why if name == "Reason"), None)


def redirect_of(contact: str) -> str | None:
    """The URI of a redirect's Contact, without a password; None where there is none."""
    members = split_header(contact)
    return uri_without_password(address_part(members[0])) if members else None


def _fields(
    place: tuple[str, str],
    request: SipRequest,
    source: tuple[str, str],
    decision: Decision,
    trunk_sid: str | None,
    origin: str = DIALLED,
) -> Fields:
    agent = request.header("user-agent")
    address, transport = source
    return (
        decision.direction or "",
        decision.trunk or "",
        trunk_sid,
        decision.account or "",
        decision.account_sid,
        decision.calling[:LONGEST_TEXT],
        decision.called[:LONGEST_TEXT],
        *place,
        address,
        transport,
        request.call_id,
        agent[:LONGEST_TEXT] or None,
        request.tls_version if transport == "tls" else None,
        decision.carrier,
        origin,
    )
