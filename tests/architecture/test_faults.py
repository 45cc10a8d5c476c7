"""No source shows the repr of an exception, whose text may hold a secret; see `sipedge.fault`."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
REPR = re.compile(
    r"\{(?:error|fault|cause|exc|exception|e)!r\}|repr\((?:error|fault|cause|exc|e)\)"
    r"|traceback\.(?:format_exc|print_exc|format_exception|print_exception)\b"
)


def test_no_repr_of_an_exception() -> None:
    sources = [*(ROOT / "operator").rglob("*.py"), *(ROOT / "edge").rglob("*.py")]
    assert len(sources) > 100
    assert [
        f"{path.relative_to(ROOT)}:{number}"
        for path in sources
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if REPR.search(line)
    ] == []


def test_every_log_handler_describes_exceptions() -> None:
    """A formatter that is not a FaultFormatter would print a traceback with its text."""
    sources = [*(ROOT / "operator").rglob("*.py"), *(ROOT / "edge").rglob("*.py")]
    plain = [path.name for path in sources if "logging.Formatter" in path.read_text(encoding="utf-8")]
    assert plain == ["fault_log.py"]
