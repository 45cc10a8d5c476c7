"""What goes wrong around an operator: afterwards all is as if nothing had."""

from __future__ import annotations

import time

import pytest

from apiserver.operators import Platform, restart
from apiserver.quickstart import ADDRESSES, EDGE, custom, origination, quickstart
from sipedge.routing.decision import Forward, Reject

pytestmark = pytest.mark.apiserver


def settled(platform: Platform) -> int:
    """Apply the quickstart, start an operator, acknowledge as an agent does, and wait until all is Ready."""
    platform.kubectl.apply(*quickstart(platform.tenant))
    platform.start()
    platform.wait_for("a table", lambda: platform.table(EDGE))
    return acknowledged(platform)


def acknowledged(platform: Platform) -> int:
    """Acknowledge what is published, as an agent does, until every object is Ready; the sequence."""

    def all_ready() -> bool:
        sequence = platform.table(EDGE).sequence
        platform.acknowledge(EDGE, 0, sequence, address=ADDRESSES[0])
        return all(state == "True" for state in ready(platform).values())

    platform.wait_for("every object", all_ready)
    return platform.table(EDGE).sequence


def ready(platform: Platform) -> dict[str, str]:
    """The status of Ready by object."""
    states = {}
    for kind in ("account", "carrier", "edge", "trunk", "originationuri", "number", "ipaccesscontrollist"):
        for each in platform.kubectl.get(kind)["items"]:
            conditions = {one["type"]: one["status"] for one in each["status"]["conditions"]}
            states[f"{kind}/{each['metadata']['name']}"] = conditions.get("Ready", "")
    return states


def test_a_restart_with_nothing_changed_writes_nothing(platform: Platform) -> None:
    """The new process finds everything as it should be."""
    sequence = settled(platform)
    before = platform.quiet()
    assert platform.operators[0].stop() == 0
    platform.start()
    platform.wait_for("the new process", lambda: platform.operators[1].said("acting"))
    platform.acknowledge(EDGE, 0, sequence, address=ADDRESSES[0])
    time.sleep(6)
    assert platform.versions() == before
    assert not platform.operators[1].said("applied")
    assert not platform.operators[1].said("published")


def test_a_second_operator_waits_and_takes_over(platform: Platform) -> None:
    """Two at once: one acts. When it dies, the other goes on where it was."""
    settled(platform)
    platform.start("operator-1")
    time.sleep(3)
    assert not platform.operators[1].said("acting")
    platform.operators[0].kill()
    platform.kubectl("delete", "number", "main")
    platform.wait_for(
        "the second", lambda: isinstance(platform.table(EDGE).decide(origination()), Reject), 60
    )
    assert platform.operators[1].said("acting")


def test_an_operator_that_wakes_up_late_overwrites_nothing(platform: Platform) -> None:
    """A frozen one loses the Lease; thawed, it sees so, and leaves the newer table alone."""
    settled(platform)
    first = platform.operators[0]
    first.freeze()
    platform.kubectl.apply(custom("Number", "more", {"number": "+14155550101", "trunkRef": {"name": "hq"}}))
    platform.start("operator-1")
    more = origination("+14155550101")
    platform.wait_for("the second", lambda: isinstance(platform.table(EDGE).decide(more), Forward), 60)
    newer = platform.table(EDGE).sequence
    first.thaw()
    platform.wait_for("the first gives up", lambda: first.said("not acting"))
    time.sleep(2)
    assert platform.table(EDGE).sequence == newer
    assert first.process.poll() is None


def test_all_objects_of_a_namespace_deleted_while_the_operator_is_away(platform: Platform) -> None:
    """Their rows go at its return, and no finalizer held them back."""
    settled(platform)
    platform.operators[0].kill()
    kinds = "trunk,number,originationuri,ipaccesscontrollist"
    platform.kubectl("delete", kinds, "--all", "--timeout=60s", seconds=90)
    platform.start()
    platform.wait_for("the rows", lambda: isinstance(platform.table(EDGE).decide(origination()), Reject))

    def parts() -> str:
        return platform.kubectl.within(platform.edges)("get", "secrets", "-o", "name")

    # What the new head does not name is removed after it.
    platform.wait_for("the parts", lambda: "table-trunk" not in parts() and "table-number" not in parts())


@pytest.mark.parametrize("process", ("kube-apiserver", "etcd"))
def test_the_operator_outlives_an_api_server_that_is_killed(platform: Platform, process: str) -> None:
    """SIGKILL, ten seconds away: the same process serves the next change."""
    settled(platform)
    restart(platform.server, process, pause=10)
    platform.kubectl("delete", "number", "main")
    platform.wait_for(
        "the change", lambda: isinstance(platform.table(EDGE).decide(origination()), Reject), 60
    )
    assert platform.operators[0].process.poll() is None
