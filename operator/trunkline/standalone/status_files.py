"""Statuses under the state directory: one JSON file per object, `status/<kind>/<namespace>.<name>.json`.

An object whose name is none has a digest in place of it; the file says whose status it is.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from trunkline.api import API_VERSION, ObjectRef
from trunkline.standalone.generations import Generation
from trunkline.standalone.state_files import read_json, write_json
from trunkline.status.report import Status, status_from

_NAME: Final = re.compile(r"[a-z0-9]([a-z0-9.-]{0,238}[a-z0-9])?", re.ASCII)
"""What may be a file's name, and with `.json` and the marks of a temporary file is not too long for one."""
CONTENT_ANNOTATION = "trunkline.dev/content"


@dataclass(frozen=True, slots=True)
class FileStatus:
    """The status of one object, as it lies on disk."""

    ref: ObjectRef
    generation: Generation
    status: Status


def write_status(directory: Path, stored: FileStatus) -> None:
    """Replace the object's file. Raises OSError."""
    path = _path(directory, stored.ref)
    path.parent.mkdir(mode=0o700, exist_ok=True)
    write_json(path, _fields(stored))


def remove_status(directory: Path, ref: ObjectRef) -> None:
    """The object is gone, and its status with it. Raises OSError."""
    _path(directory, ref).unlink(missing_ok=True)


def read_statuses(directory: Path) -> Iterator[FileStatus]:
    """Every status on disk, sorted by path; a file that is none is left out."""
    for path in sorted(directory.glob("*/*.json")):
        try:
            yield _stored(read_json(path))
        except (KeyError, TypeError, ValueError, AttributeError):
            continue


def _path(directory: Path, ref: ObjectRef) -> Path:
    # A namespace is one DNS label, so the first dot ends it.
    name = ref.name if ref.namespace is None else f"{ref.namespace}.{ref.name}"
    if _NAME.fullmatch(name) is None:
        # An object that is refused may be called anything: a path, half a character, a megabyte.
        name = f"~{hashlib.blake2b(name.encode('utf-8', 'surrogatepass'), digest_size=16).hexdigest()}"
    return directory / ref.kind.lower() / f"{name}.json"


def _fields(stored: FileStatus) -> Mapping[str, Any]:
    namespace = {} if stored.ref.namespace is None else {"namespace": stored.ref.namespace}
    return {
        "apiVersion": API_VERSION,
        "kind": stored.ref.kind,
        "metadata": {
            "name": stored.ref.name,
            **namespace,
            "generation": stored.generation.number,
            "annotations": {CONTENT_ANNOTATION: stored.generation.content},
        },
        "status": stored.status.to_dict(),
    }


def _stored(fields: Any) -> FileStatus:
    metadata = fields["metadata"]
    return FileStatus(
        ObjectRef(str(fields["kind"]), metadata.get("namespace"), str(metadata["name"])),
        Generation(int(metadata["generation"]), str(metadata["annotations"][CONTENT_ANNOTATION])),
        status_from(fields["status"]),
    )
