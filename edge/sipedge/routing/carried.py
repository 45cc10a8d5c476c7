"""What Kamailio's own routes must know to carry a plain call without asking Python again. Pure.

A call is plain where nothing about its later messages is to be decided: nobody asks to stay unknown, and no
challenge has moved its CSeq. The texts are of lines, which kamailio.cfg reads by their numbers (from 0).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from sipedge.calls.events import Answered, Ended, EndedBy, around_time
from sipedge.routing.attempts import Attempt
from sipedge.routing.dialog import ids_for_customer, invite_changes
from sipedge.routing.headers import header_line
from sipedge.routing.memory import CallFacts, SideKind
from sipedge.routing.new_call import headers_of_attempt
from sipedge.routing.silence import silence_key
from sipedge.routing.tokens import TOKEN_PARAMETER, DialogToken

_PLAIN_TAG: Final = re.compile(r"[0-9A-Za-z.!%*_+'~-]+")
"""A tag that nothing of is to be cleaned, and that both Kamailio and Python read alike."""
_JUDGED_ELSEWHERE: Final = frozenset({SideKind.SIBLING, SideKind.B2BUA})
_NO_ID: Final = "-"


@dataclass(frozen=True, slots=True)
class CarriedTexts:
    """For the INVITE of one attempt, its answers, and the dialog."""

    route: str
    """Parameters of our Record-Route."""
    lines: str
    """Whole header lines that only this INVITE has."""
    cseq: str
    """CSeq of this INVITE; "" = as it came."""
    answer: str
    """For answers (`route[PLAIN_ANSWER_OF_CALL]`); "" = Python judges them. 0: the attempt's hop, 1: how the
    memory of the callee begins, 2: CSeq, 3 and 4: From and To as the caller knows them, 5 and 6: headers
    of a 2xx or `-`, 7: the event `answered` after its time, 8: the token, 9: who offers by SDP, or `-`."""
    dialog: str
    """For the dialog (`route[LATER]`); "" = Python judges its requests. 0: the token, 1: the caller's tag,
    2 to 5: From as received and sent, To as received and sent, 6: `s` of a secure call, else `-`, 7 and 8:
    the event `ended` after its time, by the caller and by the callee."""


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
    """The texts of one attempt. `parameter` is its token as our Record-Route has it, `cseq` the caller's;
    `with_sdp`: the INVITE has an SDP, so that of an answer is no offer."""
    changes = invite_changes(headers_of_attempt(facts, attempt), token.cseq_shift, cseq)
    plain = _is_plain(facts, token, caller_tag)
    held = parameter.removeprefix(f";{TOKEN_PARAMETER}=")
    answer = _for_answers(facts, attempt, token, held, cseq, with_sdp)
    return CarriedTexts(
        route=parameter,
        lines="".join(header_line(name, value) for name, value in changes.append),
        cseq=next((value for _, value in changes.replace), ""),
        answer=answer if plain and not facts.secure else "",
        dialog=_for_dialog(facts, held, caller_tag) if plain else "",
    )


def _is_plain(facts: CallFacts, token: DialogToken, caller_tag: str) -> bool:
    parties = (facts.from_received, facts.from_sent, facts.to_received, facts.to_sent)
    return (
        not facts.anonymous
        and not token.cseq_shift
        and _JUDGED_ELSEWHERE.isdisjoint((token.caller_kind, token.callee_kind))
        and _PLAIN_TAG.fullmatch(caller_tag) is not None
        and all(text and text.isprintable() for text in parties)
    )


def _for_answers(
    facts: CallFacts, attempt: Attempt, token: DialogToken, held: str, cseq: int, with_sdp: bool
) -> str:
    ids = tuple(
        f"{name}: {value}"
        for name, value in ids_for_customer(facts.direction, facts.account_sid, facts.call_sid).append
    )
    lines = (
        token.callee.uri,
        f"{token.callee_kind}-",
        f"{cseq} INVITE",
        facts.from_received,
        facts.to_received,
        *(*ids, _NO_ID, _NO_ID)[:2],
        _answered_line(silence_key(attempt)).replace(_SID, facts.call_sid),
        held,
        "-" if with_sdp else "callee",
    )
    return "\n".join(lines)


_SID: Final = "(call sid)"
"""Stands for a call's id in lines that are else the same for many calls."""
_ENDED_BY_CALLER: Final = around_time(Ended(EndedBy.CALLER, "normal"), _SID)[1]
_ENDED_BY_CALLEE: Final = around_time(Ended(EndedBy.CALLEE, "normal"), _SID)[1]


@lru_cache(maxsize=1024)
def _answered_line(key: str) -> str:
    target, _, address = key.partition("|")
    return around_time(Answered(target, address), _SID)[1]


def _for_dialog(facts: CallFacts, held: str, caller_tag: str) -> str:
    lines = (
        held,
        caller_tag,
        facts.from_received,
        facts.from_sent,
        facts.to_received,
        facts.to_sent,
        "s" if facts.secure else "-",
        _ENDED_BY_CALLER.replace(_SID, facts.call_sid),
        _ENDED_BY_CALLEE.replace(_SID, facts.call_sid),
    )
    return "\n".join(lines)
