"""Alerts and dashboards ask for what the product tells; each alert fires when it should, and only then."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from sipedge.metrics.catalogue import CATALOGUE, Kind, Teller
from support.chart_objects import names, one
from support.chart_values import EVERYTHING
from support.debian_root import NoRootError
from support.queries import ALERTS, CHART, alert_queries, labels, panel_queries, rules, selectors
from support.watchers import watcher
from trunkline.controllers.metrics import Metrics

Manifest = dict[str, Any]
Render = Callable[..., list[Manifest]]

DASHBOARDS = sorted((CHART / "dashboards").glob("*.json"))
TESTS = Path(__file__).resolve().parent / "alerts"
RUNBOOKS = CHART.parents[1] / "docs" / "runbooks.md"
QUERIES = {**alert_queries(), **panel_queries()}
TARGET = {"instance", "le"}
"""Labels that Prometheus adds, and those of a histogram's buckets."""
TOLD = {
    f"{each.name}{suffix}" if suffix else each.sample_name: set(each.labels)
    for each in CATALOGUE
    for suffix in (("_bucket", "_sum", "_count") if each.kind is Kind.HISTOGRAM else ("",))
}


@pytest.mark.parametrize("which", QUERIES)
def test_every_metric_that_is_asked_for_is_told(which: str) -> None:
    """By the catalogue that agents and the operator make their metrics from; the same for labels."""
    found = labels(QUERIES[which])
    assert found
    assert found.keys() <= TOLD.keys()
    for metric, asked in found.items():
        # What joins two metrics may group by labels of one alone.
        if len(found) == 1:
            assert asked <= TOLD[metric] | TARGET, metric


def test_the_operator_has_what_is_asked_of_it() -> None:
    """Each family that the catalogue says it tells is in its registry."""
    registered = {family.name for family in Metrics().registry.collect()}
    wanted = {each.name for each in CATALOGUE if Teller.OPERATOR in each.tellers}
    assert wanted - {name for name in wanted if name.startswith("process_")} <= registered


def test_every_metric_of_a_fault_is_asked_for() -> None:
    """The dashboards and alerts leave out only what the list says."""
    asked = {metric for query in QUERIES.values() for metric, _ in selectors(query)}
    left_out = {
        name
        for name in TOLD
        if not ({name, f"{name.rpartition('_')[0]}_bucket", f"{name.rpartition('_')[0]}_count"} & asked)
    }
    assert left_out == {
        "process_max_fds",
        "process_open_fds",
        "process_start_time_seconds",
        "process_virtual_memory_bytes",
        "trunkline_edge_agent_up",
        "trunkline_edge_caller_name_lookups_total",
        "trunkline_edge_calls_expired_total",
        "trunkline_edge_calls_failed_total",
        "trunkline_edge_calls_total",
        "trunkline_edge_dropped_media_packets_total",
        "trunkline_edge_lookups_unasked_total",
        "trunkline_edge_own_calls_total",
        "trunkline_edge_reaped_media_sessions_total",
        "trunkline_edge_recorded_seconds_total",
        "trunkline_edge_recorder_busy_seconds_total",
        "trunkline_edge_recordings_spool_bytes",
        "trunkline_edge_refusals_unrecorded_total",
        "trunkline_edge_table_taken_timestamp_seconds",
        "trunkline_edge_tallies_untold_total",
        "trunkline_edge_unrecorded_calls_total",
    }


def test_every_alert_says_what_it_means_and_has_a_runbook() -> None:
    """Its severity, a summary, what follows from it, and a section of its own; no section is left over."""
    for each in rules():
        assert each["labels"]["severity"] in ("critical", "warning", "info")
        assert each["annotations"].keys() == {"summary", "description", "runbook_url"}
        assert each["annotations"]["runbook_url"] == f"docs/runbooks.md#{each['alert'].lower()}"
    sections = re.findall(r"^### (.+)$", RUNBOOKS.read_text(encoding="utf-8"), re.MULTILINE)
    assert sections == [each["alert"] for each in rules()]


def test_every_alert_has_a_test_that_fires_and_one_that_does_not() -> None:
    """In the files that promtool runs."""
    expected: dict[str, list[bool]] = {}
    for path in TESTS.glob("*.yaml"):
        for case in yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]:
            for each in case["alert_rule_test"]:
                expected.setdefault(each["alertname"], []).append(bool(each.get("exp_alerts")))
    assert {name: sorted(fires) for name, fires in expected.items()} == {
        each["alert"]: [False, True] for each in rules()
    }


def test_promtool_finds_every_alert_to_do_what_its_tests_say(tmp_path: Path) -> None:
    """A real Prometheus' own tool, with what the alert says for people."""
    shutil.copy(ALERTS, tmp_path)
    files = [shutil.copy(path, tmp_path) for path in sorted(TESTS.glob("*.yaml"))]
    try:
        command = watcher(["promtool", "test", "rules", *map(str, files)], tmp_path)
    except NoRootError as error:
        pytest.skip(str(error))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(files) == 4


def test_the_rule_of_the_chart_is_the_file(render: Render) -> None:
    """But for what is disabled, and where runbooks are; what Helm might take for a template is not lost."""
    objects = render(EVERYTHING)
    rule = one(objects, "PrometheusRule", "trunkline", "monitoring")
    found = [each for group in rule["spec"]["groups"] for each in group["rules"]]
    url = EVERYTHING["prometheusRules"]["runbookUrl"]
    wanted = [each for each in rules() if each["alert"] != "TrunklineTargetsSilent"]
    for each in wanted:
        named = each["annotations"]["runbook_url"].replace("docs/runbooks.md", url)
        each["annotations"]["runbook_url"] = named
    assert found == wanted
    pages = {name for name in names(objects, "ConfigMap") if name.startswith("trunkline-dashboard-")}
    assert pages == {f"trunkline-dashboard-{path.stem}" for path in (CHART / "dashboards").glob("*.json")}
    for name in pages:
        page = one(objects, "ConfigMap", name, "monitoring")
        assert page["metadata"]["labels"]["grafana_dashboard"] == "1"
        ((file, text),) = page["data"].items()
        path = CHART / "dashboards" / file.removeprefix("trunkline-")
        assert json.loads(text) == json.loads(path.read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", DASHBOARDS, ids=lambda path: str(path.stem))
def test_grafana_knows_every_field_of_a_dashboard(path: Path) -> None:
    """Read and written by Grafana's own library it still has all of them: what that does not know is lost."""
    register_default_plugins()
    written = json.loads(path.read_text(encoding="utf-8"))
    assert [*_lost(written, _through_grafana(written))] == []
    written["panels"][0]["tittle"] = "A field misspelt"
    assert [*_lost(written, _through_grafana(written))] == ["panels.0.tittle"]


def _through_grafana(written: dict[str, Any]) -> Any:
    return json.loads(json.dumps(Dashboard.from_json(written), cls=JSONEncoder))


def _lost(before: Any, after: Any, path: str = "") -> Iterator[str]:
    """Paths of what is not in `after` as it was."""
    if isinstance(before, dict | list) and type(before) is type(after):
        pairs = before.items() if isinstance(before, dict) else enumerate(before)
        for key, value in pairs:
            found = after.get(key) if isinstance(after, dict) else (after[key : key + 1] or [None])[0]
            yield from _lost(value, found, f"{path}.{key}")
    elif before != after:
        yield path.lstrip(".")
