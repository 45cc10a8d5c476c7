"""What all tests share: golden files, and needs that are never missed in silence."""

from __future__ import annotations

import difflib
import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, settings

from cluster import machine
from support import side_by_side

# The same examples each time, so that a run tells of the code and not of luck. `make check` draws half,
# HYPOTHESIS_PROFILE=explore new ones, many more of them. No deadline: on two shared cores time says nothing
# about correctness. Without the phase that explains a failure, which can take minutes.
settings.register_profile(
    "repeatable",
    derandomize=True,
    database=None,
    deadline=None,
    max_examples=80,
    phases=[phase for phase in Phase if phase is not Phase.explain],
    suppress_health_check=(HealthCheck.too_slow, HealthCheck.data_too_large),
)
settings.register_profile("quick", parent=settings.get_profile("repeatable"), max_examples=40)
settings.register_profile(
    "explore", parent=settings.get_profile("repeatable"), derandomize=False, max_examples=1500
)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "repeatable"))

HERE = Path(__file__).parent
EDGE_PYTHON = "/usr/bin/python3"
ALLOW_MISSING = "TRUNKLINE_ALLOW_MISSING_TOOLS"
THEIR_CLUSTER = "TRUNKLINE_E2E_KUBECONFIG"
"""The kubeconfig of a cluster that tests/e2e uses instead of a node of its own."""

NEEDS: dict[str, tuple[str, ...]] = {
    "agent": ("edge-python", "knotd"),
    "dns": ("knotd", "named"),
    "sip": ("edge-python", "kamailio", "sipp", "rtpengine", "baresip"),
    "standalone": ("edge-python", "kamailio", "knotd", "dig"),
    "cli": ("edge-python", "kamailio", "knotd", "sipp"),
    "guides": ("edge-python", "kamailio", "knotd", "sipp", "rtpengine", "baresip", "dig"),
    "demo": ("edge-python", "kamailio", "knotd", "sipp"),
    "bench": ("edge-python", "kamailio", "sipp"),
    "fuzz": ("edge-python", "kamailio"),
}
"""Folder of tests -> the programs that each of its tests needs; the folder's name is its marker as well."""

NODES = ("cluster", "e2e")
"""Folders whose tests start a Kubernetes node, which not every machine can."""

_SERVERS = (*NEEDS, "chart", "apiserver", *NODES)
"""Folders that come after all others, in this order."""


# A shell that runs the tests in its background has programs ignore Ctrl-C, and those that they start.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite golden files instead of comparing")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        folder = _folder(item)
        if folder in NEEDS:
            item.add_marker(folder)
    # Quick ones first: a broken rule shows before the servers start. Within a folder the order stays.
    items.sort(key=lambda item: _SERVERS.index(_folder(item)) if _folder(item) in _SERVERS else -1)
    if hasattr(config, "workerinput"):
        side_by_side.sort(items, _SERVERS)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> side_by_side.Units:
    """Several processes, asked for by `-n`, share the tests out in units that belong together."""
    return side_by_side.Units(config, log)


def pytest_runtest_setup(item: pytest.Item) -> None:
    folder = _folder(item)
    missing = [name for name in NEEDS.get(folder, ()) if not is_there(name)]
    message = f"needs {', '.join(missing)}, which this machine lacks; run `make setup`" if missing else ""
    if folder in NODES and not (folder == "e2e" and os.environ.get(THEIR_CLUSTER)):
        # What setup can mend is a fault; what no set-up gives this machine is said, and counted.
        if reason := machine.cannot():
            pytest.skip(f"no Kubernetes node can run here: {reason}")
        if packages := machine.missing_packages():
            message = f"needs Debian's {', '.join(packages)}; run `make setup`"
    if not message:
        return
    if os.environ.get(ALLOW_MISSING):
        pytest.skip(message)
    pytest.fail(f"{message} (or set {ALLOW_MISSING}=1 to go on without)", pytrace=False)


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
    """Count in red what was skipped: no test is skipped in silence, whichever process skipped it."""
    unproven: dict[str, list[str]] = {}
    for report in terminalreporter.stats.get("skipped", ()):
        reason = str(report.longrepr[2]).removeprefix("Skipped: ")
        unproven.setdefault(reason, []).append(report.nodeid.partition("::")[0])
    if not unproven:
        return
    terminalreporter.section("NOT PROVEN HERE", sep="!", red=True)
    for reason, files in unproven.items():
        counted = "1 test" if len(files) == 1 else f"{len(files)} tests"
        terminalreporter.write_line(f"{counted} did not run: {reason}", red=True)
        for folder in sorted({each.rpartition("/")[0] for each in files}):
            terminalreporter.write_line(f"  in {folder}", red=True)


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
