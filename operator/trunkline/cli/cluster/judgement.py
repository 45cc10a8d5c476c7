"""What is wrong with the objects of a cluster: the operator's word where it has spoken, else the compiler's.

The operator sees what a person may not: Accounts, other tenants, Secrets. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from trunkline.api import ObjectRef
from trunkline.api.conditions import ABNORMAL_TRUE, DECLARED
from trunkline.cli.cluster.snapshot import Snapshot
from trunkline.cli.cluster.stored import status_of
from trunkline.cli.finding import Finding
from trunkline.cli.findings import in_order
from trunkline.compiler import Verdict
from trunkline.compiler.reasons import ConditionReason
from trunkline.status.conditions import Condition
from trunkline.status.report import Status

_LISTS: Final = frozenset({"CredentialList", "IpAccessControlList"})
_NEEDED: Final[Mapping[ConditionReason, frozenset[str]]] = {
    ConditionReason.ACCOUNT_NOT_FOUND: frozenset({"Account"}),
    ConditionReason.PARENT_DOMAIN_MISSING: frozenset({"Account", "Trunk"}),
    ConditionReason.EDGE_NOT_FOUND: frozenset({"Edge"}),
    ConditionReason.TRUNK_NOT_FOUND: frozenset({"Trunk"}),
    ConditionReason.TRUNK_NOT_ACCEPTED: frozenset({"Trunk"}) | _LISTS,
    ConditionReason.LIST_NOT_FOUND: _LISTS,
    ConditionReason.NO_USABLE_LIST: _LISTS,
    ConditionReason.POLICY_NOT_FOUND: frozenset({"HeaderManipulationPolicy"}),
    ConditionReason.NO_ENABLED_URI: frozenset({"OriginationUri"}),
    ConditionReason.NO_USABLE_URI: frozenset({"OriginationUri"}),
}
"""Kinds that must have been read for a verdict of "it is not there" to mean anything."""

_FIELD: Final = re.compile(r"(?P<field>(?:spec|metadata)[.\[][^\s:;]*): (?P<message>.*)", re.DOTALL)
"""How the operator writes a verdict on a field into a condition's message."""


def cluster_findings(snapshot: Snapshot, verdicts: Iterable[Verdict]) -> tuple[Finding, ...]:
    """Every error and warning of the objects that were asked for; `verdicts` are of the compiled snapshot."""
    compiled: dict[ObjectRef, list[Verdict]] = {}
    for verdict in verdicts:
        if verdict.severity is not None:
            compiled.setdefault(verdict.ref, []).append(verdict)
    found: list[Finding] = []
    for ref, manifest in snapshot.wanted():
        status, own = status_of(manifest), compiled.get(ref, [])
        if status is not None:
            found.extend(_told(ref, status, own))
        else:
            found.extend(_finding(each) for each in own if _is_known(each, snapshot))
    return in_order(found)


def _is_known(verdict: Verdict, snapshot: Snapshot) -> bool:
    if verdict.reason is ConditionReason.PARENT_DOMAIN_MISSING and snapshot.alone:
        return False
    return not _NEEDED.get(verdict.reason, frozenset()) & snapshot.unread


def _told(ref: ObjectRef, status: Status, compiled: Sequence[Verdict]) -> Iterator[Finding]:
    """The operator's verdicts; in the compiler's words, which name fields, if these come to the same."""
    for condition in status.conditions:
        severity = _severity(condition)
        if severity is None:
            continue
        same = [each for each in compiled if each.type == condition.type]
        if any(each.reason == condition.reason for each in same):
            yield from map(_finding, same)
            continue
        match = _FIELD.fullmatch(condition.message)
        field, message = (match["field"], match["message"]) if match else ("", condition.message)
        yield Finding(None, None, field, condition.reason, message, severity, ref)


def _severity(condition: Condition) -> str | None:
    """As `Verdict.severity`; None also for conditions that are no verdict on what users wrote."""
    if condition.type in ABNORMAL_TRUE:
        return "warning" if condition.status == "True" else None
    if condition.type not in DECLARED or condition.reason == ConditionReason.NO_NUMBERS:
        return None
    return "error" if condition.status == "False" else None


def _finding(verdict: Verdict) -> Finding:
    severity = verdict.severity or "error"
    return Finding(None, None, verdict.field, str(verdict.reason), verdict.message, severity, ref=verdict.ref)
