"""What an uninstallation decides before it touches anything."""

from __future__ import annotations

import pytest

from support.objects import make_edge
from trunkline.kube.paths import CHILDREN, SECRETS
from trunkline.plan.uninstall import (
    ORDER,
    deployed_environment,
    duration_seconds,
    named_sites,
    pod_grace,
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
