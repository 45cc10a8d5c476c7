"""Targets that are probed: which are asked and where, when each is, and what its answers mean."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.routing.liveness import (
    MOST_AT_ONCE,
    Finding,
    Liveness,
    LivenessBook,
    ProbedPlace,
    after_answer,
    after_probe,
)
from sipedge.routing.probed_places import MOST, MOST_OF_ACCOUNT, gateways_in, places_of, targets_in
from sipedge.table import ResolvedAddress, ResolvedRow, RouteRow
from sipedge.table.codec import may_say, pack_row
from sipedge.table.lookup import resolved_key
from support.calls import EDGE_ADDRESS, make_platform, table_of
from support.tables import make_account, make_gateway, make_site, make_target, make_trunk

GOOD, FAILED, SILENCE = 200, 503, 0


def place(number: int = 1, seconds: int = 30) -> ProbedPlace:
    return ProbedPlace(
        f"t|udp:192.0.2.{number}:5060", f"192.0.2.{number}", 5060, "udp", "sip:x", None, seconds
    )


def make_book() -> LivenessBook:
    names: Iterator[int] = count()
    return LivenessBook(lambda: 0.5, lambda: f"name-{next(names)}")


def outcome(answers: list[int]) -> bool:
    state = Liveness()
    for status in answers:
        state = after_probe(state)
        if status:
            state = after_answer(state, status)
    return after_probe(state).comes_last


@pytest.mark.parametrize(
    ("answers", "comes_last"),
    (
        ([], False),
        ([SILENCE], False),
        ([SILENCE, SILENCE], True),
        ([503, 408], True),
        ([SILENCE, 503], True),
        ([503, 200, 503], False),
        ([SILENCE, SILENCE, SILENCE, 404], False),
        ([SILENCE, SILENCE, 405], False),
        ([500, 500, 500], False),
    ),
)
def test_two_failures_in_a_row_put_a_target_last_and_any_other_answer_back(
    answers: list[int], comes_last: bool
) -> None:
    """No answer, 503 and 408 are failures; every other answer is one of somebody who is there."""
    assert outcome(answers) is comes_last


def test_one_failure_is_counted_once() -> None:
    """Neither an answer that is repeated, nor one that comes after its probe was given up, counts twice."""
    once = after_answer(after_probe(Liveness()), FAILED)
    assert after_answer(once, FAILED) == once
    assert not after_probe(once).comes_last
    assert after_answer(after_probe(after_probe(after_probe(Liveness()))), GOOD) == Liveness()


@given(st.lists(st.sampled_from((SILENCE, 200, 404, 408, 500, 503)), max_size=20))
def test_what_was_answered_last_decides(answers: list[int]) -> None:
    """A target comes last exactly if its last two probes failed, whatever was before them."""
    failed = [status in (SILENCE, 408, 503) for status in answers]
    assert outcome(answers) is (len(failed) >= 2 and all(failed[-2:]))


def test_each_place_is_asked_once_an_interval_by_a_name_of_its_own() -> None:
    """First within the first interval, then an interval after it was asked."""
    book = make_book()
    book.follow([place(1), place(2, 10)], 100.0)
    times: dict[str, list[float]] = {}
    for second in range(100, 200):
        for question in book.due(float(second)):
            times.setdefault(question.call_id, []).append(second)
    assert times == {"name-0": [115, 145, 175], "name-1": list(range(105, 200, 10))}


def test_findings_say_what_is_new() -> None:
    """A place that stays last is told anew each time, for what is told of it holds only so long."""
    book = make_book()
    one = place()
    book.follow([one], 0.0)
    found = [book.due(second)[0].finding for second in (15.0, 45.0, 75.0, 105.0)]
    assert [(each.comes_last, each.is_news) for each in found] == [
        (None, False), (None, False), (True, True), (True, False),
    ]  # fmt: skip
    assert book.answered("name-0", GOOD) == Finding(one, comes_last=False, is_news=True)
    assert book.answered("name-0", FAILED) == Finding(one, comes_last=None, is_news=False)
    assert book.answered("of nobody", GOOD) is None
    assert found[-1].seconds > 2 * one.seconds


def test_a_place_that_dns_leaves_out_for_a_moment_is_not_forgotten() -> None:
    """Nor is one whose interval is changed; one that is gone is never asked again."""
    book = make_book()
    book.follow([place(1)], 0.0)
    assert len(book.due(15.0)) == 1
    book.follow([], 20.0)
    book.follow([place(1, 10)], 21.0)
    (question,) = book.due(31.0)
    assert (question.call_id, question.cseq) == ("name-0", 2)
    book.follow([], 32.0)
    assert book.due(100.0) == []
    assert len(book) == 0


def test_so_many_are_asked_in_a_second() -> None:
    """The others wait, the longest waiting first."""
    book = make_book()
    book.follow([place(number) for number in range(250)], 0.0)
    assert [len(book.due(15.0)) for _ in range(4)] == [MOST_AT_ONCE, MOST_AT_ONCE, 50, 0]


def test_only_what_asks_for_it_is_asked_where_calls_may_be_sent() -> None:
    """Not at an edge, a denied network, a carrier's place, for a suspended account, or from another edge."""
    asked = {"probe_seconds": 30}
    targets = (
        make_target("192.0.2.10", 5060, **asked),
        make_target("192.0.2.11", 5060),
        make_target("pbx.acme.example", transport="tls", **asked),
        make_target("10.0.0.1", 5060, **asked),
        make_target("192.0.2.90", 5060, **asked),
        make_target(EDGE_ADDRESS, 5060, **asked),
        make_target("192.0.2.12", 5060, egress=("elsewhere",), **asked),
    )
    names = {
        resolved_key("pbx.acme.example", None, "tls"): ResolvedRow(
            (ResolvedAddress("192.0.2.20", 5061, "tls"), ResolvedAddress("10.0.0.2", 5061, "tls"))
        )
    }
    gateway = make_gateway("192.0.2.90", 5060, **asked)
    platform = make_platform(
        {"targets": targets},
        accounts=[make_account(), make_account("late", suspended=True)],
        site_changes={"denied_targets": ("10.0.0.0/8",)},
        resolved=names,
        sources={"192.0.2.90/32": "telco"},
        routes={"+": [gateway], "+1": [gateway]},
    )
    table = table_of(platform)
    late = make_trunk("late/hq", targets=(make_target("192.0.2.30", **asked),))
    routes = [RouteRow(tuple(rows)) for rows in platform.routes.values()]
    wanted = (*gateways_in(routes), *targets_in((*platform.trunks, late), make_site([]).edge))
    assert [(each.address, each.request_uri, each.server_name) for each in places_of(table, wanted)] == [
        ("192.0.2.90", "sip:192.0.2.90:5060", None),
        ("192.0.2.10", "sip:192.0.2.10:5060", None),
        ("192.0.2.20", "sip:pbx.acme.example;transport=tls", "pbx.acme.example"),
    ]


def test_an_account_has_its_share_and_all_have_a_bound() -> None:
    """What one account writes leaves the others theirs."""
    rows = tuple(make_target("192.0.2.10", port, probe_seconds=10) for port in range(5000, 5000 + 300))
    trunks = [make_trunk(f"{name}/hq", targets=rows) for name in ("acme", "other")]
    table = table_of(make_platform({}, accounts=[make_account(), make_account("other")]))
    assert len(places_of(table, targets_in(trunks[:1], "ashburn"))) == MOST_OF_ACCOUNT
    gateways = gateways_in(
        [RouteRow(tuple(make_gateway("192.0.2.9", port, probe_seconds=10) for port in range(1, 2 * MOST)))]
    )
    assert len(places_of(table, gateways)) == MOST


def test_rows_that_ask_for_nothing_need_not_be_read() -> None:
    """Told by their bytes; a text that happens to hold the field's name costs no more than a look."""
    plain, asking = make_target("192.0.2.1"), make_target("192.0.2.1", probe_seconds=30)
    assert not may_say("probe_seconds", pack_row(make_trunk(targets=(plain, plain))))
    assert may_say("probe_seconds", pack_row(make_trunk(targets=(plain, asking))))
    assert not may_say("probe_seconds", b"")
