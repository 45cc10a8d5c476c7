"""The primary server of a zone: signed questions and updates, its refusals in words."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import dns.asyncquery
import dns.exception
import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdataclass
import dns.rdatatype
import dns.tsig
import dns.update

from trunkline.dns.changes import GroupChange
from trunkline.dns.faults import DnsFault
from trunkline.dns.marks import Mark
from trunkline.dns.providers.rfc2136.messages import absence_question, root_update, update_of
from trunkline.dns.records import Key, absolute, record_of, serial_of
from trunkline.plan.dns_records import RecordSet
from trunkline.status.reasons import StatusReason

QUESTION_SECONDS: Final = 1.5
QUESTION_TRIES: Final = 2
UPDATE_SECONDS: Final = 5.0
AT_ONCE: Final = 32
"""Questions under way at the same time."""

_PREREQUISITE_FAILED: Final = frozenset(
    {dns.rcode.YXDOMAIN, dns.rcode.YXRRSET, dns.rcode.NXRRSET, dns.rcode.NXDOMAIN}
)
_KEY_ERRORS: Final = (dns.tsig.PeerBadKey, dns.tsig.PeerBadSignature, dns.tsig.BadSignature, dns.tsig.BadKey)


@dataclass(frozen=True, slots=True)
class Primary:
    """One server, as it is reached for one zone: a `dns.zone.Zone`."""

    address: str
    port: int
    zone: str
    base_domain: str
    key: dns.tsig.Key
    """Signs questions too: a server may choose by it which of its views it shows."""

    @property
    def place(self) -> str:
        """For people."""
        host = f"[{self.address}]" if ":" in self.address else self.address
        return f"DNS server {host}:{self.port}"

    async def check(self) -> int:
        """The zone's serial. Raises DnsFault if the server is silent, refuses the key, or lacks the zone."""
        answer = await self._question(absolute(self.zone), dns.rdatatype.SOA)
        soa = answer.get_rrset(answer.answer, absolute(self.zone), dns.rdataclass.IN, dns.rdatatype.SOA)
        if soa is None or not answer.flags & dns.flags.AA:
            raise DnsFault(
                StatusReason.DNS_UPDATE_REFUSED,
                f"{self.place} is not authoritative for {self.zone}: name the zone's primary server, "
                "or the zone that holds the base domain",
            )
        return serial_of(soa)

    async def read(self, keys: Iterable[Key]) -> dict[Key, RecordSet]:
        """Those record sets that are there, and CNAMEs in their places. Raises DnsFault."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def ask(key: Key) -> dict[Key, RecordSet]:
            async with gate:
                return await self._read(key)

        found: dict[Key, RecordSet] = {}
        for each in await asyncio.gather(*(ask(key) for key in sorted(set(keys)))):
            found.update(each)
        return found

    async def lacks(self, key: Key) -> bool:
        """True if the zone itself has neither the record set nor a CNAME of its name. Raises DnsFault."""
        return await self._change(absence_question(self.zone, key))

    async def change(self, changes: Sequence[GroupChange]) -> bool:
        """Do them all, or none: False if something stands otherwise than they say. Raises DnsFault."""
        return await self._change(update_of(self.zone, self.base_domain, changes))

    async def list_groups(self, before: Mark | None, after: Mark | None) -> bool:
        """Change the list of groups; False if it is not as `before` any more. Raises DnsFault."""
        return await self._change(root_update(self.zone, self.base_domain, before, after))

    async def _change(self, message: dns.update.UpdateMessage) -> bool:
        """Send an update; False if one of its prerequisites does not hold. Raises DnsFault."""
        message.use_tsig(self.key)
        try:
            answer = await dns.asyncquery.tcp(message, self.address, timeout=UPDATE_SECONDS, port=self.port)
        except (dns.exception.DNSException, OSError, EOFError) as error:
            raise self._fault(error) from error
        code = answer.rcode()
        if code in _PREREQUISITE_FAILED:
            return False
        if code != dns.rcode.NOERROR:
            raise self._refusal(code)
        return True

    async def _read(self, key: Key) -> dict[Key, RecordSet]:
        name, kind = absolute(key[0]), dns.rdatatype.from_text(key[1])
        answer = await self._question(name, kind)
        found = {}
        for rdtype in {kind, dns.rdatatype.CNAME}:
            rrset = answer.get_rrset(answer.answer, name, dns.rdataclass.IN, rdtype)
            if rrset is not None:
                held = key[0], dns.rdatatype.to_text(rdtype)
                found[held] = record_of(held, rrset)
        return found

    async def _question(self, name: dns.name.Name, kind: dns.rdatatype.RdataType) -> dns.message.Message:
        query = dns.message.make_query(name, kind)
        query.flags &= ~dns.flags.RD
        query.use_tsig(self.key)
        for last in (*[False] * (QUESTION_TRIES - 1), True):
            try:
                answer, _ = await dns.asyncquery.udp_with_fallback(
                    query, self.address, timeout=QUESTION_SECONDS, port=self.port, ignore_unexpected=True
                )
                break
            except dns.exception.Timeout as error:
                if last:
                    raise self._fault(error) from error
            except (dns.exception.DNSException, OSError, EOFError) as error:
                raise self._fault(error) from error
        code = answer.rcode()
        if code not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
            raise DnsFault(
                StatusReason.DNS_UPDATE_REFUSED,
                f"{self.place} answers {dns.rcode.to_text(code)} to a question for {name} signed with key "
                f"{self._key_name}: allow that key to ask, and see that the server has loaded {self.zone}",
            )
        return answer

    @property
    def _key_name(self) -> str:
        return self.key.name.to_text(omit_final_dot=True)

    def _refusal(self, code: dns.rcode.Rcode) -> DnsFault:
        words = f"{self.place} refuses to update {self.zone} ({dns.rcode.to_text(code)}): "
        if code in (dns.rcode.REFUSED, dns.rcode.NOTAUTH):
            words += (
                f"allow key {self._key_name} to update A, AAAA, SRV, NAPTR and TXT records there, "
                "or name the server that takes updates"
            )
        else:
            words += "its log says why; it will be asked again"
        return DnsFault(StatusReason.DNS_UPDATE_REFUSED, words)

    def _fault(self, error: Exception) -> DnsFault:
        """The fault for what dnspython or the system raised; no text of theirs is shown."""
        if isinstance(error, dns.tsig.PeerBadTime | dns.tsig.BadTime):
            return DnsFault(
                StatusReason.DNS_KEY_REFUSED,
                f"the clocks of {self.place} and of this machine differ by more than TSIG allows: set them",
            )
        if isinstance(error, _KEY_ERRORS):
            return DnsFault(
                StatusReason.DNS_KEY_REFUSED,
                f"{self.place} rejects TSIG key {self._key_name}: give it and the Secret the same "
                "name, algorithm and secret",
            )
        if isinstance(error, dns.exception.Timeout | OSError | EOFError):
            what = "does not answer" if isinstance(error, dns.exception.Timeout) else "cannot be reached"
            return DnsFault(StatusReason.DNS_SERVER_SILENT, f"{self.place} {what}; it will be asked again")
        if type(error) is dns.exception.FormError:
            # What dnspython makes of an answer without a signature: a server that does not know the zone,
            # or the key, may refuse so.
            return DnsFault(
                StatusReason.DNS_UPDATE_REFUSED,
                f"{self.place} answers without a signature: name a server that serves {self.zone} and "
                f"knows TSIG key {self._key_name}",
            )
        return DnsFault(
            StatusReason.DNS_SERVER_SILENT,
            f"{self.place} does not answer with DNS ({type(error).__name__}): see what listens there",
        )
