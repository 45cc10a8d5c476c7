"""All images as OCI archives, made from the Dockerfiles by buildah, without a registry.

    python scripts/images.py FOLDER [--host local.test] [--tag dev]

Writes FOLDER/operator.tar, FOLDER/edge.tar and FOLDER/recorder.tar, which `ctr images import` takes; they
are named <host>/trunkline/operator:<tag> and so on. `kept` is the same for tests, which build an
image only when its sources have changed. Their bases are Debian's packages, put
together by mmdebstrap and kept between runs. Needs root, buildah and mmdebstrap. Where Docker and a registry
are, the Dockerfiles need none of this.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT: Final = Path(__file__).resolve().parents[1]
_DEBIAN_AUTHORITIES: Final = "/etc/ssl/certs/ca-certificates.crt"
AUTHORITIES: Final = Path(os.environ.get("SSL_CERT_FILE") or _DEBIAN_AUTHORITIES)
"""Those that this machine trusts, for pip: its package index may have one of its own."""
_BASE: Final = "org.opencontainers.image.base"


@dataclass(frozen=True)
class Image:
    """One image: its Dockerfile, and the Debian that it is built on."""

    name: str
    dockerfile: str
    release: str
    packages: tuple[str, ...]
    sources: tuple[str, ...]
    """The files and folders that the Dockerfile copies from."""


EDGE: Final = Image(
    "edge",
    "edge/Dockerfile",
    "trixie",
    ("ca-certificates",),
    (
        "pyproject.toml",
        "README.md",
        "LICENSE",
        "operator/trunkline/__init__.py",
        "edge/sipedge",
        "edge/kamailio",
    ),
)
OPERATOR: Final = Image(
    "operator",
    "operator/Dockerfile",
    "bookworm",
    ("ca-certificates", "python3", "python3-venv"),
    ("pyproject.toml", "constraints.txt", "README.md", "LICENSE", "operator/trunkline", "edge/sipedge"),
)
RECORDER: Final = Image(
    "recorder",
    "recorder/Dockerfile",
    "bookworm",
    ("ca-certificates", "python3", "python3-venv"),
    (
        *("pyproject.toml", "constraints.txt", "README.md", "LICENSE", "operator/trunkline/__init__.py"),
        *("edge/sipedge", "recorder/siprecorder"),
    ),
)
IMAGES: Final = (EDGE, OPERATOR, RECORDER)

CACHE: Final = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "trunkline" / "images"
_KEPT_SECONDS: Final = 3 * 24 * 3600
"""Archives that no test asked for in this time are removed when a new one is made."""


@dataclass(frozen=True)
class Archive:
    """An image in a file, and the name that it has in it."""

    path: Path
    repository: str
    tag: str


def base(image: Image, cache: Path, seconds: int | None = None) -> Path:
    """The file system below an image, made once; with `seconds`, no file in it is newer (since the epoch)."""
    path = cache / f"base-{image.release}-{'-'.join(image.packages)}.tar"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"building-{os.getpid()}-{path.name}")
        command = ["mmdebstrap", "--quiet", "--variant=minbase", f"--include={','.join(image.packages)}"]
        try:
            subprocess.run([*command, image.release, str(partial)], check=True, env=_dated(seconds))
            partial.rename(path)
        finally:
            partial.unlink(missing_ok=True)
    return path


def _dated(seconds: int | None) -> dict[str, str]:
    """This environment, in which programs that know how to write no later time."""
    return {**os.environ, **({} if seconds is None else {"SOURCE_DATE_EPOCH": str(seconds)})}


class Builder:
    """buildah with a store of its own, which is gone afterwards."""

    def __init__(self, folder: Path, sources: Path = ROOT) -> None:
        """`sources`: the clone, or files of one, that images are made of."""
        self._sources = sources
        self._options = ["--root", f"{folder}/store", "--runroot", f"{folder}/run", "--storage-driver", "vfs"]

    def __call__(self, *arguments: str) -> str:
        """What buildah says. Raises CalledProcessError."""
        # With vfs, file systems are plain copies, and chroot asks nothing of the kernel: works in containers.
        environment = {**os.environ, "BUILDAH_ISOLATION": "chroot"}
        done = subprocess.run(
            ["buildah", *self._options, *arguments],
            check=True,
            cwd=self._sources,
            env=environment,
            stdout=subprocess.PIPE,
            text=True,
        )
        return done.stdout.strip()

    def build(self, image: Image, base_archive: Path, name: str, target: Path) -> None:
        """Write the archive of one image."""
        self._build(image, base_archive, name)
        target.unlink(missing_ok=True)
        self("push", "--quiet", name, f"oci-archive:{target}:{name}")

    def build_layout(
        self, image: Image, base_archive: Path, target: str, *, labels: Mapping[str, str], seconds: int
    ) -> None:
        """Write one image as an OCI layout, `target` = FOLDER:TAG; no time in it is later than `seconds`."""
        name = f"localhost/{image.name}"
        self._build(image, base_archive, name, seconds, labels=labels)
        self("push", "--quiet", name, f"oci:{target}")

    def _build(
        self,
        image: Image,
        base_archive: Path,
        name: str,
        seconds: int | None = None,
        labels: Mapping[str, str] = {},
    ) -> None:
        dated = [] if seconds is None else [f"--timestamp={seconds}"]
        beneath = f"localhost/debian-{image.name}:{image.release}"
        started = self("from", "scratch")
        self("add", "--quiet", started, str(base_archive), "/")
        self("commit", "--quiet", "--rm", *dated, started, beneath)
        digest = self("inspect", "--type", "image", "--format", "{{.FromImageDigest}}", beneath)
        told = {**labels, f"{_BASE}.name": beneath, f"{_BASE}.digest": digest}
        command = ["bud", "--quiet", *dated, "--file", image.dockerfile, "--tag", name]
        command += [f"--label={key}={value}" for key, value in told.items()]
        command += [f"--build-arg=BASE_IMAGE={beneath}"]
        command += [] if seconds is None else [f"--build-arg=SOURCE_DATE_EPOCH={seconds}"]
        if AUTHORITIES.exists():
            command += ["--volume", f"{AUTHORITIES}:{_DEBIAN_AUTHORITIES}:ro"]
        self(*command, ".")


def kept(image: Image, host: str = "local.test", cache: Path = CACHE) -> Archive:
    """The image of the sources as they are now: from the cache, or built (half a minute)."""
    found = Archive(
        cache / f"{image.name}-{_digest(image)}.tar", f"{host}/trunkline/{image.name}", _digest(image)
    )
    if found.path.exists():
        os.utime(found.path)
        return found
    print(f"images: building {image.name} from {image.dockerfile}", file=sys.stderr, flush=True)
    beneath = base(image, cache)
    partial = found.path.with_name(f"building-{os.getpid()}-{found.path.name}")
    try:
        with builder() as build:
            build.build(image, beneath, f"{found.repository}:{found.tag}", partial)
        if _digest(image) != found.tag:
            # Somebody edits: what was built is neither the old sources nor the new ones.
            return kept(image, host, cache)
        partial.rename(found.path)
    finally:
        partial.unlink(missing_ok=True)
    for old in cache.glob(f"{image.name}-*.tar"):
        if time.time() - old.stat().st_mtime > _KEPT_SECONDS:
            old.unlink(missing_ok=True)
    return found


def _digest(image: Image) -> str:
    """Of everything in the clone that the image is made of."""
    found = hashlib.sha256(repr(image).encode())
    for source in (ROOT / each for each in (image.dockerfile, *image.sources)):
        for path in [source] if source.is_file() else sorted(source.rglob("*")):
            if path.is_file() and path.suffix != ".pyc":
                found.update(f"{path.relative_to(ROOT)} {path.stat().st_mode & 0o111}\n".encode())
                found.update(path.read_bytes())
    return found.hexdigest()[:16]


@contextmanager
def builder(sources: Path = ROOT) -> Iterator[Builder]:
    """A builder in a temporary folder."""
    with tempfile.TemporaryDirectory(prefix="trunkline-images-") as folder:
        yield Builder(Path(folder), sources)


def main(arguments: Sequence[str] | None = None) -> int:
    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=form)
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "--host", default="local.test", help="stands before the names; nothing is asked of it"
    )
    parser.add_argument("--tag", default="dev")
    options = parser.parse_args(arguments)
    folder: Path = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    for image in IMAGES:
        name = f"{options.host}/trunkline/{image.name}:{options.tag}"
        archive = base(image, CACHE)
        with builder() as build:
            build.build(image, archive, name, folder / f"{image.name}.tar")
        print(f"{folder / image.name}.tar is {name}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
