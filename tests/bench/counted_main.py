"""Loaded by Kamailio instead of the edge's kemi_main.py: the same routes, each counted and timed. Bench only."""

import json
import mmap
import os
import struct
import sys
import time
from pathlib import Path


def mod_init():
    """Called by Kamailio once, before it forks its workers; gives the object that holds the routes."""
    with open(os.environ["TRUNKLINE_INSTANCE"], encoding="utf-8") as file:
        settings = json.load(file)
    sys.path.insert(0, settings["python_path"])
    from sipedge.kemi.routes import Routes

    return Counted(Routes(), Path(settings["kamailio_dir"], "counts"))


class Counted:
    """`routes` with each of its methods counted, in a file of each process that others can read meanwhile."""

    def __init__(self, routes, directory):
        self._directory = directory
        self._file = None
        self._pid = 0
        self._names = [
            name
            for name in dir(routes)
            if not name.startswith("_") and name != "child_init" and callable(getattr(routes, name))
        ]
        self.child_init = routes.child_init
        for position, name in enumerate(self._names):
            setattr(self, name, self._counting(position, getattr(routes, name)))

    def _counting(self, position, method):
        where = 16 * position

        def counted(*arguments):
            begun = time.thread_time_ns()
            try:
                return method(*arguments)
            finally:
                spent = time.thread_time_ns() - begun
                file = self._own_file()
                calls, nanoseconds = struct.unpack_from("=qq", file, where)
                struct.pack_into("=qq", file, where, calls + 1, nanoseconds + spent)

        return counted

    def _own_file(self):
        if self._pid != os.getpid():
            self._pid = os.getpid()
            path = self._directory / f"{self._pid}.counts"
            path.write_bytes(bytes(16 * len(self._names)))
            with path.open("r+b") as file:
                self._file = mmap.mmap(file.fileno(), 0)
            path.with_suffix(".json").write_text(json.dumps(self._names), encoding="ascii")
        return self._file
