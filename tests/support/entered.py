"""An edge that says each time Python is entered: its code as everywhere, told by the file that loads it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from support.edge import ROOT, Edge, running_edge

MAIN = """
import importlib
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))


class Telling:
    def __init__(self, routes):
        import KSR

        self.child_init = routes.child_init
        for name in dir(routes):
            if name.startswith("ksr_"):
                setattr(self, name, self._telling(KSR, name, getattr(routes, name)))

    def _telling(self, kamailio, name, method):
        def telling(message, *arguments):
            if name != "ksr_empty_events":
                kamailio.notice(f"entered {name} {kamailio.pv.get('$rm')} {kamailio.pv.get('$ci')}\\n")
            return method(message, *arguments)

        return telling


def mod_init():
    return Telling(importlib.import_module("edge_main").mod_init())
"""

LEAVES = "branch_route[ksr_branch_call] {"
MARKS = """
    if ($hdr(X-Test-Mark) != $null) $dlg_var(mark) = $hdr(X-Test-Mark);
"""
"""Before the INVITE leaves: once it has, another worker may have its answers at any time."""


@contextmanager
def telling_edge(
    address: str, directory: Path, *, python_carries_all: bool = False, **changes: Any
) -> Iterator[Edge]:
    """A running edge; `entries` tells what it enters Python for: with `python_carries_all` all there is."""
    loaded = directory / "kamailio"
    loaded.mkdir()
    own = ROOT / "edge" / "kamailio"
    define = "#!define PYTHON_CARRIES_ALL\n" if python_carries_all else ""
    routes = (own / "kamailio.cfg").read_text()
    assert routes.count(LEAVES) == 1
    (loaded / "kamailio.cfg").write_text(define + routes.replace(LEAVES, LEAVES + MARKS))
    for name in ("carried.cfg", "brakes.cfg", "probes.cfg", "registrations.cfg"):
        (loaded / name).symlink_to(own / name)
    (loaded / "edge_main.py").symlink_to(own / "kemi_main.py")
    (loaded / "kemi_main.py").write_text(MAIN)
    with running_edge(None, address, directory, kamailio_dir=loaded, **changes) as edge:
        yield edge


def entries(edge: Edge, call_id: str, since: int = 0) -> list[str]:
    """`<entry point> <method>` of each entry for this call, in order."""
    found = []
    for line in edge.log()[since:].splitlines():
        _, entered, rest = line.partition("entered ")
        if entered and rest.rstrip('"}').endswith(call_id):
            found.append(" ".join(rest.split()[:2]))
    return found
