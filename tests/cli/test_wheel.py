"""The wheel, installed into an empty virtual environment: all that `pip install trunkline` promises."""

from __future__ import annotations

import subprocess
import sys
import venv
from dataclasses import dataclass
from pathlib import Path

import pytest

from sipedge.instance_files import ROUTES
from support.trunkline_command import ROOT, environment
from support.trunkline_platform import CARRIER, running_platform

pytestmark = [pytest.mark.cli, pytest.mark.standalone, pytest.mark.slow]

FOLDERS = {"chart": ROOT / "charts" / "trunkline", "crds": ROOT / "crds"}


@dataclass(frozen=True)
class Installed:
    """What pip has made of the wheel, used from far away of the clone."""

    environment: Path
    elsewhere: Path

    @property
    def command(self) -> str:
        return str(self.environment / "bin" / "trunkline")

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        return _run(self.command, *map(str, arguments), at=self.elsewhere)

    def shipped(self, name: str) -> Path:
        """The folder of this name, which is the package's own."""
        python = str(self.environment / "bin" / "python")
        done = _run(python, "-m", "trunkline.shipped", name, at=self.elsewhere)
        folder = Path(done.stdout.strip())
        assert folder.is_relative_to(self.environment), done.stderr
        return folder


def test_an_empty_environment_gets_a_command_that_validates_explains_and_serves(tmp_path: Path) -> None:
    """One test, for pip takes most of its time."""
    installed = _install(tmp_path)
    _validates_and_explains_its_quickstart(installed)
    _names_the_extra_of_a_cluster(installed)
    _has_the_chart_and_the_crds(installed)
    _serves_a_call(installed, tmp_path)


def _install(folder: Path) -> Installed:
    _call(sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder))
    [wheel] = folder.glob("*.whl")
    venv.create(folder / "venv", with_pip=False)
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    into = ("--python", str(folder / "venv" / "bin" / "python"), "install", "--quiet")
    _call(*pip, *into, "--constraint", str(ROOT / "constraints.txt"), str(wheel))
    return Installed(folder / "venv", elsewhere)


def _validates_and_explains_its_quickstart(installed: Installed) -> None:
    paths = [str(installed.shipped("quickstart") / each) for each in ("tenant", "platform-local")]
    done = installed.run("validate", *paths)
    assert done.returncode == 0, done.stdout + done.stderr
    done = installed.run(
        *("explain", *paths, "--edge", "ashburn", "--source", "127.0.10.1", "--from", "+14155550100"),
        *("--username", "pbx", "--request-uri", "sip:+12125550111@acme-hq.pstn.trunkline.test"),
    )
    assert done.returncode == 0, done.stderr
    assert "telco-a" in done.stdout


def _names_the_extra_of_a_cluster(installed: Installed) -> None:
    for command in (("validate", "-n", "acme"), ("status",), ("uninstall", "--yes")):
        done = installed.run(*command)
        assert done.returncode == 1, (command, done.stderr)
        assert "pip install 'trunkline[cluster]'" in done.stderr


def _has_the_chart_and_the_crds(installed: Installed) -> None:
    for name, source in FOLDERS.items():
        assert _files(installed.shipped(name)) == _files(source)


def _serves_a_call(installed: Installed, folder: Path) -> None:
    """Kamailio's routes come from the wheel, and the modules that Debian's Python loads."""
    with running_platform(folder, (installed.command,), PYTHONPATH="") as platform:
        done = installed.run(
            *(
                "call",
                f"sip:+390612345678@{platform.edge}",
                "--from",
                "+390698765432",
                "--via",
                platform.edge,
            ),
            *("--source", platform.block.address(CARRIER)),
        )
        routes = next(platform.state.rglob("instance.cfg")).parent / ROUTES
        source = routes.resolve()
    assert done.returncode == 0, done.stdout + done.stderr
    assert source.is_relative_to(installed.environment.resolve() / "lib")


def _files(folder: Path) -> set[Path]:
    return {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}


def _call(*command: str) -> None:
    done = _run(*command, at=ROOT)
    assert not done.returncode, done.stdout + done.stderr


def _run(*command: str, at: Path) -> subprocess.CompletedProcess[str]:
    # Nothing of this run's: neither the clone's modules nor a cluster.
    alone = environment(PYTHONPATH="", KUBECONFIG=str(at / "none"))
    return subprocess.run(
        command, cwd=at, env=alone, capture_output=True, text=True, check=False, timeout=200
    )
