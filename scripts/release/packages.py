"""The packages of a commit: wheel, sdist, chart and the plugin for kubectl."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from release.archives import files_below, packed, repacked, sum_of
from release.chart_metadata import annotations_of, with_metadata
from release.commit import Commit
from release.krew import LAUNCHER, PLUGIN, archive_name, krew_manifest
from release.place import Place
from release.python_bill import metadata_of, pins_in, python_bill
from release.sbom import bill_of

_REGISTRY: Final = re.compile(r'^( +imageRegistry:) ""$', re.MULTILINE)


@dataclass(frozen=True)
class Workshop:
    """A commit's files, and where what is made of them goes."""

    commit: Commit
    place: Place
    sources: Path
    """The commit's files, with its version (`Commit.export`)."""
    target: Path

    def make_python(self) -> Path:
        """The wheel, whose path is returned, and the sdist."""
        self._python(
            "hatchling", "build", "--target", "wheel", "--target", "sdist", "--directory", str(self.target)
        )
        return next(self.target.glob(f"trunkline-{self.commit.version.python}-*.whl"))

    def make_python_bills(self, wheel: Path) -> None:
        """What wheel and sdist want beside them."""
        about = metadata_of(wheel)
        pins = pins_in((self.sources / "constraints.txt").read_text(encoding="utf-8"))
        for path in (wheel, *self.target.glob("trunkline-*.tar.gz")):
            bill = python_bill(about, path.name, sum_of(path), pins, self.commit.seconds)
            text = json.dumps(bill, indent=1, sort_keys=True) + "\n"
            path.with_name(f"{path.name}.spdx.json").write_text(text, encoding="utf-8")

    def describe_chart(self) -> None:
        """Write the chart's version, home and defaults, ahead of all that has the chart in it.

        Raises ValueError if the chart knows no registry and needs one.
        """
        chart, version = self.sources / "charts" / "trunkline", self.commit.version
        self._set_registry(chart / "values.yaml")
        described = with_metadata(
            yaml.safe_load((chart / "Chart.yaml").read_text(encoding="utf-8")),
            version,
            self.place,
            (self.sources / "docs" / "icon.svg").read_text(encoding="utf-8"),
            annotations_of(
                list(_objects(self.sources / "crds")),
                list(_objects(self.sources / "examples" / "quickstart")),
                version,
                self.place,
            ),
        )
        text = yaml.safe_dump(described, sort_keys=False, allow_unicode=True, width=110)
        (chart / "Chart.yaml").write_text(text, encoding="utf-8")

    def make_chart(self, helm: Path) -> Path:
        """The chart as `helm install` takes it."""
        with tempfile.TemporaryDirectory() as folder:
            _run(str(helm), "package", str(self.sources / "charts" / "trunkline"), "--destination", folder)
            [made] = Path(folder).iterdir()
            path = self.target / made.name
            path.write_bytes(repacked(made.read_bytes(), self.commit.seconds))
        return path

    def make_plugin(self, wheel: Path) -> Path:
        """`kubectl trunk` with its libraries for this very Python, and the manifest for krew."""
        python = f"{sys.version_info.major}.{sys.version_info.minor}"
        path = self.target / archive_name(self.commit.version)
        with tempfile.TemporaryDirectory() as folder:
            self._install(wheel, Path(folder) / "lib")
            launcher = Path(folder) / PLUGIN
            launcher.write_text(LAUNCHER.format(python=python), encoding="utf-8")
            launcher.chmod(0o755)
            files = {**files_below(Path(folder)), "LICENSE": self.sources / "LICENSE"}
            path.write_bytes(packed(files, self.commit.seconds))
        manifest = krew_manifest(self.commit.version, self.place, sum_of(path), python)
        (self.target / "krew-trunk.yaml").write_text(manifest, encoding="utf-8")
        return path

    def make_bill(self, plugin: Path) -> Path:
        """What the plugin has in it: the package with the libraries of most of its commands."""
        about = (PLUGIN, self.commit.version.semantic, f"sha256:{sum_of(plugin)}", self.commit.seconds)
        path = plugin.with_name(plugin.name.replace(".tar.gz", ".spdx.json"))
        with tempfile.TemporaryDirectory() as folder:
            shutil.unpack_archive(plugin, folder)
            path.write_text(bill_of(f"dir:{folder}", *about), encoding="utf-8")
        return path

    def _install(self, wheel: Path, folder: Path) -> None:
        pip = (
            "pip",
            "--disable-pip-version-check",
            "install",
            "--quiet",
            "--no-compile",
            "--only-binary",
            ":all:",
        )
        constraints = ("--constraint", str(self.sources / "constraints.txt"))
        self._python(*pip, *constraints, "--target", str(folder), f"{wheel}[cluster]")
        shutil.rmtree(folder / "bin")  # scripts of the libraries name this machine's Python
        for record in folder.glob("*.dist-info"):
            for name in ("direct_url.json", "RECORD"):  # name this machine's folders, and what is gone
                (record / name).unlink(missing_ok=True)

    def _set_registry(self, values: Path) -> None:
        if not self.place.registry:
            return
        text, found = _REGISTRY.subn(rf'\1 "{self.place.registry}"', values.read_text(encoding="utf-8"))
        if found != 1:
            raise ValueError(f"{values.name} has no imageRegistry to set to {self.place.registry}")
        values.write_text(text, encoding="utf-8")

    def _python(self, *arguments: str) -> None:
        _run(sys.executable, "-m", *arguments, at=self.sources, SOURCE_DATE_EPOCH=str(self.commit.seconds))


def _objects(folder: Path) -> Iterator[dict[str, Any]]:
    for path in sorted(folder.rglob("*.yaml")):
        yield from (each for each in yaml.safe_load_all(path.read_text(encoding="utf-8")) if each)


def _run(*command: str, at: Path | None = None, **variables: str) -> None:
    subprocess.run(command, cwd=at, check=True, stdout=subprocess.DEVNULL, env={**os.environ, **variables})
