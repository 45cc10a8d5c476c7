"""What keeps the house liveable: small files, links that lead somewhere, commands that exist."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        capture_output=True, text=True, cwd=ROOT, check=True,
    ).stdout.splitlines()
    if (ROOT / name).is_file()
)  # fmt: skip
PYTHON = [path for path in FILES if path.suffix == ".py"]
PAGES = [path for path in FILES if path.suffix == ".md"]


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def targets() -> set[str]:
    """What `make` can make."""
    return set(re.findall(r"^([a-z][a-z-]*):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))


@pytest.mark.parametrize("path", PYTHON, ids=relative)
def test_no_file_is_longer_than_500_lines(path: Path) -> None:
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 500


@pytest.mark.parametrize("path", PAGES, ids=relative)
def test_links_between_pages_lead_somewhere(path: Path) -> None:
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    links = re.findall(r"\]\(([^)\s#]+)[^)]*\)", text)
    dead = [link for link in links if "://" not in link and not (path.parent / link).exists()]
    assert not dead


@pytest.mark.parametrize("path", PAGES, ids=relative)
def test_the_make_targets_that_a_page_names_exist(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    named = set(re.findall(r"`make ([a-z][a-z-]*)`", text)) | set(
        re.findall(r"^make ([a-z-]+)", text, re.MULTILINE)
    )
    assert named <= targets()


@pytest.mark.parametrize("path", PAGES, ids=relative)
def test_the_files_that_a_page_names_exist(path: Path) -> None:
    """A path in backquotes that begins with a folder of ours is a promise."""
    text = re.sub(r"```.*?```", "", path.read_text(encoding="utf-8"), flags=re.DOTALL)
    named = re.findall(r"`((?:operator|edge|tests|docs|scripts|crds|examples)/[\w./-]*)`", text)
    assert not [name for name in named if not (ROOT / name).exists()]


def test_every_make_target_says_what_it_does() -> None:
    text = (ROOT / "Makefile").read_text(encoding="utf-8")
    undocumented = re.findall(r"^([a-z][a-z-]*):(?!.*## ).*$", text, re.MULTILINE)
    assert not undocumented


def test_ci_runs_what_readme_says_and_nothing_else() -> None:
    commands = [
        line
        for line in (ROOT / ".ci" / "run").read_text(encoding="utf-8").splitlines()
        if line and not line.startswith(("#", "set ", "cd "))
    ]
    assert commands == ["exec make test"]
    assert "make test" in (ROOT / "README.md").read_text(encoding="utf-8")


def test_every_kamailio_module_comes_from_a_package_that_the_set_up_installs() -> None:
    configuration = "\n".join(
        path.read_text(encoding="utf-8") for path in (ROOT / "edge" / "kamailio").glob("*.cfg")
    )
    modules = re.findall(r'^\s*loadmodule\s+"([\w./-]+?)(?:\.so)?"', configuration, re.MULTILINE)
    assert modules
    wanted = [f"*/kamailio/modules/{module}.so" for module in modules]
    owners = subprocess.run(["dpkg", "-S", *wanted], capture_output=True, text=True, check=False)
    assert owners.returncode == 0, owners.stderr
    packages = {line.partition(":")[0] for line in owners.stdout.splitlines()}
    listed = (ROOT / "scripts" / "packages.debian").read_text(encoding="utf-8")
    assert packages <= set(re.findall(r"^run\s+(\S+)", listed, re.MULTILINE))


def test_no_page_or_file_knows_a_machine_of_ours() -> None:
    """Paths and hosts of one developer's machine help nobody else."""
    pattern = re.compile(r"/(?:home|Users)/\w+/|/root/|/workspace/")
    guilty = [
        relative(path)
        for path in FILES
        if path != Path(__file__) and path.suffix in {".py", ".md", ".yaml", ".cfg", ".toml", ".xml", ""}
        and pattern.search(path.read_text(encoding="utf-8", errors="replace"))
    ]  # fmt: skip
    assert not guilty
