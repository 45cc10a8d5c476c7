"""Kamailio loads it instead of the edge's kemi_main.py: the same routes, their Python instructions counted.

The edge's own stands beside it as edge_main.py, and makes the routes.
"""

import importlib
import json
import os
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

WARM: int = 20
"""Entries of a kind in a process before the one that is counted: by then all is kept that is kept."""
KAMAILIO = "Kamailio"
"""Stands for the file of Kamailio's own functions, of which calls are counted."""
TRACED = ("ksr_request_route", "ksr_failure_call")


def mod_init() -> Any:
    """Called by Kamailio once, before it forks its workers; gives the object that holds the routes."""
    with open(os.environ["TRUNKLINE_INSTANCE"], encoding="utf-8") as file:
        settings = json.load(file)
    directory = Path(settings["kamailio_dir"])
    sys.path.insert(0, str(directory))
    edge_main: Any = importlib.import_module("edge_main")
    routes = edge_main.mod_init()
    for name in TRACED:
        setattr(routes, name, _traced(name, getattr(routes, name), directory / "counts"))
    return routes


def _traced(name: str, method: Callable[..., int], directory: Path) -> Callable[..., int]:
    seen: Counter[str] = Counter()

    def traced(message: Any, *arguments: str) -> int:
        import KSR

        if arguments or KSR.pv.get("$rm") != "INVITE":
            return method(message, *arguments)
        kind = f"{name} {KSR.pv.get('$si')}"
        seen[kind] += 1
        if seen[kind] != WARM:
            return method(message)
        counts: Counter[str] = Counter()

        def each(frame: Any, event: str, argument: object) -> Any:
            frame.f_trace_opcodes, frame.f_trace_lines = True, False
            if event == "opcode":
                code = frame.f_code
                counts[f"{code.co_filename}:{code.co_firstlineno}:{code.co_qualname}"] += 1
            return each

        def called(frame: Any, event: str, argument: Any) -> None:
            if event == "c_call" and str(argument.__module__).startswith("KSR"):
                counts[f"{KAMAILIO}:0:{argument.__module__}.{argument.__name__}"] += 1

        sys.settrace(each)
        sys.setprofile(called)
        try:
            return method(message)
        finally:
            sys.settrace(None)
            sys.setprofile(None)
            path = directory / f"{os.getpid()}.{kind}".replace(" ", ".")
            path.with_suffix(path.suffix + ".new").write_text(json.dumps(counts), encoding="utf-8")
            path.with_suffix(path.suffix + ".new").rename(path.with_suffix(path.suffix + ".json"))

    return traced
