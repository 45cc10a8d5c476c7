"""Kamailio loads it instead of the edge's kemi_main.py: the same routes, each counted and timed.

The edge's own stands beside it as edge_main.py, and makes the routes.
"""

import importlib
import json
import mmap
import os
import struct
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

SLOTS = 64
"""So many different entries can be told apart."""


def mod_init() -> Any:
    """Called by Kamailio once, before it forks its workers; gives the object that holds the routes."""
    with open(os.environ["TRUNKLINE_INSTANCE"], encoding="utf-8") as file:
        settings = json.load(file)
    directory = Path(settings["kamailio_dir"])
    sys.path.insert(0, str(directory))
    edge_main: Any = importlib.import_module("edge_main")
    return Counted(edge_main.mod_init(), directory / "counts")


class Counted:
    """`routes` with each of its methods counted, in a file of each process that others can read meanwhile."""

    def __init__(self, routes: Any, directory: Path) -> None:
        import KSR

        self._ksr = KSR
        self._directory = directory
        self._file: Any = None
        self._pid = 0
        self._places: dict[str, int] = {}
        self.child_init = routes.child_init
        for name in dir(routes):
            if not name.startswith("_") and name != "child_init" and callable(getattr(routes, name)):
                setattr(self, name, self._counting(name, getattr(routes, name)))

    def _counting(self, name: str, method: Callable[..., int]) -> Callable[..., int]:
        def counted(message: Any, *arguments: str) -> int:
            begun = time.thread_time_ns()
            try:
                return method(message, *arguments)
            finally:
                spent = time.thread_time_ns() - begun
                where = self._place(" ".join((name, *(arguments or (self._ksr.pv.get("$rm"),)))))
                calls, nanoseconds = struct.unpack_from("=qq", self._file, where)
                struct.pack_into("=qq", self._file, where, calls + 1, nanoseconds + spent)

        return counted

    def _place(self, name: str) -> int:
        """Where the entry's two numbers stand in this process's file."""
        if self._pid != os.getpid():
            self._pid = os.getpid()
            self._places = {}
            path = self._directory / f"{self._pid}.counts"
            path.write_bytes(bytes(16 * SLOTS))
            with path.open("r+b") as file:
                self._file = mmap.mmap(file.fileno(), 0)
        if name not in self._places:
            self._places[name] = 16 * len(self._places)
            new = self._directory / f"{self._pid}.new"
            new.write_text(json.dumps(list(self._places)), encoding="utf-8")
            new.rename(new.with_suffix(".json"))
        return self._places[name]
