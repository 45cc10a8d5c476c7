"""The count of instructions finds the entry of a call, Python's functions in it and calls of Kamailio."""

from __future__ import annotations

from bench.instructions import count, shown
from bench.traced_main import KAMAILIO


def test_the_entry_of_an_invite_is_counted_by_functions() -> None:
    counts = count("plain", "termination")["ksr_request_route"]
    functions = {place.rpartition(":")[2]: number for place, number in counts.items()}
    assert functions["route"] > 0
    assert functions["start_call"] > 0
    assert counts[f"{KAMAILIO}:0:KSR.tm.t_newtran"] == 1
    assert shown(counts).endswith("calls of Kamailio")
