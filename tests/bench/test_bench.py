"""The bench itself: every part of it runs and finds its work done, and the report leaves nothing out."""

from __future__ import annotations

import json
import math
import time
from pathlib import Path

import pytest

from bench.__main__ import BENCHES, main
from bench.comparison import Bench, Comparison, Result, run_rounds
from bench.report import document, figure
from bench.sizes import SMALL
from support.trunkline_command import ROOT

COMPARISON = Comparison("halves", "a", "b", "a / b", target=0.5, why="it is")
EIGHT_SECONDS_A_CALL = "silent"
"""The row that is too slow here: its calls wait twice for 4 s, whatever their number."""


def rounds_of(a: list[float], b: list[float], *, counted: int, until: float = math.inf) -> Result:
    """The result of measures that come out as given; the first of each is the round that warms up."""
    from_a, from_b = iter(a), iter(b)
    bench = Bench({"a": lambda: next(from_a), "b": lambda: next(from_b)}, (COMPARISON,))
    (result,) = run_rounds(bench, counted, until, lambda: None)
    return result


def test_every_part_runs_and_its_numbers_are_complete(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each figure is in the table, in the file with what made it, and in the page that says what it means."""
    file = tmp_path / "new" / "bench.json"
    rows = ",".join(name for name in BENCHES if name != EIGHT_SECONDS_A_CALL)
    assert main(["--rounds", "1", "--json", str(file), "--rows", rows], SMALL) == 0
    printed = capsys.readouterr().out
    page = (ROOT / "docs" / "performance.md").read_text(encoding="utf-8")
    written = json.loads(file.read_text())
    names = [each["name"] for each in written["results"]]
    assert len(names) == len(set(names)) == 55
    for each in written["results"]:
        assert each["name"] in printed
        assert f"| {each['name']} |" in page
        assert each["rounds"] >= 1
        for field in ("ratio", "lowest", "highest", "measured", "against"):
            assert 0 < each[field] < math.inf, (each["name"], field)
        assert ("atMost" in each) != ("atLeast" in each)
        assert each["meaning"]
        assert each["goodBecause"]
    for entries in written["entries"].values():
        times = {name: entry["times"] for name, entry in entries.items()}
        assert times["ksr_request_route INVITE"] == 1.0, "a call has one INVITE: the count is not of one call"


def test_rows_can_be_chosen_and_strictness_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    """A target that is missed is told, and ends `--strict` alone with 1."""
    arguments = ["--rows", "command", "--rounds", "1"]
    assert main(arguments, SMALL) == 0
    printed = capsys.readouterr().out
    assert "trunkline --help" in printed
    assert "plain" not in printed
    missed = "targets are missed" in printed
    assert missed != ("targets are met" in printed)
    with pytest.raises(SystemExit) as refused:
        main(["--rows", "plain,no-such-row"], SMALL)
    assert refused.value.code == 2
    assert "no row 'no-such-row'" in capsys.readouterr().err


@pytest.mark.parametrize(("strict", "ended"), ((False, 0), (True, 1)))
def test_a_missed_target_ends_a_strict_bench_alone(
    strict: bool, ended: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """And is named at the end, with what was wanted."""
    missed = rounds_of([1.0, 0.9], [1.0, 1.0], counted=1)
    monkeypatch.setattr("bench.__main__.run", lambda *_: [missed])
    assert main(["--strict"] if strict else [], SMALL) == ended
    assert "halves: 0.90, ≤ 0.50" in capsys.readouterr().out


def test_a_ratio_is_the_median_of_the_rounds_after_the_first() -> None:
    """One slow round of many does not show, and neither does the first."""
    result = rounds_of([90.0, 1.0, 9.0, 1.2], [1.0, 2.0, 2.0, 2.0], counted=3)
    assert (result.ratio, result.lowest, result.highest, result.rounds) == (0.6, 0.5, 4.5, 3)
    assert (result.measured, result.against) == (1.2, 2.0)
    assert not result.is_good


def test_when_time_is_up_one_round_still_counts() -> None:
    """So that a report always has every row."""
    result = rounds_of([1.0] * 6, [2.0] * 6, counted=5, until=time.monotonic() - 1)
    assert (result.ratio, result.rounds, result.is_good) == (0.5, 1, True)


def test_a_round_in_which_calls_were_lost_does_not_count() -> None:
    """And where there is no other the row is missed, and says so, but ends nothing."""
    result = rounds_of([1.0, math.nan, 0.4], [1.0, 1.0, 1.0], counted=2)
    assert (result.ratio, result.rounds, result.is_good) == (0.4, 1, True)
    lost = rounds_of([1.0, math.nan], [1.0, 1.0], counted=1)
    assert (figure(lost.ratio), lost.rounds, lost.is_good) == ("lost", 0, False)
    (row,) = document([lost], {}, None)["results"]
    assert (row["ratio"], row["rounds"]) == (None, 0)


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
