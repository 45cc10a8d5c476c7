"""What Kamailio's own routes must know to carry a plain call without asking Python again. Pure.

A call is plain where nothing about its later messages is to be decided: nobody asks to stay unknown, no
policy has changed the calling number, and no challenge has moved its CSeq. The texts are of lines, which
kamailio.cfg reads by their numbers (from 0).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from sipedge.calls.events import Answered, Ended, EndedBy, around_time
from sipedge.routing.attempts import Attempt
from sipedge.routing.dialog.answers import ids_for_caller
from sipedge.routing.dialog.cseq import cseq_of_attempt
from sipedge.routing.dialog.memory import PLAIN_TAG, CallFacts, SideKind
from sipedge.routing.dialog.new_call import ids_of_attempt
from sipedge.routing.dialog.tokens import MAC_LENGTH, TOKEN_PARAMETER, DialogToken
from sipedge.routing.message.headers import header_line
from sipedge.routing.silence import silence_key
from sipedge.values import quickly_made, replace

_JUDGED_ELSEWHERE: Final = frozenset({SideKind.SIBLING, SideKind.B2BUA})
_NO_ID: Final = "-"
_BEFORE_TOKEN: Final = f";{TOKEN_PARAMETER}="


@quickly_made
@dataclass(frozen=True)
class CarriedTexts:
    """For the INVITE of one attempt, its answers, and the dialog."""

    route: str
    """Parameters of our Record-Route."""
    lines: str
    """Whole header lines that only this INVITE has."""
    cseq: str
    """CSeq of this INVITE; "" = as it came."""
    call: str
    """What the call's later messages and the answers to this INVITE are carried by; "" = Python judges them.

    For both 0: the token, 1: the caller's tag, 2 to 5: From as received and sent, To as received and sent,
    6: `s` of a secure call, else `-`. For requests in the dialog (`route[LATER]`) 7 and 8: the event `ended`
    after its time, by the caller and by the callee. For answers (`route[PLAIN_ANSWER_OF_CALL]`) 9: the
    attempt's hop, 10: how the memory of the callee begins, 11: CSeq, 12 and 13: headers of a 2xx or `-`,
    14: the events `ringing` and `answered` after their time, 15: who offers by an SDP in an answer, or `-`.
    """


@dataclass(frozen=True, slots=True)
class CarriedFrame:
    """The texts of an attempt, as far as they are the same in all calls between its two places."""

    is_judged: bool
    """True: Python judges the later messages of all of them."""
    ids: str
    """Header lines that tell a customer whose call it is, with a gap for its id."""
    cseq_shift: int
    of_requests: str = ""
    """Lines 6 to 10 of `CarriedTexts.call`, and 12 to 14, with gaps for the call's id."""
    of_answers: str = ""

    def texts(
        self,
        facts: CallFacts,
        attempt: Attempt,
        parameter: str,
        caller_tag: str,
        cseq: int,
        *,
        with_sdp: bool,
    ) -> CarriedTexts:
        """The texts of one call's attempt; as `texts_of`."""
        sid = facts.call_sid
        lines = "".join([header_line(*each) for each in attempt.headers]) if attempt.headers else ""
        lines = lines + self.ids.replace(_SID, sid) if self.ids else lines
        parties = facts.from_received, facts.from_sent, facts.to_received, facts.to_sent
        if self.is_judged or not _are_plain(parties, caller_tag):
            return CarriedTexts(parameter, lines, cseq_of_attempt(self.cseq_shift, cseq), "")
        call = (
            parameter.removeprefix(_BEFORE_TOKEN),
            caller_tag,
            *parties,
            self.of_requests.replace(_SID, sid),
            f"{cseq} INVITE",
            self.of_answers.replace(_SID, sid),
            "-" if with_sdp else "callee",
        )
        return CarriedTexts(parameter, lines, "", "\n".join(call))


def frame_of(facts: CallFacts, attempt: Attempt, token: DialogToken) -> CarriedFrame:
    """The frame of this call's attempt and of all that differ from it in their numbers, parties and ids.

    It depends on the direction of the facts, whose call it is, and whether it is secure, anonymous or shows
    another number; on the attempt's place; and on the token but for its end.
    """
    facts = replace(facts, call_sid=_SID)
    is_placed = token.caller_kind is SideKind.B2BUA
    shown = ids_of_attempt(facts, attempt, is_placed=is_placed)
    ids = "".join([header_line(*each) for each in shown])
    if _is_judged(facts, token):
        return CarriedFrame(True, ids, token.cseq_shift)
    of_requests = (
        "s" if facts.secure else "-",
        _ENDED_BY_CALLER,
        _ENDED_BY_CALLEE,
        token.callee.uri,
        f"{token.callee_kind}-",
    )
    of_answers = (*_ids(facts), _answered_line(silence_key(attempt)))
    return CarriedFrame(False, ids, token.cseq_shift, "\n".join(of_requests), "\n".join(of_answers))


def texts_of(
    facts: CallFacts,
    attempt: Attempt,
    token: DialogToken,
    parameter: str,
    caller_tag: str,
    cseq: int,
    *,
    with_sdp: bool,
) -> CarriedTexts:
    """The texts of one attempt, made as a whole: what a frame that is kept must give too.

    `parameter` is its token as our Record-Route has it, `cseq` the caller's; `with_sdp`: the INVITE has an
    SDP, so that of an answer is no offer.
    """
    frame = frame_of(facts, attempt, token)
    return frame.texts(facts, attempt, parameter, caller_tag, cseq, with_sdp=with_sdp)


def token_text(parameter: str) -> str:
    """The text of the token in the parameter of our Record-Route, as `DialogToken.from_text` reads it."""
    return parameter[len(_BEFORE_TOKEN) + MAC_LENGTH :]


def _is_judged(facts: CallFacts, token: DialogToken) -> bool:
    return (
        facts.anonymous
        or facts.from_number != ""
        or token.cseq_shift != 0
        or token.caller_kind in _JUDGED_ELSEWHERE
        or token.callee_kind in _JUDGED_ELSEWHERE
    )


def _are_plain(parties: tuple[str, ...], caller_tag: str) -> bool:
    return PLAIN_TAG.fullmatch(caller_tag) is not None and all(parties) and "".join(parties).isprintable()


def _ids(facts: CallFacts) -> tuple[str, ...]:
    ids = tuple(map(": ".join, ids_for_caller(facts)))
    return ids if len(ids) == 2 else (*ids, _NO_ID, _NO_ID)[:2]


_SID: Final = "(call sid)"
"""Stands for a call's id in lines that are else the same for many calls."""
_ENDED_BY_CALLER: Final = around_time(Ended(EndedBy.CALLER, "normal"), _SID)[1]
_ENDED_BY_CALLEE: Final = around_time(Ended(EndedBy.CALLEE, "normal"), _SID)[1]


@lru_cache(maxsize=1024)
def _answered_line(key: str) -> str:
    target, _, address = key.partition("|")
    return around_time(Answered(target, address), _SID)[1]
