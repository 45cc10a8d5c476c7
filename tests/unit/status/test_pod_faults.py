"""Why an edge pod does not start, from pods as the API server tells of them."""

from __future__ import annotations

from typing import Any

import pytest

from trunkline.status.pod_faults import deployed, pod_fault
from trunkline.status.reasons import StatusReason


def pod(waiting: dict[str, str] | None = None, **status: Any) -> dict[str, Any]:
    """A Pod whose container `kamailio` waits, or runs."""
    state = {"waiting": waiting} if waiting else {"running": {}}
    container = {"name": "kamailio", "image": "r.test/edge:9", "state": state, **status.pop("container", {})}
    return {
        "metadata": {"name": "edge-x-0"},
        "status": {"containerStatuses": [container], **status},
    }


@pytest.mark.parametrize("reason", ("ErrImagePull", "ImagePullBackOff", "ErrImageNeverPull"))
def test_an_image_that_cannot_be_had_is_told_in_the_same_words(reason: str) -> None:
    """The kubelet's tries and pauses do not change the status each time."""
    assert pod_fault(pod({"reason": reason, "message": f"{reason} at 12:00"})) == (
        "pod edge-x-0: the image r.test/edge:9 of container kamailio cannot be pulled: set edge.image of the "
        "chart to one that the nodes can pull, or go back with `helm rollback`"
    )


def test_the_recorders_image_keeps_a_pod_from_starting_as_well() -> None:
    """It has a value of its own in the chart; the others wait for it, and say nothing."""
    waiting = {"state": {"waiting": {"reason": "ImagePullBackOff"}}}
    sidecar = {"name": "recorder", "image": "r.test/recorder:9", **waiting}
    assert pod_fault(pod({"reason": "PodInitializing"}, initContainerStatuses=[sidecar])) == (
        "pod edge-x-0: the image r.test/recorder:9 of container recorder cannot be pulled: set "
        "recordings.image of the chart to one that the nodes can pull, or go back with `helm rollback`"
    )


def test_a_container_that_crashes_is_told_with_its_exit_code() -> None:
    """The log says the rest."""
    last = {"lastState": {"terminated": {"exitCode": 2}}}
    assert pod_fault(pod({"reason": "CrashLoopBackOff"}, container=last)).endswith(
        "container kamailio keeps exiting, last with exit code 2: see its log"
    )


@pytest.mark.parametrize(
    "log", ('up\n{"level": "error", "message": "no right to it"}\n', "up\nno right to it")
)
def test_a_container_that_crashes_is_told_with_its_last_words(log: str) -> None:
    """The log's last line; of one in JSON the message."""
    last = {"lastState": {"terminated": {"exitCode": 2, "message": log}}}
    assert pod_fault(pod({"reason": "CrashLoopBackOff"}, container=last)).endswith(
        "last with exit code 2: no right to it"
    )


def test_a_pod_without_a_node_says_what_the_scheduler_says() -> None:
    """A port that is taken everywhere, a label that no node has."""
    condition = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": "0/2 nodes"}
    assert pod_fault({"metadata": {"name": "edge-x-0"}, "status": {"conditions": [condition]}}) == (
        "pod edge-x-0 has no node: 0/2 nodes (see spec.placement and spec.ports of the Edge)"
    )


def test_other_faults_are_told_as_they_come() -> None:
    """With the kubelet's own words."""
    said = pod_fault(pod({"reason": "CreateContainerConfigError", "message": "no ConfigMap"}))
    assert said.endswith("container kamailio does not start: CreateContainerConfigError: no ConfigMap")


@pytest.mark.parametrize("found", (pod(), pod({"reason": "ContainerCreating"}), {"metadata": {"name": "x"}}))
def test_a_pod_that_runs_or_begins_has_no_fault(found: dict[str, Any]) -> None:
    """Nor has one of which nothing is known yet."""
    assert pod_fault(found) == ""


def test_an_ending_pod_has_no_fault() -> None:
    """Whatever its containers do: it is to end."""
    ending = pod({"reason": "ImagePullBackOff"})
    ending["metadata"]["deletionTimestamp"] = "2026-01-01T00:00:00Z"
    assert pod_fault(ending) == ""


def test_deployed_names_some_pods_and_counts_the_rest() -> None:
    """Without faults there is no such condition at all."""
    assert deployed(["", ""]) is None
    said = deployed([f"pod {number}" for number in range(5)])
    assert said is not None
    assert (said.status, said.reason) == ("False", StatusReason.POD_DOES_NOT_START)
    assert said.message == "pod 0; pod 1; pod 2; and 2 more"
