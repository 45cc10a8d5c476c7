"""The queries of the chart's alerts and dashboards, and which metrics they name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

CHART: Final = Path(__file__).resolve().parents[2] / "charts" / "trunkline"
ALERTS: Final = CHART / "files" / "alerts.yaml"

_SELECTOR: Final = re.compile(r"\b((?:trunkline|process)_[a-z_]+)(\{[^}]*\})?")
_MATCHER: Final = re.compile(r'([a-z_]+)\s*[=!]~?\s*"')
_BY: Final = re.compile(r"\bby \(([^)]*)\)")


def rules() -> list[dict[str, Any]]:
    """The alerts, in their order."""
    groups = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def alert_queries() -> dict[str, str]:
    """By the alert's name."""
    return {f"alert {each['alert']}": each["expr"] for each in rules()}


def panel_queries(page: str = "*") -> dict[str, str]:
    """By dashboard, panel and line; with what Grafana puts in place of variables."""
    return {
        f"{path.stem}: {panel['title']}: {target['legendFormat']}": asked(target["expr"])
        for path in sorted((CHART / "dashboards").glob(f"{page}.json"))
        for panel in json.loads(path.read_text(encoding="utf-8"))["panels"]
        for target in panel["targets"]
    }


def asked(query: str) -> str:
    """A panel's query as Grafana asks it where all edges are chosen."""
    return query.replace("$__rate_interval", "5m").replace("$edge", ".*")


def selectors(query: str) -> Iterator[tuple[str, str]]:
    """Each metric that a query names, with what it selects of it: `{label="value"}` or ""."""
    for found in _SELECTOR.finditer(query):
        yield found[1], found[2] or ""


def labels(query: str) -> Mapping[str, set[str]]:
    """Metric -> the labels by which a query selects of it, or groups all that it names."""
    grouped = {name.strip() for found in _BY.finditer(query) for name in found[1].split(",")}
    found: dict[str, set[str]] = {}
    for metric, selected in selectors(query):
        found.setdefault(metric, set(grouped)).update(_MATCHER.findall(selected))
    return found
