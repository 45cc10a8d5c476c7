"""Pure: changes to DNS UPDATE messages (RFC 2136), without a signature yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import dns.rdataset
import dns.update

from trunkline.dns.changes import GroupChange
from trunkline.dns.marks import Mark, groups_text, mark_name, sets_text
from trunkline.dns.records import Key, absolute, rdataset_of

BATCH_RECORDS: Final = 100
"""Records in one message: more make it no faster, and a server busy for longer."""


def batches(changes: Iterable[GroupChange], most: int = BATCH_RECORDS) -> Iterator[Sequence[GroupChange]]:
    """The changes in their order, as many together as have no more than `most` records; one is never cut."""
    batch: list[GroupChange] = []
    for change in changes:
        if batch and sum(each.size for each in batch) + change.size > most:
            yield batch
            batch = []
        batch.append(change)
    if batch:
        yield batch


def update_of(zone: str, base_domain: str, changes: Iterable[GroupChange]) -> dns.update.UpdateMessage:
    """One message for all `changes`: it is done whole, or refused if one of the marks has changed since."""
    message = dns.update.UpdateMessage(absolute(zone))
    for change in changes:
        name = absolute(mark_name(base_domain, change.group))
        _require(message, name, sets_text(change.before) if change.before else None)
        for owner, kind in change.claim:
            message.absent(absolute(owner), kind)
            message.absent(absolute(owner), "CNAME")
        for record in change.put:
            message.replace(absolute(record.name), rdataset_of(record))
        for owner, kind in change.drop:
            message.delete(absolute(owner), kind)
        _become(message, name, sets_text(change.after) if change.after else None)
    return message


def root_update(
    zone: str, base_domain: str, before: Mark | None, after: Mark | None
) -> dns.update.UpdateMessage:
    """The message that changes the list of groups."""
    message = dns.update.UpdateMessage(absolute(zone))
    name = absolute(mark_name(base_domain))
    _require(message, name, groups_text(before) if before else None)
    _become(message, name, groups_text(after) if after else None)
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


def _require(
    message: dns.update.UpdateMessage, name: dns.name.Name, mark: dns.rdataset.Rdataset | None
) -> None:
    if mark is None:
        message.absent(name, "TXT")
    else:
        # TTL 0, as RFC 2136 section 2.4.2 asks for.
        message.present(name, *mark)


def _become(
    message: dns.update.UpdateMessage, name: dns.name.Name, mark: dns.rdataset.Rdataset | None
) -> None:
    if mark is None:
        message.delete(name, "TXT")
    else:
        message.replace(name, mark)
