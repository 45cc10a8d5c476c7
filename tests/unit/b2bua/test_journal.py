"""The journal: what is read back is what the last whole step left, and nothing else stays."""

from __future__ import annotations

import os
from pathlib import Path

from sipedge.b2bua.journal import Journal


def test_what_was_written_is_read_until_it_is_forgotten(tmp_path: Path) -> None:
    journal = Journal(tmp_path / "b2bua", 60.0)
    journal.write("one", {"phase": "dialing"})
    journal.write("two", {"phase": "linked"})
    journal.forget("one")
    assert [each["phase"] for each in Journal(tmp_path / "b2bua", 60.0).read()] == ["linked"]


def test_nothing_stays_that_no_call_has(tmp_path: Path) -> None:
    """A process that is killed leaves a file half-written, which may hold the keys of its call."""
    journal = Journal(tmp_path, 60.0)
    journal.write("one", {"sdp": "inline:key"})
    [whole] = tmp_path.iterdir()
    (tmp_path / "half.new").write_bytes(whole.read_bytes()[:20])
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "foreign.json").write_text('{"schema": 0}')
    os.utime(whole, (0, 0))
    assert list(journal.read()) == []
    assert list(tmp_path.iterdir()) == []
