"""What is added to a side's CSeq numbers, for challenges that the edge has answered in its stead. Pure."""

from __future__ import annotations

import re
from typing import Final

from sipedge.routing.decision import UNCHANGED, HeaderChanges
from sipedge.routing.dialog.ending import CSEQ_STEP
from sipedge.routing.dialog.later_checks import LaterRequest
from sipedge.routing.dialog.memory import SideKind
from sipedge.routing.message.messages import SipRequest

CSEQ: Final = re.compile(r"([0-9]{1,10})\s+(\S+)", re.ASCII)
_LARGEST_CSEQ: Final = 2**31 - 1
_RACK: Final = re.compile(r"([0-9]{1,10})\s+([0-9]{1,10})\s+(\S+)", re.ASCII)


def shift_of(later: LaterRequest) -> int:
    """What is added to the sender's CSeq. After a restart a challenge that was answered in the dialog is
    forgotten: a BYE, which nothing follows, then skips numbers (RFC 3261 section 12.2.1.1)."""
    memory, request = later.memory, later.request
    shift = memory.caller_shift if later.by_caller else memory.callee_shift
    forgotten = memory.facts is None and later.receiver.kind is SideKind.CARRIER
    return shift + CSEQ_STEP if forgotten and request.method == "BYE" else shift


def shifted(request: SipRequest, shift: int) -> HeaderChanges:
    """CSeq and RAck as the other side must see them, after challenges that the edge has answered."""
    if not shift:
        return UNCHANGED
    changes = []
    if match := CSEQ.fullmatch(request.header("cseq").strip()):
        changes.append(("CSeq", f"{min(int(match[1]) + shift, _LARGEST_CSEQ)} {match[2]}"))
    if match := _RACK.fullmatch(request.header("rack").strip()):
        changes.append(("RAck", f"{match[1]} {min(int(match[2]) + shift, _LARGEST_CSEQ)} {match[3]}"))
    return HeaderChanges(replace=tuple(changes))


def cseq_of_attempt(cseq_shift: int, cseq: int) -> str:
    """The CSeq of one attempt's INVITE; "" = as it came. `cseq` is the number that the caller has used."""
    return f"{min(cseq + cseq_shift, _LARGEST_CSEQ)} INVITE" if cseq_shift else ""
