"""What a call finds ready: all of a trunk with its account, and who a source is, that no message changes.

Made by the first call that asks and kept by the generations of the rows it is made of, so that a call does no
work that an earlier one has done. There is no plan without a site: before that nothing is served.
"""

from __future__ import annotations

from typing import cast

from sipedge.routing.access import active_account, lists_of
from sipedge.routing.call import TrunkPlan
from sipedge.routing.decision import Outcome, Step
from sipedge.routing.limits import trunk_limits
from sipedge.routing.targets import origination_patterns
from sipedge.table import Generation, Table, TrunkRow


def plan_of_trunk(table: Table, trunk_id: str) -> TrunkPlan | None:
    """The plan of a trunk; None if there is no such trunk."""
    shelf = table.shelf(Generation.TRUNKS)
    plan = cast("TrunkPlan | None", shelf.get(("plan of", trunk_id)))
    if plan is None and (trunk := table.trunk(trunk_id)) is not None:
        plan = shelf["plan of", trunk_id] = _plan(table, trunk)
    return plan


def plan_of_domain(table: Table, domain: str) -> tuple[TrunkPlan, Step] | None:
    """The plan of the trunk with this termination domain, and the step that tells it; None if none has it."""
    shelf = table.shelf(Generation.TRUNKS)
    found = cast("tuple[TrunkPlan, Step] | None", shelf.get(("plan and step of", domain)))
    if found is not None or (trunk := table.trunk_of_domain(domain)) is None:
        return found
    plan = plan_of_trunk(table, trunk.id)
    if plan is None:
        return None
    detail = f"{domain} is the termination domain of trunk {trunk.id}"
    found = shelf["plan and step of", domain] = plan, Step("side", Outcome.PASS, detail, "S27")
    return found


def _plan(table: Table, trunk: TrunkRow) -> TrunkPlan:
    account = table.account(trunk.account)
    return TrunkPlan(
        trunk=trunk,
        account=account,
        active=active_account(account),
        lists=lists_of(trunk),
        limits=trunk_limits(trunk, account),
        targets=origination_patterns(trunk.targets),
    )
