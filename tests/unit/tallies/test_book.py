"""What one instance knows of what several count together: who counts, for how long, and for how many."""

from __future__ import annotations

from dataclasses import replace

from sipedge.calls.book import OpenCall
from sipedge.calls.record import Record
from sipedge.routing.rates import allowance, others_in_progress
from sipedge.table.rows import NeighboursRow, TallyRow
from sipedge.table.tally_names import calls_in_progress, tally_id
from sipedge.tallies.book import MOST_TALLIES, SWEEP_SECONDS, Neighbour, TallyBook
from sipedge.tallies.lost_calls import lost_calls
from sipedge.tallies.messages import Message, State
from sipedge.tallies.parts import Part, Span

NOW = 1_796_000_000
CALLS = tally_id(calls_in_progress("trunk:acme/hq"))
ALL_HEARD = NeighboursRow(2, 2, False, NOW)


def message(*parts: Part, sender: str = "b", at: float = NOW, state: State = State.SERVING) -> Message:
    return Message("ashburn", sender, "192.0.2.2", 8090, int(at * 1e9), state, parts)


def book_with(*names: str) -> TallyBook:
    """That of `a`, which should hear these."""
    book = TallyBook("ashburn", "a")
    book.meet([Neighbour("ashburn", name, "192.0.2.2", 8090) for name in names])
    return book


def test_who_is_alone_has_nobody_to_tell() -> None:
    """Until another instance is known, of whatever edge."""
    book = book_with()
    assert book.neighbours(NOW) == NeighboursRow(0, 0, True, NOW)
    assert book.hearers() == frozenset()
    book.meet([Neighbour("ashburn", "a"), Neighbour("dublin", "d")])
    assert book.neighbours(NOW) == NeighboursRow(0, 0, False, NOW)


def test_who_should_be_heard_counts_as_missing_until_it_is() -> None:
    """And again once it has fallen silent; not while it drains, and not once it is gone."""
    book = book_with("b", "c")
    assert book.neighbours(NOW) == NeighboursRow(0, 2, False, NOW)
    book.hear(message(), NOW)
    assert book.neighbours(NOW) == NeighboursRow(1, 2, False, NOW, heard_now=1)
    assert book.neighbours(NOW + 1) == NeighboursRow(1, 2, False, NOW + 1, heard_now=0)
    assert book.neighbours(NOW + 10) == NeighboursRow(0, 2, False, NOW + 10)
    book.hear(message(at=NOW + 10, state=State.DRAINING), NOW + 10)
    assert book.neighbours(NOW + 10) == NeighboursRow(0, 1, False, NOW + 10)
    book.meet([])
    book.pass_time(NOW + 20)
    assert book.neighbours(NOW + 20) == NeighboursRow(0, 0, True, NOW + 20)


def test_one_that_is_gone_has_no_calls() -> None:
    """It says so with its last word; and what it says of another edge is not heard."""
    book = book_with("b")
    book.hear(message(Part(CALLS, 4)), NOW)
    assert book.others(CALLS, NOW) == 4
    assert book.hear(message(at=NOW + 1, state=State.GONE), NOW + 1) == {CALLS}
    assert book.others(CALLS, NOW + 1) == 0
    elsewhere = Message("dublin", "b", "192.0.2.2", 8090, NOW * 10**9, parts=(Part(CALLS, 9),))
    assert book.hear(elsewhere, NOW) == frozenset()


def test_what_counts_nothing_is_forgotten() -> None:
    """But not so soon that an old message could bring it back."""
    book = book_with("b")
    book.hear(message(Part(CALLS, 1)), NOW)
    book.hear(message(Part(CALLS, 0), at=NOW + 1), NOW + 1)
    book.note_own(Part(CALLS, 0), NOW * 10**9)
    for after in (2, 2 * SWEEP_SECONDS, 4 * SWEEP_SECONDS):
        book.pass_time(NOW + after)
        book.hear(message(Part(CALLS, 1), at=NOW), NOW)
        assert book.others(CALLS, NOW) == (0 if after < 4 * SWEEP_SECONDS else 1)
    assert book.own_parts(Span.NOW) == ()


def test_nobody_can_make_it_remember_more_than_so_much() -> None:
    """Neither tallies nor seconds."""
    book = book_with("b")
    for number in range(MOST_TALLIES + 10):
        name = number.to_bytes(8, "big")
        book.hear(message(Part(name, 1), Part(name, 1, Span.SECOND, NOW)), NOW)
    assert book.others(MOST_TALLIES.to_bytes(8, "big"), NOW) == 0
    assert book.row((MOST_TALLIES + 1).to_bytes(8, "big"), NOW) is None


def test_calls_of_before_a_restart_count_with_those_of_now() -> None:
    """Here as others' calls, elsewhere as this instance's."""
    book = book_with("b")
    book.note_own(Part(CALLS, 1), NOW)
    assert book.note_before({CALLS: 2}) == {CALLS}
    assert book.row(CALLS, NOW) == TallyRow(0, (1,), (2,))
    assert book.own_parts(Span.NOW) == (Part(CALLS, 3),)
    assert book.note_before({}) == {CALLS}
    assert book.row(CALLS, NOW) == TallyRow(0, (1,), (0,))


def test_calls_that_kamailio_has_lost_hold_places() -> None:
    """By trunk, account and carrier; not those that it knows, and no emergency call."""

    def call(to: str, *, is_lost: bool = True, carrier: str | None = "telco") -> OpenCall:
        record = Record(call_sid="CA1", to=to, trunk="acme/hq", account="acme", carrier=carrier)
        return OpenCall(record, NOW, is_lost)

    calls = [call("+442079460000"), call("+1", carrier=None), call("911"), call("+2", is_lost=False)]
    assert dict(lost_calls(calls)) == {"trunk:acme/hq": 2, "account:acme": 2, "carrier:telco": 1}


def test_what_is_allowed_in_a_second() -> None:
    """The limit, less what others have taken, less what was too much in the seconds before."""
    assert allowance(5, None, None, NOW).most == 5
    assert allowance(5, ALL_HEARD, None, NOW).most == 5
    assert allowance(5, ALL_HEARD, TallyRow(NOW, (1, 0), (2, 0)), NOW).most == 3
    assert allowance(5, ALL_HEARD, TallyRow(NOW, (0, 4), (0, 4)), NOW).most == 2
    # A second without calls pays back as well, and what was less than the limit is never saved up.
    assert allowance(5, ALL_HEARD, TallyRow(NOW - 2, (4, 0), (4, 0)), NOW).most == 5
    assert allowance(5, ALL_HEARD, TallyRow(NOW - 1, (0, 9), (0, 0)), NOW).most == 5
    # Another's clock is a little ahead.
    assert allowance(5, ALL_HEARD, TallyRow(NOW + 1, (0, 1), (3, 2)), NOW).most == 3


def test_where_calls_are_refused_each_has_its_part_first() -> None:
    """What cannot be divided goes round; what others leave is free once they have spoken."""
    row = TallyRow(NOW - 1, (2,), (3,))
    for place in range(3):
        parts = [
            allowance(5, replace(ALL_HEARD, place=place), row, NOW + second, refused_lately=True).most
            for second in range(3)
        ]
        assert sorted(parts) == [1, 2, 2]
    spoken = replace(ALL_HEARD, heard_now=2)
    assert allowance(5, spoken, row, NOW + 0.6, refused_lately=True).most == 5
    assert allowance(5, ALL_HEARD, row, NOW + 0.6, refused_lately=True).most < 5
    # Full is the limit, not the part: what the part alone has no room for is no refusal that is remembered.
    allowed = allowance(5, ALL_HEARD, row, NOW + 0.1, refused_lately=True)
    assert (allowed.most, allowed.whole) == (1, 5)
    assert [(allowed.admits(n), allowed.is_full(n)) for n in (1, 2, 5, 6)] == [
        (True, False), (False, False), (False, False), (False, True),
    ]  # fmt: skip
    # Others that have no calls at all need no part.
    assert allowance(5, ALL_HEARD, TallyRow(NOW - 1, (5,), (0,)), NOW, refused_lately=True).most == 5


def test_an_agent_that_is_silent_leaves_one_part() -> None:
    """Of new calls after two seconds; of calls in progress nothing after a minute."""
    assert allowance(6, ALL_HEARD, None, NOW + 2).most == 6
    assert allowance(6, ALL_HEARD, None, NOW + 3).most == 2
    row = TallyRow(0, (1,), (4,))
    assert others_in_progress(ALL_HEARD, row, NOW + 60) == 4
    assert others_in_progress(ALL_HEARD, row, NOW + 61) == 0
