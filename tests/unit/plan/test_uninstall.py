"""What an uninstallation decides before it touches anything."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pytest

from support.objects import make_edge
from trunkline.kube.paths import CHILDREN, SECRETS
from trunkline.plan.uninstall import (
    ORDER,
    STALL_SECONDS,
    Bound,
    deployed_environment,
    duration_seconds,
    edges_served_by_hand,
    named_sites,
    pod_grace,
    told_faults,
    told_left,
)
from trunkline.plan.workload import WorkloadSettings, edge_objects


@pytest.mark.parametrize(("text", "seconds"), (("30s", 30), ("5m", 300), ("1h", 3600), ("45", 45), ("0", 0)))
def test_durations_as_people_write_them(text: str, seconds: int) -> None:
    """As in Helm's values; a bare number is seconds."""
    assert duration_seconds(text) == seconds


@pytest.mark.parametrize("text", ("", "-1s", "1.5m", "30 s", "soon", "5d"))
def test_other_durations_are_refused_with_the_mend(text: str) -> None:
    """The text says how to write one."""
    with pytest.raises(ValueError, match="write 30s, 5m or 1h"):
        duration_seconds(text)


def test_every_kind_that_an_operator_makes_is_removed() -> None:
    """A kind that edges get one day must be named here too."""
    made = {each["kind"] for each in edge_objects(make_edge(), WorkloadSettings("edges", "image"))}
    assert made | {kind.name for kind in CHILDREN} | {SECRETS.name, "Pod"} == set(ORDER)


def test_pods_end_before_what_they_need_to_drain() -> None:
    """Without their rights they could not read tables; only what would make new pods goes earlier."""
    assert ORDER[:2] == ("StatefulSet", "Pod")


@pytest.mark.parametrize(
    ("own", "drain", "grace"), ((645, 30, 30), (20, 30, 20), (645, 0, 1), (None, 30, 30), (0, 30, 1))
)
def test_calls_get_the_shorter_of_both_times(own: int | None, drain: int, grace: int) -> None:
    """Never none at all: grace 0 would forget a pod that still runs."""
    pod = {"spec": {} if own is None else {"terminationGracePeriodSeconds": own}}
    assert pod_grace(pod, drain) == grace


def test_dns_may_hold_every_address_that_an_edge_lists_or_shows() -> None:
    """An address that was taken from the list may still be in the zone."""
    edge = {
        "metadata": {"name": "oslo"},
        "spec": {"region": "no1", "advertise": {"type": "Static", "addresses": ["192.0.2.1", "192.0.2.2"]}},
        "status": {"addresses": [{"address": "192.0.2.2"}, {"address": "192.0.2.3"}]},
    }
    (site,) = named_sites([edge])
    assert (site.name, site.region) == ("oslo", "no1")
    assert site.addresses == site.serving == ("192.0.2.1", "192.0.2.2", "192.0.2.3")
    assert named_sites([{"metadata": {"name": "new"}}])[0].addresses == ()


def test_the_deployment_says_how_the_operator_is_set() -> None:
    """Plain variables only: what comes from fields of the pod is of that pod."""
    variables = [{"name": "A", "value": "1"}, {"name": "POD_NAME", "valueFrom": {"fieldRef": {}}}]
    pod = {"containers": [{"env": variables}, {"name": "no variables"}]}
    assert deployed_environment({"spec": {"template": {"spec": pod}}}) == {"A": "1"}
    assert deployed_environment(None) == {}


def test_edges_whose_records_are_left_to_people() -> None:
    """Their status lists what to enter; no uninstallation can take it out."""
    by_hand = {"metadata": {"name": "rome"}, "status": {"dnsRecords": ["rome. 600 IN A 192.0.2.1"]}}
    assert edges_served_by_hand([by_hand, {"metadata": {"name": "oslo"}, "status": {}}]) == ("rome",)


@dataclass
class Clock:
    """A clock that a test moves."""

    now: float = 1000.0


def worked(bound: Bound, clock: Clock, seconds_each: list[float]) -> tuple[int, str]:
    """How many steps are done before the bound ends it, and why it did; each step takes its seconds."""
    progressed, done = clock.now, 0
    for seconds in seconds_each:
        if why := bound.fault(progressed, clock.now):
            return done, why
        waited = min(seconds, bound.seconds_left(progressed, clock.now))
        clock.now += waited
        if waited == seconds:
            progressed, done = clock.now, done + 1
    return done, bound.fault(progressed, clock.now)


def test_work_that_gets_on_may_take_as_long_as_it_takes() -> None:
    """An hour of it, where nobody gave a time."""
    assert worked(Bound(math.inf), Clock(), [1.0] * 3600) == (3600, "")
    assert worked(Bound(math.inf), Clock(), [STALL_SECONDS - 1] * 60) == (60, "")


def test_work_that_does_not_get_on_is_given_up() -> None:
    """A minute after the last step that was done, and not a minute after the beginning."""
    clock = Clock()
    done, why = worked(Bound(math.inf), clock, [1.0] * 100 + [STALL_SECONDS + 1] * 2)
    assert (done, why) == (100, "the API server has taken none for 60 s")
    assert clock.now == 1000 + 100 + STALL_SECONDS


def test_work_ends_in_time_however_well_it_gets_on() -> None:
    """To the second: what comes after it needs the rest."""
    clock = Clock()
    done, why = worked(Bound(clock.now + 90.5), clock, [1.0] * 3600)
    assert (done, why) == (90, "the time of --timeout is up")
    assert clock.now == 1090.5


def test_work_does_not_begin_when_its_time_is_over() -> None:
    """Draining took all of it."""
    assert worked(Bound(999.0), Clock(), [1.0])[0] == 0
    assert Bound(999.0).seconds_left(1000.0, 1000.0) == 0


def test_what_is_left_is_counted_by_kind_with_the_mend() -> None:
    """Nothing is said of kinds that are done."""
    assert told_left({"Trunk": 0, "Number": 0}, "") == ()
    (line,) = told_left({"Trunk": 0, "Number": 1200, "Edge": 1}, "the time is over")
    assert line.startswith("1 of kind Edge, 1200 of kind Number may still say Ready=True: the time is over. ")
    assert "`trunkline uninstall` once more" in line


def test_many_faults_are_told_by_the_first_of_them() -> None:
    """Thirty thousand lines help nobody."""
    faults = [f"Number n-{number} keeps its status: 403" for number in range(8)]
    assert told_faults(faults) == (*faults[:5], "and 3 more")
    assert told_faults(faults[:5]) == tuple(faults[:5])
    assert told_faults(()) == ()
