"""A file of lines that does not grow for ever, and holds whole lines alone."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from sipedge.event_file import LineFile


def test_full_files_are_put_aside_and_the_oldest_goes(tmp_path: Path) -> None:
    """No line is torn, and the newest are there, in order."""
    file = LineFile(tmp_path / "events.jsonl", file_bytes=100, kept_files=2)
    for number in range(101):
        file.append([f"{number:04}-line", f"{number:04}-more"])
    names = ["events.jsonl.2", "events.jsonl.1", "events.jsonl"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    lines = [line for name in names for line in (tmp_path / name).read_text().splitlines()]
    written = [f"{number:04}-{what}" for number in range(101) for what in ("line", "more")]
    assert lines == written[-len(lines) :]
    assert all((tmp_path / name).stat().st_size <= 120 for name in names)
    assert (tmp_path / names[0]).stat().st_mode & 0o777 == 0o600


def test_a_write_that_fails_leaves_no_torn_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The lines can be written again later."""
    file = LineFile(tmp_path / "events.jsonl")
    file.append(["first"])
    write = os.write

    def full(descriptor: int, data: bytes) -> int:
        if len(data) < 6:
            raise OSError(28, "No space left on device")
        return write(descriptor, data[:4])

    with monkeypatch.context() as patched:
        patched.setattr("sipedge.event_file.os.write", full)
        with pytest.raises(OSError, match="No space"):
            file.append(["second"])
    file.append(["second"])
    assert (tmp_path / "events.jsonl").read_text() == "first\nsecond\n"


def test_half_a_line_of_a_killed_writer_spoils_no_other(tmp_path: Path) -> None:
    file = tmp_path / "events.jsonl"
    file.write_bytes(b'{"event":"beg')
    LineFile(file).append(["whole"])
    assert file.read_text().splitlines() == ['{"event":"beg', "whole"]
