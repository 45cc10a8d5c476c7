"""Workflows of the forge: no mistake that actionlint finds, and no target of make that is none."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

import go_tools

ROOT = Path(__file__).resolve().parents[2]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yaml"))


def test_actionlint_finds_nothing() -> None:
    actionlint = go_tools.built(Path(__file__).parent)
    done = subprocess.run(
        [str(actionlint), "-no-color", *map(str, WORKFLOWS)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_what_they_make_can_be_made(path: Path) -> None:
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    called = [word for line in _commands(path) for word in re.findall(r"^make ([\w-]+)", line)]
    assert called
    assert all(re.search(rf"^{name}:", makefile, re.MULTILINE) for name in called)


def test_no_secret_is_written_into_a_command() -> None:
    """It would be in the list of processes, and in the log of a shell that traces."""
    assert not [line for path in WORKFLOWS for line in _commands(path) if "${{ secrets" in line]


def _commands(path: Path) -> list[str]:
    jobs: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))["jobs"]
    return [
        line.strip()
        for job in jobs.values()
        for step in job["steps"]
        for line in step.get("run", "").splitlines()
    ]
