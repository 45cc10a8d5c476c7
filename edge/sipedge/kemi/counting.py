"""Counts a call against its limits. Each limit is exact within this instance, and no lock is needed.

A call in progress is counted twice. A counter gives it a number that no other call has, and decides. The
dialog profile knows which dialogs there are, whatever became of them, and decides where the counter says
"full": a dialog that Kamailio forgets without saying so would else hold its place for ever.

What other instances count as well, the agent knows; it is told each call that is counted here, and its end.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from typing import Final

from sipedge.kemi.ksr import KSR
from sipedge.kemi.tallies import tell
from sipedge.routing.decision import Limit
from sipedge.routing.rates import allowance, others_in_progress
from sipedge.routing.reasons import Reason
from sipedge.table import Table
from sipedge.table.rows import NeighboursRow
from sipedge.table.tally_names import calls_in_progress, is_counted_together, new_calls

_CALLS: Final = "calls"
"""The dialog profile and the htable of calls in progress, by the limits' keys."""
_NEW_CALLS: Final = "cps"
"""The htable of new calls: `<key>:<second>`; at `<key>:refused` the second in which one was last refused."""
_REFUSED: Final = "refused"
_LATELY_SECONDS: Final = 2
_COUNTED: Final = "counted"
"""Variable of the dialog: the keys that it is counted in, one a line."""
_KNOWN_SECONDS: Final = 0.2
_SHARED: Final = "shared"
"""Variable of the dialog: `1` if the agent must be told of its end, which Kamailio's own routes cannot."""


def count_call(table: Table, limits: Sequence[Limit]) -> Reason | None:
    """Count the call in each limit, in order; the reason of the first that is reached, then stop.

    The dialog of the call must exist: what it was counted in is given back at its end, refused or not.
    """
    if not limits:
        return None
    neighbours = _NEIGHBOURS.read(table)
    for limit in limits:
        if neighbours is None or neighbours.alone or not is_counted_together(limit.key):
            admitted = _count_new(limit) if limit.per_second else _count_in_progress(limit)
        elif limit.per_second:
            admitted = _count_new_together(table, neighbours, limit)
        else:
            admitted = _count_in_progress_together(table, neighbours, limit)
        if not admitted:
            return limit.over
    return None


def count_once(table: Table, limits: Sequence[Limit]) -> Reason | None:
    """The same of a call that is under way, by limits on calls in progress that it is not in yet."""
    if not limits:
        return None
    counted = _counted()
    new = [limit for limit in limits if limit.key not in counted]
    # A dialog that has joined a profile stays there: who asks again and again must not join each time.
    full = next((limit for limit in new if _is_full(limit)), None)
    return count_call(table, new) if full is None else full.over


def _is_full(limit: Limit) -> bool:
    value = KSR.htable.sht_gete(_CALLS, limit.key)
    counted = value if isinstance(value, int) else 0
    return counted >= limit.maximum and _size(limit.key) >= limit.maximum


class _Neighbours:
    """What this process knows of its neighbours: to read it for each call would cost more than to count."""

    def __init__(self) -> None:
        self._row: NeighboursRow | None = None
        self._until = 0.0

    def read(self, table: Table) -> NeighboursRow | None:
        now = time.monotonic()
        if now >= self._until:
            self._row, self._until = table.neighbours(), now + _KNOWN_SECONDS
        return self._row


_NEIGHBOURS: Final = _Neighbours()


def uncount_calls(keys: Iterable[str]) -> None:
    """Take the call out of limits on calls in progress: its attempt at that carrier has failed."""
    for key in keys:
        if key in (counted := _counted()):
            counted.remove(key)
            _remember(counted)
            _give_back(key)


def uncount_dialog() -> None:
    """A dialog is over: give back all that it was counted in. Its profile Kamailio clears by itself."""
    counted = _counted()
    if counted:
        _remember([])
    for key in counted:
        _give_back(key)


def _count_new(limit: Limit) -> bool:
    return KSR.htable.sht_inc(_NEW_CALLS, f"{limit.key}:{int(time.time())}") <= limit.maximum


def _count_new_together(table: Table, neighbours: NeighboursRow, limit: Limit) -> bool:
    name, stamp = new_calls(limit.key), time.time_ns()
    second = stamp // 1_000_000_000
    refused = KSR.htable.sht_gete(_NEW_CALLS, f"{limit.key}:{_REFUSED}")
    refused_lately = isinstance(refused, int) and second - refused <= _LATELY_SECONDS
    row = table.tally(name)
    allowed = allowance(limit.maximum, neighbours, row, stamp / 1e9, refused_lately=refused_lately)
    own = KSR.htable.sht_inc(_NEW_CALLS, f"{limit.key}:{second}")
    if not allowed.admits(own):
        # Unlike alone: what is told are calls that were let in.
        KSR.htable.sht_dec(_NEW_CALLS, f"{limit.key}:{second}")
        if allowed.is_full(own):
            KSR.htable.sht_seti(_NEW_CALLS, f"{limit.key}:{_REFUSED}", second)
        return False
    tell(name, own, second, stamp)
    return True


def _count_in_progress(limit: Limit, others: int = 0) -> bool:
    # The dialog joins first: whoever has a number is in the profile too, and its size is never too small. It
    # stays there until its end, refused or not: Kamailio lets nobody out in a request route.
    KSR.dialog.set_dlg_profile(_CALLS, limit.key)
    most = limit.maximum - others
    if KSR.htable.sht_inc(_CALLS, limit.key) <= most or _size(limit.key) <= most:
        _remember([*_counted(), limit.key])
        return True
    KSR.htable.sht_dec(_CALLS, limit.key)
    return False


def _count_in_progress_together(table: Table, neighbours: NeighboursRow, limit: Limit) -> bool:
    name = calls_in_progress(limit.key)
    others = others_in_progress(neighbours, table.tally(name), int(time.time()))
    if not _count_in_progress(limit, others):
        return False
    KSR.dialog.var_sets(_SHARED, "1")
    _tell_in_progress(limit.key)
    return True


def _give_back(key: str) -> None:
    KSR.htable.sht_dec(_CALLS, key)
    if is_counted_together(key) and KSR.dialog.var_gete(_SHARED):
        _tell_in_progress(key)


def _tell_in_progress(key: str) -> None:
    stamp = time.time_ns()
    value = KSR.htable.sht_gete(_CALLS, key)
    tell(calls_in_progress(key), value if isinstance(value, int) else 0, 0, stamp)


def _size(key: str) -> int:
    KSR.dialog.get_profile_size(_CALLS, key, "$var(size)")
    return KSR.pv.geti("$var(size)")


def _counted() -> list[str]:
    return KSR.dialog.var_gete(_COUNTED).split()


def _remember(keys: Iterable[str]) -> None:
    KSR.dialog.var_sets(_COUNTED, "\n".join(keys))
