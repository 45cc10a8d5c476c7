"""Which running `up`s other commands find."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from trunkline.standalone.known_ups import known, running_ups, up_of
from trunkline.standalone.state_files import StateLock, default_state_directory, open_state_directory


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Of a user for whom nothing runs."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "home"))
    return tmp_path / "home" / "trunkline"


def test_an_up_is_found_where_it_was_put_while_it_runs(tmp_path: Path, home: Path) -> None:
    state = open_state_directory(tmp_path / "mine")
    lock = StateLock(state)
    state.summary.write_text(f'{{"paths": ["{tmp_path}"]}}')
    with known(state.root):
        assert running_ups() == (state.root,)
        assert up_of([f"{tmp_path}/."]) == state.root
        assert up_of(["/elsewhere"]) == default_state_directory(["/elsewhere"])
    lock.release()
    assert running_ups() == ()
    assert not home.exists()


def test_one_in_the_usual_place_needs_no_link(tmp_path: Path, home: Path) -> None:
    state = open_state_directory(default_state_directory([tmp_path]))
    lock = StateLock(state)
    with known(state.root):
        assert running_ups() == (state.root,)
        assert up_of([str(tmp_path)]) == state.root
    lock.release()
    assert not (home / "elsewhere").exists()


def test_the_link_of_a_killed_one_is_taken_away_by_the_next(tmp_path: Path, home: Path) -> None:
    (home / "elsewhere").mkdir(parents=True)
    (home / "elsewhere" / "killed").symlink_to(tmp_path / "gone")
    with known(tmp_path / "mine"):
        assert [os.readlink(each) for each in (home / "elsewhere").iterdir()] == [str(tmp_path / "mine")]


def test_a_home_that_takes_no_file_keeps_nobody_from_running(tmp_path: Path, home: Path) -> None:
    home.parent.mkdir()
    home.write_text("no directory")
    with known(tmp_path / "mine"):
        assert running_ups() == ()
