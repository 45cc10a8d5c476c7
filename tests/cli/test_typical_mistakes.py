"""Typical mistakes: one line each, which names object, field, fault and mend, and not one that is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from cli.typical_mistakes import GOOD, MISTAKES, Mistake
from trunkline.cli.finding import Finding
from trunkline.cli.findings import find
from trunkline.cli.reading import read


def _findings(text: str) -> tuple[Finding, ...]:
    Path("platform.yaml").write_text(text)
    return find(read(["platform.yaml"], None))


def test_without_a_mistake_there_is_no_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So that what is found below is of the mistake alone."""
    monkeypatch.chdir(tmp_path)
    assert _findings(GOOD) == ()
    assert len(MISTAKES) >= 40


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: str(mistake.title))
def test_a_mistake_has_one_line(mistake: Mistake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever else depends on it is told with it."""
    monkeypatch.chdir(tmp_path)
    assert mistake.wrote in GOOD
    found = _findings(mistake.text)
    assert len(found) == 1, "\n".join(each.text() for each in found)
    (finding,) = found
    owner = str(finding.ref) if finding.ref else ""
    assert (owner, finding.field, finding.severity) == (mistake.owner, mistake.field, mistake.severity)
    assert all(words in finding.message for words in mistake.said), finding.text()
    assert finding.text().startswith("platform.yaml:")
    assert "\n" not in finding.text()
