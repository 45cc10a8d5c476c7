"""What is remembered of the media of a call that is relayed: in variables of its dialog.

The last session description of each side, as the relay was given it, is in `memory`'s own variables.
"""

from __future__ import annotations

from typing import Final

from sipedge.kemi.ksr import KSR
from sipedge.kemi.reader import text
from sipedge.routing.media.sides import AgreedPair, MediaMemory, MediaPlan

_MEDIA: Final = "media"
"""`<id of the session> <MediaPlan.to_text>`; "" = the media are not relayed. Kamailio's own routes ask it."""
_AGREED: Final = {True: "caller_agreed", False: "callee_agreed"}


DIALOG_OVER: Final = "5"
"""The dialog module's number of the state of a dialog that is over."""
_BODY_AVP: Final = "$avp(body)"
"""The body of the INVITE that leaves, for `branch_route[ksr_branch_call]`; "" = as it came."""
_CONTROL: Final = "ctl"
_SPOOL_FULL: Final = "spool_full"
"""Key of that htable: 1 while the disk has no room for recordings, as the agent says."""


def begin(memory: MediaMemory | None) -> None:
    """Another attempt is about to be made; None: its media are not relayed."""
    former = KSR.dialog.var_gete(_MEDIA)
    if memory is None and not former:
        return
    KSR.dialog.var_sets(_MEDIA, "" if memory is None else f"{memory.ng_id} {memory.plan.to_text()}")
    if former:
        note_agreed(AgreedPair())


def note_body(body: str) -> None:
    """The body of the INVITE of the attempt that is about to be made; "" = as it came."""
    if body or KSR.pv.gete(_BODY_AVP):
        KSR.pv.sets(_BODY_AVP, body)


def may_record() -> bool:
    """False while there is no room for more recordings."""
    return KSR.htable.sht_gete(_CONTROL, _SPOOL_FULL) != 1


def plan() -> MediaPlan | None:
    """What the relay does for the current dialog; None = nothing."""
    return MediaPlan.from_text(KSR.dialog.var_gete(_MEDIA).partition(" ")[2])


def session() -> str:
    """The id of the current dialog's session; "" = it has none."""
    return KSR.dialog.var_gete(_MEDIA).partition(" ")[0]


def is_over() -> bool:
    """True if the current dialog has ended, though Kamailio still knows it."""
    return text("$dlg(state)") == DIALOG_OVER


def remembered() -> MediaMemory | None:
    """The media of the current dialog; None = they are not relayed, or not any more.

    What comes of a dialog that is over must not make its session anew.
    """
    ng_id, _, told = KSR.dialog.var_gete(_MEDIA).partition(" ")
    plan = MediaPlan.from_text(told) if ng_id else None
    if plan is None or is_over():
        return None
    agreed = AgreedPair(*(KSR.dialog.var_gete(name) for name in _AGREED.values()))
    return MediaMemory(plan, ng_id, agreed)


def note_agreed(pair: AgreedPair) -> None:
    """Both sides have agreed upon this."""
    for by_caller, name in _AGREED.items():
        sdp = pair.of(caller=by_caller)
        if KSR.dialog.var_gete(name) != sdp:
            KSR.dialog.var_sets(name, sdp)


def forget() -> str:
    """The current dialog's media have moved into another call; the id of the session that is not needed any
    more."""
    ng_id = session()
    if ng_id:
        KSR.dialog.var_sets(_MEDIA, "")
    return ng_id
