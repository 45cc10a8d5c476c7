"""DNS records written by signed updates to the zone's primary server (RFC 2136, RFC 8945).

Level-triggered: each look compares all that is wanted with all that the zone holds. Nothing is remembered
that could not be found out again, and nothing is sent while both agree.
"""

from __future__ import annotations

import asyncio
import datetime
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, TypeVar

import dns.asyncresolver

from trunkline.api import SecretValues
from trunkline.dns.authorities import system_resolver
from trunkline.dns.faults import DnsFault, ToldFault
from trunkline.dns.keeping import Kept, keep
from trunkline.dns.outcomes import Findings, outcome_of
from trunkline.dns.patience import Patience
from trunkline.dns.provider import Installation
from trunkline.dns.providers.rfc2136.leaving import removal_script
from trunkline.dns.providers.rfc2136.primary import Primary
from trunkline.dns.providers.rfc2136.tsig import tsig_key
from trunkline.dns.records import by_key
from trunkline.dns.server_names import address_of, host_and_port
from trunkline.dns.verify import NameServer, Verification, Verifier, listed_servers
from trunkline.plan.dns_records import EdgeSite, RecordSet, dns_records
from trunkline.settings import INSTALLATION_SECRET, OperatorSettings
from trunkline.status.conditions import Opinion
from trunkline.status.reasons import StatusReason

log = logging.getLogger(__name__)

ReadSecret = Callable[[], Awaitable[SecretValues | None]]
ReadText = Callable[[], Awaitable[str]]
Told = TypeVar("Told")

_SETTLING: Final = (0.2, 0.5, 1.0)
"""Waits in seconds after a write: secondaries ask for it as soon as they are told (RFC 1996)."""
_FULL_LOOK: Final = 20
"""Every so many looks all is read, whatever the zone's serial says."""


@dataclass(frozen=True, slots=True)
class Rfc2136Settings:
    """Where to write, and with which key."""

    base_domain: str
    server: str
    """The primary: HOST, HOST:PORT or [IPV6]:PORT."""
    key_name: str
    key_algorithm: str = "hmac-sha256"
    zone: str = ""
    """Empty = the base domain."""
    key_secret: str = ""
    """namespace/name of the Secret that holds the key, for messages."""
    owner_secret: str = ""
    """namespace/name of the Secret that holds the installation's id, for messages."""

    @property
    def updated_zone(self) -> str:
        return (self.zone or self.base_domain).lower().removesuffix(".")


def build(settings: OperatorSettings, installation: Installation) -> Rfc2136Provider:
    """For `--dns-provider rfc2136`."""
    namespace = settings.system_namespace
    chosen = Rfc2136Settings(
        base_domain=settings.base_domain,
        server=settings.dns_server,
        key_name=settings.dns_tsig_key_name,
        key_algorithm=settings.dns_tsig_algorithm,
        zone=settings.dns_zone,
        key_secret=f"{namespace}/{settings.dns_tsig_secret}",
        owner_secret=f"{namespace}/{INSTALLATION_SECRET}",
    )
    key = partial(installation.secret, settings.dns_tsig_secret)
    return Rfc2136Provider(chosen, key, installation.installation_id, installation.has_installation_id)


class Rfc2136Provider:
    """Keeps the records of all edges in one zone."""

    patience = datetime.timedelta(minutes=10)

    def __init__(
        self,
        settings: Rfc2136Settings,
        key: ReadSecret,
        owner: ReadText,
        has_owner: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        """`key` reads the values of the Secret with the TSIG key, `owner` the id of this installation.

        Both may raise: it is told like any other fault, by the name of the error alone. `has_owner` says
        whether there is an id at all; absent: there is.
        """
        self._settings, self._key, self._owner, self._has_owner = settings, key, owner, has_owner
        self.facts: Mapping[str, Mapping[str, Any]] = {}
        self.named: frozenset[str] | None = None
        self._servers: tuple[NameServer, ...] = ()
        self._primary: NameServer | None = None
        self._verifier = Verifier()
        self._looks = 0
        self._seen: tuple[object, Kept] | None = None
        self._fault = ToldFault(log, "DNS records are written again")
        self._patience = Patience()
        self.updates = 0
        """Updates that changed something, since the start."""

    @property
    def again_seconds(self) -> float:
        """How long to wait, when nothing changes, before the next `reconcile`."""
        return self._patience.seconds

    @property
    def fault(self) -> str:
        """What keeps the records from being written; "" while nothing does."""
        return self._fault.text

    async def reconcile(self, sites: Sequence[EdgeSite]) -> Mapping[str, tuple[Opinion, ...]]:
        """Make the zone as wanted; the `DNSReady` of each site by its name.

        Records of edges that are not among `sites` are removed: no sites, no records. Raises nothing.
        """
        kept, fault = await self._keep(sites)
        records = tuple(kept.wanted.values()) if kept else dns_records(sites, self._settings.base_domain)
        said = await self._verify(records, fault, settling=bool(kept and kept.updates))
        findings = Findings(
            base_domain=self._settings.base_domain,
            records=by_key(records),
            foreign=kept.foreign if kept else {},
            fault=fault or (kept.fault if kept else None),
            said=said,
            owner_secret=self._settings.owner_secret,
        )
        outcomes = {site.name: outcome_of(site, findings) for site in sites}
        self.named = frozenset(outcomes) if findings.fault is None else None
        self._patience.learn(findings.fault is None and all(each.ready for each in outcomes.values()))
        self._fault.tell(findings.fault)
        return {name: (outcome.opinion,) for name, outcome in outcomes.items()}

    async def written(self) -> Sequence[str]:
        """Without an id, none was ever written."""
        if self._has_owner is not None and not await self._has_owner():
            return ()
        return (f"all DNS records of this installation below {self._settings.base_domain}",)

    async def leave(self) -> str:
        """No sites, no records."""
        await self.reconcile(())
        return self._fault.text

    def parting_words(self, fault: str, sites: Sequence[EdgeSite]) -> Sequence[str]:
        """That nothing is left; or what stays, and how to remove it by hand."""
        settings, zone = self._settings, self._settings.updated_zone
        if not fault:
            return (f"DNS: no record of this installation is left below {settings.base_domain}",)
        script = removal_script(settings.server, zone, settings.base_domain, sites)
        return (
            f"WARNING: DNS records stay in zone {zone}: {fault}",
            "A later installation in the same namespace takes them over. To remove them by hand, give this "
            f"to `nsupdate -k KEYFILE` with the key {settings.key_name}:",
            *script.split("\n"),
        )

    async def _keep(self, sites: Sequence[EdgeSite]) -> tuple[Kept | None, DnsFault | None]:
        try:
            primary = await self._connect()
            owner = await self._told("the installation's id", self._owner())
            serial = await primary.check()
            self._looks += 1
            if self._looks % _FULL_LOOK == 1:
                self._seen = None
                self._verifier.forget()
                self._servers = await self._listed(primary)
            kept = await self._looked(primary, serial, owner, tuple(sites))
        except DnsFault as fault:
            self._seen = None
            return None, fault
        self.updates += kept.updates
        if kept.updates:
            log.info("%s: %d updates of %s", primary.place, kept.updates, self._settings.updated_zone)
        return kept, None

    async def _looked(self, primary: Primary, serial: int, owner: str, sites: tuple[EdgeSite, ...]) -> Kept:
        """What a look finds; the last one's finding if neither the zone nor the wish has changed since."""
        about = (primary.place, serial, owner, sites)
        if self._seen is not None and self._seen[0] == about:
            return self._seen[1]
        kept = await keep(primary, owner, self._settings.base_domain, sites)
        self._seen = (about, kept) if kept.fault is None and not kept.updates else None
        return kept

    async def _connect(self) -> Primary:
        settings = self._settings
        if not f".{settings.base_domain}".endswith(f".{settings.updated_zone}"):
            raise DnsFault(
                StatusReason.DNS_UPDATE_REFUSED,
                f"the base domain {settings.base_domain} does not lie in the zone {settings.updated_zone}: "
                "set the zone that holds it",
            )
        values = await self._told(f"Secret {settings.key_secret}", self._key())
        key = tsig_key(values, settings.key_name, settings.key_algorithm, settings.key_secret)
        host, port = host_and_port(settings.server)
        address = await address_of(host, port)
        self._primary = NameServer(address, port)
        return Primary(address, port, settings.updated_zone, settings.base_domain, key)

    async def _told(self, what: str, source: Awaitable[Told]) -> Told:
        try:
            return await source
        except Exception as error:
            raise DnsFault(
                StatusReason.DNS_KEY_REFUSED, f"{what} cannot be read ({type(error).__name__}: {error})"
            ) from error

    async def _listed(self, primary: Primary) -> tuple[NameServer, ...]:
        """Who is asked whether the zone is right: its NS records, and the primary, which may be hidden."""
        asked = dns.asyncresolver.Resolver(configure=False)
        asked.nameservers, asked.port = [primary.address], primary.port
        listed = await listed_servers(primary.zone, asked, system_resolver())
        others = (each for each in listed if each.address != primary.address)
        return (NameServer(primary.address, primary.port), *others)

    async def _verify(
        self, records: Sequence[RecordSet], fault: DnsFault | None, *, settling: bool
    ) -> Verification:
        servers = self._servers or ((self._primary,) if self._primary else ())
        if fault is not None and fault.reason == StatusReason.DNS_SERVER_SILENT:
            servers = tuple(server for server in servers if server != self._primary)
        zone = self._settings.updated_zone
        said = await self._verifier.verify(records, servers, zone)
        for wait in _SETTLING if settling else ():
            if not said.wrong:
                break
            await asyncio.sleep(wait)
            said = await self._verifier.verify(records, servers, zone)
        return said
