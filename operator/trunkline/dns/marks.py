"""Who keeps which records: marks, TXT records that stand in the zone beside what they speak of.

    _trunkline.<base>           owner=<id>  group=ashburn  group=pstn ...
    _trunkline.ashburn.<base>   owner=<id>  set=A pstn.ashburn  set=SRV _sip._udp.pstn.ashburn ...

A group is what lies below one label under the base domain: an edge, a region, or `pstn` itself. A record
set that no mark names is not ours, whatever it holds. Since marks and records change in the same update,
the marks are also the list of what is to be removed when an Edge is gone: it needs no finalizer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from trunkline.dns.records import Key, text_record, texts_of
from trunkline.plan.dns_records import RecordSet

LABEL: Final = "_trunkline"
TTL: Final = 300
"""Seconds."""

_OWNER: Final = "owner="
_GROUP: Final = "group="
_SET: Final = "set="


@dataclass(frozen=True, slots=True)
class Mark:
    """One TXT record set of ours, or of another installation."""

    owner: str
    """Id of the installation; "" = the text is none of Trunkline's."""
    members: frozenset[str] = frozenset()
    """Names of groups, or record sets as `member_of` writes them."""


def mark_name(base_domain: str, group: str | None = None) -> str:
    """Where the mark of a group stands, or the one that lists all groups."""
    return f"{LABEL}.{group}.{base_domain}" if group else f"{LABEL}.{base_domain}"


def group_of(name: str, base_domain: str) -> str:
    """The label right below the base domain. Raises ValueError for a name that does not lie below it."""
    relative = name.removesuffix(f".{base_domain}")
    if relative == name:
        raise ValueError(f"{name} does not lie below {base_domain}")
    return relative.rpartition(".")[2]


def member_of(key: Key, base_domain: str) -> str:
    name, kind = key
    return f"{kind} {name.removesuffix(f'.{base_domain}')}"


def key_from(member: str, base_domain: str) -> Key:
    """The record set that `member_of` wrote."""
    kind, _, relative = member.partition(" ")
    return f"{relative}.{base_domain}", kind


def keys_of(mark: Mark | None, base_domain: str) -> frozenset[Key]:
    """The record sets that a group's mark lists."""
    return frozenset(key_from(member, base_domain) for member in mark.members) if mark else frozenset()


def root_record(base_domain: str, mark: Mark) -> RecordSet:
    """The mark that lists groups, as it stands in the zone."""
    return _record(mark_name(base_domain), mark, _GROUP)


def group_record(base_domain: str, group: str, mark: Mark) -> RecordSet:
    """The mark of a group, as it stands in the zone."""
    return _record(mark_name(base_domain, group), mark, _SET)


def read_mark(found: RecordSet | None) -> Mark | None:
    """The mark in a TXT record set; None if there is none."""
    if found is None:
        return None
    texts = texts_of(found)
    owners = [text.removeprefix(_OWNER) for text in texts if text.startswith(_OWNER)]
    members = [_member(text) for text in texts if not text.startswith(_OWNER)]
    if len(owners) != 1 or None in members:
        return Mark("")
    return Mark(owners[0], frozenset(filter(None, members)))


def _record(name: str, mark: Mark, prefix: str) -> RecordSet:
    texts = (f"{_OWNER}{mark.owner}", *(prefix + member for member in sorted(mark.members)))
    return text_record(name, TTL, texts)


def _member(text: str) -> str | None:
    for prefix in (_GROUP, _SET):
        if text.startswith(prefix):
            return text.removeprefix(prefix)
    return None
