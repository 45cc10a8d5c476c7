"""Calls of a cluster: their records from the logs of edge pods, and questions to the agents in them.

Records are read with the right to read logs (`pods/log`). Calls in progress are asked of an agent by running
a program of its image in its container (`pods/exec`): the agent listens for such questions nowhere else.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Final

from sipedge.call_questions import ANSWERED
from trunkline.cli.cluster.reading import ask_cluster
from trunkline.cli.options import ClusterOptions
from trunkline.kube.faults import KubeError
from trunkline.kube.kubeconfig import Cluster
from trunkline.kube.paths import PODS
from trunkline.plan.workload_names import EDGE_LABEL

_CONTAINER: Final = "agent"
_ASK: Final = ("/usr/bin/python3", "-m", "sipedge.agent.ask")


def logged_lines(options: ClusterOptions, edge_namespace: str, since_seconds: int | None = None) -> list[str]:
    """What the agents of all edge pods have logged. Raises ClusterError."""

    async def question(cluster: Cluster) -> list[str]:
        found: list[str] = []
        for pod in await _pods(cluster, edge_namespace):
            text = await cluster.client.log(edge_namespace, pod, _CONTAINER, since_seconds)
            found += text.splitlines()
        return found

    return ask_cluster(options, question)


def ask_pods(options: ClusterOptions, edge_namespace: str, question: dict[str, str]) -> list[tuple[str, Any]]:
    """What the agent of each edge pod answers: the pod's name, and each object. Raises ClusterError."""

    async def ask(cluster: Cluster) -> list[tuple[str, Any]]:
        found: list[tuple[str, Any]] = []
        for pod in await _pods(cluster, edge_namespace):
            command = (*_ASK, json.dumps(question))
            try:
                text = await cluster.client.run(edge_namespace, pod, _CONTAINER, command)
            except KubeError as error:
                found.append((pod, {"fault": str(error)}))
                continue
            lines = text.splitlines()
            if ANSWERED not in lines:
                found.append((pod, {"fault": "the agent in it does not answer"}))
            found += [
                (pod, each) for line in lines if line != ANSWERED and (each := _object(line)) is not None
            ]
        return found

    return ask_cluster(options, ask)


async def _pods(cluster: Cluster, namespace: str) -> Sequence[str]:
    """Edge pods that run, by name. Raises KubeError."""
    listing = await cluster.client.list(PODS, namespace, {"labelSelector": EDGE_LABEL})
    running = (each for each in listing.items if each.get("status", {}).get("phase") == "Running")
    return sorted(str(each["metadata"]["name"]) for each in running)


def _object(line: str) -> Any:
    try:
        said = json.loads(line)
    except ValueError:
        return None
    return said if isinstance(said, dict) else None
