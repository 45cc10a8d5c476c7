"""Ask an authoritative server whether it answers as planned: what was written is no proof."""

from __future__ import annotations

import dns.flags
import dns.message
import dns.rdatatype
import dns.rrset

from trunkline.plan.dns_records import RecordSet

PROBE_LABEL = "trunkline-probe"
"""Stands for the `*` of a wildcard: asking for a name below it shows that the wildcard works."""


def question_for(record: RecordSet) -> dns.message.Message:
    """The question whose answer shows whether a server has the record set."""
    return dns.message.make_query(_asked(record), dns.rdatatype.from_text(record.type))


def is_answer(record: RecordSet, answer: dns.message.Message, *, any_ttl: bool = False) -> bool:
    """True if an authoritative answer to `question_for` holds exactly the record set, its TTL included.

    `any_ttl`: whoever writes the zone may choose another TTL.
    """
    if not answer.flags & dns.flags.AA:
        return False
    wanted = dns.rrset.from_text(_asked(record), record.ttl, "IN", record.type, *record.values)
    found = answer.get_rrset(dns.message.ANSWER, wanted.name, wanted.rdclass, wanted.rdtype)
    return found is not None and found == wanted and (any_ttl or found.ttl == wanted.ttl)


def _asked(record: RecordSet) -> str:
    return record.name.replace("*", PROBE_LABEL, 1) + "."
