"""An operator with nothing to do writes nothing: counted by the API server itself."""

from __future__ import annotations

import json
import time
from collections.abc import Callable

import pytest

from apiserver.counting import create, writes
from apiserver.edge_pods import EdgePod
from apiserver.operators import Platform
from apiserver.quickstart import Manifest, custom
from apiserver.soak import IDLE_SECONDS, TRUNKS
from trunkline.api import API_VERSION

pytestmark = pytest.mark.apiserver


def trunks(count: int) -> list[Manifest]:
    """So many trunks, each with a place to send calls to and a number."""
    made = []
    for each in range(count):
        name = f"trunk-{each:04d}"
        uri = {"trunkRef": {"name": name}, "sipUri": f"sip:10.63.{each // 250}.{each % 250 + 1}"}
        digits = {"number": f"+1415557{each:04d}", "trunkRef": {"name": name}}
        made += [
            custom("Trunk", name, {}),
            custom("OriginationUri", name, uri),
            custom("Number", name, digits),
        ]
    return made


def all_programmed(platform: Platform, count: int) -> bool:
    numbers = json.loads(
        platform.server.request(f"/apis/{API_VERSION}/namespaces/{platform.tenant}/numbers?limit=5000")
    )["items"]
    told = [
        condition["status"]
        for each in numbers
        for condition in each["status"].get("conditions", [])
        if condition["type"] == "Programmed"
    ]
    return told.count("True") > count


@pytest.mark.timeout(300 + 2 * IDLE_SECONDS)
def test_nothing_but_leases_is_written_while_nothing_changes(
    platform: Platform, pods: list[EdgePod], record_property: Callable[[str, object], None]
) -> None:
    """Trunks with numbers, two edge pods that renew their Leases, and an operator with time on its hands."""
    began = time.monotonic()
    create(platform.server, platform.tenant, trunks(TRUNKS))
    created = time.monotonic() - began
    platform.wait_for("all programmed", lambda: all_programmed(platform, TRUNKS), 60 + TRUNKS / 5)
    settled = time.monotonic() - began
    # The last number counts may be written ten seconds later.
    time.sleep(15)
    operator = platform.operators[0]
    before, used = writes(platform.server), operator.processor_seconds()
    time.sleep(IDLE_SECONDS)
    told = writes(platform.server) - before
    used = operator.processor_seconds() - used
    for name, value in (
        ("seconds until created", created),
        ("seconds until programmed", settled),
        ("writes", dict(told)),
        ("share of a processor", used / IDLE_SECONDS),
        ("MiB", operator.memory() / 2**20),
    ):
        record_property(name, value)
        print(f"{name}: {value}")
    assert {name for name in told if not name.endswith(" leases")} == set(), told
    # Two pods each ten seconds, the operator each five, and the API server's own.
    assert told.total() < IDLE_SECONDS * 0.8 + 20, told
    assert used < IDLE_SECONDS * 0.2
