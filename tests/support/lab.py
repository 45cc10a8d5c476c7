"""A small platform on loopback: a PBX and a carrier at one edge; each test changes what it is about."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any

from support.addresses import Block
from support.edge import LIVING, Edge
from support.sipua import Invite, UserAgent, send_invite, user_agent
from support.tables import Platform, make_account, make_carrier, make_gateway, make_target, make_trunk

EDGE, PBX, TELCO = 1, 20, 30
"""Last bytes of the addresses in the block."""
OWN_NUMBER = "+14155550100"
FAR_NUMBER = "+442079460000"


@dataclass
class Lab:
    """One test's platform: a PBX and a carrier at its edge. Agents close with the test."""

    edge: Edge
    block: Block
    stack: ExitStack
    others: frozenset[str] = frozenset()
    """Dialogs that earlier tests have left on this edge: they go when their time has come."""

    def dialogs(self, states: Collection[int] = LIVING) -> int:
        """How many dialogs of this test are in one of these states; those that are not over, by default."""
        return len(self.edge.dialogs(states) - self.others)

    @property
    def edge_at(self) -> tuple[str, int]:
        return (self.edge.address, 5060)

    def agent(self, number: int, port: int = 5060, transport: str = "udp", **options: Any) -> UserAgent:
        """A user agent at the block's address with this last byte."""
        return self.stack.enter_context(user_agent(self.block.address(number), port, transport, **options))

    def platform(self, **changes: Any) -> Platform:
        """The default platform, with these fields changed, and the trunk by those in `trunk`."""
        trunk = {
            "access": (f"{self.block.address(PBX)}/32",),
            "targets": (make_target(self.block.address(PBX), 5060),),
        } | changes.pop("trunk", {})
        platform = Platform(
            addresses=[self.edge.address],
            accounts=[make_account()],
            trunks=[make_trunk(**trunk)],
            numbers={OWN_NUMBER: "acme/hq"},
            carriers=[make_carrier()],
            sources={f"{self.block.address(TELCO)}/32": "telco"},
            routes={"+": [make_gateway(self.block.address(TELCO), 5060)]},
        )
        return replace(platform, **changes)

    def serve(self, **changes: Any) -> None:
        """Publish the default platform with these changes."""
        self.edge.publish(self.platform(**changes).table())

    def call_out(
        self, pbx: UserAgent, called: str = FAR_NUMBER, host: str | None = None, **options: Any
    ) -> Invite:
        """The PBX calls the PSTN (termination)."""
        uri = f"sip:{called}@{host or 'acme-hq.pstn.trunkline.test'}"
        return send_invite(pbx, self._entry(pbx), uri, **{"caller": OWN_NUMBER} | options)

    def call_in(self, telco: UserAgent, called: str = OWN_NUMBER, **options: Any) -> Invite:
        """The carrier brings a call from the PSTN (origination)."""
        uri = f"sip:{called}@{self.edge.address}"
        return send_invite(telco, self._entry(telco), uri, **{"caller": FAR_NUMBER} | options)

    def _entry(self, agent: UserAgent) -> tuple[str, int]:
        return (self.edge.address, 5061 if agent.transport == "tls" else 5060)
