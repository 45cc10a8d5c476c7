"""When the sides of a call are asked, and what ends it: 481 at once, silence only after long."""

from __future__ import annotations

import pytest

from sipedge.routing.dialog.hops import Hop
from sipedge.routing.dialog.memory import SideKind, SideMemory
from sipedge.routing.dialog.probing import (
    LATE_SECONDS,
    MOST_AT_ONCE,
    NAT_SECONDS,
    PROBE_SECONDS,
    CallName,
    Gone,
    ProbeBook,
    Sign,
    call_name,
    sign_of,
)
from sipedge.routing.dialog.sides import is_asked, is_behind_nat

CALL = CallName("one@pbx", "a", "b")
BOTH = {True: False, False: False}
PEER = Hop("198.51.100.7", 5060, "udp")


def run(book: ProbeBook, until: float, asked: dict[bool, bool], answers: dict[float, int]) -> float | None:
    """When the call is found gone. The caller always answers, the callee as it is said for a time."""
    for now in range(int(until)):
        for call in book.due(now):
            if book.is_gone(call, now):
                return now
            book.asked(call, asked, now)
            book.answered(call.reversed(), 200)
            if (status := answers.get(now, 0)) and book.answered(call, status):
                return now
    return None


def test_a_side_that_says_nothing_is_gone_after_two_probes_and_twice_the_time() -> None:
    book = ProbeBook()
    book.begin(CALL, 0)
    assert run(book, 4_000, BOTH, {}) == NAT_SECONDS + 2 * PROBE_SECONDS


def test_any_answer_begins_anew() -> None:
    """Also one to the last probe before the end; 408 is none."""
    second = NAT_SECONDS + PROBE_SECONDS
    for status, gone in ((200, second + 3 * PROBE_SECONDS), (500, second + 3 * PROBE_SECONDS)):
        book = ProbeBook()
        book.begin(CALL, 0)
        assert run(book, 4_000, BOTH, {second: status}) == gone
    book = ProbeBook()
    book.begin(CALL, 0)
    assert run(book, 4_000, BOTH, {second: 408}) == NAT_SECONDS + 2 * PROBE_SECONDS
    book = ProbeBook()
    book.begin(CALL, 0)
    assert run(book, 4_000, BOTH, {second: 481}) == second


def test_a_side_behind_a_nat_is_asked_often_and_is_silent_as_long() -> None:
    book, asked = ProbeBook(), {True: False, False: True}
    book.begin(CALL, 0)
    gone = run(book, 4_000, asked, {})
    assert gone is not None
    assert 2 * PROBE_SECONDS <= gone - NAT_SECONDS < 2 * PROBE_SECONDS + NAT_SECONDS


def test_a_late_probe_proves_nothing_at_a_nat() -> None:
    """Nobody had kept its port open for so long."""
    for through_nat in (True, False):
        book = ProbeBook()
        book.begin(CALL, 0)
        now = float(NAT_SECONDS)
        for _ in range(40):
            now += LATE_SECONDS + 1
            assert book.due(now) == [CALL]
            if book.is_gone(CALL, now):
                break
            book.asked(CALL, {False: through_nat}, now)
            now += NAT_SECONDS if through_nat else PROBE_SECONDS
        else:
            assert through_nat
            continue
        assert not through_nat


def test_who_is_not_asked_is_not_missed() -> None:
    book = ProbeBook()
    book.begin(CALL, 0)
    assert run(book, 4_000, {True: False}, {}) is None


def test_an_answer_names_the_side_that_gave_it() -> None:
    book = ProbeBook()
    book.begin(CALL, 0)
    assert book.answered(CALL, 481) == Gone(CALL, is_caller=False)
    assert book.answered(CALL.reversed(), 481) == Gone(CALL, is_caller=True)
    assert book.answered(CallName("other", "a", "b"), 481) is None
    book.forget(CALL)
    assert book.answered(CALL, 481) is None
    assert (book.due(1e9), len(book)) == ([], 0)


@pytest.mark.parametrize("at_once", (True, False))
def test_ten_thousand_calls_are_asked_in_turn_and_never_too_many_at_once(at_once: bool) -> None:
    """Be it that all were answered in one second."""
    book, calls = ProbeBook(), [CallName(str(number), "a", "b") for number in range(10_000)]
    for number, call in enumerate(calls):
        book.begin(call, 0 if at_once else number / 100)
    seen: dict[CallName, list[int]] = {call: [] for call in calls}
    for now in range(100, 500):
        found = book.due(now)
        assert len(found) <= MOST_AT_ONCE
        for call in found:
            seen[call].append(now)
            book.asked(call, BOTH, now)
    assert min(map(len, seen.values())) >= 3
    last = [times[-1] - times[-2] for times in seen.values()]
    assert max(last) <= PROBE_SECONDS + 1


def test_what_a_status_says() -> None:
    assert {status for status in range(200, 700) if sign_of(status) is Sign.GONE} == {481}
    assert {status for status in range(200, 700) if sign_of(status) is Sign.SILENT} == {408}


@pytest.mark.parametrize(
    ("text", "name"),
    (
        ("6f6e6540706278 61 62", CALL),
        ("6f6e6540706278 61", None),
        ("6f6e6540706278 61 62 63", None),
        ("ff 61 62", None),
        ("x 61 62", None),
        ("", None),
    ),
)
def test_a_name_is_three_words_of_digits(text: str, name: CallName | None) -> None:
    assert call_name(text) == name


@pytest.mark.parametrize(
    ("side", "expected"),
    (
        (SideMemory(SideKind.CUSTOMER, PEER, "sip:pbx@192.168.7.7", PEER), True),
        (SideMemory(SideKind.CUSTOMER, PEER, "sip:pbx@pbx.example", PEER), True),
        (SideMemory(SideKind.CUSTOMER, PEER, "sip:pbx@198.51.100.7", PEER), False),
        (SideMemory(SideKind.CUSTOMER, PEER, "sip:pbx@192.168.7.7", PEER, None, True), False),
        (SideMemory(SideKind.CUSTOMER, PEER, "sip:pbx@192.168.7.7", None), False),
        (
            SideMemory(
                SideKind.CUSTOMER,
                Hop(PEER.address, 5060, "tcp"),
                "sip:pbx@192.168.7.7",
                Hop(PEER.address, 5060, "tcp"),
                3,
            ),
            False,
        ),
    ),
)
def test_a_nat_is_in_the_way_where_a_side_is_not_reached_at_its_contact(
    side: SideMemory, expected: bool
) -> None:
    assert is_behind_nat(side) is expected


def test_a_sibling_asks_its_own_side() -> None:
    """Asked from here, it would not know the call by this dialog alone."""
    assert [kind for kind in SideKind if is_asked(SideMemory(kind, PEER))] == [
        SideKind.CUSTOMER,
        SideKind.CARRIER,
    ]
