"""What a call finds ready: all of a trunk with its account, and who a source is, that no message changes.

Made by the first call that asks and kept by the generations of the rows it is made of, so that a call does no
work that an earlier one has done. There is no plan without a site: before that nothing is served.
"""

from __future__ import annotations

from sipedge.routing.access import active_account, lists_of
from sipedge.routing.call import TrunkPlan
from sipedge.routing.decision import Direction, Outcome, Step
from sipedge.routing.header_policy import readable
from sipedge.routing.limits import trunk_limits
from sipedge.routing.targets import origination_patterns
from sipedge.table import SiteRow, Table, TrunkRow
from sipedge.table.header_policy import NO_POLICIES, HeaderPolicyRow, TrunkPoliciesRow


def plan_of_trunk(table: Table, trunk_id: str) -> TrunkPlan | None:
    """The plan of a trunk; None if there is no such trunk."""
    shelf = table.plans
    plan: TrunkPlan | None = shelf.get(("plan of", trunk_id))
    if plan is None and (trunk := table.trunk(trunk_id)) is not None:
        plan = shelf["plan of", trunk_id] = _plan(table, trunk)
    return plan


def plan_of_host(table: Table, site: SiteRow, host: str) -> tuple[TrunkPlan, Step] | None:
    """The plan of the trunk whose termination domain is this host, and the step that tells it; or None."""
    shelf = table.plans
    found: tuple[TrunkPlan, Step] | None = shelf.get(("plan and step of", host))
    if found is not None:
        return found
    domain = termination_domain(site, host)
    trunk = table.trunk_of_domain(domain) if domain else None
    plan = plan_of_trunk(table, trunk.id) if trunk is not None else None
    if trunk is None or plan is None:
        return None
    detail = f"{domain} is the termination domain of trunk {trunk.id}"
    found = shelf["plan and step of", host] = plan, Step("side", Outcome.PASS, detail, "S27")
    return found


def termination_domain(site: SiteRow, host: str) -> str | None:
    """`acme-hq` of `acme-hq.pstn[.<edge or region>].<base>`; None for any other host (S27, S30)."""
    for suffix in site.suffixes:
        if host.endswith("." + suffix):
            return host.removesuffix("." + suffix)
    return None


def _plan(table: Table, trunk: TrunkRow) -> TrunkPlan:
    account = table.account(trunk.account)
    return TrunkPlan(
        trunk=trunk,
        account=account,
        active=active_account(account),
        lists=lists_of(trunk),
        limits=trunk_limits(trunk, account),
        targets=origination_patterns(trunk.targets),
        policies=_policies(trunk.policies or NO_POLICIES),
    )


def _policies(row: TrunkPoliciesRow) -> dict[Direction, HeaderPolicyRow | None]:
    return {
        Direction.TERMINATION: readable(row.termination),
        Direction.ORIGINATION: readable(row.origination),
    }
