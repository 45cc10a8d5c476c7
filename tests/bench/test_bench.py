"""The bench itself: every part of it runs and finds its work done, and the report leaves nothing out."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.comparison import Bench, Comparison, Result, run_rounds
from bench.report import figure
from bench.sizes import SMALL
from support.trunkline_command import ROOT

COMPARISON = Comparison("halves", "a", "b", "a / b", at_most=0.5, why="it is")


def rounds_of(a: list[float], b: list[float], *, counted: int, until: float = math.inf) -> Result:
    """The result of measures that come out as given; the first of each is the round that warms up."""
    from_a, from_b = iter(a), iter(b)
    bench = Bench({"a": lambda: next(from_a), "b": lambda: next(from_b)}, (COMPARISON,))
    (result,) = run_rounds(bench, counted, until, lambda: None)
    return result


def test_every_part_runs_and_its_numbers_are_complete(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each ratio is in the table, in the file with its figures, and in the page that says what it means."""
    file = tmp_path / "new" / "bench.json"
    assert main(["--rounds", "1", "--json", str(file)], SMALL) == 0
    printed = capsys.readouterr().out
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    results = json.loads(file.read_text())["results"]
    names = [each["name"] for each in results]
    assert len(names) == len(set(names)) == 12
    for each in results:
        assert each["name"] in printed
        assert f"| {each['name']} |" in page
        assert each["rounds"] >= 1
        for field in ("ratio", "lowest", "highest", "atMost", "measuredSeconds", "againstSeconds"):
            assert 0 < each[field] < math.inf, (each["name"], field)
        assert each["meaning"]
        assert each["goodBecause"]


def test_a_ratio_is_the_median_of_the_rounds_after_the_first() -> None:
    """One slow round of many does not show, and neither does the first."""
    result = rounds_of([90.0, 1.0, 9.0, 1.2], [1.0, 2.0, 2.0, 2.0], counted=3)
    assert (result.ratio, result.lowest, result.highest, result.rounds) == (0.6, 0.5, 4.5, 3)
    assert (result.measured_seconds, result.against_seconds) == (1.2, 2.0)
    assert not result.is_good


def test_when_time_is_up_one_round_still_counts() -> None:
    """So that a report always has every row."""
    result = rounds_of([1.0] * 6, [2.0] * 6, counted=5, until=time.monotonic() - 1)
    assert (result.ratio, result.rounds, result.is_good) == (0.5, 1, True)


def test_measures_are_taken_in_turn() -> None:
    """A B, B A, A B: what slows the machine down slows both sides of a ratio."""
    taken: list[str] = []

    def measure(name: str) -> float:
        taken.append(name)
        return 1.0

    run_rounds(Bench({"a": lambda: measure("a"), "b": lambda: measure("b")}, ()), 2, math.inf, lambda: None)
    assert "".join(taken) == "baabba"


@pytest.mark.parametrize(
    ("ratio", "text"), ((0.0123, "0.012"), (0.2, "0.20"), (4.826, "4.83"), (31.44, "31.4"))
)
def test_figures_say_no_more_than_was_measured(ratio: float, text: str) -> None:
    """Two or three digits."""
    assert figure(ratio) == text
