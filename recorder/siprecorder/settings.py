"""What the recorder is started with.

python -m siprecorder --spool DIRECTORY... [--recordings-url URL ...]
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sipedge.recording.destination import Destination
from sipedge.secret import Secret

ACCESS_KEY_ID_FILE: Final = "accessKeyId"
SECRET_ACCESS_KEY_FILE: Final = "secretAccessKey"  # noqa: S105 - the name of a file
"""In the directory of credentials, as in the Secrets that accounts name."""


_TIMES: Final = ("look", "absent", "quiet", "orphan", "retry", "end")


@dataclass(frozen=True, slots=True)
class Settings:
    """Of one recorder. Seconds are those of settings that tests shorten."""

    spools: tuple[str, ...]
    """Paths of spools, or patterns such as `/run/*/spool`: what fits is looked for again and again."""
    default: Destination | None = None
    """Where recordings go whose account has no destination of its own; None = they wait."""
    look_seconds: float = 1.0
    absent_seconds: float = 60.0
    """A job whose packets are nowhere is given up after so long."""
    quiet_seconds: float = 3600.0
    """A file of a call that is over is complete when nothing was added for so long, whoever wrote it."""
    orphan_seconds: float = 90_000.0
    """A complete file of which no job tells is made a recording by itself: longer than any call."""
    retry_seconds: float = 60.0
    """The longest wait between two attempts to store."""
    end_seconds: float = 10.0
    """How long it goes on when it is asked to end, if anything waits."""


def settings_of(arguments: Sequence[str]) -> Settings:
    """The settings of a command line. Raises OSError for credentials that cannot be read, SystemExit."""
    parser = argparse.ArgumentParser(prog="siprecorder", description=__doc__)
    parser.add_argument("--spool", action="append", required=True, help="a spool, or a pattern of them")
    parser.add_argument("--recordings-url", help="file:///path or s3://bucket/prefix")
    parser.add_argument("--endpoint", help="of a bucket: https://host")
    parser.add_argument("--region", help="of a bucket")
    parser.add_argument("--credentials", type=Path, help="a directory with accessKeyId and secretAccessKey")
    parser.add_argument("--retention-days", type=int, help="delete what is older")
    for name in _TIMES:
        default = Settings.__dataclass_fields__[f"{name}_seconds"].default
        parser.add_argument(f"--{name}-seconds", type=float, default=default, help=argparse.SUPPRESS)
    said = parser.parse_args(arguments)
    return Settings(
        spools=tuple(said.spool),
        default=_default(said),
        **{f"{name}_seconds": getattr(said, f"{name}_seconds") for name in _TIMES},
    )


def _default(said: argparse.Namespace) -> Destination | None:
    if said.recordings_url is None:
        return None
    key_id, key = None, None
    if said.credentials is not None:
        key_id = (said.credentials / ACCESS_KEY_ID_FILE).read_text("utf-8").strip()
        key = Secret((said.credentials / SECRET_ACCESS_KEY_FILE).read_text("utf-8").strip())
    return Destination(said.recordings_url, said.endpoint, said.region, key_id, key, said.retention_days)
