"""What an API server does to its clients when it is overloaded, restarted or far away.

A proxy in front of the real one does it, at the moment that a test wants: no change is lost, and nobody is
asked again and again without a rest.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from apiserver.api_proxy import CUT, ApiProxy, Question, Refusal, proxy_before
from apiserver.operators import Platform, platform_on
from apiserver.quickstart import ADDRESSES, EDGE, custom, origination, quickstart
from cluster.apiserver import ApiServer
from sipedge.routing.decision import Forward
from trunkline.api import API_VERSION

pytestmark = pytest.mark.apiserver

OVERLOADED = Refusal(429, "TooManyRequests", retry_after=1)
STORM_SECONDS = 4.0
MOST_A_SECOND = 100
"""Requests of an operator that is refused everything. Some fifteen watches with waits that grow ask 40; one
without waits asks 60 alone, as was seen, so all of them ask hundreds.
"""


@pytest.fixture
def proxied(operator_server: ApiServer, tmp_path: Path) -> Iterator[tuple[ApiProxy, Platform]]:
    """A platform whose operators go through a proxy, settled."""
    with proxy_before(operator_server, tmp_path) as (proxy, seen), platform_on(seen, tmp_path) as platform:
        platform.kubectl.apply(*quickstart(platform.tenant))
        platform.start()
        platform.wait_for("a table", lambda: platform.table(EDGE))
        programmed(platform, "main")
        yield proxy, platform
        for operator in platform.operators:
            operator.kill()


def programmed(platform: Platform, name: str) -> None:
    """Wait until a number is programmed; its agent acknowledges what there is, by this test's hand."""

    def told() -> bool:
        platform.acknowledge(EDGE, 0, platform.table(EDGE).sequence, address=ADDRESSES[0])
        return platform.condition("number", name, "Programmed").get("status") == "True"

    platform.wait_for(f"{name} is programmed", told, 120)


def add(platform: Platform, name: str, digits: str) -> None:
    platform.kubectl.apply(custom("Number", name, {"number": digits, "trunkRef": {"name": "hq"}}))


def served(platform: Platform, name: str, digits: str) -> None:
    """Wait until a number is programmed; calls to it are forwarded then."""
    programmed(platform, name)
    assert isinstance(platform.table(EDGE).decide(origination(digits)), Forward)
    assert platform.operators[-1].process.poll() is None


def outlived(proxy: ApiProxy, platform: Platform, refusal: Refusal, name: str, digits: str) -> None:
    """For some seconds everything ends so: the operator rests, and a change of that time is served later."""
    proxy.forget()
    proxy.rule, began = lambda question: refusal, time.monotonic()
    proxy.cut_streams()
    add(platform, name, digits)
    time.sleep(STORM_SECONDS)
    asked, busy = len(proxy.questions), busiest(proxy)
    proxy.rule = lambda question: None
    assert asked < MOST_A_SECOND * (time.monotonic() - began), busy
    served(platform, name, digits)


def busiest(proxy: ApiProxy) -> str:
    """What was asked most, for the message of a test that fails."""
    return str(Counter((each.method, each.path, each.watches) for each in proxy.questions).most_common(6))


def test_a_storm_of_429_by_a_proxy_is_waited_out(proxied: tuple[ApiProxy, Platform]) -> None:
    """Everything is refused with Retry-After; a change of that time is served afterwards."""
    proxy, platform = proxied
    outlived(proxy, platform, OVERLOADED, "storm", "+14155550111")


def test_an_operator_that_starts_in_a_storm_of_429_by_a_proxy(proxied: tuple[ApiProxy, Platform]) -> None:
    """It has seen nothing yet, and takes its time for it."""
    proxy, platform = proxied
    platform.operators[0].kill()
    proxy.rule = lambda question: OVERLOADED
    proxy.forget()
    platform.start()
    platform.wait_for("its first request", lambda: proxy.questions)
    began = time.monotonic()
    time.sleep(STORM_SECONDS)
    asked, busy = len(proxy.questions), busiest(proxy)
    proxy.rule = lambda question: None
    assert asked < MOST_A_SECOND * (time.monotonic() - began), busy
    add(platform, "early", "+14155550112")
    served(platform, "early", "+14155550112")


def test_410_on_every_watch_by_a_proxy_is_no_hot_loop(proxied: tuple[ApiProxy, Platform]) -> None:
    """History is gone again and again: it is listed anew, with a rest between."""
    proxy, platform = proxied
    proxy.forget()
    proxy.rule = lambda question: Refusal(410, "Expired") if question.watches else None
    proxy.cut_streams()
    time.sleep(STORM_SECONDS)
    busy, kopf, ours = busiest(proxy), proxy.count(path="/numbers$"), proxy.count(path="/nodes$")
    proxy.rule = lambda question: None
    # A list and a watch each time: Kopf's rest is a constant one, ours grows.
    assert kopf < 25 * STORM_SECONDS, busy
    assert ours < 4 * STORM_SECONDS, busy
    add(platform, "gone", "+14155550113")
    served(platform, "gone", "+14155550113")


def test_kinds_that_a_proxy_does_not_list_at_first_are_watched_later(
    proxied: tuple[ApiProxy, Platform],
) -> None:
    """As by an API server that has just started: a watch is not found, then the list of kinds is not."""
    proxy, platform = proxied
    unlisted: list[str] = []

    def rule(question: Question) -> Refusal | None:
        if question.watches and question.path.endswith("/numbers") and not unlisted:
            return Refusal(404, "NotFound")
        if question.path == f"/apis/{API_VERSION}" and len(unlisted) < 2:
            unlisted.append(question.path)
            return Refusal(404, "NotFound")
        return None

    proxy.rule = rule
    proxy.cut_streams()
    platform.wait_for("what is not listed", lambda: len(unlisted) == 2)
    add(platform, "unlisted", "+14155550117")
    served(platform, "unlisted", "+14155550117")


def test_conflicts_by_a_proxy_are_looked_at_and_tried_again(proxied: tuple[ApiProxy, Platform]) -> None:
    """Each object's first two writes meet a 409: of statuses, parts, and of the head, which ends a term."""
    proxy, platform = proxied
    met: Counter[str] = Counter()

    def rule(question: Question) -> Refusal | None:
        if question.method != "PATCH" or "leases" in question.path:
            return None
        met[question.path] += 1
        return Refusal(409, "Conflict") if met[question.path] <= 2 else None

    proxy.rule = rule
    add(platform, "conflict", "+14155550114")
    served(platform, "conflict", "+14155550114")
    head = next(count for path, count in met.items() if path.endswith("-head"))
    assert head == 3
    assert platform.operators[0].said("not acting")
    assert max(met.values()) < 10, met


def test_connections_cut_by_a_proxy_are_made_again(proxied: tuple[ApiProxy, Platform]) -> None:
    """Watches are reset every 200 ms while changes come, then all is cut for some seconds."""
    proxy, platform = proxied
    for turn in range(5):
        add(platform, f"cut-{turn}", f"+1415555013{turn}")
        for _ in range(3):
            proxy.cut_streams()
            time.sleep(0.2)
    for turn in range(5):
        served(platform, f"cut-{turn}", f"+1415555013{turn}")
    outlived(proxy, platform, CUT, "cut", "+14155550139")


def test_writes_whose_answers_a_proxy_loses_are_found_done(proxied: tuple[ApiProxy, Platform]) -> None:
    """The API server has carried them out; the operator cannot know, and looks."""
    proxy, platform = proxied
    lost: Counter[str] = Counter()

    def answer_lost(question: Question) -> bool:
        if question.method not in ("PATCH", "POST"):
            return False
        lost[question.path] += 1
        return lost[question.path] == 1

    proxy.answer_lost = answer_lost
    add(platform, "lost", "+14155550115")
    served(platform, "lost", "+14155550115")
    assert any(path.endswith("-head") for path in lost)
    assert any(path.endswith("/status") for path in lost)


def test_an_operator_behind_a_proxy_that_is_slow_goes_on_acting(proxied: tuple[ApiProxy, Platform]) -> None:
    """Two seconds for each request: it takes its time, and the Lease is not lost over it."""
    proxy, platform = proxied
    proxy.delay = lambda question: 2.0
    add(platform, "slow", "+14155550116")
    served(platform, "slow", "+14155550116")
    time.sleep(6)
    assert not platform.operators[0].said("not acting")


def test_a_change_while_a_proxy_holds_up_its_status_is_told_soon(proxied: tuple[ApiProxy, Platform]) -> None:
    """The write that comes too late meets a conflict, and nothing else would wake the operator."""
    proxy, platform = proxied
    time.sleep(2)
    proxy.delay = lambda question: 2.0 if question.path.endswith("/numbers/main/status") else 0.0
    for name in ("first", "second"):
        patch = json.dumps({"spec": {"friendlyName": name}})
        platform.kubectl("patch", "number", "main", "--type=merge", "-p", patch)
        time.sleep(0.7)
    observed = ("number", "main", "-o", "jsonpath={.status.observedGeneration}")
    platform.wait_for("its status", lambda: platform.kubectl("get", *observed) == "3")
