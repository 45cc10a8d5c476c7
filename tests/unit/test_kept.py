"""What a process keeps of rows: as long as their number stays, and never without end."""

from __future__ import annotations

from sipedge.table import Generation, Kept
from sipedge.table.kept import MOST_KEPT

TRUNKS, CARRIERS = Generation.TRUNKS, Generation.CARRIERS


def test_a_shelf_is_kept_as_long_as_its_number_stays() -> None:
    kept = Kept()
    kept.shelf((TRUNKS,), (7,))["a"] = 1
    kept.shelf((CARRIERS,), (7,))["b"] = 2
    assert kept.shelf((TRUNKS,), (7,)) == {"a": 1}
    assert kept.shelf((TRUNKS,), (8,)) == {}
    assert kept.shelf((TRUNKS,), (7,)) == {}
    assert kept.shelf((CARRIERS,), (7,)) == {"b": 2}


def test_rows_that_nothing_counts_are_made_anew_each_time() -> None:
    kept = Kept()
    kept.shelf((TRUNKS,), (0,))["a"] = 1
    assert kept.shelf((TRUNKS,), (0,)) == {}


def test_too_much_is_forgotten_by_the_next_message() -> None:
    kept = Kept()
    kept.shelf((TRUNKS,), (7,)).update(dict.fromkeys(range(MOST_KEPT + 1)))
    assert kept.shelf((TRUNKS,), (7,)) == {}


def test_what_is_made_of_several_holds_as_long_as_all_of_them() -> None:
    kept, both = Kept(), (TRUNKS, CARRIERS)
    kept.shelf(both, (7, 8))["a"] = 1
    assert kept.shelf(both, (7, 8)) == {"a": 1}
    assert kept.shelf((TRUNKS,), (7,)) == {}
    assert kept.shelf(both, (7, 9)) == {}
    kept.shelf(both, (0, 9))["b"] = 1
    assert kept.shelf(both, (0, 9)) == {}


class NumberedRows:
    """As a store tells of its rows."""

    def __init__(self, trunks: int, carriers: int, numbers: int = 1) -> None:
        self._numbers = {TRUNKS: trunks, CARRIERS: carriers}
        self.state = repr((trunks, carriers, numbers)).encode()

    def generation(self, generation: Generation) -> int:
        return self._numbers[generation]


def test_plans_are_kept_as_long_as_their_rows_stay() -> None:
    kept = Kept()
    kept.plans(NumberedRows(7, 8))["a"] = 1
    assert kept.plans(NumberedRows(7, 8)) == {"a": 1}
    assert kept.plans(NumberedRows(7, 8, numbers=2)) == {"a": 1}
    assert kept.plans(NumberedRows(7, 9)) == {}
    kept.plans(NumberedRows(7, 9)).update(dict.fromkeys(range(MOST_KEPT + 1)))
    assert kept.plans(NumberedRows(7, 9)) == {}


def test_plans_of_rows_that_nothing_counts_are_made_anew_each_time() -> None:
    kept = Kept()
    for rows in (NumberedRows(0, 8), NumberedRows(7, 0)):
        kept.plans(rows)["a"] = 1
        assert kept.plans(rows) == {}
