"""Trunks: accounts, termination domains (S26-S30), and which lists guard them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from sipedge.table import DomainRow, Row, Section
from sipedge.table.header_policy import NO_POLICIES, TrunkPoliciesRow
from sipedge.table.lookup import network
from trunkline.api import ObjectRef, Trunk
from trunkline.compiler import opinions
from trunkline.compiler.contribution import Contribution, Topic
from trunkline.compiler.delta import RowKey
from trunkline.compiler.header_policies import policy_fault, policy_questions, policy_row, termination_ref
from trunkline.compiler.opinions import Fault
from trunkline.compiler.questions import THE_ONE, Index, Question, View
from trunkline.compiler.reasons import ConditionReason
from trunkline.compiler.tenants import Age, Tenant
from trunkline.compiler.trunk_state import TrunkState
from trunkline.compiler.verdict import ConditionType, Verdict


@dataclass(frozen=True, slots=True)
class Claimant:
    """A trunk that is permitted to have its domain, and that is not one too many."""

    age: Age
    ref: ObjectRef
    tenant: Tenant


@dataclass(frozen=True, slots=True)
class ServedTrunk:
    """An accepted Trunk with its termination settled."""

    tenant: Tenant
    domain: str | None
    """None = no calls from its PBX, for whatever reason."""
    access: tuple[str, ...] | None
    credential_lists: tuple[str, ...] | None
    policies: TrunkPoliciesRow = NO_POLICIES


def domain_of(trunk: Trunk) -> str | None:
    """The termination domain in lower case, if it has one."""
    termination = trunk.spec.termination
    return termination.domain_name.lower() if termination and termination.domain_name else None


def _claim_questions(trunk: Trunk) -> tuple[Question, ...]:
    return (Index.TENANT, trunk.metadata.namespace or ""), (Index.OVER_QUOTA, trunk.ref)


def _claim(trunk: Trunk, view: View) -> Contribution:
    tenant, domain = view.tenant(trunk.metadata.namespace), domain_of(trunk)
    if tenant is None or domain is None or _not_permitted(trunk, tenant, view) is not None:
        return Contribution()
    metadata = trunk.metadata
    age = (metadata.creation_timestamp or "", metadata.namespace or "", metadata.name)
    return Contribution(answers={(Index.CLAIMS, trunk.ref): (domain, Claimant(age, trunk.ref, tenant))})


CLAIMS: Final = Topic(Trunk, frozenset({Index.TENANT, Index.OVER_QUOTA}), _claim_questions, _claim)
"""Which trunks may have the domain that they name; the oldest of them has it."""


def _questions(trunk: Trunk) -> Iterator[Question]:
    namespace, domain, termination = trunk.metadata.namespace, domain_of(trunk), trunk.spec.termination
    yield Index.PLATFORM, THE_ONE
    yield from _claim_questions(trunk)
    yield from policy_questions(trunk)
    if domain is not None:
        yield Index.DOMAIN, domain
        yield Index.DOMAIN, domain.partition(".")[2]
    if termination is not None:
        for ref in termination.ip_access_control_list_refs:
            yield Index.NETWORKS, f"{namespace}/{ref.name}"
        for ref in termination.credential_list_refs:
            yield Index.USERS, f"{namespace}/{ref.name}"


def _serve(trunk: Trunk, view: View) -> Contribution:
    tenant, id = view.tenant(trunk.metadata.namespace), trunk.ref.id
    refusal = _refusal(trunk, tenant, view)
    if refusal is not None or tenant is None:
        refused = () if refusal is None else (opinions.refused(trunk, *refusal),)
        return Contribution(refused, answers={(Index.TRUNK, id): TrunkState.REFUSED})
    served, verdicts = _terminate(trunk, tenant, view)
    rows: dict[RowKey, Row] = {}
    if served.domain is not None:
        rows[Section.DOMAIN, served.domain] = DomainRow(id)
    answers: dict[Question, object] = {
        (Index.TRUNK, id): TrunkState.SERVED,
        (Index.SERVED, id): served,
        (Index.SECURE, id): trunk.spec.secure or None,
    }
    return Contribution((opinions.accepted(trunk), *verdicts), rows, tenant.id, answers=answers)


TRUNKS: Final = Topic(
    Trunk,
    frozenset(
        {
            *(Index.PLATFORM, Index.TENANT, Index.OVER_QUOTA, Index.DOMAIN),
            *(Index.NETWORKS, Index.USERS, Index.POLICY),
        }
    ),
    _questions,
    _serve,
)


def _refusal(trunk: Trunk, tenant: Tenant | None, view: View) -> Fault | None:
    namespace, domain = trunk.metadata.namespace, domain_of(trunk)
    if tenant is None:
        message = (
            f"namespace {namespace} belongs to no Account, so its trunks are not served: "
            "list it in an Account's spec.namespaces"
        )
        return Fault(ConditionReason.NOT_PERMITTED, "metadata.namespace", message)
    fault = _not_permitted(trunk, tenant, view)
    if domain is None:
        return fault
    if fault is not None:
        whole = _whole_name(domain, view.platform().base_domain)
        return fault if whole is None else fault._replace(message=whole)
    holder = view.domain(domain)
    if holder is not None and holder.ref != trunk.ref:
        same = holder.ref.namespace == namespace
        older = f"Trunk {holder.ref.name}" if same else "an older Trunk of another namespace"
        message = f"{domain} is held by {older}: choose another domainName"
        return Fault(ConditionReason.CONFLICT, "spec.termination.domainName", message)
    return None


def _not_permitted(trunk: Trunk, tenant: Tenant, view: View) -> Fault | None:
    """What stands against the trunk whatever others claim."""
    domain, over = domain_of(trunk), view.over_quota(trunk.ref)
    if domain is not None and not tenant.may_claim_domain(domain):
        allowed = ", ".join(tenant.domain_names) or "none"
        message = (
            f"Account {tenant.id} may not claim {domain}: add it to the Account's domainNames (now {allowed})"
        )
        return Fault(ConditionReason.NOT_PERMITTED, "spec.termination.domainName", message)
    return None if over is None else Fault(ConditionReason.QUOTA_EXCEEDED, "metadata.name", over)


def _terminate(trunk: Trunk, tenant: Tenant, view: View) -> tuple[ServedTrunk, tuple[Verdict, ...]]:
    termination = trunk.spec.termination
    shown = policy_row(trunk, trunk.spec.origination.header_manipulation_policy_ref, view)
    unshown = policy_fault(shown, "origination")
    if termination is None:
        faults = list(filter(None, (unshown,)))
        return ServedTrunk(tenant, None, None, None, TrunkPoliciesRow(None, shown)), (
            opinions.references(trunk, faults),
        )
    judged = policy_row(trunk, termination_ref(trunk), view)
    unjudged = policy_fault(judged, "termination")
    namespace = trunk.metadata.namespace
    networks = {
        id: view.networks(id)
        for id in (f"{namespace}/{ref.name}" for ref in termination.ip_access_control_list_refs)
    }
    users = {
        id: view.users(id) for id in (f"{namespace}/{ref.name}" for ref in termination.credential_list_refs)
    }
    missing = [
        Fault(
            ConditionReason.LIST_NOT_FOUND,
            f"spec.termination.{field}[{position}]",
            f"{kind} {id} does not exist or is not accepted: create it; until then it lets nobody call",
        )
        for field, kind, found in (
            ("ipAccessControlListRefs", "IpAccessControlList", networks),
            ("credentialListRefs", "CredentialList", users),
        )
        for position, (id, answer) in enumerate(found.items())
        if answer is None
    ]
    # A missing list must not open the trunk: the kind stays enforced with what is left of it.
    access = _united(networks.values()) if networks else None
    lists = tuple(id for id, count in users.items() if count is not None) if users else None
    domain = domain_of(trunk)
    can_pass = any(users.values())
    readiness = _readiness(trunk, tenant, view, access, None if lists is None else can_pass)
    open_domain = None if readiness.reason is ConditionReason.PARENT_DOMAIN_MISSING else domain
    if unjudged is not None and readiness.status:
        readiness = opinions.side(
            trunk, ConditionType.TERMINATION_READY, unjudged.reason, unjudged.message, unjudged.field
        )
    served = ServedTrunk(tenant, open_domain, access, lists, TrunkPoliciesRow(judged, shown))
    faults = [*missing, *filter(None, (unjudged, unshown))]
    return served, (opinions.references(trunk, faults), readiness)


def _united(entries: Iterable[tuple[str, ...] | None]) -> tuple[str, ...]:
    return tuple(sorted({cidr for each in entries for cidr in each or ()}))


def _readiness(
    trunk: Trunk, tenant: Tenant, view: View, access: tuple[str, ...] | None, user_can_pass: bool | None
) -> Verdict:
    """`user_can_pass` is None where no credential list is named."""

    def say(reason: ConditionReason, message: str, field: str = "spec.termination") -> Verdict:
        return opinions.side(trunk, ConditionType.TERMINATION_READY, reason, message, field)

    domain = domain_of(trunk)
    if domain is None:
        message = "the trunk has no termination domain to dial: set domainName"
        return say(ConditionReason.NO_DOMAIN, message, "spec.termination.domainName")
    parent = domain.partition(".")[2]
    if parent and not _extends(tenant, view.domain(parent)):
        message = _whole_name(domain, view.platform().base_domain) or (
            f"no trunk of this account or of its parent has the domain {parent}: create that one first"
        )
        return say(ConditionReason.PARENT_DOMAIN_MISSING, message, "spec.termination.domainName")
    # Edges do not listen on IPv6 yet.
    is_closed = access is not None and all(network(cidr).version == 6 for cidr in access)
    if access is None and user_can_pass is None:
        message = "nobody may call: name an access list or a credential list"
        return say(ConditionReason.NO_AUTHENTICATION, message)
    if is_closed or user_can_pass is False:
        kind = "access lists" if is_closed else "credential lists"
        message = f"nobody can pass: the {kind} have no usable entry; add one"
        return say(ConditionReason.NO_USABLE_LIST, message)
    return say(ConditionReason.READY, "calls from the PBX are served", "")


def _whole_name(domain: str, base: str) -> str | None:
    """The mend of a domain that is written as it is dialled; None for one that is not."""
    match = re.fullmatch(rf"(.+)\.pstn\.(?:[a-z0-9-]+\.)?{re.escape(base)}", domain)
    return (
        None if match is None else f"is the whole name that callers dial: write {match[1]}, the rest is added"
    )


def _extends(tenant: Tenant, parent: Claimant | None) -> bool:
    """S29: the parent domain's trunk belongs to the same account or to its parent account."""
    return parent is not None and parent.tenant.id in (tenant.id, tenant.parent)
