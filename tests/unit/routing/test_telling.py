"""What the record of a call is told of it at first."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import Final

import pytest

from sipedge.calls.events import Begun
from sipedge.routing.decision import Direction, Forward, Reject
from sipedge.routing.handover import Placed
from sipedge.routing.reasons import Reason
from sipedge.routing.telling import (
    KNOWN_SENDERS,
    STRANGERS,
    fields_of_begun,
    fields_of_refused,
    refusal_bound,
)
from sipedge.table.rows import NumberFormatRow
from support.calls import make_pstn_request

SPANISH: Final = NumberFormatRow("National", "National", "34")
FORWARDED_FROM: Final = [each.name for each in fields(Begun)].index("forwarded_from")
"""A `Refused` has the same at the same place."""
ORIGIN: Final = [each.name for each in fields(Begun)].index("origin")
PARENT: Final = [each.name for each in fields(Begun)].index("parent_call_sid")


@pytest.mark.parametrize(
    ("diversion", "number"),
    (
        ("<sip:912345678@telco.example>;reason=user-busy", "+34912345678"),
        ("<sip:00442079460000@telco.example>", "+442079460000"),
        ("<sip:+34912345678@telco.example>", "+34912345678"),
        ("<sip:desk@telco.example>", None),
    ),
)
def test_who_forwarded_a_call_is_a_number_as_the_carrier_writes_it(
    diversion: str, number: str | None
) -> None:
    """Not that of India to which a Spanish one looks alike."""
    request = make_pstn_request()
    request = replace(request, headers={**request.headers, "diversion": (diversion,)})
    place, source = ("oslo", "198.51.100.1"), ("192.0.2.64", "udp")
    begun = fields_of_begun(place, request, source, Forward(()), 1, SPANISH)
    reason = Reason.AccountSuspended
    refused = fields_of_refused(place, request, Reject((), reason=reason), reason, None, 1, SPANISH)
    assert begun[FORWARDED_FROM] == refused[FORWARDED_FROM] == number


def test_a_call_of_the_b2bua_is_told_with_its_parent_admitted_or_refused() -> None:
    placed = Placed("transfer", "acme/hq", "CA1", "+12125550199", False, "+14155550100", "telco")
    place, source, request = ("oslo", "198.51.100.1"), ("192.0.2.64", "udp"), make_pstn_request()
    begun = fields_of_begun(place, request, source, Forward(()), 1, None, placed)
    reason = Reason.NoRoute
    refused = fields_of_refused(place, request, Reject((), reason=reason), reason, None, 1, None, placed)
    for told in (begun, refused):
        assert (told[ORIGIN], told[PARENT]) == ("transfer", "CA1")


@pytest.mark.parametrize(
    ("reason", "direction", "bound"),
    (
        (Reason.SourceNotAllowed, Direction.TERMINATION, STRANGERS),
        (Reason.CredentialsWrong, Direction.TERMINATION, STRANGERS),
        (Reason.MalformedRequest, Direction.TERMINATION, STRANGERS),
        (Reason.MalformedRequest, Direction.ORIGINATION, KNOWN_SENDERS),
        (Reason.CallerIdNotAllowed, Direction.TERMINATION, KNOWN_SENDERS),
        (Reason.TrunkCpsExceeded, Direction.TERMINATION, KNOWN_SENDERS),
        (Reason.NumberNotFound, Direction.ORIGINATION, KNOWN_SENDERS),
    ),
)
def test_strangers_push_nobodys_records_out(reason: Reason, direction: Direction, bound: object) -> None:
    """Who names a trunk's domain and no more leaves a few records a second at most."""
    assert refusal_bound(Reject((), direction, reason=reason), reason) is bound
    assert STRANGERS.of_instance * 2 * 1024 * 3600 * 6 < 8 * 32 * 1024 * 1024
