"""Ask an authoritative server whether it answers as planned: what was written is no proof."""

from __future__ import annotations

from collections.abc import Iterable

import dns.exception
import dns.flags
import dns.message
import dns.query
import dns.rdatatype
import dns.rrset

from trunkline.plan.dns_records import RecordSet

PROBE_LABEL = "trunkline-probe"
"""Stands for the `*` of a wildcard: asking for a name below it shows that the wildcard works."""


def differences(
    records: Iterable[RecordSet], address: str, port: int, timeout: float = 1.0
) -> tuple[RecordSet, ...]:
    """The record sets that the server at `address` does not answer exactly so; all, if it is silent."""
    return tuple(record for record in records if not _is_answered(record, address, port, timeout))


def question_for(record: RecordSet) -> dns.message.Message:
    """The question whose answer shows whether a server has the record set."""
    return dns.message.make_query(_asked(record), dns.rdatatype.from_text(record.type))


def is_answer(record: RecordSet, answer: dns.message.Message) -> bool:
    """True if an authoritative answer to `question_for` holds exactly the record set, its TTL included."""
    if not answer.flags & dns.flags.AA:
        return False
    wanted = dns.rrset.from_text(_asked(record), record.ttl, "IN", record.type, *record.values)
    found = answer.get_rrset(dns.message.ANSWER, wanted.name, wanted.rdclass, wanted.rdtype)
    return found is not None and found == wanted and found.ttl == wanted.ttl


def _asked(record: RecordSet) -> str:
    return record.name.replace("*", PROBE_LABEL, 1) + "."


def _is_answered(record: RecordSet, address: str, port: int, timeout: float) -> bool:
    try:
        answer, _ = dns.query.udp_with_fallback(question_for(record), address, timeout=timeout, port=port)
    except (dns.exception.DNSException, OSError):
        return False
    return is_answer(record, answer)
