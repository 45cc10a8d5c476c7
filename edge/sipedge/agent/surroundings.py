"""What an agent has around it beside its Kamailio: the supervisor's directory, or a pod."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from sipedge.agent.acknowledge import Acknowledgement, AcknowledgementFile
from sipedge.agent.faults import Faults
from sipedge.table.rows import Section

RowsOf = Callable[[Section], list[tuple[bytes, bytes]]]
"""The packed rows of a section of the table in use."""


class Surroundings(Protocol):
    """What differs between the places where an agent runs."""

    @property
    def faults(self) -> Faults:
        """Where every part of the agent says what is wrong."""

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


class SupervisedSurroundings:
    """Of standalone mode: the supervisor has made everything, and reads one file."""

    def __init__(self, acknowledgement_file: Path) -> None:
        self.faults = Faults()
        self._file = AcknowledgementFile(acknowledgement_file)

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
