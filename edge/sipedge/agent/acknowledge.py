"""Says what this instance serves, in a file that is replaced whole: agent.json."""

from __future__ import annotations

import json
import logging
import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from sipedge.table.rows import OLDEST_SCHEMA, SCHEMA

log = logging.getLogger(__name__)

HEARTBEAT_SECONDS: Final = 5.0


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What an instance says of itself."""

    edge: str
    address: str
    revision: int | None
    """The revision in LMDB; None while there is none."""
    ready: bool
    """Kamailio answered the last probe from exactly that revision, and is not draining."""
    error: str | None
    """All that is wrong now, in words."""
    notice: str | None
    """What had to be mended since the agent started."""
    recordings: str | None = None
    """A JSON object, account to why its recordings wait; None if none does."""
    relay_silent_since: float | None = None
    """Since when the media relay does not answer though it runs, in Unix time; None = it does, or is gone."""
    registrations: tuple[tuple[str, str], ...] = ()
    """Each carrier that it registers with, and why it is not registered; "" = it is."""
    minutes_reached: tuple[tuple[str, int], ...] = ()
    """Accounts that have used much of today's minutes, and how many percent at least."""


class AcknowledgementFile:
    """Writes when something changed, and every five seconds, so that a reader can tell a dead agent."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._written: Acknowledgement | None = None
        self._written_at = 0.0
        self.tallies: Callable[[str], str | None] = lambda renewed: None
        """What is counted, to be written as well."""

    def write(self, acknowledgement: Acknowledgement) -> None:
        """Make the file say `acknowledgement`. A full disk is logged once; the old file stays whole."""
        now = time.monotonic()
        if acknowledgement == self._written and now - self._written_at < HEARTBEAT_SECONDS:
            return
        fields: dict[str, Any] = asdict(acknowledgement)
        fields["schemas"] = list(range(OLDEST_SCHEMA, SCHEMA + 1))
        renewed = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        fields.update(checkedAt=renewed, tallies=self.tallies(renewed))
        temporary = self._path.with_name(f".{self._path.name}.new")
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump(fields, file)
                file.write("\n")
            temporary.replace(self._path)
        except OSError as error:
            if acknowledgement != self._written:
                log.error("%s cannot be written: %s; it is tried again", self._path, error)
        self._written, self._written_at = acknowledgement, now
