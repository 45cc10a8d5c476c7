"""Pure: changes to DNS UPDATE messages (RFC 2136), without a signature yet."""

from __future__ import annotations

from collections.abc import Iterable

import dns.name
import dns.update

from trunkline.dns.changes import GroupChange
from trunkline.dns.marks import Mark, group_record, mark_name, root_record
from trunkline.dns.records import Key, absolute, rdataset_of
from trunkline.plan.dns_records import RecordSet


def update_of(zone: str, base_domain: str, changes: Iterable[GroupChange]) -> dns.update.UpdateMessage:
    """One message for all `changes`: it is done whole, or refused if one of the marks has changed since."""
    message = dns.update.UpdateMessage(absolute(zone))
    for change in changes:
        name = absolute(mark_name(base_domain, change.group))
        _require(message, name, _of_group(base_domain, change.group, change.before))
        for owner, kind in change.claim:
            message.absent(absolute(owner), kind)
            message.absent(absolute(owner), "CNAME")
        for record in change.put:
            message.replace(absolute(record.name), rdataset_of(record))
        for owner, kind in change.drop:
            message.delete(absolute(owner), kind)
        _become(message, name, _of_group(base_domain, change.group, change.after))
    return message


def root_update(
    zone: str, base_domain: str, before: Mark | None, after: Mark | None
) -> dns.update.UpdateMessage:
    """The message that changes the list of groups."""
    message = dns.update.UpdateMessage(absolute(zone))
    name = absolute(mark_name(base_domain))
    _require(message, name, root_record(base_domain, before) if before else None)
    _become(message, name, root_record(base_domain, after) if after else None)
    return message


def absence_question(zone: str, key: Key) -> dns.update.UpdateMessage:
    """A message that changes nothing: it succeeds if there is no such record set and no CNAME of its name.

    An ordinary question would be answered from a wildcard as well.
    """
    message = dns.update.UpdateMessage(absolute(zone))
    message.absent(absolute(key[0]), key[1])
    if key[1] != "CNAME":
        message.absent(absolute(key[0]), "CNAME")
    return message


def _of_group(base_domain: str, group: str, mark: Mark | None) -> RecordSet | None:
    return group_record(base_domain, group, mark) if mark else None


def _require(message: dns.update.UpdateMessage, name: dns.name.Name, mark: RecordSet | None) -> None:
    if mark is None:
        message.absent(name, "TXT")
    else:
        # TTL 0, as RFC 2136 section 2.4.2 asks for.
        message.present(name, *rdataset_of(mark))


def _become(message: dns.update.UpdateMessage, name: dns.name.Name, mark: RecordSet | None) -> None:
    if mark is None:
        message.delete(name, "TXT")
    else:
        message.replace(name, rdataset_of(mark))
