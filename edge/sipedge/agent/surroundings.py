"""What an agent has around it beside its Kamailio: the supervisor's directory, or a pod."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, Protocol

from sipedge.agent.acknowledge import Acknowledgement, AcknowledgementFile
from sipedge.agent.faults import Faults
from sipedge.instance import InstanceSettings
from sipedge.table.rows import Section
from sipedge.tallies.book import Neighbour
from sipedge.tallies.records import neighbour_of

STALE_SECONDS: Final = 15.0
"""A file that its agent has not renewed for so long is of one that is gone: it does so every five."""
RowsOf = Callable[[Section], list[tuple[bytes, bytes]]]
"""The packed rows of a section of the table in use."""
RecordedText = Callable[[str], str | None]
"""`recorded_text` of what is counted, at the time of a record; None = nothing can be said yet."""


class Surroundings(Protocol):
    """What differs between the places where an agent runs."""

    @property
    def faults(self) -> Faults:
        """Where every part of the agent says what is wrong."""

    @property
    def pod_name(self) -> str | None:
        """The pod that the agent runs in; None outside of a cluster."""

    @property
    def stir_directory(self) -> Path | None:
        """Holds what calls are signed with (`STIR_KEYS`), as far as it is there; None = they never are."""

    async def run(self) -> None:
        """What is done here beside the agent's own work, without end."""

    def committed(self, sections: frozenset[Section], rows: RowsOf) -> None:
        """Rows of `sections` may have changed."""

    def lag(self, taken: int | None) -> str | None:
        """Why an edge that has taken revision `taken` should get no calls; None if it may."""

    def acknowledge(self, acknowledgement: Acknowledgement) -> None:
        """Tell the control plane."""

    async def say_goodbye(self) -> None:
        """Return when the control plane knows the last acknowledgement, or cannot be told."""

    @property
    def tallies_port(self) -> int:
        """The UDP port where other instances are heard; 0 = any."""

    @property
    def look_seconds(self) -> float:
        """How often `neighbours` is worth asking."""

    async def neighbours(self) -> tuple[Neighbour, ...] | None:
        """All instances that are alive, this one maybe among them; None while that is not known."""

    def record_tallies(self, text_at: RecordedText) -> None:
        """Have each renewed acknowledgement say what is counted as well."""


class SupervisedSurroundings:
    """Of standalone mode: the supervisor has made everything, and reads one file."""

    pod_name: str | None = None
    tallies_port = 0
    look_seconds = 2.0

    def __init__(self, settings: InstanceSettings, stir_directory: Path | None = None) -> None:
        self.faults, self.name = Faults(), settings.address
        self.stir_directory = stir_directory
        self._file = AcknowledgementFile(settings.acknowledgement_file)
        self._instances = settings.instances

    async def run(self) -> None:
        """There is nothing to do."""

    def committed(self, sections: frozenset[Section], rows: RowsOf) -> None:
        """The supervisor knows the table better."""

    def lag(self, taken: int | None) -> str | None:
        """The supervisor compares revisions itself."""
        return None

    def acknowledge(self, acknowledgement: Acknowledgement) -> None:
        self._file.write(acknowledgement)

    async def say_goodbye(self) -> None:
        """A file is written at once."""

    async def neighbours(self) -> tuple[Neighbour, ...] | None:
        return await asyncio.to_thread(self._read_neighbours)

    def record_tallies(self, text_at: RecordedText) -> None:
        self._file.tallies = text_at

    def _read_neighbours(self) -> tuple[Neighbour, ...]:
        files = () if self._instances is None else self._instances.glob("*/*/agent.json")
        found = (_neighbour(path) for path in files)
        return tuple(each for each in found if each is not None)


def _neighbour(path: Path) -> Neighbour | None:
    try:
        age = time.time() - path.stat().st_mtime
        said: Any = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if age > STALE_SECONDS or not isinstance(said, dict):
        return None
    edge, name, text, renewed = (said.get(key) for key in ("edge", "address", "tallies", "checkedAt"))
    if not isinstance(edge, str) or not isinstance(name, str):
        return None
    return neighbour_of(edge, name, text if isinstance(text, str) else "", str(renewed))
