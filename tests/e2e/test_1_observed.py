"""What an installation tells of itself: to `helm test`, and to a Prometheus that its monitors lead to it."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from e2e.calls import MAIN_LINE, SPARE, originate, originated_call, terminated_call
from e2e.installation import SYSTEM, Installation
from e2e.monitors import scraped
from e2e.own_node import OwnNode, entered
from support.debian_root import NoRootError
from support.patience import PATIENCE, until
from support.prometheus import Prometheus, prometheus
from support.queries import ALERTS, alert_queries, panel_queries, rules

# The first test of a run also waits for images to be built.
pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]

PORT = 9090
NOT_HERE = (
    "calls: Carriers: registered",  # no carrier of the quickstart wants it
    "calls: Failovers",  # nobody is silent
    "calls: Recordings",
    "calls: Records: not written",
    "calls: Records: to the collector",
    "calls: Sound: ",  # telephones that send no RTCP tell nothing of what they hear
    "edges: Lost on the way out",
    "operator: Failures of its own",
)
"""How lines of dashboards begin that have no answer: of what has not happened."""


def test_helm_test_passes_and_leaves_nothing(installation: Installation) -> None:
    """As a pod with the chart's own rights; it has looked at the operator's Lease and at each Edge."""
    installation.all_pods()
    assert "Succeeded" in installation.call_helm("test", "trunkline", "--timeout", "5m")
    for kind in ("pods", "serviceaccounts", "roles", "clusterroles"):
        left = installation.kubectl.within(SYSTEM)("get", kind, "-o", "name")
        assert "trunkline-test" not in left


def test_each_query_has_an_answer_of_a_real_prometheus(
    installation: Installation, own: OwnNode, tmp_path: Path
) -> None:
    """It finds the operator and every edge pod by the chart's monitors; calls of each kind are made."""
    pods = installation.all_pods()
    targets = scraped(installation)
    assert len(targets) == len(pods) + 1
    try:
        with (
            entered(own.hosts["names"]),
            prometheus(tmp_path, PORT, *targets, rules=ALERTS) as one,
        ):
            one.wait_for("count(up == 1)", len(targets))
            for pod in pods:
                make_calls(own, pod.address)
            check_panels(one)
            check_rules(one, len(pods))
    except NoRootError as error:
        pytest.skip(str(error))


def make_calls(own: OwnNode, edge: str) -> None:
    """Answered in each direction, busy, and refused."""
    phones = own.phones
    originated_call(phones["telco-a"], edge, MAIN_LINE, phones["pbx1"]).hang_up()
    terminated_call(phones["pbx1"], edge, phones["telco-a"]).hang_up()
    assert originate(phones["telco-a"], edge, MAIN_LINE, phones["pbx1"]).status == 486
    assert originate(phones["telco-a"], edge, SPARE, None).status == 404


def check_panels(one: Prometheus) -> None:
    """Every query is one; each has an answer but those of what has not happened."""
    deadline = time.monotonic() + PATIENCE
    while missing := [
        which
        for which, query in panel_queries().items()
        if not one.has(query) and not which.startswith(NOT_HERE)
    ]:
        assert time.monotonic() < deadline, missing
        time.sleep(1)


def check_rules(one: Prometheus, pods: int) -> None:
    """Prometheus takes and judges every alert; what they ask of is there."""
    for query in alert_queries().values():
        one.ask("query", query=query)
    assert sorted(each["name"] for each in _judged(one)) == sorted(each["alert"] for each in rules())
    until(lambda: all(each["health"] == "ok" for each in _judged(one)), "an alert cannot be judged")
    one.wait_for("count(trunkline_edge_ready == 1)", pods)
    one.wait_for("max(trunkline_leader)", 1)


def _judged(one: Prometheus) -> list[dict[str, str]]:
    told = one.ask("rules")
    assert isinstance(told, dict)
    return [each for group in told["groups"] for each in group["rules"]]
