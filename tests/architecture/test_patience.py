"""Tests that run beside others wait for what must come for `PATIENCE`, not as long as it usually takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
FOLDERS = ("agent", "apiserver", "cli", "dns", "recorder", "sip", "standalone", "support", "tls")
SHORT = re.compile(r"monotonic\(\) \+ 1?\d(\.\d+)?\b")
"""A deadline of less than twenty seconds, in figures."""


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_deadline_is_short(folder: str) -> None:
    found = [
        f"{path.relative_to(TESTS)}: {line.strip()}"
        for path in sorted((TESTS / folder).rglob("*.py"))
        for line in path.read_text().splitlines()
        if SHORT.search(line)
    ]
    assert found == []
