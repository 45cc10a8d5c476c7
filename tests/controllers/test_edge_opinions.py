"""What the operator says of Edges beside the compiler: one home for what several parts know."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sipedge.table import DomainRow, Section
from support.objects import make_edge, manifest_of
from trunkline.compiler import ConditionType, Verdict
from trunkline.compiler.delta import Delta, RowChange
from trunkline.compiler.reasons import ConditionReason
from trunkline.controllers.agent_ports import AgentPorts
from trunkline.controllers.edge_opinions import EdgeOpinions
from trunkline.controllers.seams import ServedEdge
from trunkline.controllers.side_work import SideWork
from trunkline.controllers.store import Store
from trunkline.reconcile.home import Sight
from trunkline.reconcile.place import Observation
from trunkline.status.conditions import Opinion
from trunkline.status.programmed import AddressReport, EdgeReport
from trunkline.tls.cluster import GivenSecrets

EDGE = make_edge("oslo")
ADDRESSES = ("192.0.2.1", "192.0.2.2")
SIGHT = Sight(
    {"oslo": EDGE},
    observation=Observation(
        (EdgeReport("oslo", (AddressReport(ADDRESSES[0], True, 1), AddressReport(ADDRESSES[1], False, 1))),),
        {"oslo": ADDRESSES},
        {"oslo": (Opinion("Deployed", "False", "NotApplied", "no right"),)},
    ),
)


class NoCertificates:
    """Has not looked yet."""

    async def reconcile(
        self, edges: Sequence[ServedEdge], secrets: GivenSecrets
    ) -> Mapping[str, tuple[Opinion, ...]]:
        return {}

    def look_again(self) -> None:
        pass


def verdict(accepted: bool) -> Delta:
    reason = ConditionReason.ACCEPTED if accepted else ConditionReason.CONFLICT
    return Delta(verdicts={EDGE.ref: (Verdict(EDGE.ref, 1, ConditionType.ACCEPTED, accepted, reason, ""),)})


def test_a_served_edge_is_told_with_its_addresses_and_domains() -> None:
    opinions = EdgeOpinions(Store(), SideWork(None, None), AgentPorts(Store(), dict))
    opinions.compiled(Delta(shared={(Section.DOMAIN, "hq"): RowChange(DomainRow("acme/hq"), None, None)}))
    assert opinions.served(SIGHT) == [ServedEdge(EDGE, ADDRESSES, ADDRESSES[:1], ("hq",))]


def test_an_edge_whose_addresses_were_never_looked_at_is_left_out() -> None:
    """Names and certificates made of nothing would take away what is there."""
    assert (
        EdgeOpinions(Store(), SideWork(None, None), AgentPorts(Store(), dict)).served(Sight({"oslo": EDGE}))
        == []
    )


def test_while_its_newest_version_is_refused_an_edge_says_that_the_last_good_one_goes_on() -> None:
    opinions = EdgeOpinions(Store(), SideWork(None, None), AgentPorts(Store(), dict))
    opinions.compiled(verdict(accepted=False))
    told = opinions.opinions(SIGHT)[EDGE.ref]
    assert [(each.type, each.reason) for each in told] == [
        ("Programmed", "KeptLastGood"),
        ("Deployed", "NotApplied"),
    ]
    opinions.compiled(verdict(accepted=True))
    assert [each.type for each in opinions.opinions(SIGHT)[EDGE.ref]] == ["Deployed"]


def test_after_a_restart_a_condition_holds_until_it_is_decided_again() -> None:
    store, condition = (
        Store(),
        {"type": "CertificateReady", "status": "True", "reason": "Issued", "message": "m"},
    )
    metadata: dict[str, Any] = {"uid": "u", "generation": 1, "resourceVersion": "1"}
    manifest = manifest_of("Edge", "oslo", None, {"advertise": {"type": "PodIP"}}, **metadata)
    store.note("ADDED", {**manifest, "status": {"conditions": [condition]}})
    told = EdgeOpinions(store, SideWork(NoCertificates(), None), AgentPorts(store, dict)).opinions(SIGHT)[
        EDGE.ref
    ]
    assert told[0] == Opinion("CertificateReady", "True", "Issued", "m")
