"""Trunks: accounts, termination domains (S26-S30), and which lists guard them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sipedge.table.lookup import network
from trunkline.api import ObjectRef, Resources, Trunk
from trunkline.compiler import opinions
from trunkline.compiler.access import AccessLists
from trunkline.compiler.accounts import Tenancy, Tenant
from trunkline.compiler.guard import Guard
from trunkline.compiler.reasons import ConditionReason
from trunkline.compiler.verdict import ConditionType, Verdict


@dataclass(frozen=True, slots=True)
class ServedTrunk:
    """An accepted Trunk with its termination settled."""

    trunk: Trunk
    tenant: Tenant
    domain: str | None
    """None = no calls from its PBX, for whatever reason."""
    access: tuple[str, ...] | None
    credential_lists: tuple[str, ...] | None


def compile_trunks(
    resources: Resources, tenancy: Tenancy, lists: AccessLists, guard: Guard
) -> tuple[Mapping[str, ServedTrunk], tuple[Verdict, ...]]:
    """The accepted trunks by id. A claimed domain goes to the oldest permitted claimant."""
    verdicts: list[Verdict] = []
    holders: dict[str, tuple[Trunk, Tenant]] = {}
    admitted: dict[ObjectRef, tuple[Trunk, Tenant]] = {}

    def admit(trunk: Trunk) -> None:
        tenant = tenancy.of(trunk.metadata.namespace)
        refusal = _refusal(trunk, tenant, holders)
        if refusal is not None or tenant is None:
            verdicts.extend([refusal] if refusal else [])
            return
        admitted[trunk.ref] = (trunk, tenant)
        domain = _domain(trunk)
        if domain is not None:
            holders[domain] = (trunk, tenant)
        verdicts.append(opinions.accepted(trunk))

    guard.each(resources.of(Trunk), admit)
    served: dict[str, ServedTrunk] = {}

    def terminate(trunk: Trunk) -> None:
        one, opinion = _terminate(trunk, admitted[trunk.ref][1], holders, lists)
        served[trunk.ref.id] = one
        verdicts.extend(opinion)

    guard.each([trunk for trunk, _ in admitted.values()], terminate)
    return dict(sorted(served.items())), tuple(verdicts)


def _refusal(
    trunk: Trunk, tenant: Tenant | None, holders: Mapping[str, tuple[Trunk, Tenant]]
) -> Verdict | None:
    namespace = trunk.metadata.namespace
    if tenant is None:
        message = (
            f"namespace {namespace} belongs to no Account, so its trunks are not served: "
            "list it in an Account's spec.namespaces"
        )
        return opinions.refused(trunk, ConditionReason.NOT_PERMITTED, "metadata.namespace", message)
    field = "spec.termination.domainName"
    domain = _domain(trunk)
    if domain is None:
        return None
    if not tenant.may_claim_domain(domain):
        allowed = ", ".join(tenant.domain_names) or "none"
        message = (
            f"Account {tenant.id} may not claim {domain}: add it to the Account's domainNames (now {allowed})"
        )
        return opinions.refused(trunk, ConditionReason.NOT_PERMITTED, field, message)
    if domain in holders:
        older = holders[domain][0]
        same = older.metadata.namespace == namespace
        holder = f"Trunk {older.metadata.name}" if same else "an older Trunk of another namespace"
        message = f"{domain} is held by {holder}: choose another domainName"
        return opinions.refused(trunk, ConditionReason.CONFLICT, field, message)
    return None


def _domain(trunk: Trunk) -> str | None:
    termination = trunk.spec.termination
    return termination.domain_name.lower() if termination and termination.domain_name else None


def _terminate(
    trunk: Trunk, tenant: Tenant, holders: Mapping[str, tuple[Trunk, Tenant]], lists: AccessLists
) -> tuple[ServedTrunk, list[Verdict]]:
    termination = trunk.spec.termination
    if termination is None:
        return ServedTrunk(trunk, tenant, None, None, None), [opinions.references(trunk, ())]
    namespace = trunk.metadata.namespace
    access_ids = [f"{namespace}/{ref.name}" for ref in termination.ip_access_control_list_refs]
    user_ids = [f"{namespace}/{ref.name}" for ref in termination.credential_list_refs]
    missing = [
        (
            ConditionReason.LIST_NOT_FOUND,
            f"spec.termination.{field}[{position}]",
            f"{kind} {id} does not exist or is not accepted: create it; until then it admits nobody",
        )
        for field, kind, ids, known in (
            ("ipAccessControlListRefs", "IpAccessControlList", access_ids, lists.networks),
            ("credentialListRefs", "CredentialList", user_ids, lists.users),
        )
        for position, id in enumerate(ids)
        if id not in known
    ]
    # A missing list must not open the trunk: the kind stays enforced with what is left of it.
    access = _united([lists.networks.get(id, ()) for id in access_ids]) if access_ids else None
    users = tuple(id for id in user_ids if id in lists.users) if user_ids else None
    domain = _domain(trunk)
    readiness = _readiness(trunk, tenant, domain, holders, access, users, lists)
    open_domain = None if readiness.reason is ConditionReason.PARENT_DOMAIN_MISSING else domain
    served = ServedTrunk(trunk, tenant, open_domain, access, users)
    return served, [opinions.references(trunk, missing), readiness]


def _united(entries: list[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(sorted({cidr for each in entries for cidr in each}))


def _readiness(
    trunk: Trunk,
    tenant: Tenant,
    domain: str | None,
    holders: Mapping[str, tuple[Trunk, Tenant]],
    access: tuple[str, ...] | None,
    users: tuple[str, ...] | None,
    lists: AccessLists,
) -> Verdict:
    def say(reason: ConditionReason, message: str, field: str = "spec.termination") -> Verdict:
        return opinions.side(trunk, ConditionType.TERMINATION_READY, reason, message, field)

    if domain is None:
        message = "the trunk has no termination domain to dial: set domainName"
        return say(ConditionReason.NO_DOMAIN, message, "spec.termination.domainName")
    parent = domain.partition(".")[2]
    if parent and not _extends(tenant, holders.get(parent)):
        message = f"no trunk of this account or of its parent has the domain {parent}: create that one first"
        return say(ConditionReason.PARENT_DOMAIN_MISSING, message, "spec.termination.domainName")
    # Edges do not listen on IPv6 yet.
    is_closed = access is not None and all(network(cidr).version == 6 for cidr in access)
    if access is None and users is None:
        message = "nobody may call: name an ipAccessControlList or a credentialList"
        return say(ConditionReason.NO_AUTHENTICATION, message)
    if is_closed or (users is not None and not any(lists.users[id] for id in users)):
        kind = "access lists" if is_closed else "credential lists"
        message = f"nobody can pass: the {kind} have no usable entry; add one"
        return say(ConditionReason.NO_USABLE_LIST, message)
    return say(ConditionReason.READY, "calls from the PBX are served", "")


def _extends(tenant: Tenant, parent: tuple[Trunk, Tenant] | None) -> bool:
    """S29: the parent domain's trunk belongs to the same account or to its parent account."""
    return parent is not None and parent[1].id in (tenant.id, tenant.parent)
