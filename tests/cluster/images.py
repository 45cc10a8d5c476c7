"""Container images without a registry: OCI archives that `ctr images import` takes.

Every image name carries the made-up host `local.test`, so that nothing is ever pulled; pods say
`imagePullPolicy: Never`.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

HOST: Final = "local.test"
PAUSE: Final = f"{HOST}/pause:1"
BUSYBOX: Final = f"{HOST}/busybox:1"
RELEASE: Final = "bookworm"

_MEDIA: Final = "application/vnd.oci.image"
_ARCHITECTURES: Final = {"x86_64": "amd64", "aarch64": "arm64"}


def write_archive(path: Path, name: str, layers: Sequence[bytes | Path], config: Mapping[str, Any]) -> Path:
    """An OCI archive of one image.

    `layers` are tar files, lowest first, not compressed; `config` is the image's `config` object
    (`Entrypoint`, `User`, ...). The file appears under its name only when it is whole.
    """
    partial = path.with_name(f"{path.name}.{os.getpid()}")
    with tarfile.open(partial, "w") as archive:
        described = [_add_blob(archive, layer, f"{_MEDIA}.layer.v1.tar") for layer in layers]
        about = {
            "architecture": _ARCHITECTURES[os.uname().machine],
            "os": "linux",
            "config": dict(config),
            "rootfs": {"type": "layers", "diff_ids": [each["digest"] for each in described]},
        }
        manifest = {
            "schemaVersion": 2,
            "mediaType": f"{_MEDIA}.manifest.v1+json",
            "config": _add_blob(archive, _json(about), f"{_MEDIA}.config.v1+json"),
            "layers": described,
        }
        entry = _add_blob(archive, _json(manifest), f"{_MEDIA}.manifest.v1+json")
        entry["annotations"] = {"io.containerd.image.name": name, "org.opencontainers.image.ref.name": name}
        _add(archive, "index.json", _json({"schemaVersion": 2, "manifests": [entry]}))
        _add(archive, "oci-layout", _json({"imageLayoutVersion": "1.0.0"}))
    partial.rename(path)
    return path


def layer_of(files: Mapping[str, bytes | Path], *, links: Mapping[str, str] | None = None) -> bytes:
    """A layer with these files, all executable and owned by root, and symbolic links."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as layer:
        for name, content in files.items():
            _add(layer, name, content if isinstance(content, bytes) else content.read_bytes(), 0o755)
        for name, target in (links or {}).items():
            link = tarfile.TarInfo(name)
            link.type, link.linkname = tarfile.SYMTYPE, target
            layer.addfile(link)
    return buffer.getvalue()


def pause(path: Path, program: Path) -> Path:
    """The archive of the image that holds a pod together."""
    return write_archive(path, PAUSE, [layer_of({"pause": program})], {"Entrypoint": ["/pause"]})


def busybox(path: Path, program: Path = Path("/bin/busybox")) -> Path:
    """The archive of an image with Debian's static busybox: a shell and the usual commands, 2 MB."""
    said = subprocess.run([program, "--list"], check=True, capture_output=True, text=True).stdout
    links = {f"bin/{name}": "busybox" for name in said.split() if name != "busybox"}
    layer = layer_of({"bin/busybox": program, "etc/passwd": b"root:x:0:0::/:/bin/sh\n"}, links=links)
    return write_archive(path, BUSYBOX, [layer], {"Entrypoint": ["/bin/sh"], "Env": ["PATH=/bin"]})


def debian(cache: Path, packages: Iterable[str]) -> Path:
    """A layer with Debian's essential packages and these, made once and kept in `cache` (half a minute)."""
    wanted = sorted(set(packages))
    name = hashlib.sha256(" ".join([RELEASE, *wanted]).encode()).hexdigest()[:16]
    path = cache / f"debian-{name}.tar"
    if not path.exists():
        print(
            f"cluster: making a Debian layer with {', '.join(wanted) or 'nothing more'}",
            file=sys.stderr,
            flush=True,
        )
        cache.mkdir(parents=True, exist_ok=True)
        partial = path.with_name(f"building-{os.getpid()}-{path.name}")
        command = ["mmdebstrap", "--quiet", "--variant=essential", f"--include={','.join(wanted)}"]
        try:
            subprocess.run([*command, RELEASE, str(partial)], check=True)
            partial.rename(path)
        finally:
            partial.unlink(missing_ok=True)
    return path


def _add_blob(archive: tarfile.TarFile, content: bytes | Path, media_type: str) -> dict[str, Any]:
    if isinstance(content, Path):
        with content.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        archive.add(content, f"blobs/sha256/{digest}")
        size = content.stat().st_size
    else:
        digest, size = hashlib.sha256(content).hexdigest(), len(content)
        _add(archive, f"blobs/sha256/{digest}", content)
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": size}


def _add(archive: tarfile.TarFile, name: str, content: bytes, mode: int = 0o644) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), mode
    archive.addfile(entry, io.BytesIO(content))


def _json(value: object) -> bytes:
    return json.dumps(value).encode()
