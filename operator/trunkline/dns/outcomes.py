"""Pure: what a look at a zone means for one Edge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from trunkline.dns.faults import DnsFault, DnsOutcome
from trunkline.dns.marks import group_of, mark_name
from trunkline.dns.records import Key, key_of, spoken
from trunkline.dns.verify import Verification
from trunkline.plan import names
from trunkline.plan.dns_records import EdgeSite, RecordSet
from trunkline.status.reasons import StatusReason


@dataclass(frozen=True, slots=True)
class Findings:
    """What is known of a zone after a look."""

    base_domain: str
    records: Mapping[Key, RecordSet]
    """All that is wanted, of all edges."""
    foreign: Mapping[Key, str]
    """Those that somebody else keeps, with that owner's id, "" if it is unknown."""
    fault: DnsFault | None
    """What keeps the records from being written."""
    said: Verification
    owner_secret: str = ""


def outcome_of(site: EdgeSite, findings: Findings) -> DnsOutcome:
    """`DNSReady` of one Edge: of its own records, and of those that it shares with others."""
    groups = groups_of(site, findings.base_domain)
    records = {
        key: record
        for key, record in findings.records.items()
        if group_of(key[0], findings.base_domain) in groups
    }
    foreign = {key: owner for key, owner in findings.foreign.items() if key in records}
    wrong = [record for record in findings.said.wrong if key_of(record) in records]
    if foreign:
        return DnsOutcome(False, StatusReason.FOREIGN_OWNER, _foreign_words(foreign, findings))
    own = names.edge_domain(site.name, findings.base_domain)
    if not any(key[0] == own for key in records):
        words = "no address of the Edge was ready yet, so its names lead nowhere"
        return DnsOutcome(False, StatusReason.NO_ADDRESS_READY, words)
    if findings.said.answering and not wrong:
        return DnsOutcome(True, StatusReason.DNS_CORRECT, _right_words(findings))
    if findings.fault is not None:
        return DnsOutcome(False, findings.fault.reason, str(findings.fault))
    if not findings.said.answering:
        silent = ", ".join(map(str, findings.said.silent)) or "none is known"
        words = f"no authoritative DNS server answers ({silent}); they will be asked again"
        return DnsOutcome(False, StatusReason.DNS_SERVER_SILENT, words)
    return DnsOutcome(False, StatusReason.PROPAGATING, wrong_words(wrong, findings.said))


def groups_of(site: EdgeSite, base_domain: str) -> frozenset[str]:
    """The groups of records by which the Edge is found."""
    shared = {group_of(names.platform_domain(base_domain), base_domain), site.name}
    return frozenset(shared | ({site.region} if site.region is not None else set()))


def records_of(site: EdgeSite, records: Sequence[RecordSet], base_domain: str) -> tuple[RecordSet, ...]:
    """Those of `records` by which the Edge is found."""
    groups = groups_of(site, base_domain)
    return tuple(record for record in records if group_of(key_of(record)[0], base_domain) in groups)


def wrong_words(wrong: Iterable[RecordSet], said: Verification) -> str:
    """Which record sets which servers do not answer as wanted."""
    records = list(wrong)
    servers = sorted({server for record in records for server in said.wrong[record]})
    names_of = ", ".join(map(str, servers))
    return f"{names_of} not yet answering as wanted: {spoken(map(key_of, records))}"


def _right_words(findings: Findings) -> str:
    words = f"answered as wanted by {', '.join(map(str, findings.said.answering))}"
    if findings.said.silent:
        words += f"; silent: {', '.join(map(str, findings.said.silent))}"
    if findings.fault is not None:
        words += f"; changes cannot be written: {findings.fault}"
    return words


def _foreign_words(foreign: Mapping[Key, str], findings: Findings) -> str:
    owner = next((owner for owner in foreign.values() if owner), "")
    if owner:
        taken = [key for key, each in foreign.items() if each == owner]
        words = (
            f"{spoken(taken)}: kept by installation {owner} (TXT {mark_name(findings.base_domain)} and "
            "below), so they are left alone: give one of the two installations another base domain"
        )
        if findings.owner_secret:
            words += (
                f"; if that installation is gone, take its records over: write {owner} into Secret "
                f"{findings.owner_secret}, key id"
            )
        return words
    return (
        f"{spoken(foreign)}: there already, and not made by Trunkline, so left alone: remove by hand what "
        "stands there, or choose other names"
    )
