"""The longest duration of a call (S11): when it is reached, both sides get a BYE."""

from __future__ import annotations

import time
from typing import Final

from sipedge.kemi.journal import say
from sipedge.kemi.ksr import KSR
from sipedge.kemi.reader import text

_LIMIT_VARIABLE: Final = "limit"
"""Variable of the dialog: how many seconds the call may last."""
_TICK_SECONDS: Final = 1
"""How exactly Kamailio keeps a dialog's time."""
_STEPS: Final = "byes"
"""The htable of calls that the edge ends itself: how many steps are done, by Call-ID. None yet: no entry."""
_BEFORE_THE_LAST: Final = (1, 2)
"""The first BYE has left; the second has. At last the end is noted."""
_HOLD_SECONDS: Final = 0.25
"""Far longer than Kamailio needs for them; a second BYE that cannot leave must not cost a worker."""


def limit_duration(seconds: int) -> None:
    """Have Kamailio end this request's dialog after so many seconds."""
    KSR.dialog.dlg_set_timeout(seconds)
    KSR.dialog.var_sets(_LIMIT_VARIABLE, str(seconds))


def note_own_request() -> None:
    """A request of the edge's own is about to leave: the only ones are those BYEs."""
    if text("$rm") == "BYE":
        KSR.htable.sht_inc(_STEPS, text("$ci"))


def hold_answers_to_byes() -> None:
    """Let answers to the edge's own BYEs wait until both have left and the end was noted.

    With the first answer the dialog is over, and then Kamailio sends no BYE for it and tells of no end: who
    answers at once would else leave the other side in a call that nobody ends.
    """
    if text("$rm") != "BYE":
        return
    call_id, deadline = text("$ci"), time.monotonic() + _HOLD_SECONDS
    while _is_under_way(call_id) and time.monotonic() < deadline:
        time.sleep(0.001)


def _is_under_way(call_id: str) -> bool:
    return KSR.htable.sht_gete(_STEPS, call_id) in _BEFORE_THE_LAST


def note_dialog_event(event: str) -> None:
    """Say so when a call has ended because it may last no longer."""
    limit, begun = KSR.dialog.var_gete(_LIMIT_VARIABLE), text("$dlg(start_ts)")
    if event != "dialog:end" or not limit or not begun:
        return
    call_id = text("$dlg(callid)")
    if time.time() - int(begun) >= int(limit) - _TICK_SECONDS:
        say(f"ended error=32015 reason=DurationReached rule='S11' seconds={limit} call_id={call_id!r}")
    if _is_under_way(call_id):
        KSR.htable.sht_inc(_STEPS, call_id)
