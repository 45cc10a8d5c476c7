"""From a changed row to the part that holds it, and to the revision that edges are to have."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count

from bench.comparison import Bench, Comparison
from bench.sizes import Sizes
from sipedge.table import NumberRow, Section
from sipedge.table.publication import pack_part, part_name
from support.tables import make_site
from trunkline.api import ObjectRef
from trunkline.compiler.delta import Delta, RowChange, RowKey
from trunkline.publication.queue import Queue

EDGES = tuple(f"edge-{number}" for number in range(4))
FIRST = 12_122_000_000
REPEATS = 20


def number(position: int, trunk: str) -> dict[RowKey, RowChange]:
    e164 = f"+{FIRST + position}"
    row = NumberRow(f"acme/n-{position}", "acme", trunk, e164, e164, None)
    return {(Section.NUMBER, e164): RowChange(row, ObjectRef("Number", "acme", f"n-{position}"), "acme")}


@contextmanager
def packing_bench(sizes: Sizes) -> Iterator[Bench]:
    """One changed Number of many, in a table of a few edges; and a part of as many rows, compressed."""
    queue = Queue()
    numbers = {key: each for n in range(sizes.many_numbers) for key, each in number(n, "acme/hq").items()}
    site = {edge: RowChange(make_site(("192.0.2.1",), edge=edge), None, None) for edge in EDGES}
    queue.take(Delta(shared=numbers, own={edge: {(Section.SITE, "site"): site[edge]} for edge in EDGES}))
    queue.advance()
    queue.forget_bytes()
    del numbers
    turns = count()
    sequences = dict.fromkeys(EDGES, 1)

    def changed() -> int:
        return next(turns) * 7 % sizes.many_numbers

    def change() -> float:
        seconds = 0.0
        for _ in range(REPEATS):
            before = dict(queue.advance().parts)
            delta = Delta(shared=number(changed(), f"acme/trunk-{next(turns)}"))
            begun = time.process_time()
            queue.take(delta)
            revision = queue.advance()
            queue.last_row(sequences)
            seconds += time.process_time() - begun
            assert len(before.items() ^ revision.parts.items()) == 2, "one part has another hash"
        return seconds / REPEATS

    def compress() -> float:
        seconds = 0.0
        for _ in range(REPEATS):
            part = part_name(Section.NUMBER, f"+{FIRST + changed()}".encode())
            rows = queue.rows(("", part))
            begun = time.process_time()
            pack_part({Section.NUMBER.value: rows})
            seconds += time.process_time() - begun
        return seconds / REPEATS

    yield Bench(
        {"one row": change, "one part": compress},
        (
            Comparison(
                "packing one change",
                "one row",
                "one part",
                f"from one changed Number of {sizes.many_numbers:,} to a revision / compressing one part",
                2.0,
                "what has not changed is not looked at",
            ),
        ),
    )
