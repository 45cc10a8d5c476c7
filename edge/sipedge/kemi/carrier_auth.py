"""Puts the answer to a carrier's challenge on the request that was challenged, in its failure route."""

from __future__ import annotations

import json
import secrets
from dataclasses import dataclass
from typing import Final

from sipedge.kemi.ksr import KSR
from sipedge.kemi.reader import text
from sipedge.routing.dialog.carrier_challenge import CHALLENGES, ChallengedRequest, answer_challenge
from sipedge.routing.dialog.hops import Hop, hop_from_uri
from sipedge.routing.message.headers import header_line
from sipedge.table import CarrierRow
from sipedge.values import replace

_SENT_AVP: Final = "$avp(sent)"


def answer(
    carrier: CarrierRow | None, request_uri: str, status: int, answered: tuple[str, ...]
) -> tuple[str, ...] | None:
    """The nonces that the request at hand has now answered; None if there is nothing to answer.

    `request_uri` is that of the request as it was sent, `answered` what the last call of this gave for it.
    """
    challenges = {name: (text(f"$T_rpl($(hdr({name})[*]))"),) for name in CHALLENGES.values()}
    request = ChallengedRequest(text("$rm"), request_uri, status, challenges, answered)
    found = answer_challenge(carrier, request, secrets.token_hex(16))
    if found is None:
        return None
    KSR.hdr.append(header_line(*found.header))
    return found.answered


@dataclass(frozen=True, slots=True)
class SentRequest:
    """A request in a dialog that a carrier may challenge, in an AVP of its transaction."""

    hop: Hop
    cseq: int
    """As it was sent."""
    answered: tuple[str, ...] = ()

    def answered_by(self, nonces: tuple[str, ...]) -> SentRequest:
        """The same request as it is sent again."""
        return replace(self, cseq=self.cseq + 1, answered=nonces)


def save_sent(sent: SentRequest) -> None:
    """Keep it for the branch and the failure route."""
    answered = json.dumps(sent.answered) if sent.answered else "[]"
    KSR.pv.sets(_SENT_AVP, f"{sent.hop.uri} {sent.cseq} {answered}")


def is_expected() -> bool:
    """True if the request of the transaction at hand went to a carrier, which may challenge it."""
    return bool(KSR.pv.gete(_SENT_AVP))


def load_sent() -> SentRequest:
    """The request of the transaction at hand. Raises ValueError if there is none."""
    place, cseq, answered = KSR.pv.gete(_SENT_AVP).split(" ", 2)
    hop = hop_from_uri(place)
    if hop is None:
        raise ValueError("a request in a dialog was sent to no hop")
    return SentRequest(hop, int(cseq), tuple(json.loads(answered)))
