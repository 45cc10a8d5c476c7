"""Pods that must start anew elsewhere; kube-controller-manager makes them, and counts what may be away."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from apiserver.operators import Platform, platform_on, serving_crds
from apiserver.quickstart import ADDRESSES, EDGE, quickstart

pytestmark = pytest.mark.apiserver

NEW = "127.60.1.3"
PODS = tuple(f"edge-{EDGE}-{number}" for number in range(len(ADDRESSES)))


@pytest.fixture
def platform(tmp_path: Path) -> Iterator[Platform]:
    """An operator and both pods of its Edge, each with its address. No kubelet runs: the test says Ready."""
    with serving_crds(controllers=True) as server, platform_on(server, tmp_path) as made:
        made.kubectl.apply(*quickstart(made.tenant))
        made.start()
        made.wait_for("the pods", lambda: all(uid_of(made, pod) for pod in PODS))
        for number, address in enumerate(ADDRESSES):
            become_steady(made, number, address)
        yield made


def uid_of(platform: Platform, pod: str) -> str:
    """The pod's, while it does not end; "" if there is none."""
    answer = platform.kubectl.within(platform.edges).try_("get", "pod", pod, "-o", "json")
    metadata = json.loads(answer.output)["metadata"] if answer.status == 0 else {}
    return "" if "deletionTimestamp" in metadata else str(metadata.get("uid", ""))


def become_steady(platform: Platform, number: int, address: str) -> None:
    """What the agent and the kubelet say of a pod that takes calls."""
    platform.wait_for("a table", lambda: platform.table(EDGE))
    platform.acknowledge(EDGE, number, platform.table(EDGE).sequence, address=address)
    platform.server.request(
        f"/api/v1/namespaces/{platform.edges}/pods/{PODS[number]}/status",
        method="PATCH",
        body={"status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}},
        content_type="application/strategic-merge-patch+json",
    )


def advertise(platform: Platform, *addresses: str) -> None:
    patch = json.dumps({"spec": {"advertise": {"addresses": list(addresses)}}})
    platform.kubectl("patch", "edge", EDGE, "--type=merge", f"--patch={patch}")


def test_a_pod_moves_to_the_address_that_replaces_its_own(platform: Platform) -> None:
    """It alone, once; the next only when it is steady again."""
    before = [uid_of(platform, pod) for pod in PODS]
    advertise(platform, NEW, "127.60.1.4")
    platform.wait_for("pod 0 begins anew", lambda: uid_of(platform, PODS[0]) not in ("", before[0]))
    platform.wait_for(
        "the log",
        lambda: platform.operators[0].said(f"{ADDRESSES[0]} is listed no more, while {NEW} has no pod"),
    )
    begun = uid_of(platform, PODS[0])
    assert uid_of(platform, PODS[1]) == before[1]
    become_steady(platform, 0, NEW)
    platform.wait_for("pod 1 begins anew", lambda: uid_of(platform, PODS[1]) not in ("", before[1]))
    become_steady(platform, 1, "127.60.1.4")
    platform.wait_condition("trunk", "hq", "Programmed", status="True")
    assert uid_of(platform, PODS[0]) == begun


def test_the_pod_of_a_removed_address_takes_that_of_the_pod_which_went(platform: Platform) -> None:
    """A StatefulSet that shrinks ends its last pod, which here had the address that stays."""
    before = uid_of(platform, PODS[0])
    advertise(platform, ADDRESSES[1])
    platform.wait_for("pod 1 goes", lambda: not uid_of(platform, PODS[1]))
    platform.wait_for("pod 0 begins anew", lambda: uid_of(platform, PODS[0]) not in ("", before))


def test_a_second_budget_puts_it_off(platform: Platform) -> None:
    """The API server evicts no pod that two budgets select. The operator says so, and tries again."""
    budget = {
        "apiVersion": "policy/v1",
        "kind": "PodDisruptionBudget",
        "metadata": {"name": "hold"},
        "spec": {"maxUnavailable": 0, "selector": {"matchLabels": {"trunkline.dev/edge": EDGE}}},
    }
    within = platform.kubectl.within(platform.edges)
    within.apply(budget)
    before = [uid_of(platform, pod) for pod in PODS]
    advertise(platform, ADDRESSES[0], NEW)
    operator = platform.operators[0]
    platform.wait_for("it is refused", lambda: operator.said(f"pod {PODS[1]} is not evicted"))
    assert [uid_of(platform, pod) for pod in PODS] == before
    within("delete", "pdb", "hold")
    platform.wait_for("pod 1 begins anew", lambda: uid_of(platform, PODS[1]) not in ("", before[1]), 90)
