"""Counts a call against its limits. Each limit is exact within this instance."""

from __future__ import annotations

import time
from collections.abc import Iterable

from sipedge.kemi.ksr import KSR
from sipedge.routing.decision import Limit
from sipedge.routing.reasons import Reason

_CALLS = "calls"
"""The dialog profile of calls in progress, its values the limits' keys."""
_NEW_CALLS = "cps"
"""The htable of new calls: `<key>:<second>`."""


def count_call(limits: Iterable[Limit]) -> Reason | None:
    """Count the call in each limit, in order; the reason of the first that is reached, then stop.

    The dialog of the call must exist: calls in progress are counted by its end.
    """
    for limit in limits:
        admitted = _count_new(limit) if limit.per_second else _count_in_progress(limit)
        if not admitted:
            return limit.over
    return None


def uncount_calls(keys: Iterable[str]) -> None:
    """Take the call out of limits on calls in progress: its attempt at that carrier has failed."""
    for key in keys:
        KSR.dialog.unset_dlg_profile(_CALLS, key)


def keys_in_progress(limits: Iterable[Limit]) -> tuple[str, ...]:
    return tuple(limit.key for limit in limits if not limit.per_second)


def _count_new(limit: Limit) -> bool:
    return KSR.htable.sht_inc(_NEW_CALLS, f"{limit.key}:{int(time.time())}") <= limit.maximum


def _count_in_progress(limit: Limit) -> bool:
    # Between reading the size and joining, another worker must not do the same.
    KSR.cfgutils.lock(limit.key)
    try:
        KSR.dialog.get_profile_size(_CALLS, limit.key, "$var(size)")
        if KSR.pv.geti("$var(size)") >= limit.maximum:
            return False
        KSR.dialog.set_dlg_profile(_CALLS, limit.key)
        return True
    finally:
        KSR.cfgutils.unlock(limit.key)
