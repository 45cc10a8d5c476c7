"""What is remembered of a call: in variables of its dialog; what an answer needs, in AVPs of its transaction.

A restart of Kamailio forgets both; what is left then is the dialog token.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sipedge.calls.events import REQUESTED
from sipedge.kemi import media
from sipedge.kemi.ksr import KSR
from sipedge.kemi.reader import NULL, text
from sipedge.routing.dialog.decisions import MemoryChanges
from sipedge.routing.dialog.memory import ADOPTED, MOST_FORKS, CallFacts, CallMemory, SideMemory, callee_name
from sipedge.routing.dialog.new_call import told_by_token
from sipedge.routing.dialog.tokens import DialogToken
from sipedge.values import replace

_FACTS: Final = "facts"
_CALL_SIDS: Final = "sids"
"""The dialog profile by whose values a call's id finds its dialog from outside (`dlg.profile_list`)."""
_CALLER: Final = "caller"
_CALLEES: Final = tuple(f"callee{number}" for number in range(MOST_FORKS))
_FORKS: Final = "forks"
"""The names (`callee_name`) of the callees that are remembered, in the order of their variables.

Answers to one INVITE come one at a time, so that none takes another's variable.
"""
_SHIFT: Final = {True: "caller_shift", False: "callee_shift"}
_SDP: Final = {True: "caller_sdp", False: "callee_sdp"}
_OFFER: Final = "offer"
"""`caller` or `callee`: whose offer is open; "" = nobody's."""
_MARK: Final = "mark"
_CARRIED: Final = "carried"
"""By what Kamailio's own routes carry requests of this dialog (`CarriedTexts.call`); "" = Python does."""
_ENDED_BY: Final = "ended_by"
"""The reason by which the edge itself ends the call."""
_NOT_KNOWN_YET: Final = "-"
_ASKED_TO_END: Final = "asked"
"""The htable of dialogs that the edge was asked to end, by `route[END_CALL]` of kamailio.cfg."""

_OF_ATTEMPT: Final = f"$_s($dlg_var({_FORKS})$dlg_var({_SHIFT[True]}))"
_NOTHING_OF_ATTEMPT: Final = NULL * 2
_DIALOG: Final = "$_s($dlg(h_entry):$dlg(h_id))"
"""What Kamailio itself calls the current dialog."""
_FACTS_AVP: Final = "$avp(facts)"
_ASKED_AVP: Final = "$avp(asked)"


def is_new() -> bool:
    """True if the current dialog is none of a call that has begun."""
    return not KSR.dialog.var_gete(_CALLER)


def begin(call_sid: str, facts: str, caller: str, offer: str | None) -> bool:
    """A call begins: its dialog is the current one. `facts` and `caller` are texts of theirs; `offer`: the
    caller's SDP, as it is remembered; None = there is none.

    False if Kamailio keeps no dialog of this INVITE: nothing would count, time or end the call.
    """
    if KSR.dialog.set_dlg_profile(_CALL_SIDS, call_sid) < 0:
        return False
    KSR.dialog.var_sets(_FACTS, facts)
    KSR.dialog.var_sets(_CALLER, caller)
    if offer is not None:
        if "\0" not in offer:
            KSR.dialog.var_sets(_SDP[True], offer)
        KSR.dialog.var_sets(_OFFER, "caller")
    return True


def wait() -> None:
    """A call waits before it is decided: its dialog is the current one."""
    KSR.dialog.var_sets(_CALLER, _NOT_KNOWN_YET)


def note_offer(sdp: str) -> None:
    """What the caller offers by its INVITE, as the relay of its media is given it."""
    _write(_SDP[True], sdp)


def begin_next_attempt(facts: CallFacts | None) -> None:
    """Another address is called: it has no callees and no answered challenge yet. `facts`: those of another
    carrier; None = as they were."""
    if facts is not None:
        _write(_FACTS, facts.to_text())
    if KSR.pv.gete(_OF_ATTEMPT) != _NOTHING_OF_ATTEMPT:
        _write(_FORKS, "")
        note_shift(True, 0)


def of_call(token: DialogToken, callee_tag: str, facts: CallFacts | None = None) -> CallMemory:
    """What is known of the current dialog; only what its token says if Kamailio does not know it.

    The SDPs are those of media that are relayed: else nothing that is decided asks for them.
    """
    if facts is None:
        facts = CallFacts.from_text(KSR.dialog.var_gete(_FACTS))
    if facts is None:
        return told_by_token(token)
    relayed = media.remembered()
    return CallMemory(
        secure=token.secure,
        direction=token.direction,
        ends=token.ends,
        caller=caller() or told_by_token(token).caller,
        callee=callee_with(callee_tag) or told_by_token(token).callee,
        facts=facts,
        caller_shift=max(_shift(by_caller=True), token.cseq_shift),
        callee_shift=_shift(by_caller=False),
        open_offer={"caller": True, "callee": False}.get(KSR.dialog.var_gete(_OFFER)),
        mark=KSR.dialog.var_gete(_MARK),
        caller_sdp="" if relayed is None else KSR.dialog.var_gete(_SDP[True]),
        callee_sdp="" if relayed is None else KSR.dialog.var_gete(_SDP[False]),
        media=relayed,
    )


def found(callee_tag: str, now: float) -> CallMemory | None:
    """The current dialog, where no message of its own shows its token; None if it is no call of ours.

    `now` in seconds since the epoch: the call ends no later than one that begins now would.
    """
    known = CallFacts.from_text(KSR.dialog.var_gete(_FACTS))
    caller_side, callee_side = caller(), callee_with(callee_tag)
    if known is None or caller_side is None or callee_side is None:
        return None
    return CallMemory(
        secure=known.secure,
        direction=known.direction,
        ends=int(now) + known.max_duration_seconds,
        caller=caller_side,
        callee=callee_side,
        facts=known,
        caller_shift=_shift(by_caller=True),
        callee_shift=_shift(by_caller=False),
        mark=KSR.dialog.var_gete(_MARK),
        media=media.remembered(),
    )


def with_sdps(known: CallMemory) -> CallMemory:
    """With what each side has said last of its media."""
    caller, callee = (KSR.dialog.var_gete(_SDP[by_caller]) for by_caller in (True, False))
    return replace(known, caller_sdp=caller, callee_sdp=callee)


def is_begun() -> bool:
    """True if there is a dialog already with the Call-ID and From-tag of the request at hand, not yet over.

    Kamailio finds one that is over as well, maybe instead: asked again after `dlg_manage`, this is sure.
    """
    return bool(KSR.dialog.var_gete(_CALLER)) and text("$dlg(state)") != media.DIALOG_OVER


def caller() -> SideMemory | None:
    """The caller of the current dialog."""
    return SideMemory.from_text(KSR.dialog.var_gete(_CALLER))


def callee_with(tag: str) -> SideMemory | None:
    """The callee of the current dialog that has this tag."""
    forks, name = KSR.dialog.var_gete(_FORKS).split(), callee_name(tag)
    if name not in forks[:MOST_FORKS]:
        return None
    return SideMemory.from_text(KSR.dialog.var_gete(_CALLEES[forks.index(name)]))


def facts() -> CallFacts | None:
    """The facts of the current dialog."""
    return CallFacts.from_text(KSR.dialog.var_gete(_FACTS))


def learn(changes: MemoryChanges, *, by_caller: bool, tag: str) -> None:
    """Keep what a message of one side teaches; `tag` is that of a callee."""
    if changes.sender is not None:
        _note_side(changes.sender, by_caller=by_caller, tag=tag)
    if changes.sender_sdp is not None and "\0" not in changes.sender_sdp:
        _write(_SDP[by_caller], changes.sender_sdp)
    if changes.open_offer is not None:
        _write(_OFFER, ("caller" if by_caller else "callee") if changes.open_offer else "")
    if changes.agreed is not None:
        media.note_agreed(changes.agreed)


def _note_side(side: SideMemory, *, by_caller: bool, tag: str) -> None:
    if by_caller:
        _write(_CALLER, side.to_text())
        return
    name = callee_name(tag)
    forks = KSR.dialog.var_gete(_FORKS).split()
    if name not in forks:
        if len(forks) >= MOST_FORKS:
            return
        forks.append(name)
        KSR.dialog.var_sets(_FORKS, " ".join(forks))
    _write(_CALLEES[forks.index(name)], side.to_text())


def _write(name: str, value: str) -> None:
    if KSR.dialog.var_gete(name) != value:
        KSR.dialog.var_sets(name, value)


def _shift(*, by_caller: bool) -> int:
    value = KSR.dialog.var_gete(_SHIFT[by_caller])
    return int(value) if value.isascii() and value.isdecimal() and len(value) < 10 else 0


def note_shift(by_caller: bool, shift: int) -> None:
    """What is added from now on to the CSeq of one side's requests."""
    _write(_SHIFT[by_caller], str(shift) if shift else "")
    if shift:
        note_carried("")


def note_carried(text_of_call: str) -> None:
    """Who carries what follows: Kamailio's own routes by this text; Python without."""
    KSR.dialog.var_sets(_CARRIED, text_of_call)


def shift_of(by_caller: bool) -> int:
    """What is added to the CSeq of one side's requests in the current dialog."""
    asked = load_asked()
    return max(_shift(by_caller=by_caller), asked.token.cseq_shift if asked and by_caller else 0)


def note_adopted(*, by_caller: bool) -> None:
    """The B2BUA has the current call: that side has sent a REFER."""
    KSR.dialog.var_sets(_MARK, ADOPTED[by_caller])


def has_left(*, caller: bool) -> bool:
    """True for a side of the current call that has asked for a transfer: the B2BUA speaks with it, and for
    it."""
    return KSR.dialog.var_gete(_MARK) == ADOPTED[caller]


def end_soon(reason: str) -> None:
    """Have the edge end the current call on both sides, for this reason."""
    KSR.dialog.var_sets(_ENDED_BY, reason)
    KSR.dialog.dlg_set_timeout(1)


def ended_by() -> str:
    """Why the edge itself ends the call: the reason of `end_soon`, or that it was asked to; "" if neither."""
    asked = KSR.htable.sht_gete(_ASKED_TO_END, KSR.pv.gete(_DIALOG))
    return KSR.dialog.var_gete(_ENDED_BY) or (REQUESTED if asked else "")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request in a dialog leaves for its answers, in AVPs of its transaction."""

    by_caller: bool
    cseq: int
    """Of the request as its sender sent it."""
    with_sdp: bool
    token: DialogToken
    spoken: str = ""
    """By the edge's own B2BUA, and how (`Spoken`); "" = by the side itself."""


def save_asked(asked: Asked, facts: CallFacts | None) -> None:
    """Keep it in the transaction that is about to be made."""
    secure = "-" if asked.token.secure is None else "+"
    side = ("caller" if asked.by_caller else "callee") + (f"-{asked.spoken}" if asked.spoken else "")
    body = "sdp" if asked.with_sdp else "-"
    KSR.pv.sets(_ASKED_AVP, f"{side} {asked.cseq} {body} {secure} {asked.token.to_text()}")
    if facts is not None:
        KSR.pv.sets(_FACTS_AVP, facts.to_text())


def load_asked() -> Asked | None:
    """What the request of the transaction at hand has left."""
    kept = text(_ASKED_AVP)
    if not kept:
        return None
    parts = kept.split(" ")
    token = DialogToken.from_text(parts[-1])
    if len(parts) != 5 or token is None:
        return None
    if parts[3] == "-":
        token = replace(token, secure=None)
    side, _, spoken = parts[0].partition("-")
    return Asked(side == "caller", int(parts[1]), parts[2] == "sdp", token, spoken)


def kept_facts() -> CallFacts | None:
    """The facts that the transaction at hand was given, be it that its dialog is over; else the dialog's."""
    return CallFacts.from_text(KSR.pv.gete(_FACTS_AVP)) or facts()
