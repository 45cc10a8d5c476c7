"""What is remembered of a call: in variables of its dialog; what an answer needs, in AVPs of its transaction.

A restart of Kamailio forgets both; what is left then is the dialog token.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from sipedge.kemi.ksr import KSR
from sipedge.kemi.reader import text
from sipedge.routing.dialog import MemoryChanges
from sipedge.routing.memory import (
    MOST_FORKS,
    CallFacts,
    CallMemory,
    SideMemory,
    callee_name,
)
from sipedge.routing.tokens import DialogToken

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
"""By what Kamailio's own routes carry requests of this dialog (`CarriedTexts.dialog`); "" = Python does."""
_ENDED_BY: Final = "ended_by"
"""The reason by which the edge itself ends the call."""

_FACTS_AVP: Final = "$avp(facts)"
_ASKED_AVP: Final = "$avp(asked)"


def begin(call_sid: str, caller: SideMemory, learned: MemoryChanges) -> None:
    """A call begins: its dialog is the current one. Its facts come with its first attempt."""
    KSR.dialog.set_dlg_profile(_CALL_SIDS, call_sid)
    KSR.dialog.var_sets(_CALLER, caller.to_text())
    learn(learned, by_caller=True, tag="")


def begin_attempt(facts: CallFacts) -> None:
    """Another address is called, maybe another carrier's: it has no callees and no answered challenge yet."""
    text_of_facts = facts.to_text()
    _write(_FACTS, text_of_facts)
    KSR.pv.sets(_FACTS_AVP, text_of_facts)
    _write(_FORKS, "")
    note_shift(True, 0)


def of_call(token: DialogToken, callee_tag: str, facts: CallFacts | None = None) -> CallMemory:
    """What is known of the current dialog; only what its token says if Kamailio does not know it.

    Without the SDPs: nothing that is decided asks for them yet.
    """
    if facts is None:
        facts = CallFacts.from_text(KSR.dialog.var_gete(_FACTS))
    caller = SideMemory(token.caller_kind, token.caller)
    callee = SideMemory(token.callee_kind, token.callee)
    if facts is None:
        return CallMemory(
            token.secure, token.direction, token.ends, caller, callee, caller_shift=token.cseq_shift
        )
    return CallMemory(
        secure=token.secure,
        direction=token.direction,
        ends=token.ends,
        caller=SideMemory.from_text(KSR.dialog.var_gete(_CALLER)) or caller,
        callee=callee_with(callee_tag) or callee,
        facts=facts,
        caller_shift=max(_shift(by_caller=True), token.cseq_shift),
        callee_shift=_shift(by_caller=False),
        open_offer={"caller": True, "callee": False}.get(KSR.dialog.var_gete(_OFFER)),
        mark=KSR.dialog.var_gete(_MARK),
    )


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
    _write(_CARRIED, text_of_call)


def shift_of(by_caller: bool) -> int:
    """What is added to the CSeq of one side's requests in the current dialog."""
    asked = load_asked()
    return max(_shift(by_caller=by_caller), asked.token.cseq_shift if asked and by_caller else 0)


def end_soon(reason: str) -> None:
    """Have the edge end the current call on both sides, for this reason."""
    KSR.dialog.var_sets(_ENDED_BY, reason)
    KSR.dialog.dlg_set_timeout(1)


def ended_by() -> str:
    """The reason of `end_soon`; "" if none was given."""
    return KSR.dialog.var_gete(_ENDED_BY)


@dataclass(frozen=True, slots=True)
class Asked:
    """What a request in a dialog leaves for its answers, in AVPs of its transaction."""

    by_caller: bool
    cseq: int
    """Of the request as its sender sent it."""
    with_sdp: bool
    token: DialogToken


def save_asked(asked: Asked, facts: CallFacts | None) -> None:
    """Keep it in the transaction that is about to be made."""
    secure = "-" if asked.token.secure is None else "+"
    side = "caller" if asked.by_caller else "callee"
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
    return Asked(parts[0] == "caller", int(parts[1]), parts[2] == "sdp", token)


def kept_facts() -> CallFacts | None:
    """The facts that the transaction at hand was given."""
    return CallFacts.from_text(text(_FACTS_AVP))
