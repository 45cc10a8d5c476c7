"""Programs in Go, built once of what a go.mod pins, and kept outside the clone."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Final

from cluster.toolchain import find_go

CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trunkline"


def built(module: Path) -> Path:
    """The program of the folder `module`: what its go.mod names as its tool, else what its own sources make.

    Raises CalledProcessError (with `stderr`) if it cannot be built.
    """
    text = (module / "go.mod").read_text(encoding="utf-8")
    tools = re.findall(r"^tool (\S+)$", text, re.MULTILINE)
    package, version = (tools[0], _version_of(tools[0], text)) if tools else (".", "")
    name = package.rpartition("/")[2] if tools else module.name
    folders = [module, *(module / each for each in re.findall(r" => (\.\./\S+)$", text, re.MULTILINE))]
    sources = [path for folder in folders for each in ("go.*", "*.go") for path in sorted(folder.glob(each))]
    digest = hashlib.sha256(b"\0".join(path.read_bytes() for path in sources)).hexdigest()[:16]
    home = CACHE / name
    program = home / f"{name}-{digest}"
    home.mkdir(parents=True, exist_ok=True)
    with (home / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not program.exists():
            print(f"building {name} {version or f'of {module.name}'}: once", file=sys.stderr, flush=True)
            _build(module, package, version, program)
    return program


def sources(module: str, version: str, checksum: str) -> Path:
    """The folder of a module of the proxy of Go modules, fetched once; `checksum` is that of go.sum, h1:...

    Raises CalledProcessError (with `stderr`) if it cannot be fetched, ValueError if it is another.
    """
    go = find_go(CACHE / "cluster")
    done = subprocess.run(
        [go.program, "mod", "download", "-json", f"{module}@{version}"],
        cwd=Path(__file__).parent,
        env={**os.environ, **go.environment, "GOFLAGS": ""},
        check=True,
        capture_output=True,
        text=True,
    )
    said = json.loads(done.stdout)
    if said["Sum"] != checksum:
        raise ValueError(f"{module} {version} is {said['Sum']}, not {checksum}")
    return Path(said["Dir"])


def _build(module: Path, package: str, version: str, program: Path) -> None:
    go = find_go(CACHE / "cluster")
    partial = program.with_name(f"building-{program.name}")
    linking = "-ldflags=-s -w" + (f" -X main.version={version}" if version else "")
    subprocess.run(
        ["nice", go.program, "build", "-trimpath", linking, "-o", str(partial), package],
        cwd=module,
        env={**os.environ, **go.environment},
        check=True,
        capture_output=True,
        text=True,
    )
    partial.rename(program)


def _version_of(package: str, text: str) -> str:
    """Of the module that has the package, which is named by the first three parts of its path."""
    [found] = re.findall(
        rf"^(?:require)?\s+{re.escape('/'.join(package.split('/')[:3]))} v(\S+)", text, re.MULTILINE
    )
    return str(found)
