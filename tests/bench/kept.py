"""How many bytes of each object at rest stay in the operator, and would stay in Kopf.

    PYTHONPATH=tests:operator:edge .venv/bin/python -m bench.kept

The growth from 2,000 to 12,000 Numbers, by Python's own account of its memory; it takes a minute. The
compiler's share is not in it.
"""

from __future__ import annotations

import asyncio
import gc
import tracemalloc
from collections.abc import Callable
from typing import Any, Final

from kopf._core.reactor.inventory import ResourceMemories

from controllers.test_memory import at_rest, number
from trunkline.controllers.handlers import NoMemories

FEW: Final = 2_000
MANY: Final = 12_000


def grown(keep: Callable[[int], object]) -> float:
    """Bytes for each object more that `keep` is asked to keep."""
    sizes = []
    for count in (FEW, MANY):
        gc.collect()
        tracemalloc.start()
        kept = keep(count)
        gc.collect()
        sizes.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
        del kept
    return (sizes[1] - sizes[0]) / (MANY - FEW)


def in_kopf(memories: type[ResourceMemories], count: int) -> object:
    """What Kopf keeps after one event for each object."""

    async def recall() -> ResourceMemories:
        kept = memories()
        for n in range(count):
            body: Any = number(n, n, {})
            await kept.recall(body, noticed_by_listing=True)
        return kept

    return asyncio.run(recall())


def main() -> None:
    """Print the figures."""
    print(f"store and book: {grown(at_rest):.0f} bytes a Number")
    print(f"Kopf, by default: {grown(lambda count: in_kopf(ResourceMemories, count)):.0f}")
    print(f"Kopf, as it is used: {grown(lambda count: in_kopf(NoMemories, count)):.0f}")


if __name__ == "__main__":
    main()
