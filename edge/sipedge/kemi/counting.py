"""Counts a call against its limits. Each limit is exact within this instance, and no lock is needed.

A call in progress is counted twice. A counter gives it a number that no other call has, and decides. The
dialog profile knows which dialogs there are, whatever became of them, and decides where the counter says
"full": a dialog that Kamailio forgets without saying so would else hold its place for ever.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from typing import Final

from sipedge.kemi.ksr import KSR
from sipedge.routing.decision import Limit
from sipedge.routing.reasons import Reason

_CALLS: Final = "calls"
"""The dialog profile and the htable of calls in progress, by the limits' keys."""
_NEW_CALLS: Final = "cps"
"""The htable of new calls: `<key>:<second>`."""
_COUNTED: Final = "counted"
"""Variable of the dialog: the keys that it is counted in, one a line."""


def count_call(limits: Iterable[Limit]) -> Reason | None:
    """Count the call in each limit, in order; the reason of the first that is reached, then stop.

    The dialog of the call must exist: what it was counted in is given back at its end, refused or not.
    """
    for limit in limits:
        admitted = _count_new(limit) if limit.per_second else _count_in_progress(limit)
        if not admitted:
            return limit.over
    return None


def uncount_calls(keys: Iterable[str]) -> None:
    """Take the call out of limits on calls in progress: its attempt at that carrier has failed."""
    for key in keys:
        if key in (counted := _counted()):
            counted.remove(key)
            _remember(counted)
            KSR.htable.sht_dec(_CALLS, key)


def uncount_dialog() -> None:
    """A dialog is over: give back all that it was counted in. Its profile Kamailio clears by itself."""
    counted = _counted()
    if counted:
        _remember([])
    for key in counted:
        KSR.htable.sht_dec(_CALLS, key)


def _count_new(limit: Limit) -> bool:
    return KSR.htable.sht_inc(_NEW_CALLS, f"{limit.key}:{int(time.time())}") <= limit.maximum


def _count_in_progress(limit: Limit) -> bool:
    # The dialog joins first: whoever has a number is in the profile too, and its size is never too small. It
    # stays there until its end, refused or not: Kamailio lets nobody out in a request route.
    KSR.dialog.set_dlg_profile(_CALLS, limit.key)
    if KSR.htable.sht_inc(_CALLS, limit.key) <= limit.maximum or _size(limit.key) <= limit.maximum:
        _remember([*_counted(), limit.key])
        return True
    KSR.htable.sht_dec(_CALLS, limit.key)
    return False


def _size(key: str) -> int:
    KSR.dialog.get_profile_size(_CALLS, key, "$var(size)")
    return KSR.pv.geti("$var(size)")


def _counted() -> list[str]:
    return KSR.dialog.var_gete(_COUNTED).split()


def _remember(keys: Iterable[str]) -> None:
    KSR.dialog.var_sets(_COUNTED, "\n".join(keys))
