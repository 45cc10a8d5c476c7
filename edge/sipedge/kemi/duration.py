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
_BYES: Final = "byes"
"""The htable of BYEs of the edge's own that have left: their number by Call-ID."""
_ONE_LEFT: Final = 1
_HOLD_SECONDS: Final = 0.25
"""Far longer than Kamailio needs between the two; a second BYE that cannot leave must not cost a worker."""


def limit_duration(seconds: int) -> None:
    """Have Kamailio end this request's dialog after so many seconds."""
    KSR.dialog.dlg_set_timeout(seconds)
    KSR.dialog.var_sets(_LIMIT_VARIABLE, str(seconds))


def note_own_request() -> None:
    """A request of the edge's own is about to leave: the only ones are those BYEs."""
    if text("$rm") == "BYE":
        KSR.htable.sht_inc(_BYES, text("$ci"))


def hold_answer_to_first_bye() -> None:
    """Let an answer to the first BYE wait until the second has left.

    With the answer the dialog is over, and Kamailio sends no BYE for a dialog that is over: a side that
    answers at once would else leave the other in a call that nobody ends.
    """
    if text("$rm") != "BYE":
        return
    call_id, deadline = text("$ci"), time.monotonic() + _HOLD_SECONDS
    while KSR.htable.sht_gete(_BYES, call_id) == _ONE_LEFT and time.monotonic() < deadline:
        time.sleep(0.001)


def note_dialog_event(event: str) -> None:
    """Say so when a call has ended because it may last no longer."""
    limit, begun = KSR.dialog.var_gete(_LIMIT_VARIABLE), text("$dlg(start_ts)")
    if event != "dialog:end" or not limit or not begun:
        return
    if time.time() - int(begun) >= int(limit) - _TICK_SECONDS:
        call_id = text("$dlg(callid)")
        say(f"ended error=32015 reason=DurationReached rule='S11' seconds={limit} call_id={call_id!r}")
