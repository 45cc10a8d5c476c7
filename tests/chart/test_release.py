"""What `make release` makes of a commit: the same bytes each time, and a chart that helm takes."""

from __future__ import annotations

import subprocess
from pathlib import Path

import yaml

from release.commit import Commit, commit_at
from release.packages import Workshop
from release.place import place_of


def test_two_builds_of_a_commit_are_the_same_bytes_and_helm_takes_the_chart(
    helm: Path, tmp_path: Path
) -> None:
    """Wheel, sdist, their bills of materials, and chart. The plugin would take pip two minutes."""
    commit = commit_at()
    one, other = (_packages(commit, helm, tmp_path / name) for name in ("one", "other"))
    assert sorted(one) == sorted(other)
    assert len(one) == 5
    assert [name for name in one if one[name] != other[name]] == []
    _is_taken(helm, next(tmp_path.glob("one/made/*.tgz")), commit)


def _packages(commit: Commit, helm: Path, folder: Path) -> dict[str, bytes]:
    sources, made = folder / "sources", folder / "made"
    made.mkdir(parents=True)
    commit.export(sources)
    workshop = Workshop(commit, place_of({}), sources, made)
    workshop.describe_chart()
    workshop.make_python_bills(workshop.make_python())
    workshop.make_chart(helm)
    return {path.name: path.read_bytes() for path in made.iterdir()}


def _is_taken(helm: Path, chart: Path, commit: Commit) -> None:
    shown = _said(str(helm), "show", "chart", str(chart))
    assert yaml.safe_load(shown)["version"] == commit.version.semantic
    _said(str(helm), "lint", "--strict", str(chart), "--set", "baseDomain=voice.example.com")
    objects = _said(str(helm), "template", str(chart), "--set", "baseDomain=voice.example.com")
    assert f"trunkline/operator:{commit.version.tag}" in objects


def _said(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
