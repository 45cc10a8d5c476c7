"""Attempts whose callee is the edge's own B2BUA: what each is told, under a seal. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sipedge.b2bua_settings import B2buaSettings
from sipedge.calls.events import DISASTER_RECOVERY
from sipedge.routing.attempts import Attempt, AttemptKind
from sipedge.routing.dialog.hops import Hop
from sipedge.routing.handover import (
    ADOPT,
    FOUND,
    HEADER,
    INSTRUCT,
    SEEK,
    Adopted,
    Instructed,
    Placed,
    Sought,
    b2bua_hop,
    packed,
)
from sipedge.routing.relayed import Relayed
from sipedge.routing.sealed import Proof, Seal
from sipedge.secret import Secret

_B2BUA: Final = "b2bua"
"""The name of the B2BUA as a target: no object's name has no namespace."""


@dataclass(frozen=True, slots=True)
class WayToB2bua:
    """Where the B2BUA of an edge address listens, and by what it believes the edge."""

    hop: Hop
    edge_secret: Secret

    def take_over(self, placed: Placed, call_id: str, cseq: int, now: float) -> Attempt:
        """The one attempt of a call that takes the place of a side of a call which the B2BUA has found."""
        value = self._sealed(FOUND, packed(placed.takes_over), call_id, cseq, now)
        return self._attempt(AttemptKind.TAKE_OVER, _B2BUA, value)

    def seek(self, relayed: Relayed, call_id: str, cseq: int, now: float) -> Attempt:
        """The one attempt of a call of another edge that takes over one which may be here."""
        sought = Sought(relayed.target.replaces, relayed.trunk)
        value = self._sealed(SEEK, sought.to_text(), call_id, cseq, now)
        return self._attempt(AttemptKind.TAKE_OVER, _B2BUA, value)

    def instructions(self, told: Instructed, call_id: str, cseq: int, now: float) -> Attempt:
        """The last attempt of a call that no target took: the B2BUA carries out its instructions."""
        value = self._sealed(INSTRUCT, told.to_text(), call_id, cseq, now)
        return self._attempt(AttemptKind.INSTRUCTIONS, DISASTER_RECOVERY, value)

    def adoption(self, told: Adopted, call_id: str, cseq: int, now: float) -> str:
        """The header's value for a REFER, by which the B2BUA adopts a call."""
        return self._sealed(ADOPT, told.to_text(), call_id, cseq, now)

    def _sealed(self, purpose: str, told: str, call_id: str, cseq: int, now: float) -> str:
        proof = Proof(self.hop.address, call_id, cseq, self.hop.uri)
        return Seal(self.edge_secret, purpose).value(told, proof, now)

    def _attempt(self, kind: AttemptKind, target: str, value: str) -> Attempt:
        hop = self.hop
        return Attempt(
            target, hop.uri, hop.address, hop.port, hop.transport, None, ((HEADER, value),), kind=kind
        )


def way_to_b2bua(address: str, settings: B2buaSettings | None, edge_secret: Secret) -> WayToB2bua | None:
    """None for an edge address without a B2BUA."""
    hop = b2bua_hop(address, settings)
    return None if hop is None else WayToB2bua(hop, edge_secret)
