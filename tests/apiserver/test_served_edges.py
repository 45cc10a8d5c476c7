"""What serves goes on: after a refused edit, after a restart, and when somebody deletes a part of it."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from apiserver.operators import Platform
from apiserver.quickstart import ADDRESSES, EDGE, custom, origination, quickstart
from cluster.processes import free_ports
from support.dns_servers import KEY_NAME, SECRET, Primary, knot_primary
from support.patience import is_quick

pytestmark = pytest.mark.apiserver

NAME = f"pstn.{EDGE}.trunkline.test"
TAKEN = "127.61.1.9"


@pytest.fixture
def knot(tmp_path: Path) -> Iterator[Primary]:
    with knot_primary(tmp_path / "knot", "127.61.1.53", free_ports(1)[0], "trunkline.test") as server:
        yield server


def start(platform: Platform, knot: Primary, name: str) -> None:
    platform.start(
        name,
        dns_provider="rfc2136",
        dns_server=knot.place,
        dns_tsig_secret="tsig",
        dns_tsig_key_name=KEY_NAME,
    )


def serve(platform: Platform, knot: Primary) -> None:
    """Both pods of the Edge are ready, as their agents would say, and in DNS."""
    system = platform.kubectl.within(platform.system)
    system("create", "secret", "generic", "tsig", f"--from-literal=secret={SECRET}")
    platform.kubectl.apply(*quickstart(platform.tenant))
    start(platform, knot, "operator-0")
    platform.wait_for("a table", lambda: platform.table(EDGE))
    sequence = platform.table(EDGE).sequence
    for pod, address in enumerate(ADDRESSES):
        platform.acknowledge(EDGE, pod, sequence, address=address)
    platform.wait_for("both addresses", lambda: knot.values(NAME, "A") == list(ADDRESSES))


def advertise(platform: Platform, *addresses: str) -> None:
    patch = json.dumps({"spec": {"advertise": {"addresses": list(addresses)}}})
    platform.kubectl("patch", "edge", EDGE, "--type=merge", f"--patch={patch}")


def uid_of(platform: Platform, kind: str, name: str) -> str:
    """Of an object in the edge namespace; "" if there is none."""
    answer = platform.kubectl.within(platform.edges).try_("get", kind, name, "-o", "json")
    return str(json.loads(answer.output)["metadata"]["uid"]) if answer.status == 0 else ""


def status(platform: Platform) -> dict[str, Any]:
    return dict(platform.kubectl.get("edge", EDGE)["status"])


def test_a_refused_edit_takes_no_serving_edge_down(platform: Platform, knot: Primary) -> None:
    """Pods, names and tables go on, tables with every change, also by a new operator; the mend heals."""
    taken = {"advertise": {"type": "Static", "addresses": [TAKEN]}}
    platform.kubectl.apply(custom("Edge", "oslo", taken))
    time.sleep(1.1)  # times of objects are whole seconds, and the older one wins
    serve(platform, knot)
    pods = uid_of(platform, "statefulset", f"edge-{EDGE}")
    advertise(platform, TAKEN)
    platform.wait_condition("edge", EDGE, "Accepted", status="False", reason="Conflict")
    platform.wait_condition("edge", EDGE, "Programmed", status="False", reason="KeptLastGood")
    platform.kubectl.apply(custom("Number", "second", {"number": "+14155550101", "trunkRef": {"name": "hq"}}))
    platform.wait_for("a new number", lambda: _is_routed(platform, "+14155550101"))
    platform.operators[0].kill()
    start(platform, knot, "operator-0")
    platform.kubectl.apply(custom("Number", "third", {"number": "+14155550102", "trunkRef": {"name": "hq"}}))
    platform.wait_for("a newer one", lambda: _is_routed(platform, "+14155550102"))
    assert uid_of(platform, "statefulset", f"edge-{EDGE}") == pods
    assert knot.values(NAME, "A") == list(ADDRESSES)
    assert [each["address"] for each in status(platform)["addresses"]] == list(ADDRESSES)
    assert platform.condition("edge", EDGE, "Ready")["status"] == "False"
    advertise(platform, *ADDRESSES)
    platform.wait_condition("edge", EDGE, "Ready", status="True")
    assert uid_of(platform, "statefulset", f"edge-{EDGE}") == pods


def _is_routed(platform: Platform, number: str) -> bool:
    decision = platform.table(EDGE).decide(origination(number))
    return getattr(decision, "trunk", None) == f"{platform.tenant}/hq"


def test_an_address_that_is_taken_from_the_list_leaves_dns_at_once(platform: Platform, knot: Primary) -> None:
    """Its pod may run on for as long as it has calls."""
    serve(platform, knot)
    advertise(platform, ADDRESSES[1])
    # The pod with the lower number says that it has the address that is listed no more.
    platform.wait_for("one address", lambda: knot.values(NAME, "A") == [ADDRESSES[1]])
    # One pod is left, and it comes back where the address is. (A Lease of the other would be removed again.)
    platform.acknowledge(EDGE, 0, platform.table(EDGE).sequence, address=ADDRESSES[1])
    platform.wait_for(
        "the status shows it alone",
        lambda: [each["address"] for each in status(platform)["addresses"]] == [ADDRESSES[1]],
    )
    assert knot.values(NAME, "A") == [ADDRESSES[1]]


def test_what_somebody_deletes_is_there_again_at_once(platform: Platform, knot: Primary) -> None:
    """Within seconds, not at the next look half a minute later; and then nothing more is written."""
    serve(platform, knot)
    platform.wait_condition("edge", EDGE, "CertificateReady", status="True")
    deleted = (
        ("statefulset", f"edge-{EDGE}"),
        ("service", f"edge-{EDGE}"),
        ("role", f"edge-{EDGE}"),
        ("configmap", f"edge-{EDGE}"),
        ("lease", f"edge-{EDGE}-1"),
        ("secret", f"table-{EDGE}-head"),
        ("secret", f"edge-{EDGE}-tls"),
        ("secret", "edge-secret"),
    )

    def made_again(kind: str, name: str) -> float:
        before = uid_of(platform, kind, name)
        assert before, f"{kind} {name}"
        platform.kubectl.within(platform.edges)("delete", kind, name, "--wait=false")
        began = time.monotonic()
        platform.wait_for(f"a new {kind} {name}", lambda: uid_of(platform, kind, name) not in ("", before))
        return time.monotonic() - began

    for kind, name in deleted:
        is_quick(partial(made_again, kind, name), 25)
    after = platform.quiet(3.0)
    time.sleep(5)
    assert platform.versions() == after
