"""Which challenge of a carrier is answered, and by what (RFC 3261 section 22). Pure.

Never a challenge of a customer's side, and never for another realm than the carrier's one: an answer to a
challenge that the wrong side made hands it a password to guess at.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sipedge.routing.decision import HeaderChanges
from sipedge.routing.dialog.hops import Hop
from sipedge.routing.dialog.memory import CallFacts, CallMemory, SideKind
from sipedge.routing.message.digest import answerable, authorization
from sipedge.routing.message.headers import LONGEST_VALUE
from sipedge.table import CarrierRow, Table
from sipedge.values import replace

CHALLENGES: Final = {401: "WWW-Authenticate", 407: "Proxy-Authenticate"}
"""The header that an answer with this status brings a challenge in; a forking proxy may add the other one."""
_ANSWERS: Final = {"WWW-Authenticate": "Authorization", "Proxy-Authenticate": "Proxy-Authorization"}


@dataclass(frozen=True, slots=True)
class ChallengedRequest:
    """A request of the edge's that a carrier has answered by 401 or 407."""

    method: str
    request_uri: str
    """As it was sent."""
    status: int
    challenges: Mapping[str, tuple[str, ...]]
    """Values by the names in `CHALLENGES`."""
    answered: tuple[str, ...] = ()
    """Nonces that this request has answered already."""


@dataclass(frozen=True, slots=True)
class ChallengeAnswer:
    """What the request needs to be sent once more to where it was sent; its CSeq grows by one as well."""

    header: tuple[str, str]
    answered: tuple[str, ...]
    """All nonces answered, this one too: what the next `ChallengedRequest` has to say."""


def answer_challenge(
    carrier: CarrierRow | None, request: ChallengedRequest, cnonce: str
) -> ChallengeAnswer | None:
    """The answer to the first challenge of the carrier's realm; None if there is nothing to answer.

    `cnonce` is a text that nobody can foretell.
    """
    if carrier is None or carrier.realm is None or carrier.username is None or carrier.ha1 is None:
        return None
    for name in sorted(CHALLENGES.values(), key=lambda name: name != CHALLENGES.get(request.status)):
        sha256 = carrier.ha1_sha256
        values = request.challenges.get(name, ())
        found = answerable(values, carrier.realm, request.answered, sha256=sha256 is not None)
        if found is None:
            continue
        ha1 = sha256 if found.is_sha256 and sha256 is not None else carrier.ha1
        value = authorization(found, carrier.username, ha1, request.method, request.request_uri, cnonce)
        if len(value) <= LONGEST_VALUE:
            return ChallengeAnswer((_ANSWERS[name], value), (*request.answered, found.nonce))
    return None


def may_be_challenged(memory: CallMemory, method: str, *, by_caller: bool) -> bool:
    """True for a request in a dialog towards a carrier; an ACK has no answer, a CANCEL is none of its own."""
    receiver = memory.side(caller=not by_caller)
    return receiver.kind is SideKind.CARRIER and method not in ("ACK", "CANCEL")


def carrier_asked(table: Table, facts: CallFacts | None, hop: Hop) -> CarrierRow | None:
    """The carrier of a call's side that is reached at `hop`; after a restart the one with that address."""
    name = facts.carrier if facts is not None else table.carrier_of_source(hop.address)
    return table.carrier(name) if name is not None else None


def without_cseq(changes: HeaderChanges) -> tuple[HeaderChanges, int | None]:
    """The changes without that of the CSeq, and the number that it has by them; None = it stays as it came.

    What may be sent twice has its CSeq written for each branch.
    """
    others = tuple(each for each in changes.replace if each[0] != "CSeq")
    number = next((int(value.split()[0]) for name, value in changes.replace if name == "CSeq"), None)
    return replace(changes, replace=others), number
