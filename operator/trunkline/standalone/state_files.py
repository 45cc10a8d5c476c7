"""The state directory: where everything lies, and how files get there whole."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class StateError(Exception):
    """The state directory cannot be used. The text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class StateDirectory:
    """The places in one state directory."""

    root: Path

    @property
    def edge_secret(self) -> Path:
        """64 hex digits: digest nonces and dialog tokens of the whole platform."""
        return self.root / "edge.secret"

    @property
    def authority(self) -> Path:
        """Holds ca.crt and ca.key."""
        return self.root / "ca"

    @property
    def dns(self) -> Path:
        return self.root / "dns"

    @property
    def status(self) -> Path:
        """One JSON file per object: `<kind>/<namespace>.<name>.json`."""
        return self.root / "status"

    @property
    def edges(self) -> Path:
        return self.root / "edges"

    @property
    def calls(self) -> Path:
        """Records of calls, a file for each address; they stay when `up` ends."""
        return self.root / "calls"

    def spool(self, edge: str, address: str) -> Path:
        """What the relay of an instance records, until it is a recording; it stays when `up` ends."""
        return self.root / "spool" / edge / address

    @property
    def recordings(self) -> Path:
        """Recordings whose account, and `up`, say nothing of where they go; they stay when `up` ends."""
        return self.root / "recordings"

    @property
    def recordings_destination(self) -> Path:
        """Where the last `up` had them stored, as `sipedge.recording.destination` puts it."""
        return self.root / "recordings.json"

    @property
    def python_path(self) -> Path:
        """Holds a link to the package `sipedge` and nothing else."""
        return self.root / "python"

    @property
    def summary(self) -> Path:
        """Written by the running `up`, removed when it ends."""
        return self.root / "up.json"

    def certificates(self, edge: str) -> Path:
        """Holds the served pair of an edge, from which each instance gets its copy."""
        return self.root / "certificates" / edge

    def published(self, edge: str) -> Path:
        return self.root / "published" / edge

    def instance(self, edge: str, address: str) -> Path:
        return self.edges / edge / address


def default_state_directory(paths: Sequence[str | os.PathLike[str]]) -> Path:
    """`$XDG_STATE_HOME/trunkline/<hash of the absolute paths>`; `~/.local/state` if the variable is unset.

    The same paths give the same directory, so that a restart finds its certificates and sequences again,
    and two different sets of manifests do not meet.
    """
    home = os.environ.get("XDG_STATE_HOME") or os.path.join(os.path.expanduser("~"), ".local", "state")
    absolute = sorted(os.path.realpath(path) for path in paths)
    digest = hashlib.blake2b("\0".join(absolute).encode(), digest_size=6).hexdigest()
    return Path(home) / "trunkline" / digest


def open_state_directory(root: Path) -> StateDirectory:
    """Make the directory (mode 0700) and the secret in it, if they are not there. Raises StateError."""
    root = Path(os.path.abspath(root))
    if any(char in str(root) for char in '"\\\n\r#'):
        raise StateError(f'{root}: a state directory may not contain quotes, backslashes or "#" in its path')
    state = StateDirectory(root)
    try:
        root.mkdir(mode=0o700, parents=True, exist_ok=True)
        root.chmod(0o700)
        for directory in (state.dns, state.status, state.edges, state.authority):
            directory.mkdir(mode=0o700, exist_ok=True)
        if not state.edge_secret.exists():
            write_atomically(state.edge_secret, secrets.token_hex(32).encode() + b"\n")
    except OSError as error:
        raise StateError(f"{root}: cannot be written: {disk_fault(error)}") from error
    return state


class StateLock:
    """Holds the state directory for one `up`; the kernel lets go of it however the process ends."""

    def __init__(self, state: StateDirectory) -> None:
        """Raises StateError if another `up` has the directory."""
        self._descriptor = os.open(state.root / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._descriptor)
            raise StateError(
                f"{state.root}: another `trunkline up` uses this state directory: "
                "stop it, or choose another --state-dir"
            ) from error

    def release(self) -> None:
        """Let the next one in."""
        os.close(self._descriptor)


def write_atomically(path: Path, data: bytes, mode: int = 0o600) -> None:
    """Replace `path` in one step: a reader sees the old bytes or the new ones. Raises OSError."""
    temporary = path.with_name(f".{path.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def write_json(path: Path, value: Any) -> None:
    """Replace `path` by `value` as JSON. Raises OSError."""
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    # Halves of characters may stand in names of objects that are refused.
    write_atomically(path, text.encode("utf-8", "surrogatepass"))


def read_json(path: Path) -> Any:
    """The JSON in `path`, or None if it is not there or is none."""
    try:
        return json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None


def disk_fault(error: OSError) -> str:
    """What is wrong, and the mend, in words."""
    mends = {
        errno.ENOSPC: "the disk is full: free some space",
        errno.EDQUOT: "the disk quota is used up: free some space",
        errno.EROFS: "the file system is read-only: choose another --state-dir",
        errno.EACCES: "no permission: choose another --state-dir or change its owner",
    }
    return mends.get(error.errno or 0, error.strerror or str(error))
