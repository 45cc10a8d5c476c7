"""Tests that run beside others wait for what must come for `PATIENCE`, not as long as it usually takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
FOLDERS = ("agent", "apiserver", "cli", "dns", "recorder", "sip", "standalone", "support", "tls")
SHORT = re.compile(
    r"(monotonic\(\) \+ |\.final\(|(process|thread|reader|ready)\.(wait|join)\()1?\d(\.\d+)?\b"
)
"""A deadline of less than twenty seconds, in figures, for what must come."""
MEANT = {
    "agent/test_beside_kamailio.py: agent.process.wait(1)",
    "apiserver/operated_edge.py: return str(invite.final(0.01).status)",
    "apiserver/test_operator_killed.py: assert operator.process.wait(0.5) == -signal.SIGKILL",
    "support/edge.py: process.wait(5)",
    "support/telephones.py: final = sent.final(2)",
}
"""Where a time-out is no failure: something else follows it."""


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_deadline_is_short(folder: str) -> None:
    found = {
        f"{path.relative_to(TESTS)}: {line.strip()}"
        for path in sorted((TESTS / folder).rglob("*.py"))
        for line in path.read_text().splitlines()
        if SHORT.search(line)
    }
    assert found == {each for each in MEANT if each.startswith(f"{folder}/")}
