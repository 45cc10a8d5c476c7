"""Claims on numbers, kept from change to change: what a plain comparison of all, oldest first, says."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from support.objects import make_number
from trunkline.compiler.lines import Line, line_of
from trunkline.compiler.number_claims import Claims
from trunkline.compiler.sorted_keys import SortedKeys

TIMES = ("2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z", "2026-01-03T00:00:00Z")


def overlap(one: Line, other: Line) -> bool:
    return len(one.first) == len(other.first) and one.first <= other.last and other.first <= one.last


def tolerates(one: Line, other: Line) -> bool:
    """A single Number may stand inside a range of its own namespace."""
    return one.ref.namespace == other.ref.namespace and one.is_single != other.is_single


def random_line(dice: Random, name: int) -> Line:
    namespace = dice.choice(("acme", "beta"))
    digits = dice.choice(("+1415555{:04d}", "+1415555{:04d}", "+44207946{:04d}"))
    first, created = dice.randrange(0, 120), dice.choice(TIMES)
    spec: dict[str, Any] = {"trunkRef": {"name": dice.choice("ab")}}
    if dice.random() < 0.5:
        number = make_number(f"n{name}", namespace, created=created, number=digits.format(first), **spec)
    else:
        ends = {
            "first": digits.format(first),
            "last": digits.format(min(first + dice.randrange(0, 15), 9999)),
        }
        number = make_number(f"n{name}", namespace, created=created, range=ends, **spec)
    return line_of(number.ref, number)


def settled(claims: Claims, lines: list[Line]) -> dict[Line, Line | None]:
    return dict(claims.settle(lines, claims.conflict))


def plainly(lines: list[Line]) -> list[Line]:
    """Those that hold."""
    accepted: list[Line] = []
    for line in sorted(lines, key=lambda each: each.age):
        if not any(overlap(line, other) and not tolerates(line, other) for other in accepted):
            accepted.append(line)
    return accepted


def counted(accepted: list[Line], trunk: str) -> int:
    """Numbers that lead to a trunk, one by one."""
    singles = {line.first: line.trunk for line in accepted if line.is_single}
    ranges = {
        f"+{number}": line.trunk
        for line in accepted
        if not line.is_single
        for number in range(int(line.first[1:]), int(line.last[1:]) + 1)
    }
    return list({**ranges, **singles}.values()).count(trunk)


@pytest.mark.parametrize("seed", range(40))
def test_after_any_changes_those_hold_that_a_plain_search_finds(seed: int) -> None:
    dice, claims = Random(seed), Claims()
    present: list[Line] = []
    for position in range(80):
        queue = []
        if present and dice.random() < 0.4:
            queue = claims.release(present.pop(dice.randrange(len(present))))
        else:
            present.append(random_line(dice, position))
            queue = [present[-1]]
        for line, against in settled(claims, queue).items():
            assert claims.holds(line) == (against is None)
            assert against is None or (overlap(line, against) and against.age < line.age)
        accepted = plainly(present)
        assert {line for line in present if claims.holds(line)} == set(accepted)
        for trunk in ("acme/a", "acme/b", "beta/a", "beta/b"):
            assert claims.count(trunk) == counted(accepted, trunk)


@pytest.mark.parametrize("seed", range(10))
def test_a_claim_that_meets_no_other_changes_nothing_for_others(seed: int) -> None:
    """So it may be held at once, whatever its age."""
    dice, claims = Random(seed), Claims()
    unopposed = 0
    for position in range(60):
        line = random_line(dice, position)
        is_unopposed = claims.is_unopposed(line)
        unopposed += is_unopposed
        changed = settled(claims, [line])
        assert not is_unopposed or changed == {line: None}
    assert 0 < unopposed < 60


def test_an_older_claim_displaces_a_younger_one_and_its_end_gives_it_back() -> None:
    claims = Claims()
    younger, older = (
        line_of(number.ref, number)
        for number in (
            make_number("younger", "beta", created=TIMES[1]),
            make_number("older", "acme", created=TIMES[0]),
        )
    )
    assert settled(claims, [younger]) == {younger: None}
    assert settled(claims, [older]) == {older: None, younger: older}
    assert claims.release(older) == [younger]
    assert settled(claims, [younger]) == {younger: None}


@pytest.mark.parametrize("seed", range(6))
def test_sorted_keys_are_a_sorted_set(seed: int) -> None:
    dice, keys = Random(seed), SortedKeys()
    plain: set[int] = set()
    for _ in range(6000):
        key = dice.randrange(4000)
        if key in plain:
            plain.discard(key)
            keys.remove(key)
        else:
            plain.add(key)
            keys.add(key)
    low, high = sorted((dice.randrange(4000), dice.randrange(4000)))
    inside = [key for key in sorted(plain) if low <= key <= high]
    assert list(keys.between(low, high)) == inside
    assert keys.count(low, high) == len(inside)
    assert keys.floor(high) == max((key for key in plain if key <= high), default=None)


@pytest.mark.parametrize("seed", range(6))
def test_keys_that_come_many_at_a_time_are_put_in_order(seed: int) -> None:
    """As at a start, where nothing is asked in between."""
    dice, keys = Random(seed), SortedKeys()
    plain = dice.sample(range(100_000), 7000)
    for key in plain[:5000]:
        keys.add(key)
    assert keys.floor(100_000) == max(plain[:5000])
    for key in plain[:2500]:
        keys.remove(key)
    for key in plain[5000:]:
        keys.add(key)
    left = sorted(plain[2500:])
    assert list(keys.between(0, 100_000)) == left
    assert keys.count(left[10], left[-10]) == len(left) - 19
