"""What a finding says to who has all the files: which name was meant, and where others are. Pure."""

from __future__ import annotations

import re
from typing import Final

from trunkline.api import KINDS, ObjectRef
from trunkline.cli.cause_index import Index
from trunkline.cli.finding import Finding
from trunkline.compiler.reasons import ConditionReason as Why

_MENTION: Final = re.compile(rf"\b({'|'.join(KINDS)}) ([a-z0-9.-]+/)?([a-z0-9](?:[a-z0-9.-]*[a-z0-9])?)")


def message_with_places(index: Index, finding: Finding) -> str:
    """With the name that was probably meant, and where others are that it mentions."""
    if finding.ref is None:
        return finding.message
    return _with_places(index, _with_name(index, finding, finding.ref), finding.ref, finding)


def _with_name(index: Index, finding: Finding, owner: ObjectRef) -> str:
    absent = [
        each.target for each in index.unresolved(finding, owner) if each.target not in index.texts.documents
    ]
    if len(absent) != 1 or finding.reason == Why.NO_USABLE_LIST:
        return finding.message
    target = absent[0]
    if (near := index.near(target)) is not None:
        return f"{target} does not exist (did you mean {near}?)"
    if others := index.elsewhere(target):
        where = ", ".join(f"{each} at {index.texts.positions[each]}" for each in others[:2])
        return f"{target} does not exist, but there is {where} (an object names those of its own namespace)"
    return finding.message


def _with_places(index: Index, message: str, owner: ObjectRef, finding: Finding) -> str:
    if finding.reason == Why.CONFLICT and finding.field.endswith("domainName"):
        return f"{message}{_other_holder(index, owner)}"

    def placed(match: re.Match[str]) -> str:
        kind, namespace, name = match.groups()
        spaces = (None, owner.namespace) if namespace is None else (namespace[:-1],)
        found = (index.texts.positions.get(ObjectRef(kind, space, name)) for space in spaces)
        place = next(filter(None, found), None)
        return match[0] if place is None or "does not exist, but" in message else f"{match[0]} ({place})"

    return _MENTION.sub(placed, message)


def _other_holder(index: Index, loser: ObjectRef) -> str:
    domain = index.domain(loser)
    for ref in index.texts.of_kind("Trunk"):
        refused = any(each.reason == Why.CONFLICT for each in index.errors.get(ref, ()))
        if ref != loser and not refused and index.domain(ref) == domain:
            return f" ({ref} at {index.texts.positions[ref]} has it)"
    return ""
