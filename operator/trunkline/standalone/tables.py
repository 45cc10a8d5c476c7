"""The tables of all edges, published and counted."""

from __future__ import annotations

import shutil
from collections.abc import Mapping

from sipedge.table import EdgeTable
from trunkline.standalone.publish import Publisher
from trunkline.standalone.state import acknowledged_sequence
from trunkline.standalone.state_files import StateDirectory, disk_fault


class Tables:
    """One publisher for each edge."""

    def __init__(self, state: StateDirectory) -> None:
        self._state = state
        self._publishers: dict[str, Publisher] = {}
        self.faults: dict[str, str] = {}
        """Edge to why its newest table is not published. The last one stays in force."""

    def publish(self, tables: Mapping[str, EdgeTable]) -> bool:
        """Make `tables` the published ones; True if anything was written. An edge's fault is noted."""
        written = False
        self.faults = {}
        for name, table in tables.items():
            if name not in self._publishers:
                acknowledged = acknowledged_sequence(self._state, name)
                self._publishers[name] = Publisher(name, self._state.published(name), acknowledged)
            try:
                written |= self._publishers[name].publish(table).parts_written > 0
            except OSError as error:
                self.faults[name] = disk_fault(error)
        for name in self._publishers.keys() - tables.keys():
            del self._publishers[name]
            shutil.rmtree(self._state.published(name), ignore_errors=True)
        return written

    @property
    def sequences(self) -> Mapping[str, int]:
        """Edge to the sequence that contains the newest table, published or still to be."""
        return {
            name: publisher.next_sequence if name in self.faults else publisher.sequence
            for name, publisher in self._publishers.items()
        }

    def remove_strangers(self) -> None:
        """Remove what edges that are gone left on disk: their tables hold hashes of passwords."""
        for directory in (
            self._state.root / "published",
            self._state.edges,
            self._state.root / "certificates",
        ):
            for entry in directory.iterdir() if directory.is_dir() else ():
                if entry.name not in self._publishers:
                    shutil.rmtree(entry, ignore_errors=True)
