"""What the operator keeps of an object at rest: neither its spec nor its status."""

from __future__ import annotations

import gc
import json
import tracemalloc
from typing import Any, Final

from trunkline.compiler import ConditionReason, ConditionType, Verdict
from trunkline.controllers.store import Store
from trunkline.status.book import Judged, StatusBook
from trunkline.status.programmed import AddressReport, EdgeReport

BOUND_BYTES: Final = 1000
"""Of each Number in the store and in the book; half of what the operator may use in all."""
FEW, MANY = 300, 1300


def number(n: int, version: int, status: Any) -> dict[str, Any]:
    """As a watch tells it: no text is shared with another object."""
    metadata = {
        "name": f"number-{n}",
        "namespace": f"tenant-{n % 20}",
        "uid": f"0b4c0ba0-5a8f-4f0c-9d39-{n:012}",
        "generation": 1,
        "resourceVersion": str(version),
    }
    spec = {"number": f"+1415{n:07}", "trunkRef": {"name": "hq"}}
    manifest = {"kind": "Number", "metadata": metadata, "spec": spec, "status": status}
    found: dict[str, Any] = json.loads(json.dumps(manifest))
    return found


def at_rest(count: int) -> tuple[Store, StatusBook]:
    store, book = Store(), StatusBook()
    for n in range(count):
        store.note("ADDED", number(n, n + 1, {}))
    store.take_contents()
    seen, _ = store.take_changed()
    book.see(seen)
    book.hear((EdgeReport("ashburn", (AddressReport("192.0.2.1", True, 7),)),))
    fine = ConditionType.ACCEPTED, True, ConditionReason.ACCEPTED, "accepted"
    verdicts = {each.ref: (Verdict(each.ref, 1, *fine),) for each in seen}
    book.judge(Judged({each.ref: each.identity for each in seen}, verdicts, {}, {"ashburn": 7}), 0)
    while book.next_look() is not None:
        for due in book.due(0, "2026-01-01T00:00:00Z"):
            status = due.status.to_dict()
            n = int(due.seen.ref.name.removeprefix("number-"))
            store.note("MODIFIED", number(n, count + n + 1, status))
            book.see(store.take_changed()[0])
            book.wrote(due, status, 0)
    return store, book


def test_an_object_at_rest_is_small() -> None:
    sizes = []
    for count in (FEW, MANY):
        gc.collect()
        tracemalloc.start()
        kept = at_rest(count)
        gc.collect()
        sizes.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
        del kept
    assert (sizes[1] - sizes[0]) / (MANY - FEW) <= BOUND_BYTES
