"""Which limits a call is counted against, after all other checks and in this order."""

from __future__ import annotations

from collections.abc import Iterable

from sipedge.routing.call import Call
from sipedge.routing.decision import Direction, Limit
from sipedge.routing.reasons import Reason
from sipedge.table import AccountRow, CarrierRow, Table, TrunkRow
from sipedge.table.tally_names import TRANSCODED_CALLS, account_limit, carrier_limit, trunk_limit


def limits_of(call: Call) -> tuple[Limit, ...]:
    """New calls a second first, then calls in progress. An emergency call counts against none."""
    side = call.side
    if side.is_emergency:
        return ()
    limits = call.plan.limits[side.direction]
    return limits if side.carrier is None else limits + limits_of_carrier(call.table, side.carrier)


def trunk_limits(trunk: TrunkRow, account: AccountRow | None) -> dict[Direction, tuple[Limit, ...]]:
    """The limits of a trunk and its account in each direction.

    New calls a second are limited towards the PSTN only: the reference leaves origination unlimited.
    """
    key = trunk_limit(trunk.id)
    per_second = [_limit(key, trunk.calls_per_second, True, Reason.TrunkCpsExceeded)]
    in_progress = [_limit(key, trunk.max_concurrent_calls, False, Reason.TrunkConcurrencyExceeded)]
    if account is not None:
        key = account_limit(account.id)
        per_second.append(_limit(key, account.calls_per_second, True, Reason.AccountCpsExceeded))
        in_progress.append(
            _limit(key, account.max_concurrent_calls, False, Reason.AccountConcurrencyExceeded)
        )
    return {
        Direction.TERMINATION: tuple(limit for limit in (*per_second, *in_progress) if limit is not None),
        Direction.ORIGINATION: tuple(limit for limit in in_progress if limit is not None),
    }


def limits_of_carrier(table: Table, carrier: str) -> tuple[Limit, ...]:
    """`carrier_limits` of the carrier with this name."""
    shelf = table.plans
    place = ("limits of", carrier)
    if place not in shelf:
        shelf[place] = carrier_limits(table.carrier(carrier))
    limits: tuple[Limit, ...] = shelf[place]
    return limits


def carrier_limits(carrier: CarrierRow | None) -> tuple[Limit, ...]:
    """The limits of one carrier: of the whole call where it brings it, of one attempt where it takes it."""
    if carrier is None:
        return ()
    key = carrier_limit(carrier.id)
    limits = (
        _limit(key, carrier.calls_per_second, True, Reason.CarrierCpsExceeded),
        _limit(key, carrier.max_concurrent_calls, False, Reason.CarrierConcurrencyExceeded),
    )
    return tuple(limit for limit in limits if limit is not None)


def transcoding_limits(table: Table, *, is_emergency: bool) -> tuple[Limit, ...]:
    """Of an attempt whose sound the relay transcodes: what one tenant's calls take of it, all others lack."""
    site = table.site()
    if site is None or is_emergency:
        return ()
    return (Limit(TRANSCODED_CALLS, site.transcoded_calls, False, Reason.MediaFull),)


def keys_in_progress(limits: Iterable[Limit]) -> tuple[str, ...]:
    """The keys of those limits that count calls in progress."""
    return tuple(limit.key for limit in limits if not limit.per_second)


def _limit(key: str, maximum: int | None, per_second: bool, over: Reason) -> Limit | None:
    return None if maximum is None else Limit(key, maximum, per_second, over)
