"""A provider of DNS records against a real server, as one operator after the other would run it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from sipedge.secret import Secret
from support.dns_servers import KEY_NAME, SECRET
from trunkline.dns.providers.rfc2136.provider import Rfc2136Provider, Rfc2136Settings
from trunkline.plan.dns_records import EdgeSite
from trunkline.status.conditions import Opinion

ZONE = "voice.test"
Told = TypeVar("Told")


@dataclass
class Installation:
    """A provider, with what it reads from Secrets in plain sight."""

    server: str
    owner: str = "11111111-2222-3333-4444-555555555555"
    zone: str = ""
    base_domain: str = ZONE
    secret: Mapping[str, Secret] | None = field(default_factory=lambda: {"secret": Secret(SECRET)})
    key_name: str = KEY_NAME
    provider: Rfc2136Provider = field(init=False)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """A new operator, which knows nothing of what the last one did."""

        async def key() -> Mapping[str, Secret] | None:
            return self.secret

        async def owner() -> str:
            return self.owner

        settings = Rfc2136Settings(
            self.base_domain,
            self.server,
            self.key_name,
            zone=self.zone,
            key_secret="trunkline-system/tsig",
            owner_secret="trunkline-system/trunkline-installation",
        )
        self.provider = Rfc2136Provider(settings, key, owner)

    def reconcile(self, *sites: EdgeSite) -> dict[str, Opinion]:
        """One look, from the outside: `DNSReady` by edge."""
        said: Mapping[str, Sequence[Opinion]] = run(lambda: self.provider.reconcile(sites))
        return {edge: opinions[0] for edge, opinions in said.items()}


def run(step: Callable[[], Awaitable[Told]]) -> Told:
    async def stepped() -> Told:
        return await step()

    return asyncio.run(stepped())
