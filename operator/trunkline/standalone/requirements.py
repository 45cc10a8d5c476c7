"""What must be installed before an edge can run, and the line that installs what is missing."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

SEARCH_PATH: Final = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
EDGE_PYTHON: Final = "/usr/bin/python3"
"""Debian's: the interpreter that Kamailio embeds."""

_PROGRAMS: Final = {"kamailio": "kamailio", "knotd": "knot", "knotc": "knot"}
_EDGE_LIBRARIES: Final = {
    "lmdb": "python3-lmdb",
    "msgpack": "python3-msgpack",
    "dns": "python3-dnspython",
    "defusedxml": "python3-defusedxml",
    "aiohttp": "python3-aiohttp",
}
_SIGNING_LIBRARIES: Final = {"jwt": "python3-jwt", "OpenSSL": "python3-openssl"}
_METRICS_LIBRARIES: Final = {"prometheus_client": "python3-prometheus-client"}
_MODULE_PACKAGES: Final = {
    "app_python3": "kamailio-python3-modules",
    "tls": "kamailio-tls-modules",
}
_MODULE_DIRECTORIES: Final = (
    "/usr/lib/*/kamailio/modules",
    "/usr/lib64/kamailio/modules",
    "/usr/lib/kamailio/modules",
)
_LOADMODULE: Final = re.compile(r'^\s*loadmodule\s+"?([A-Za-z0-9_]+)(?:\.so)?"?', re.MULTILINE)


class MissingPackagesError(Exception):
    """Programs or libraries are not installed. The text names them and the line that installs them."""


def located(command: Sequence[str]) -> tuple[str, ...]:
    """The command with the whole path of its program: PATH of a user who is not root lacks /usr/sbin."""
    program, *arguments = command
    return (shutil.which(program, path=SEARCH_PATH) or program, *arguments)


def check_requirements(kamailio_directory: Path, *, signs: bool = False, with_metrics: bool = False) -> None:
    """Raises MissingPackagesError if `up` could not run edges on this machine.

    Nor sign their calls, if it `signs`, or count what they do, `with_metrics`.
    """
    libraries = {
        **_EDGE_LIBRARIES,
        **(_SIGNING_LIBRARIES if signs else {}),
        **(_METRICS_LIBRARIES if with_metrics else {}),
    }
    missing = dict(_missing(kamailio_directory, libraries))
    if missing:
        packages = " ".join(sorted(set(missing.values())))
        raise MissingPackagesError(
            f"not installed: {', '.join(missing)}. On Debian 12: "
            f"sudo apt-get install --no-install-recommends {packages}"
        )


def _missing(kamailio_directory: Path, libraries: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """What is missing, and its Debian package."""
    for program, package in _PROGRAMS.items():
        if shutil.which(program, path=SEARCH_PATH) is None:
            yield program, package
    if shutil.which("kamailio", path=SEARCH_PATH) is not None:
        yield from _missing_modules(kamailio_directory)
    if not Path(EDGE_PYTHON).exists():
        yield EDGE_PYTHON, "python3"
        return
    for library, package in libraries.items():
        found = subprocess.run(
            [EDGE_PYTHON, "-I", "-c", f"import {library}"], capture_output=True, check=False
        )
        if found.returncode != 0:
            yield f"{library} for {EDGE_PYTHON}", package


def _missing_modules(kamailio_directory: Path) -> Iterator[tuple[str, str]]:
    directories = [found for pattern in _MODULE_DIRECTORIES for found in Path("/").glob(pattern.lstrip("/"))]
    for config in sorted(kamailio_directory.glob("*.cfg")):
        for name in _LOADMODULE.findall(config.read_text(encoding="utf-8")):
            if not any((directory / f"{name}.so").exists() for directory in directories):
                package = _MODULE_PACKAGES.get(name, "kamailio")
                yield f"Kamailio's module {name}", package
