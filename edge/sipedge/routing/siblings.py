"""By what proof an edge takes a call from another one: a sealed header. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sipedge.routing.attempts import Attempt, AttemptKind
from sipedge.routing.dialog.memory import CallFacts
from sipedge.routing.message.headers import header_line
from sipedge.routing.relayed import Relayed, RelayTarget, packed, unpacked
from sipedge.routing.sealed import Proof, Seal
from sipedge.secret import Secret

RELAY_HEADER: Final = "X-Trunkline-Relay"
_LONGEST: Final = 1_802


@dataclass(frozen=True, slots=True)
class RelayKeeper:
    """Makes and reads relay headers. Both edges have the same secret."""

    edge_secret: Secret

    def value(self, relayed: Relayed, proof: Proof, now: float) -> str:
        """The header's value; `now` in seconds since the epoch."""
        # Whole seconds: an edge of an earlier version reads no others.
        return self._seal.value(packed(relayed), proof, int(now))

    def line(self, attempt: Attempt, facts: CallFacts, call_id: str, cseq: int, now: float) -> str:
        """The header line of an attempt by way of another edge; `cseq` is that of its INVITE."""
        relayed = Relayed(
            RelayTarget.from_text(attempt.relay or ""),
            facts.trunk,
            facts.account,
            "" if attempt.kind is AttemptKind.REDIRECTED else facts.account_sid,
            facts.call_sid,
            facts.secure,
            facts.calling,
            facts.max_duration_seconds,
        )
        proof = Proof(attempt.address, call_id, cseq, attempt.request_uri)
        return header_line(RELAY_HEADER, self.value(relayed, proof, now))

    def read(self, value: str, proof: Proof, now: float) -> tuple[Relayed, str] | None:
        """What a valid header tells, and its MAC, by which it is known again; None for any other. Total."""
        found = self._seal.read(value, proof, now, longest=_LONGEST)
        relayed = unpacked(found.told) if found is not None else None
        return None if found is None or relayed is None else (relayed, found.mac)

    @property
    def _seal(self) -> Seal:
        return Seal(self.edge_secret, "relay")
