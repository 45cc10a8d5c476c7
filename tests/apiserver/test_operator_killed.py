"""Killed at any write, the operator leaves what the next one needs: the end is that of an unbroken run."""

from __future__ import annotations

import difflib
import json
import re
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from apiserver.operators import ROOT, Operator, Platform, platform_on
from apiserver.quickstart import ADDRESSES, EDGE, PASSWORD, Manifest, custom, quickstart, secret
from apiserver.soak import LONG, MOMENTS, WRITES_IN_A_LIFE
from cluster.apiserver import ApiServer
from cluster.processes import free_ports
from support.dns_servers import KEY_NAME, SECRET, Primary, knot_primary
from support.patience import PATIENCE
from trunkline.api import ALL_KINDS, API_VERSION
from trunkline.kube.paths import CHILDREN, CONFIG_MAPS, SECRETS

pytestmark = [pytest.mark.apiserver, pytest.mark.slow, pytest.mark.timeout(1800)]

ZONE: Final = "trunkline.test"
QUIET_SECONDS: Final = 3.0
"""An operator that leads and has written nothing for so long has nothing to write."""
THINKING_SECONDS: Final = 0.05
"""Of a processor, in half a second: an operator that uses more has not come to an end."""

_CHANCE: Final = re.compile(r"[0-9a-f-]{32,}")
"""Ids of objects and of the installation."""
_OF_CHANCE: Final = (SECRETS, CONFIG_MAPS)
_OF_THE_RUN: Final = frozenset({"lastTransitionTime", "renewTime", "acquireTime", "revision"})
"""Fields that tell when, or after how many publications."""


@dataclass(frozen=True)
class Scene:
    """A platform, its zone, and how operators are started for it."""

    platform: Platform
    knot: Primary
    program: tuple[str, ...]
    """The operator that dies; empty = the one that is shipped."""

    def run(self) -> int:
        """Operators, one after another, until one has nothing to write any more; how many died."""
        deaths = 0
        while self._died(self._start()):
            deaths += 1
            assert deaths < 150
        return deaths

    def _start(self) -> Operator:
        return self.platform.start(
            program=self.program,
            dns_provider="rfc2136",
            dns_server=self.knot.place,
            dns_tsig_secret="tsig",
            dns_tsig_key_name=KEY_NAME,
        )

    def _died(self, operator: Operator) -> bool:
        """True if it killed itself; else it is ended once it is quiet."""
        quiet_since, before, used = time.monotonic(), self.platform.versions(), 0.0
        while time.monotonic() - quiet_since < QUIET_SECONDS:
            try:
                assert operator.process.wait(0.5) == -signal.SIGKILL
                return True
            except subprocess.TimeoutExpired:
                was_used, used = used, operator.processor_seconds()
                now = self.platform.versions()
            # On a busy machine it may think for seconds before it writes.
            if now != before or used - was_used > THINKING_SECONDS or not operator.said("acting"):
                quiet_since, before = time.monotonic(), now
        operator.kill()
        return False

    def acknowledge(self) -> None:
        """As both agents do; there are none here."""
        sequence = self.platform.table(EDGE).sequence
        for pod, address in enumerate(ADDRESSES):
            self.platform.acknowledge(EDGE, pod, sequence, address=address)

    def state(self) -> Mapping[str, str]:
        """Everything that an operator makes, without times and what chance made."""
        records = self.knot.records().items()
        found: dict[str, Any] = {"zone": [(*key, values) for key, values in records if "SOA" not in key]}
        for kind in (*CHILDREN, SECRETS):
            path = kind.path(self.platform.edges)
            for each in json.loads(self.platform.server.request(path))["items"]:
                name = each["metadata"]["name"]
                if name.startswith("table-") and not name.endswith("-head"):
                    continue  # its name depends on the tenant's; tables are compared below
                # What a Secret holds, or the CA's ConfigMap, was made by chance.
                found[f"{kind.name} {name}"] = {} if kind in _OF_CHANCE else each.get("spec")
        for ours in ALL_KINDS:
            path = f"/apis/{API_VERSION}/{ours.plural}"
            for each in json.loads(self.platform.server.request(path))["items"]:
                metadata = each["metadata"]
                found[f"{ours.kind} {metadata['name']}"] = (metadata.get("finalizers"), each.get("status"))
        try:
            found["table"] = sorted(
                (section.value, key.decode(), row)
                for section, rows in self.platform.table(EDGE).rows.items()
                for key, row in rows.items()
            )
        except OSError:
            found["table"] = None
        return {name: self._plain(value) for name, value in found.items()}

    def _plain(self, value: Any) -> str:
        text = json.dumps(_without_course(value), indent=1, sort_keys=True, default=repr)
        for namespace in (self.platform.tenant, self.platform.edges, self.platform.system):
            text = text.replace(namespace, namespace.partition("-")[0])
        text = text.replace(self.knot.place, "knot")
        return _CHANCE.sub("id", text)


def differences(left: Mapping[str, str], right: Mapping[str, str]) -> list[str]:
    """The lines that are not the same."""
    compared = difflib.unified_diff(_lines(left), _lines(right), n=0)
    return [line for line in compared if not line.startswith("@@")]


def _lines(state: Mapping[str, str]) -> list[str]:
    return [f"{name}: {line}" for name, text in sorted(state.items()) for line in text.splitlines()]


def _without_course(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _without_course(each) for key, each in value.items() if key not in _OF_THE_RUN}
    return [_without_course(each) for each in value] if isinstance(value, list | tuple) else value


def begun(scene: Scene) -> None:
    """Objects of most kinds; one Number is refused, which is an Event."""
    users = {"credentials": [{"username": "pbx", "passwordSecretRef": {"name": "pbx", "key": "password"}}]}
    stolen = {"number": "+442079460000", "trunkRef": {"name": "hq"}}
    scene.platform.kubectl.within(scene.platform.system).apply(secret("tsig", secret=SECRET))
    scene.platform.kubectl.apply(
        *quickstart(scene.platform.tenant),
        secret("pbx", password=PASSWORD),
        custom("CredentialList", "users", users),
        custom("Number", "stolen", stolen),
    )


def served(scene: Scene) -> None:
    """Both pods have the table."""
    scene.acknowledge()


def changed(scene: Scene) -> None:
    """A second trunk takes the number over; the refused one is permitted now."""
    account: Manifest = {"spec": {"numberPrefixes": ["+1415", "+44"]}}
    scene.platform.kubectl("patch", "account", "acme", "--type=merge", "-p", json.dumps(account))
    scene.platform.kubectl.apply(
        custom("Trunk", "lab", {}),
        custom("OriginationUri", "lab", {"trunkRef": {"name": "lab"}, "sipUri": "sip:lab.acme.example"}),
        custom("Number", "main", {"number": "+14155550100", "trunkRef": {"name": "lab"}}),
    )


def ended(scene: Scene) -> None:
    """The Edge and half of the rest is deleted, the Edge once its names are gone."""
    scene.platform.kubectl("delete", "edge", EDGE, "--wait=false")
    scene.platform.kubectl("delete", "trunk/hq", "number/stolen")


ACTS: Final[tuple[Callable[[Scene], None], ...]] = (
    (begun, served, changed, served, ended) if LONG else (begun, ended)
)


@contextmanager
def scene_on(server: ApiServer, folder: Path, program: tuple[str, ...] = ()) -> Iterator[Scene]:
    folder.mkdir()
    port = free_ports(1)[0]
    with (
        knot_primary(folder / "knot", "127.63.0.53", port, ZONE) as knot,
        platform_on(server, folder) as made,
    ):
        yield Scene(made, knot, program)


@pytest.fixture(scope="module")
def unbroken(operator_server: ApiServer, tmp_path_factory: pytest.TempPathFactory) -> list[Mapping[str, str]]:
    """The state after each act, as an operator leaves it that nobody kills."""
    states = []
    with scene_on(operator_server, tmp_path_factory.mktemp("unbroken") / "scene") as scene:
        for act in ACTS:
            act(scene)
            assert scene.run() == 0
            states.append(scene.state())
    return states


@pytest.mark.parametrize("moment", MOMENTS)
def test_killed_at_each_write_the_end_is_that_of_an_unbroken_run(
    operator_server: ApiServer, tmp_path: Path, unbroken: list[Mapping[str, str]], moment: str
) -> None:
    """Children, tables, statuses, finalizer, Events, Secrets, names; then changes; then the Edge's end."""
    dying = str(ROOT / "tests" / "apiserver" / "dying_operator.py")
    deaths = []
    with scene_on(operator_server, tmp_path / "scene", (dying, moment, str(WRITES_IN_A_LIFE))) as scene:
        for act, state in zip(ACTS, unbroken, strict=True):
            act(scene)
            deaths.append(scene.run())
            # What has long been quiet on a busy machine may still be waiting.
            deadline = time.monotonic() + PATIENCE
            while (left := differences(scene.state(), state)) and time.monotonic() < deadline:
                deaths[-1] += scene.run()
            assert left == [], act.__name__
    print(f"deaths: {deaths}")
    assert deaths[0] >= (20 if moment == "after" else 5) / WRITES_IN_A_LIFE
    assert sum(deaths) > deaths[0]
