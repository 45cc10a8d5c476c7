"""What an Edge's pod is made of, by its plan: short ways to the parts that a test looks at."""

from __future__ import annotations

from typing import Any

import pytest

from support.objects import make_edge
from trunkline.plan.workload import Manifest, WorkloadSettings, edge_objects

SETTINGS = WorkloadSettings(namespace="edges", image="registry.example/edge:1")
POD_IP: dict[str, Any] = {"advertise": {"type": "PodIP"}, "replicas": 3}
HOST_NETWORK: dict[str, Any] = {"advertise": {"type": "HostNetwork"}, "replicas": 3}
STATIC: dict[str, Any] = {"advertise": {"type": "Static", "addresses": ["192.0.2.1", "192.0.2.2"]}}
EVERY_TYPE = pytest.mark.parametrize("spec", (POD_IP, HOST_NETWORK, STATIC), ids=("PodIP", "Host", "Static"))


def objects(**spec: Any) -> tuple[Manifest, ...]:
    return edge_objects(make_edge(**spec), SETTINGS)


def one(kind: str, **spec: Any) -> Manifest:
    (found,) = (each for each in objects(**spec) if each["kind"] == kind)
    return found


def pod(**spec: Any) -> Manifest:
    found: Manifest = one("StatefulSet", **spec)["spec"]["template"]["spec"]
    return found


def containers(**spec: Any) -> dict[str, Manifest]:
    return {each["name"]: each for each in pod(**spec)["containers"]}


def sidecars(settings: WorkloadSettings = SETTINGS, **spec: Any) -> dict[str, Manifest]:
    (found,) = (each for each in edge_objects(make_edge(**spec), settings) if each["kind"] == "StatefulSet")
    return {each["name"]: each for each in found["spec"]["template"]["spec"]["initContainers"]}


def environment(container: Manifest) -> dict[str, Any]:
    return {each["name"]: each.get("value", each.get("valueFrom")) for each in container["env"]}


def volumes(settings: WorkloadSettings) -> list[Manifest]:
    manifests = edge_objects(make_edge(**POD_IP), settings)
    (found,) = (each for each in manifests if each["kind"] == "StatefulSet")
    return list(found["spec"]["template"]["spec"]["volumes"])
