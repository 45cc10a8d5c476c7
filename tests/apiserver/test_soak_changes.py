"""Programmed is never shown before every pod that serves routes by it.

Each change is called as soon as its status says so: in a row, ten at once, and with an agent that is frozen.
"""

from __future__ import annotations

import json
import random
import signal
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import pytest

from apiserver.edge_pods import EdgePod
from apiserver.operated_edge import PLACES, Callers, callers, number, target
from apiserver.operators import Platform
from apiserver.quickstart import custom
from apiserver.soak import CHANGES, FROZEN_SECONDS
from support.addresses import Block
from trunkline.api import API_VERSION

pytestmark = pytest.mark.apiserver

AT_ONCE: Final = 10


@dataclass
class Routes:
    """What was asked for so far, and so where calls should go."""

    block: Block
    numbers: dict[str, tuple[str, str]] = field(default_factory=dict)
    """Name to its digits and its trunk."""
    places: dict[str, str] = field(default_factory=lambda: {"hq": "hq", "lab": "lab"})
    """Trunk to the PBX that its OriginationUri leads to; "" while the URI is disabled."""
    secure: set[str] = field(default_factory=set)
    """Trunks whose calls go to the PBX by TLS alone; the PBXs of these tests listen to UDP alone."""

    def expected(self, name: str) -> str:
        """Who gets a call to a number: a PBX, or the status with which the call ends."""
        trunk = self.numbers[name][1]
        if not self.places[trunk]:
            return "480"
        return "408" if trunk in self.secure else self.places[trunk]


@dataclass(frozen=True)
class Change:
    """One change, and the number whose calls tell that it is served."""

    plural: str
    name: str
    spec: dict[str, Any]
    """Patched in; of a Number with `left`, that of a new object of the same name."""
    watched: str
    left: str = ""
    """Digits that nobody has any more."""


def changes(routes: Routes, seed: int) -> Iterator[Change]:
    """Changes of all that a call's way depends on, in an order of chance; each is taken into `routes`."""
    chance = random.Random(seed)
    for turn in range(10**9):
        name = chance.choice(sorted(routes.numbers))
        digits, trunk = routes.numbers[name]
        kind = chance.choice(("move", "move", "replace", "target", "disable", "secure"))
        if kind == "move":
            other = "lab" if trunk == "hq" else "hq"
            routes.numbers[name] = (digits, other)
            yield Change("numbers", name, {"trunkRef": {"name": other}}, name)
        elif kind == "replace":
            routes.numbers[name] = (f"+1415556{turn % 10_000:04d}", trunk)
            whole = {"number": routes.numbers[name][0], "trunkRef": {"name": trunk}}
            yield Change("numbers", name, whole, name, digits)
        elif kind == "secure":
            routes.secure ^= {trunk}
            toggled: dict[str, Any] = {"secure": trunk in routes.secure}
            yield Change("trunks", trunk, toggled, name)
        elif kind == "target":
            routes.places[trunk] = trunk if routes.places[trunk] == "spare" else "spare"
            place = routes.block.address(PLACES[routes.places[trunk]])
            spec = {"sipUri": f"sip:{place}", "enabled": True}
            yield Change("originationuris", trunk, spec, name)
        elif routes.places[trunk]:
            routes.places[trunk] = ""
            yield Change("originationuris", trunk, {"enabled": False}, name)


@pytest.fixture
def routes(platform: Platform, pods: list[EdgePod], block: Block) -> Routes:
    """Two trunks and ten numbers, all programmed."""
    known = Routes(block, {f"desk-{each}": (f"+1415555{each:04d}", "hq") for each in range(AT_ONCE)})
    platform.kubectl.apply(
        custom("Trunk", "lab", {}),
        target("lab", block),
        *(number(name, digits) for name, (digits, _) in known.numbers.items()),
    )
    for name in known.numbers:
        platform.wait_condition("number", name, "Programmed", status="True")
    platform.wait_condition("trunk", "lab", "Programmed", status="True")
    return known


def made(platform: Platform, change: Change) -> tuple[str, int]:
    """Make the change; the UID and the generation that it made."""
    server = platform.server
    path = f"/apis/{API_VERSION}/namespaces/{platform.tenant}/{change.plural}"
    if change.left:
        server.request(f"{path}/{change.name}", method="DELETE")
        body = custom("Number", change.name, change.spec)
        answer = server.request(path, method="POST", body=body)
    else:
        patch, merge = {"spec": change.spec}, "application/merge-patch+json"
        answer = server.request(f"{path}/{change.name}", method="PATCH", body=patch, content_type=merge)
    metadata = json.loads(answer)["metadata"]
    return metadata["uid"], metadata["generation"]


def is_programmed(platform: Platform, change: Change, version: tuple[str, int]) -> bool:
    """True once the status of this UID and generation says so."""
    path = f"/apis/{API_VERSION}/namespaces/{platform.tenant}/{change.plural}/{change.name}"
    found = json.loads(platform.server.request(path))
    (uid, generation), status = version, found["status"]
    assert found["metadata"]["uid"] == uid
    conditions = {each["type"]: each for each in status.get("conditions", [])}
    told = conditions.get("Programmed", {"status": "Unknown", "observedGeneration": 0})
    if status.get("observedGeneration") != generation or told["observedGeneration"] != generation:
        return False
    return bool(told["status"] == "True")


def check(routes: Routes, there: Callers, pods: list[EdgePod], change: Change) -> None:
    """Call through each pod: the new way, and the old one no more."""
    digits, expected = routes.numbers[change.watched][0], routes.expected(change.watched)
    assert [there.reached(pod, digits) for pod in pods] == [expected] * len(pods), change
    if change.left:
        assert [there.reached(pod, change.left) for pod in pods] == ["404"] * len(pods), change


@pytest.mark.timeout(300 + 5 * CHANGES)
def test_changes_in_a_row_are_routed_by_every_pod_once_they_are_programmed(
    platform: Platform, pods: list[EdgePod], routes: Routes, block: Block
) -> None:
    """Numbers move, go and come, targets change and are switched off, trunks turn secure: calls follow."""
    stream = changes(routes, 4)
    with callers(block) as there:
        for _ in range(CHANGES):
            change = next(stream)
            version = made(platform, change)
            platform.wait_for(
                str(change),
                lambda: is_programmed(platform, change, version),  # noqa: B023
            )
            check(routes, there, pods, change)


@pytest.mark.timeout(300 + 5 * CHANGES)
def test_changes_at_once_are_each_routed_once_they_are_programmed(
    platform: Platform, pods: list[EdgePod], routes: Routes, block: Block
) -> None:
    """Ten numbers move within a moment; each is called when its own status says so, whatever the others'."""
    with callers(block) as there:
        for turn in range(max(2, CHANGES // 20)):
            trunk = ("lab", "hq")[turn % 2]
            waiting = {}
            for name, (digits, _) in routes.numbers.items():
                change = Change("numbers", name, {"trunkRef": {"name": trunk}}, name)
                waiting[change.name] = change, made(platform, change)
                routes.numbers[name] = digits, trunk
            end = time.monotonic() + 30
            while waiting:
                assert time.monotonic() < end, f"not programmed: {sorted(waiting)}"
                for name, (change, version) in list(waiting.items()):
                    if is_programmed(platform, change, version):
                        check(routes, there, pods, change)
                        del waiting[name]


@pytest.mark.timeout(300 + FROZEN_SECONDS)
def test_a_pod_whose_agent_is_frozen_is_waited_for(
    platform: Platform, pods: list[EdgePod], routes: Routes, block: Block
) -> None:
    """It routes by its old table: not programmed until it follows. Its Pod is written as by a kubelet."""
    second = pods[1]
    written_as_ready(platform, second.name)
    assert second.agent is not None
    change = Change("numbers", "desk-0", {"trunkRef": {"name": "lab"}}, "desk-0")
    second.agent.send_signal(signal.SIGSTOP)
    try:
        version = made(platform, change)
        platform.wait_condition("number", "desk-0", "Programmed", status="Unknown", reason="Pending")
        routes.numbers["desk-0"] = routes.numbers["desk-0"][0], "lab"
        end = time.monotonic() + FROZEN_SECONDS
        with callers(block) as there:
            while time.monotonic() < end:
                assert not is_programmed(platform, change, version)
                time.sleep(0.5)
            digits = routes.numbers["desk-0"][0]
            assert [there.reached(pod, digits) for pod in pods] == ["lab", "hq"]
    finally:
        second.agent.send_signal(signal.SIGCONT)
    platform.wait_for("programmed", lambda: is_programmed(platform, change, version))
    with callers(block) as there:
        check(routes, there, pods, change)


def written_as_ready(platform: Platform, name: str) -> None:
    """The Pod says that it is ready: there is no kubelet here."""
    platform.server.request(
        f"/api/v1/namespaces/{platform.edges}/pods/{name}/status",
        method="PATCH",
        body={"status": {"conditions": [{"type": "Ready", "status": "True"}]}},
        content_type="application/strategic-merge-patch+json",
    )
