"""What a running `up` shows of its calls: to Prometheus, and to collectors of SIP and of OpenTelemetry."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from cluster.processes import free_ports
from support.addresses import Block
from support.debian_root import NoRootError
from support.events import whole_lines
from support.hep import Collector
from support.metric_pages import edge_page, operator_page, served
from support.otel_collector import OtelCollector, otel_collector
from support.prometheus import Prometheus, prometheus
from support.queries import ALERTS, alert_queries, panel_queries, rules
from support.running_up import RunningUp, running_up
from support.telephones import ASHBURN, Telephones, telephones, write_manifests

METRICS_PORT = 9464
pytestmark = pytest.mark.timeout(900)


class Observed:
    """One `up`, its watchers, and the two calls that were made."""

    def __init__(
        self, up: RunningUp, collector: Collector, otel: OtelCollector, metrics: str, directory: Path
    ) -> None:
        self.up, self.collector, self.otel = up, collector, otel
        self.metrics, self.directory = metrics, directory

    def records(self) -> list[dict[str, Any]]:
        files = (self.up.state / "calls").rglob("*.jsonl")
        return [json.loads(line) for file in files for line in whole_lines(file)]


@pytest.fixture(scope="module")
def observed(block: Block, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Observed]:
    directory = tmp_path_factory.mktemp("observed")
    manifests = directory / "manifests"
    write_manifests(manifests, block)
    collector = Collector()
    platform = manifests / "platform.yaml"
    hep = f"  capture: {{hep: {{host: 127.0.0.1, port: {collector.port}, captureId: 7}}}}\n"
    platform.write_text(
        platform.read_text().replace("spec:\n  region: us1\n", f"spec:\n  region: us1\n{hep}")
    )
    assert "captureId" in platform.read_text()
    metrics = f"{block.address(53)}:{METRICS_PORT}"
    with ExitStack() as stack:
        stack.callback(collector.close)
        otel = stack.enter_context(otel_collector(directory, free_ports(1)[0]))
        options = ("--metrics", metrics, "--otlp-endpoint", otel.endpoint)
        up = stack.enter_context(running_up(manifests, directory / "state", block, *options))
        phones: Telephones = telephones(block)
        stack.callback(phones.close)
        for number in ASHBURN[:2]:
            assert phones.ring(block.address(number)) == "hq"
        yield Observed(up, collector, otel, metrics, directory)


def test_a_real_prometheus_reads_what_calls_came_to(observed: Observed, block: Block) -> None:
    """Of each address of each edge; counted from the records that the calls have left."""
    try:
        with (
            served(edge_page()) as edge,
            served(operator_page()) as operator,
            prometheus(
                observed.directory, free_ports(1)[0], observed.metrics, edge, operator, rules=ALERTS
            ) as one,
        ):
            busy = 'trunkline_edge_ended_calls_total{result="busy",direction="origination",edge="ashburn"}'
            one.wait_for(f"sum({busy})", 2)
            one.wait_for(f'{busy[:-1]},address="{block.address(ASHBURN[0])}"}}', 1)
            check(one)
            check_queries(one)
            check_rules(one)
    except NoRootError as error:
        pytest.skip(str(error))


def check(one: Prometheus) -> None:
    for query, wanted in (
        ("count(trunkline_edge_ready{address!=''} == 1)", 7),
        ("count(trunkline_edge_agent_up == 1)", 7),
        ("count(trunkline_build_info{component='agent',address!=''})", 7),
        ("count(process_resident_memory_bytes{address!=''})", 7),
        ("sum(trunkline_edge_failed_attempts_total{sip_class='4xx',kind='response',address!=''})", 2),
        ("sum(trunkline_edge_records_written_total{address!=''})", 2),
        ("min(trunkline_edge_table_sequence) >= 1", None),
    ):
        found = one.value(query)
        assert found == wanted if wanted is not None else found is not None, query
    told = one.ask("metadata")
    assert isinstance(told, dict)
    assert told["trunkline_edge_ended_calls_total"][0]["type"] == "counter"


def check_queries(one: Prometheus) -> None:
    """Every query of the chart is one, and every line of its dashboards has an answer.

    Of `up` alone they would not: nobody answered here, there is no operator, and no recorder. So Prometheus
    also scrapes an agent's and an operator's page on which all of that has happened.
    """
    for query in alert_queries().values():
        one.ask("query", query=query)
    for which, query in panel_queries().items():
        one.wait_for_some(query, which)


def check_rules(one: Prometheus) -> None:
    """Prometheus takes and judges all of them; at a healthy `up` none stays pending."""
    deadline = time.monotonic() + 60
    while faults := [each for each in judged(one) if each["health"] != "ok" or at_up(each)]:
        assert time.monotonic() < deadline, faults
        time.sleep(0.5)
    assert sorted(each["name"] for each in judged(one)) == sorted(each["alert"] for each in rules())


def at_up(rule: dict[str, Any]) -> bool:
    """True if the alert is about an edge of `up`, not of the pages beside it."""
    return any(
        alert["labels"].get("edge") != "rome" and alert["labels"].get("kind") != "Trunk"
        for alert in rule["alerts"]
    )


def judged(one: Prometheus) -> list[dict[str, Any]]:
    told = one.ask("rules")
    assert isinstance(told, dict)
    return [each for group in told["groups"] for each in group["rules"]]


def test_captured_messages_are_told_by_the_records_call_sids(observed: Observed) -> None:
    """The agent finds the call of a message by what Kamailio tells of calls."""
    for record in observed.records():
        packets = observed.collector.of_call(record["sipCallId"], "INVITE", "SIP/2.0 486", "ACK")
        assert {each.correlation for each in packets} == {record["callSid"]}
        assert {each.capture_id for each in packets} == {7}


def test_records_reach_a_real_collector_of_opentelemetry(observed: Observed) -> None:
    """Each once while nothing is killed, with the values of the file."""
    told = observed.otel.wait_for(2)
    wanted = {record["callSid"]: record for record in observed.records()}
    assert {each["callSid"] for each in told} == set(wanted)
    assert len(told) == len(wanted) == 2
    for each in told:
        record = wanted[each["callSid"]]
        assert each["result"] == record["result"] == "busy"
        assert int(each["sipStatus"]) == record["sipStatus"] == 486
        assert each["trunk"] == record["trunk"]
