"""What the addresses of the edges really serve: a Secret that is right proves nothing of a pod."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cryptography import x509

from trunkline.status.conditions import Opinion
from trunkline.status.reasons import StatusReason
from trunkline.tls.probe import ProbeError, Served, fingerprint_of, probe_in_thread

AGAIN_SECONDS: Final = 300.0
"""How often an address is probed that serves what it should."""
GRACE_SECONDS: Final = 30.0
"""How long an address may go on with the certificate before: agents have to hear of a new one."""
AT_ONCE: Final = 8


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the addresses of one Edge should serve."""

    edge: str
    certificate: x509.Certificate
    addresses: tuple[str, ...]
    """Those that serve calls now."""
    port: int
    server_name: str


@dataclass(slots=True)
class _Seen:
    """What one address was last found to serve."""

    wanted: bytes
    """Fingerprint of what it should have served."""
    served: Served | None
    """None = it could not be asked; the network between may be closed, so that says nothing."""
    looked_at: float
    wrong_since: float | None


class ServedCertificates:
    """Probes the addresses of all edges, each as seldom as will do."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], _Seen] = {}

    async def look(self, wishes: Sequence[Wanted], now: float | None = None) -> None:
        """Probe whatever is due. `now` is monotonic."""
        moment = time.monotonic() if now is None else now
        present = {(wish.edge, address): wish for wish in wishes for address in wish.addresses}
        self._seen = {key: seen for key, seen in self._seen.items() if key in present}
        gate = asyncio.Semaphore(AT_ONCE)

        async def probed(key: tuple[str, str], wish: Wanted) -> None:
            async with gate:
                try:
                    served = await probe_in_thread(key[1], wish.port, wish.server_name)
                except ProbeError:
                    served = None
            self._note(key, wish, served, moment)

        due = [(key, wish) for key, wish in present.items() if self._is_due(key, wish, moment)]
        await asyncio.gather(*(probed(key, wish) for key, wish in due))

    def judged(self, edge: str, opinion: Opinion, now: float | None = None) -> Opinion:
        """The opinion on an Edge's certificate, unless one of its addresses goes on serving another."""
        moment = time.monotonic() if now is None else now
        wrong = {
            address: seen.served
            for (owner, address), seen in self._seen.items()
            if owner == edge
            and seen.served is not None
            and seen.wrong_since is not None
            and moment - seen.wrong_since >= GRACE_SECONDS
        }
        if opinion.status != "True" or not wrong:
            return opinion
        words = ", ".join(
            f"{address} (until {served.until:%Y-%m-%d})" for address, served in sorted(wrong.items())
        )
        message = f"{opinion.message}; another certificate is still served at {words}: see that pod's log"
        return Opinion("CertificateReady", "False", StatusReason.OTHER_SERVED, message)

    def _is_due(self, key: tuple[str, str], wish: Wanted, now: float) -> bool:
        seen = self._seen.get(key)
        if seen is None or seen.wanted != fingerprint_of(wish.certificate) or seen.wrong_since is not None:
            return True
        return now - seen.looked_at >= AGAIN_SECONDS

    def _note(self, key: tuple[str, str], wish: Wanted, served: Served | None, now: float) -> None:
        wanted, before = fingerprint_of(wish.certificate), self._seen.get(key)
        wrong_since = None
        if served is not None and served.fingerprint != wanted:
            same = before is not None and before.wanted == wanted
            wrong_since = before.wrong_since if before is not None and same else now
            wrong_since = now if wrong_since is None else wrong_since
        self._seen[key] = _Seen(wanted, served, now, wrong_since)
