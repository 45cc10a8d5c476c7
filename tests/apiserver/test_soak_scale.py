"""With thousands of objects: a killed operator, an API server that was away, a tenant among many changes.

What is asserted is that it comes. In how many seconds is printed beside what is promised, and says something
on a quiet machine, in the long form: `SOAK=1 pytest -s tests/apiserver/test_soak_scale.py`.
"""

from __future__ import annotations

import base64
import contextlib
import json
import math
import secrets
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

import pytest

from apiserver.counting import create
from apiserver.operators import Operator, Platform, platform_on, restart
from apiserver.quickstart import EDGE, Manifest, custom, quickstart
from apiserver.soak import LONG, OBJECTS
from cluster.apiserver import ApiServer
from sipedge.table import Section
from sipedge.table.publication import head_object, part_hash, part_object, rows_of, unpack_head
from support.patience import PATIENCE
from trunkline.api import ALL_KINDS, API_VERSION
from trunkline.controllers.hearing import DEAF_SECONDS

pytestmark = [pytest.mark.apiserver, pytest.mark.timeout(1800)]

FIRST_PUBLICATION_CPU_SECONDS: Final = 16.0
"""Of a processor: twice what may pass on an idle machine."""
LEARNT_SECONDS: Final = DEAF_SECONDS + 2 * PATIENCE + OBJECTS / 20
"""Longest wait for what takes a second: an operator may end itself over a watch that tells nothing."""
SETTLED_SECONDS: Final = 2 * PATIENCE + OBJECTS / 5
"""Longest wait until all objects have their status."""
FEW: Final = 100 if LONG else 3


@dataclass
class Scene:
    """A platform with many objects, and an operator that has published them."""

    platform: Platform
    busy: str
    """The namespace of the many."""

    @property
    def operator(self) -> Operator:
        """The one that was started last."""
        return self.platform.operators[-1]

    def start(self) -> None:
        self.platform.start(tenant_namespaces=f"{self.platform.tenant},{self.busy}")

    def change(self, turn: int) -> str:
        """One more Number of the small tenant; its digits."""
        digits = f"+1415555{1000 + turn}"
        path = f"/apis/{API_VERSION}/namespaces/{self.platform.tenant}/numbers"
        body = custom("Number", f"new-{turn}", {"number": digits, "trunkRef": {"name": "hq"}})
        self.platform.server.request(path, method="POST", body=body)
        return digits

    def seconds_until_published(self, digits: str, begun: float) -> float:
        """How long after `begun` edges were given the number."""

        looked_into: set[bytes] = set()
        self.platform.wait_for(digits, lambda: self._is_published(digits, looked_into), LEARNT_SECONDS)
        return time.monotonic() - begun

    def settle(self, objects: Iterable[Manifest]) -> None:
        """Return once all of these have a status: what is measured then is not beside its writing."""
        kinds = {kind.kind: kind.plural for kind in ALL_KINDS}
        place = f"/apis/{API_VERSION}/namespaces/{self.busy}"
        untold = [f"{place}/{kinds[each['kind']]}/{each['metadata']['name']}" for each in objects]

        def has_status(path: str) -> bool:
            found = json.loads(self.platform.server.request(path))
            return "observedGeneration" in found.get("status", {})

        def are_told() -> bool:
            while untold and has_status(untold[-1]):
                untold.pop()
            return not untold

        self.platform.wait_for("statuses", are_told, SETTLED_SECONDS)

    def _is_published(self, digits: str, looked_into: set[bytes]) -> bool:
        """As above. An operator that has ended is started anew, as by its kubelet."""
        if self.operator.process.poll() is not None:
            self.start()
        return self._is_in_a_part(digits, looked_into)

    def _is_in_a_part(self, digits: str, looked_into: set[bytes]) -> bool:
        """In a part that the head names; of a table that changes all the time few looks find the whole."""
        path = f"/api/v1/namespaces/{self.platform.edges}/secrets"
        listed = {
            each["metadata"]["name"]: each for each in json.loads(self.platform.server.request(path))["items"]
        }
        head = listed.get(head_object(EDGE))
        if head is None:
            return False
        for name, digest in unpack_head(data_of(head)).parts.items():
            part = listed.get(part_object(EDGE, name))
            if digest in looked_into or part is None or part_hash(data_of(part)) != digest:
                continue
            looked_into.add(digest)
            if digits.encode() in rows_of([data_of(part)]).get(Section.NUMBER, {}):
                return True
        return False


@pytest.fixture(scope="module")
def scene(operator_server: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    with platform_on(operator_server, tmp_path_factory.mktemp("scale")) as platform:
        busy = f"busy-{secrets.token_hex(3)}"
        operator_server.request("/api/v1/namespaces", method="POST", body={"metadata": {"name": busy}})
        account = custom("Account", "busy", {"namespaces": [busy], "numberPrefixes": ["+1212"]})
        platform.kubectl.apply(*quickstart(platform.tenant), account)
        many = population(OBJECTS)
        create(operator_server, busy, many)
        found = Scene(platform, busy)
        found.start()
        last = number_of(OBJECTS // 2 - 1)["spec"]["number"]
        found.seconds_until_published(last, time.monotonic())
        found.seconds_until_published("+14155550100", time.monotonic())
        found.settle(many)
        yield found


def data_of(secret: Mapping[str, Any]) -> bytes:
    return base64.b64decode(secret["data"]["data"])


def population(objects: int) -> list[Manifest]:
    """A quarter trunks, a quarter URIs, and Numbers."""
    made = []
    for each in range(objects // 4):
        uri = {"trunkRef": {"name": f"trunk-{each}"}, "sipUri": f"sip:trunk-{each}.pbx.example"}
        made += [custom("Trunk", f"trunk-{each}", {}), custom("OriginationUri", f"trunk-{each}", uri)]
    return [*made, *map(number_of, range(objects // 2))]


def number_of(position: int) -> Manifest:
    spec = {"number": f"+1212{2_000_000 + position}", "trunkRef": {"name": f"trunk-{position // 2}"}}
    return custom("Number", f"n-{position}", spec)


Tell = Callable[[str, float, str], None]


@pytest.fixture
def tell(record_property: Callable[[str, object], None]) -> Tell:
    """Prints what was measured, and what is promised of it ("" = nothing)."""

    def print_one(name: str, value: float, promised: str) -> None:
        record_property(name, value)
        print(f"\n{OBJECTS:,} objects: {name}: {value:.2f}{promised and f' (promised: {promised})'}", end="")

    return print_one


def test_a_killed_operator_publishes_what_changed_meanwhile(scene: Scene, tell: Tell) -> None:
    """As a container that is killed and started again by its kubelet, which has the same name."""
    scene.operator.kill()
    digits = scene.change(0)
    begun = time.monotonic()
    scene.start()
    seconds = scene.seconds_until_published(digits, begun)
    used = scene.operator.processor_seconds()
    tell("seconds from a killed operator's start to its first publication", seconds, "8")
    tell("of a processor, until then", used, "")
    assert used <= FIRST_PUBLICATION_CPU_SECONDS


def test_an_api_server_that_is_back_is_followed_at_once(scene: Scene, tell: Tell) -> None:
    """What changes as soon as it is ready is published."""
    running = scene.operator
    restart(scene.platform.server, "kube-apiserver", pause=5)
    begun = time.monotonic()
    seconds = scene.seconds_until_published(scene.change(1), begun)
    tell("seconds from /readyz of an API server to what changed then", seconds, "10")
    tell("operators that ended themselves over it", scene.operator is not running, "none")


def test_a_tenants_change_does_not_wait_for_anothers_thousands(scene: Scene, tell: Tell) -> None:
    """They come as fast as half a processor sends them."""
    waited = []
    with ThreadPoolExecutor(1) as pool, contextlib.ExitStack() as stack:
        load = Load(scene, OBJECTS // 2)
        stack.callback(load.stop)
        loaded = pool.submit(load.run)
        for turn in range(FEW):
            begun = time.monotonic()
            waited.append(scene.seconds_until_published(scene.change(10 + turn), begun))
        load.stop()
        changes = loaded.result()
    waited.sort()
    beside = f"beside {changes:,} of another"
    tell(f"seconds to a change {beside}, median of {FEW}", waited[len(waited) // 2], "")
    tell(f"seconds to a change {beside}, 99 of 100", waited[math.ceil(len(waited) * 0.99) - 1], "1")
    tell(f"seconds to a change {beside}, the longest", waited[-1], "")
    assert changes > 0


class Load:
    """Changes Numbers of the busy namespace, one after another, and rests as long as it works."""

    def __init__(self, scene: Scene, numbers: int) -> None:
        self._scene, self._numbers, self._stopped = scene, numbers, False

    def stop(self) -> None:
        self._stopped = True

    def run(self) -> int:
        """How many it changed until it was stopped."""
        server, done = self._scene.platform.server, 0
        path = f"/apis/{API_VERSION}/namespaces/{self._scene.busy}/numbers"
        while not self._stopped:
            begun = time.monotonic()
            body = {"spec": {"callerName": f"TURN {done}"}}
            server.request(
                f"{path}/n-{done % self._numbers}",
                method="PATCH",
                body=body,
                content_type="application/merge-patch+json",
            )
            done += 1
            time.sleep(time.monotonic() - begun)
        return done
