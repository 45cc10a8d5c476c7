"""What all tests share: golden files, and needs that are never missed in silence."""

from __future__ import annotations

import difflib
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, settings

# The same examples each time, so that a run tells of the code and not of luck;
# HYPOTHESIS_PROFILE=explore draws new ones, many more of them. No deadline: on two shared cores time says
# nothing about correctness. Without the phase that explains a failure, which can take minutes.
settings.register_profile(
    "repeatable",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=80,
    phases=[phase for phase in Phase if phase is not Phase.explain],
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large),
)
settings.register_profile(
    "explore", parent=settings.get_profile("repeatable"), derandomize=False, max_examples=1500
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

HERE = Path(__file__).parent
EDGE_PYTHON = "/usr/bin/python3"
ALLOW_MISSING = "TRUNKLINE_ALLOW_MISSING_TOOLS"

NEEDS: dict[str, tuple[str, ...]] = {
    "agent": ("edge-python", "knotd"),
    "dns": ("knotd", "named"),
    "sip": ("edge-python", "kamailio", "sipp"),
    "standalone": ("edge-python", "kamailio", "knotd", "dig"),
    "cli": ("edge-python", "kamailio", "knotd", "sipp"),
    "demo": ("edge-python", "kamailio", "knotd", "sipp"),
}
"""Folder of tests -> the programs that each of its tests needs; the folder's name is its marker as well."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite golden files instead of comparing")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        folder = _folder(item)
        if folder in NEEDS:
            item.add_marker(folder)
    # Quick ones first: a broken rule shows before the servers start. Within a folder the order stays.
    items.sort(key=lambda item: _folder(item) in NEEDS)


def pytest_runtest_setup(item: pytest.Item) -> None:
    missing = [name for name in NEEDS.get(_folder(item), ()) if not is_there(name)]
    if not missing:
        return
    message = f"needs {', '.join(missing)}, which this machine lacks; run `make setup`"
    if os.environ.get(ALLOW_MISSING):
        _not_proven.append(item.nodeid)
        pytest.skip(message)
    pytest.fail(f"{message} (or set {ALLOW_MISSING}=1 to go on without)", pytrace=False)


_not_proven: list[str] = []
_found: dict[str, bool] = {}


def is_there(name: str) -> bool:
    """True if a program is on PATH; `edge-python` is Debian's Python with the edge's libraries."""
    if name not in _found:
        if name == "edge-python":
            command = [EDGE_PYTHON, "-c", "import lmdb, msgpack, dns.resolver, prometheus_client"]
            _found[name] = os.path.exists(EDGE_PYTHON) and not subprocess.run(command, check=False).returncode
        else:
            _found[name] = (
                shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin") is not None
            )
    return _found[name]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    if _not_proven:
        terminalreporter.section("NOT PROVEN: programs are missing", sep="!", red=True)
        terminalreporter.line(f"{len(_not_proven)} tests did not run because {ALLOW_MISSING} is set.")


def _folder(item: pytest.Item) -> str:
    path = Path(item.path)
    return path.relative_to(HERE).parts[0] if path.is_relative_to(HERE) else ""


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[Path, str], None]:
    """`golden(path, text)`: the text must equal the file; `make golden` writes the file instead."""
    update = bool(request.config.getoption("--update-golden"))

    def compare(path: Path, text: str) -> None:
        if update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
            return
        if not path.exists():
            pytest.fail(f"{path.name} does not exist; `make golden` writes it", pytrace=False)
        wanted = path.read_text(encoding="utf-8")
        if text != wanted:
            lines = difflib.unified_diff(
                wanted.splitlines(),
                text.splitlines(),
                f"{path.name} (kept)",
                f"{path.name} (now)",
                lineterm="",
            )
            pytest.fail("\n".join(lines) + "\n\nmeant? `make golden`, then read the diff", pytrace=False)

    return compare
