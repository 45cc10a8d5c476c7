"""Which addresses a Prometheus would scrape by the chart's monitors, as its operator reads them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import yaml

from cluster.kubectl import Kubectl
from e2e.installation import Installation

_ENABLED = ("--set", "monitoring.serviceMonitor.enabled=true,monitoring.podMonitor.enabled=true")


def scraped(installation: Installation) -> list[str]:
    """`ADDR:PORT` of each, by the monitors' namespaces, selectors and names of ports."""
    rendered = installation.call_helm(
        "template", "trunkline", str(installation.chart()), "--values", "-", *_ENABLED
    )
    found = {each["kind"]: each.get("spec") for each in yaml.safe_load_all(rendered) if each}
    return sorted(
        {
            *_of_services(installation.kubectl, found["ServiceMonitor"]),
            *_of_pods(installation.kubectl, found["PodMonitor"]),
        }
    )


def _of_services(kubectl: Kubectl, monitor: dict[str, Any]) -> Iterator[str]:
    [wanted] = monitor["endpoints"]
    for service in _selected(kubectl, monitor, "services"):
        metadata = service["metadata"]
        label = f"kubernetes.io/service-name={metadata['name']}"
        for each in kubectl.within(metadata["namespace"]).get("endpointslices", "-l", label)["items"]:
            for port in (port["port"] for port in each["ports"] if port["name"] == wanted["port"]):
                yield from (f"{address}:{port}" for end in each["endpoints"] for address in end["addresses"])


def _of_pods(kubectl: Kubectl, monitor: dict[str, Any]) -> Iterator[str]:
    [wanted] = monitor["podMetricsEndpoints"]
    for pod in _selected(kubectl, monitor, "pods"):
        for container in pod["spec"]["containers"]:
            for port in container.get("ports", ()):
                if port.get("name") == wanted["port"]:
                    yield f"{pod['status']['podIP']}:{port['containerPort']}"


def _selected(kubectl: Kubectl, monitor: dict[str, Any], kind: str) -> Iterator[dict[str, Any]]:
    labels = ",".join(f"{key}={value}" for key, value in monitor["selector"]["matchLabels"].items())
    for namespace in monitor["namespaceSelector"]["matchNames"]:
        yield from kubectl.within(namespace).get(kind, "-l", labels)["items"]
