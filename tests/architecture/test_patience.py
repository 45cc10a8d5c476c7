"""Tests that run beside others wait for what must come for `PATIENCE`, not as long as it usually takes, and
have addresses of their own."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

TESTS = Path(__file__).resolve().parents[1]
FOLDERS = ("agent", "apiserver", "cli", "dns", "recorder", "sip", "standalone", "support", "tls")
SHORT = re.compile(
    r"(monotonic\(\) \+ |asyncio\.timeout\(|\.final\("
    r"|(process|thread|reader|ready)\.(wait|join)\()1?\d(\.\d+)?\b"
)
"""A deadline of less than twenty seconds, in figures, for what must come."""
MEANT = {
    "agent/test_beside_kamailio.py: agent.process.wait(1)",
    "apiserver/operated_edge.py: return str(invite.final(0.01).status)",
    "apiserver/test_operator_parts.py: async with asyncio.timeout(2.5):",
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


BESIDE = ("agent", "cli", "dns", "fuzz", "recorder", "sip", "standalone", "tls")
"""Folders whose files may run at the same time, on addresses that they listen at."""
FIXED = re.compile(r'"(127\.(?!0\.)\d+\.\d+)\.\d+"')


def test_fixed_addresses_are_those_of_one_file() -> None:
    """Others are of a reserved block."""
    files: dict[str, set[str]] = {}
    for path in sorted(path for folder in BESIDE for path in (TESTS / folder).rglob("*.py")):
        for network in FIXED.findall(path.read_text()):
            files.setdefault(network, set()).add(f"{path.relative_to(TESTS)}")
    assert {network: found for network, found in files.items() if len(found) > 1} == {}
