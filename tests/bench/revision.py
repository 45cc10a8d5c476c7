"""The agent takes a revision from files into LMDB: one changed part of many, or a whole table."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory

from bench.comparison import Bench, Comparison
from bench.decision import e164_numbers, table_of
from bench.sizes import Sizes
from sipedge.agent.faults import Faults
from sipedge.agent.keeper import TableKeeper
from sipedge.agent.source import DirectorySource
from sipedge.table import EdgeTable, NumberRow, Section
from support.agents import Publisher


@contextmanager
def revision_bench(sizes: Sizes) -> Iterator[Bench]:
    """An agent that has the revision before, and one that has nothing."""
    with TemporaryDirectory(prefix="bench-") as temporary:
        directory = Path(temporary)
        numbers = e164_numbers(sizes.many_objects)
        tables = [table_of(numbers, sizes.few_prefixes)]
        tables.append(with_held(tables[0], numbers[0]))
        publisher = Publisher(directory / "published", tables[0].edge)
        publisher.publish(tables[0])
        turns = count()
        kept = keeper(directory / "kept", publisher)
        kept.step()

        def one_part() -> float:
            publisher.publish(tables[next(turns) % 2 - 1])
            return taking(kept, publisher)

        def whole() -> float:
            return taking(keeper(directory / f"whole-{next(turns)}", publisher), publisher)

        yield Bench(
            {"one part": one_part, "whole": whole},
            (
                Comparison(
                    "the agent's work",
                    "one part",
                    "whole",
                    f"a revision with one changed part / a whole table of {sizes.many_objects:,} numbers",
                    0.1,
                    "only parts whose hash differs are read and compared",
                ),
            ),
            rounds_for_one=2,
        )


def with_held(table: EdgeTable, number: str) -> EdgeTable:
    """The same table, but one number is routed to no trunk."""
    numbers = dict(table.sections[Section.NUMBER])
    row = numbers[number]
    assert isinstance(row, NumberRow)
    numbers[number] = replace(row, trunk=None)
    return EdgeTable(table.edge, {**table.sections, Section.NUMBER: numbers})


def keeper(directory: Path, publisher: Publisher) -> TableKeeper:
    source = DirectorySource(publisher.directory, publisher.edge)
    return TableKeeper(directory, publisher.edge, source, Faults(), lambda _: None)


def taking(agent: TableKeeper, publisher: Publisher) -> float:
    """CPU seconds of taking what is published; it must be in LMDB afterwards, row for row."""
    begun = time.process_time()
    agent.step()
    seconds = time.process_time() - begun
    sequence, rows = publisher.published[-1]
    assert agent.sequence == sequence
    assert dict(agent.rows(Section.NUMBER)) == dict(rows[Section.NUMBER])
    return seconds
