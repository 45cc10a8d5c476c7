"""Which limits a call is counted against, after all other checks and in this order."""

from __future__ import annotations

from collections.abc import Iterable

from sipedge.routing.call import Call
from sipedge.routing.decision import Direction, Limit
from sipedge.routing.reasons import Reason
from sipedge.table import CarrierRow


def limits_of(call: Call) -> tuple[Limit, ...]:
    """New calls a second first, then calls in progress. An emergency call counts against none.

    New calls a second are limited towards the PSTN only: the reference leaves origination unlimited.
    """
    if call.is_emergency:
        return ()
    trunk, account = f"trunk:{call.trunk.id}", f"account:{call.account.id}"
    per_second: tuple[Limit | None, ...] = ()
    if call.direction is Direction.TERMINATION:
        per_second = (
            _limit(trunk, call.trunk.calls_per_second, True, Reason.TrunkCpsExceeded),
            _limit(account, call.account.calls_per_second, True, Reason.AccountCpsExceeded),
        )
    in_progress = (
        _limit(trunk, call.trunk.max_concurrent_calls, False, Reason.TrunkConcurrencyExceeded),
        _limit(account, call.account.max_concurrent_calls, False, Reason.AccountConcurrencyExceeded),
    )
    carrier = call.table.carrier(call.side.carrier) if call.side.carrier else None
    return tuple(
        limit for limit in (*per_second, *in_progress, *carrier_limits(carrier)) if limit is not None
    )


def carrier_limits(carrier: CarrierRow | None) -> tuple[Limit, ...]:
    """The limits of one carrier: of the whole call where it brings it, of one attempt where it takes it."""
    if carrier is None:
        return ()
    key = f"carrier:{carrier.id}"
    limits = (
        _limit(key, carrier.calls_per_second, True, Reason.CarrierCpsExceeded),
        _limit(key, carrier.max_concurrent_calls, False, Reason.CarrierConcurrencyExceeded),
    )
    return tuple(limit for limit in limits if limit is not None)


def keys_in_progress(limits: Iterable[Limit]) -> tuple[str, ...]:
    """The keys of those limits that count calls in progress."""
    return tuple(limit.key for limit in limits if not limit.per_second)


def _limit(key: str, maximum: int | None, per_second: bool, over: Reason) -> Limit | None:
    return None if maximum is None else Limit(key, maximum, per_second, over)
