"""What several addresses count together: exact but for the time that messages take, and nobody else's."""

from __future__ import annotations

from collections import Counter, defaultdict
from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from sipedge.routing.rates import allowance, share_of
from sipedge.secret import Secret
from sipedge.table.rows import NeighboursRow
from sipedge.table.tally_names import tally_id
from sipedge.tallies.book import Neighbour, TallyBook
from sipedge.tallies.messages import (
    MOST_PARTS,
    SKEW_SECONDS,
    Message,
    Skewed,
    State,
    Unheard,
    seal,
    sealing_key,
    unseal,
)
from sipedge.tallies.parts import HIGHEST_PART, Part, Span, pack_parts, unpack_parts
from sipedge.tallies.records import neighbour_of, recorded_text
from sipedge.tallies.told import told_part, told_text

NEW = tally_id("new:trunk:acme/hq")
CALLS = tally_id("calls:trunk:acme/hq")
START = 1_796_000_000
KEY = sealing_key(Secret("5e" * 32))

numbers = st.integers(0, HIGHEST_PART)
parts = st.builds(Part, st.binary(min_size=8, max_size=8), numbers, st.sampled_from(Span), numbers)
names = st.text(min_size=1, max_size=60)
messages = st.builds(
    Message,
    names,
    names,
    st.sampled_from(("192.0.2.1", "2001:db8::1")),
    st.integers(1, 65_535),
    st.integers(START * 10**9, (START + 1) * 10**9),
    st.sampled_from(State),
    st.lists(parts, max_size=MOST_PARTS).map(tuple),
)


@given(messages)
def test_a_message_arrives_as_it_was_sent(message: Message) -> None:
    """Whatever names and parts it has, within the bounds of a datagram."""
    assert unseal(seal(message, KEY), KEY, START) == message


@given(messages, st.data())
def test_no_byte_of_a_message_can_be_changed(message: Message, data: st.DataObject) -> None:
    """Nor may it be cut, nor sealed with another secret."""
    sealed = bytearray(seal(message, KEY))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= data.draw(st.integers(1, 255))
    assert unseal(bytes(sealed), KEY, START) is Unheard.FORGED
    assert isinstance(unseal(bytes(sealed[:place]), KEY, START), Unheard)
    other = sealing_key(Secret("e5" * 32))
    assert unseal(seal(message, other), KEY, START) is Unheard.FORGED


@given(messages, st.floats(-100, 100))
def test_an_old_message_is_not_taken(message: Message, late: float) -> None:
    """One that was recorded is worth nothing; nor is one of the future."""
    heard = unseal(seal(message, KEY), KEY, message.sent / 1e9 + late)
    if abs(late) > SKEW_SECONDS + 0.001:
        assert heard == Skewed(message.edge, message.sender, message.sent)
    elif abs(late) < SKEW_SECONDS - 0.001:
        assert heard == message


@given(st.binary(max_size=2_000))
def test_reading_is_total(data: bytes) -> None:
    """Of bytes that anybody may have sent."""
    assert isinstance(unseal(data, KEY, START), Unheard)
    told_part(data)
    unpack_parts(data)
    neighbour_of("ashburn", "pod", data.decode("latin-1"), "now")


@given(st.text(min_size=1, max_size=100), numbers, numbers, st.integers(0, 10**18))
def test_what_a_worker_tells_is_what_it_counts(name: str, value: int, second: int, stamp: int) -> None:
    """The text between a worker and its agent."""
    found = told_part(told_text(name, value, second, stamp))
    assert found == (Part(tally_id(name), value, Span.SECOND if second else Span.NOW, second), stamp)


@given(st.lists(parts, max_size=20))
def test_a_record_says_what_was_counted(counted: list[Part]) -> None:
    """But only at the time that it was renewed; the largest parts come first."""
    text = recorded_text("2026-11-30T00:00:00Z", "192.0.2.1", 8090, counted)
    read = neighbour_of("ashburn", "edge-ashburn-1", text, "2026-11-30T00:00:00Z")
    assert (read.address, read.port) == ("192.0.2.1", 8090)
    assert Counter(read.parts) == Counter(each for each in counted if each.value)
    assert neighbour_of("ashburn", "edge-ashburn-1", text, "later") == Neighbour("ashburn", "edge-ashburn-1")
    assert unpack_parts(pack_parts(counted)) == tuple(counted)


# ----------------------------------------------------------------------------------- new calls a second


@dataclass
class Pod:
    """One address: its book, and what its Kamailio has let in."""

    name: str
    book: TallyBook
    own: Counter[int] = field(default_factory=Counter)
    refused: int = 0
    is_cut_off: bool = False


def platform(count: int) -> list[Pod]:
    """So many that know of each other."""
    pods = [Pod(str(number), TallyBook("ashburn", str(number))) for number in range(count)]
    for pod in pods:
        pod.book.meet([Neighbour("ashburn", each.name, "192.0.2.1", 1) for each in pods])
    return pods


def let_in(pods: list[Pod], calls: list[tuple[float, int]], maximum: int, delay: float) -> Counter[int]:
    """How many of these calls (when, where) are let in, by second; a word takes `delay` seconds."""
    admitted: Counter[int] = Counter()
    under_way: list[tuple[float, Message]] = []
    beats = [(beat / 2, -1) for beat in range(2 * int(calls[-1][0]) + 2)] if calls else []
    for at, place in sorted([*calls, *beats]):
        now = START + at
        arrived = [each for each in under_way if each[0] <= now]
        under_way = [each for each in under_way if each[0] > now]
        for _, message in arrived:
            for pod in pods:
                if not pod.is_cut_off:
                    pod.book.hear(message, now)
        if place < 0:
            for pod in pods:
                pod.book.pass_time(now)
                if not pod.is_cut_off:
                    word = Message("ashburn", pod.name, "192.0.2.1", 1, int(now * 1e9))
                    under_way.append((now + delay, word))
            continue
        pod, second = pods[place], int(now)
        row, lately = pod.book.row(NEW, now), second - pod.refused <= 2
        allowed = allowance(maximum, pod.book.neighbours(now), row, now, refused_lately=lately)
        if not allowed.admits(pod.own[second] + 1):
            if allowed.is_full(pod.own[second] + 1):
                pod.refused = second
            continue
        pod.own[second] += 1
        admitted[second - START] += 1
        part = Part(NEW, pod.own[second], Span.SECOND, second)
        pod.book.note_own(part, int(now * 1e9))
        if not pod.is_cut_off:
            message = Message("ashburn", pod.name, "192.0.2.1", 1, int(now * 1e9), parts=(part,))
            under_way.append((now + delay, message))
    return admitted


@st.composite
def streams(draw: st.DrawFn, addresses: int = 3, seconds: int = 12) -> list[tuple[float, int]]:
    """Calls at any times, at any of the addresses; now and then many at once. The first second is quiet."""
    found = []
    for second in range(1, seconds):
        for _ in range(draw(st.integers(0, 4))):
            at = second + draw(st.floats(0, 0.999))
            found += [(at, draw(st.integers(0, addresses - 1)))] * draw(st.integers(1, 5))
    return sorted(found)


@given(streams(addresses=1), st.integers(1, 8))
def test_one_address_alone_is_exact(calls: list[tuple[float, int]], maximum: int) -> None:
    """Each second lets in what is offered, up to the limit."""
    offered = Counter(int(at) for at, _ in calls)
    expected = {second: min(count, maximum) for second, count in offered.items()}
    assert let_in(platform(1), calls, maximum, 0) == expected


@given(streams(), st.integers(1, 8))
def test_several_that_hear_at_once_are_never_over(calls: list[tuple[float, int]], maximum: int) -> None:
    """Nor do they refuse what one would let in, where it was not too much in the two seconds before."""
    spread = [(at + number * 1e-6, place) for number, (at, place) in enumerate(calls)]
    offered = Counter(int(at) for at, _ in spread)
    admitted = let_in(platform(3), spread, maximum, 0)
    for second, count in offered.items():
        assert admitted[second] <= maximum
        if all(offered[second - before] <= maximum for before in (1, 2)):
            assert admitted[second] == min(count, maximum)


@given(st.integers(1, 12), st.integers(8, 40), st.floats(0, 0.3), st.booleans())
def test_a_steady_flood_is_let_in_exactly(maximum: int, a_second: int, delay: float, cut_off: bool) -> None:
    """At all three addresses, however long words take, and even if one of them is not heard any more."""
    pods = platform(3)
    flood = [(2 + number / (3 * a_second), number % 3) for number in range(30 * a_second)]
    let_in(pods, [(at - 1.5, place) for at, place in flood if at < 3.5], maximum, 0)
    pods[2].is_cut_off = cut_off
    admitted = let_in(pods, [(at + 3, place) for at, place in flood], maximum, delay)
    assert all(count <= maximum + 2 for second, count in admitted.items() if second > 6), admitted


@settings(max_examples=15)
@given(st.integers(6, 60), st.floats(0, 0.3), st.lists(st.floats(0, 0.999), min_size=3, max_size=3))
def test_five_a_second_over_half_a_minute(a_second: int, delay: float, phases: list[float]) -> None:
    """More than that is offered at each of three addresses: 4.8 to 5.3 a second, no second above 8."""
    flood = sorted(
        (2 + (number + phase) / a_second, place)
        for place, phase in enumerate(phases)
        for number in range(33 * a_second)
    )
    admitted = let_in(platform(3), flood, 5, delay)
    # The first seconds are of who has not met refusals yet; what they let in too much is paid back.
    counted = [admitted[second] for second in range(4, 34)]
    assert 4.8 <= sum(counted) / len(counted) <= 5.3, admitted
    assert max(counted) <= 8, admitted


@given(streams(), st.integers(1, 8), st.floats(0, 0.4))
def test_what_was_too_much_is_paid_back(calls: list[tuple[float, int]], maximum: int, delay: float) -> None:
    """However long words take: from any second on no more than the limit, but for one second's excess."""
    admitted = let_in(platform(3), calls, maximum, delay)
    seconds = sorted(admitted)
    assert all(count <= 3 * maximum for count in admitted.values())
    for first in seconds:
        for last in seconds:
            if last >= first:
                total = sum(admitted[each] for each in range(first, last + 1))
                assert total <= maximum * (last - first + 1) + 2 * 2 * maximum


@given(streams(seconds=14), st.integers(3, 9))
def test_who_cannot_be_heard_is_left_its_part(calls: list[tuple[float, int]], maximum: int) -> None:
    """Once that is known, two groups together let in no more than the limit."""
    pods = platform(3)
    let_in(pods, [(0.4, 0), (0.9, 1)], maximum, 0)
    pods[2].is_cut_off = True
    admitted = let_in(pods, [(at + 5, place) for at, place in calls], maximum, 0)
    assert all(count <= maximum for second, count in admitted.items() if second > 5)


@given(st.integers(1, 1000), st.lists(st.integers(1, 5), min_size=1, max_size=6))
def test_shares_of_groups_are_no_more_than_the_whole(maximum: int, groups: list[int]) -> None:
    """But each has one."""
    everybody = sum(groups)
    shares = [
        share_of(maximum, NeighboursRow(group - 1, everybody - 1, False, START), START) for group in groups
    ]
    assert sum(share for share in shares if share > 1) <= maximum
    assert min(shares) >= 1
    assert share_of(maximum, NeighboursRow(everybody - 1, everybody - 1, False, START), START) == maximum
    stale = NeighboursRow(everybody - 1, everybody - 1, False, START - 10)
    assert share_of(maximum, stale, START) == max(1, maximum // everybody)


# ------------------------------------------------------------------------------------ calls in progress


@given(
    st.lists(st.tuples(st.integers(0, 2), st.integers(0, 9)), max_size=40),
    st.randoms(use_true_random=False),
    st.lists(st.integers(0, 39), max_size=20),
)
def test_order_and_repetition_change_nothing(
    changes: list[tuple[int, int]], random: object, repeated: list[int]
) -> None:
    """Each part is what its owner said last, in whatever order its words arrive, and how often."""
    sent = [
        Message(
            "ashburn",
            str(owner),
            "192.0.2.1",
            1,
            (START * 1000 + number) * 10**6,
            parts=(Part(CALLS, value),),
        )
        for number, (owner, value) in enumerate(changes)
    ]
    last = {owner: value for owner, value in changes if owner != 0}
    arriving = [*sent, *(sent[each] for each in repeated if each < len(sent))]
    random.shuffle(arriving)  # type: ignore[attr-defined]
    book = TallyBook("ashburn", "0")
    for message in arriving:
        book.hear(message, START)
    assert book.others(CALLS, START) == sum(last.values())


@given(st.lists(st.tuples(st.sampled_from(("ashburn", "dublin")), st.integers(0, 3), numbers), max_size=12))
def test_records_count_for_who_is_not_heard(recorded: list[tuple[str, int, int]]) -> None:
    """All of other edges, and of this one who is silent; who is heard is believed itself."""
    book = TallyBook("ashburn", "0")
    book.hear(Message("ashburn", "1", "192.0.2.1", 1, START * 10**9, parts=(Part(CALLS, 7),)), START)
    found: dict[tuple[str, str], int] = {(edge, str(name)): value for edge, name, value in recorded}
    book.meet([Neighbour(edge, name, parts=(Part(CALLS, value),)) for (edge, name), value in found.items()])
    others = {place: value for place, value in found.items() if place != ("ashburn", "0")}
    heard = {**others, ("ashburn", "1"): 7}
    assert book.others(CALLS, START) == sum(heard.values())
    assert book.others(CALLS, START + 10) == sum(others.values())


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 100)), min_size=1, max_size=20))
def test_what_a_day_has_counted_outlives_who_has_counted_it(told: list[tuple[int, int]]) -> None:
    """It never becomes less, until the day is over."""
    day = START // 86_400
    book, most = TallyBook("ashburn", "me"), defaultdict[int, int](int)
    minutes = tally_id("minutes:account:acme")
    for number, (owner, value) in enumerate(told):
        part = Part(minutes, value, Span.DAY, day)
        message = Message("ashburn", str(owner), "192.0.2.1", 1, START * 10**9 + number, parts=(part,))
        book.hear(message, START)
        most[owner] = max(most[owner], value)
    book.hear(replace(message, sent=START * 10**9 + 99, state=State.GONE, parts=()), START)
    book.pass_time(START + 100)
    assert book.others(minutes, START + 100) == sum(most.values())
    assert book.others(minutes, (day + 1) * 86_400) == 0
