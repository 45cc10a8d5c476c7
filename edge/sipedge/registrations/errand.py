"""How the agent tells its Kamailio where a REGISTER goes: a header, under a MAC by the platform's secret.
Pure.

The edge's own address may be in anybody's packets: without proof an edge would carry REGISTERs for strangers.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Final

from sipedge.routing.dialog.hops import Hop, hop_from_text
from sipedge.routing.dialog.tokens import with_lengths
from sipedge.secret import Secret

HEADER: Final = "X-Trunkline-Register"
MOST_SECONDS: Final = 30
"""How old the header may be."""
_FORM: Final = re.compile(r"([0-9]{1,12});([0-9a-f]{64});([0-9a-z]{1,40});([a-z0-9.-]{0,253})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Errand:
    """Where a REGISTER of the agent's is to go."""

    hop: Hop
    server_name: str
    """For SNI; "" = none."""


@dataclass(frozen=True, slots=True)
class ErrandKeeper:
    """Makes and reads the header."""

    edge_secret: Secret

    def value(self, errand: Errand, call_id: str, cseq: int, now: float) -> str:
        """Of the message with this Call-ID and CSeq; `now` in seconds since the epoch."""
        time, told = str(int(now)), f"{errand.hop.text};{errand.server_name}"
        return f"{time};{self._mac(time, told, call_id, cseq)};{told}"

    def read(self, value: str, call_id: str, cseq: int, now: float) -> Errand | None:
        """What a valid header tells; None for any other. Total."""
        match = _FORM.fullmatch(value)
        if match is None or abs(now - int(match[1])) > MOST_SECONDS:
            return None
        if not hmac.compare_digest(match[2], self._mac(match[1], f"{match[3]};{match[4]}", call_id, cseq)):
            return None
        hop = hop_from_text(match[3])
        return None if hop is None else Errand(hop, match[4])

    def _mac(self, time: str, told: str, call_id: str, cseq: int) -> str:
        signed = with_lengths("register", time, told, call_id, str(cseq)).encode("utf-8", "surrogatepass")
        return hmac.new(self.edge_secret.reveal().encode(), signed, hashlib.sha256).hexdigest()
