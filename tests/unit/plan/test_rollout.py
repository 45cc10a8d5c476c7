"""New templates reach one Edge after another, and halt at one that does not become ready."""

from __future__ import annotations

from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from trunkline.plan.rollout import PATIENCE_SECONDS, RolledEdge, Rollout, held, rolled, rolled_edge

IDLE = RolledEdge()
NEW_TEMPLATE = RolledEdge(differs=True)
ROLLING = RolledEdge(is_rolling=True)


def step(edges: dict[str, RolledEdge], before: Rollout = Rollout(), now: float = 0.0) -> Rollout:  # noqa: B008
    return rolled(before, edges, now)


def told(found: Rollout) -> tuple[str, str, str]:
    """The Edge in turn, those that take what is new, and those that wait."""
    return found.current, " ".join(sorted(found.takes)), " ".join(sorted(found.waits))


def test_the_first_takes_it_and_the_others_wait() -> None:
    found = step({"dublin": NEW_TEMPLATE, "ashburn": NEW_TEMPLATE, "tokyo": IDLE})
    assert told(found) == ("ashburn", "ashburn", "dublin")


def test_the_next_follows_when_the_one_before_is_ready() -> None:
    found = step({"ashburn": NEW_TEMPLATE, "dublin": NEW_TEMPLATE})
    found = step({"ashburn": ROLLING, "dublin": NEW_TEMPLATE}, found, 1)
    assert told(found) == ("ashburn", "", "dublin")
    found = step({"ashburn": IDLE, "dublin": NEW_TEMPLATE}, found, 2)
    assert told(found) == ("dublin", "dublin", "")
    assert step({"ashburn": IDLE, "dublin": IDLE}, found, 3).current == ""


def test_it_halts_where_nothing_moves_and_goes_on_when_that_is_mended() -> None:
    stuck = RolledEdge(is_rolling=True, serves=False)
    found = step({"ashburn": NEW_TEMPLATE, "dublin": NEW_TEMPLATE})
    found = step({"ashburn": stuck, "dublin": NEW_TEMPLATE}, found, 10)
    assert not step({"ashburn": stuck, "dublin": NEW_TEMPLATE}, found, PATIENCE_SECONDS).halted
    found = step({"ashburn": stuck, "dublin": NEW_TEMPLATE}, found, 10 + PATIENCE_SECONDS + 1)
    assert found.halted
    assert told(found) == ("ashburn", "", "dublin")
    mended = RolledEdge(differs=True, is_rolling=True, serves=False)
    found = step({"ashburn": mended, "dublin": NEW_TEMPLATE}, found, 400)
    assert told(found) == ("ashburn", "ashburn", "dublin")
    found = step({"ashburn": IDLE, "dublin": NEW_TEMPLATE}, found, 410)
    assert not found.halted
    assert told(found) == ("dublin", "dublin", "")


def test_progress_is_no_halt() -> None:
    """Eight pods one after another, each with its calls, take long."""
    found = step({"ashburn": NEW_TEMPLATE, "dublin": NEW_TEMPLATE})
    for pod in range(8):
        moving = RolledEdge(is_rolling=True, progress=pod)
        found = step({"ashburn": moving, "dublin": NEW_TEMPLATE}, found, pod * PATIENCE_SECONDS)
        assert not found.halted


def test_who_has_nothing_to_lose_waits_for_nobody() -> None:
    """A new Edge, and one that serves nothing: neither holds the others up."""
    dead = RolledEdge(differs=True, serves=False)
    found = step({"a": RolledEdge(is_new=True), "b": dead, "c": NEW_TEMPLATE, "d": NEW_TEMPLATE})
    assert told(found) == ("c", "a b c", "d")


def test_after_a_restart_it_goes_on_where_it_was() -> None:
    found = step({"ashburn": NEW_TEMPLATE, "dublin": ROLLING})
    assert told(found) == ("dublin", "", "ashburn")


@dataclass
class Cluster:
    """Edges whose pods take a template and get ready, or do not; the newest template may be bad."""

    wanted: int = 0
    given: dict[str, int] = field(default_factory=lambda: dict.fromkeys("abc", 0))
    ready: dict[str, bool] = field(default_factory=lambda: dict.fromkeys("abc", True))
    rollout: Rollout = Rollout()  # noqa: RUF009
    bad: frozenset[int] = frozenset()

    def turn(self, now: float) -> None:
        edges = {
            name: RolledEdge(
                differs=self.given[name] != self.wanted,
                is_rolling=not self.ready[name],
                serves=self.ready[name],
                progress=(self.given[name], self.ready[name]),
            )
            for name in self.given
        }
        self.rollout = rolled(self.rollout, edges, now)
        for name in self.rollout.takes:
            if self.given[name] != self.wanted:
                self.given[name], self.ready[name] = self.wanted, False

    def kubelet(self, name: str) -> None:
        self.ready[name] = self.given[name] not in self.bad


@given(st.lists(st.sampled_from(("turn", "plan", "a", "b", "c")), max_size=60), st.sets(st.integers(1, 8)))
def test_never_two_edges_at_once_and_all_in_the_end(events: list[str], bad: set[int]) -> None:
    cluster = Cluster(bad=frozenset(bad))
    for now, event in enumerate(events):
        if event == "turn":
            cluster.turn(float(now))
        elif event == "plan":
            cluster.wanted += 1
        else:
            cluster.kubelet(event)
        assert sum(not ready for ready in cluster.ready.values()) <= 1
    cluster.wanted, cluster.bad = cluster.wanted + 1, frozenset()
    for now in range(100, 120):
        cluster.turn(float(now))
        for name in cluster.given:
            cluster.kubelet(name)
    assert set(cluster.given.values()) == {cluster.wanted}
    assert all(cluster.ready.values())


def test_how_far_an_edge_is_is_read_from_its_stateful_set() -> None:
    planned = {"spec": {"replicas": 2, "template": {"spec": {"terminationGracePeriodSeconds": 60}}}}
    status = {"currentRevision": "a", "updateRevision": "b", "observedGeneration": 2, "readyReplicas": 1}
    present = {"metadata": {"generation": 2}, "spec": {"replicas": 1, "template": {"old": True}}}
    found = rolled_edge(planned, {**present, "status": status}, differs=False)
    assert (found.is_rolling, found.serves, found.patience_seconds) == (True, True, PATIENCE_SECONDS + 60)
    same = {**status, "updateRevision": "a"}
    assert not rolled_edge(planned, {**present, "status": same}, differs=False).is_rolling
    behind = {**same, "observedGeneration": 1}
    assert rolled_edge(planned, {**present, "status": behind}, differs=False).is_rolling
    assert held(planned, present)["spec"] == {"replicas": 2, "template": {"old": True}}
