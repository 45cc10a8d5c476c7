"""Ends calls from outside, as an agent would, and looks at the BYEs."""

from __future__ import annotations

from support.edge import options
from support.lab import Lab
from support.sipmessage import Message
from support.sipua import Leg


def place_of(lab: Lab, sid: str) -> str:
    """The dialog of the only call with this id."""
    [found] = lab.edge.rpc("dlg.profile_list", "sids", sid)
    return f"{found['h_entry']}:{found['h_id']}"


def ask_to_end(lab: Lab, dialog: str, source: str = "") -> str:
    """First line of the answer to what an agent would send."""
    seconds = {"timeout": 1.0} if source else {}  # strangers get none
    answer = options(lab.edge, "end-call", f"X-Trunkline-Dialog: {dialog}", source=source, **seconds)
    return answer.partition("\r\n")[0]


def byes(*legs: Leg) -> list[Message]:
    """The BYE that each of these gets; each agrees."""
    received = []
    for leg in legs:
        bye = leg.agent.wait("BYE", call_id=leg.call_id)
        leg.agent.respond(bye, 200)
        received.append(bye)
    return received


def are_right(found: list[Message], *legs: tuple[Leg, int]) -> bool:
    """True if each is right for its leg, of which this CSeq of the other side was seen last."""
    return all(is_right(bye, leg, last) for bye, (leg, last) in zip(found, legs, strict=True))


def is_right(bye: Message, leg: Leg, last: int) -> bool:
    """True if it is the other side's of this leg's dialog, and newer than the last that it has seen."""
    return (
        (bye.header("From"), bye.header("To"), bye.call_id) == (leg.remote, leg.local, leg.call_id)
        and (bye.uri, bye.header("CSeq").split()[1]) == (leg.agent.contact, "BYE")
        and last < bye.cseq < 2**31
        and bye.all("Route") == []
        and ";tk=" not in "".join(value for _, value in bye.headers)
    )
