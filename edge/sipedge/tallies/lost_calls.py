"""Calls that go on though Kamailio was started anew: it does not know them, and does not count them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from sipedge.calls.book import OpenCall
from sipedge.e164 import EMERGENCY_NUMBERS
from sipedge.table.tally_names import account_limit, carrier_limit, trunk_limit


def lost_calls(calls: Iterable[OpenCall]) -> Mapping[str, int]:
    """How many of the calls that Kamailio has lost each limit on calls in progress still holds, by its key.

    Whoever is hung up by its token, or has been up for as long as a call may be, is none of them any more. An
    emergency call counts against no limit.
    """
    held: Counter[str] = Counter()
    for call in calls:
        record = call.record
        if not call.is_lost or record.to in EMERGENCY_NUMBERS:
            continue
        if record.trunk:
            held[trunk_limit(record.trunk)] += 1
        if record.account:
            held[account_limit(record.account)] += 1
        if record.carrier:
            held[carrier_limit(record.carrier)] += 1
    return held
