"""The shipped operator and edge pods together on a real API server: from `kubectl apply` to calls."""

from __future__ import annotations

import pytest

from apiserver.edge_pods import EDGE, EdgePod
from apiserver.operated_edge import NUMBER, callers, number
from apiserver.operators import Platform
from support.addresses import Block

pytestmark = pytest.mark.apiserver


def test_applied_manifests_lead_to_calls_through_every_pod(
    platform: Platform, pods: list[EdgePod], block: Block
) -> None:
    """The edge's status shows both addresses; the number is programmed, and is called."""
    platform.wait_condition("number", "main", "Programmed", status="True")
    with callers(block) as there:
        assert [there.reached(pod, NUMBER) for pod in pods] == ["hq", "hq"]
    shown = platform.kubectl.get("edge", EDGE)["status"]["addresses"]
    assert {each["address"]: each["ready"] for each in shown} == {pod.address: True for pod in pods}


def test_calls_go_on_without_operator_and_api_server(
    platform: Platform, pods: list[EdgePod], block: Block
) -> None:
    """Also through a pod whose containers are restarted meanwhile; the operator finds all as it was."""
    platform.wait_condition("number", "main", "Programmed", status="True")
    platform.operators[0].kill()
    first = pods[0]
    first.end_agent()
    first.end_kamailio()
    first.end_media()
    here, first.changes = first.changes, {"KUBERNETES_SERVICE_PORT": "9"}  # where nobody listens
    first.start()
    first.until_ready()
    with callers(block) as there:
        assert [there.reached(pod, NUMBER) for pod in pods] == ["hq", "hq"]
    first.end_agent()
    first.changes = here
    first.start_agent()
    first.until_ready()
    platform.start("operator-1")
    platform.kubectl.apply(number("late", "+14155559999"))
    platform.wait_condition("number", "late", "Programmed", status="True")
    with callers(block) as there:
        assert [there.reached(pod, "+14155559999") for pod in pods] == ["hq", "hq"]
