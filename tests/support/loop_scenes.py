"""A loop over a home and a place in memory, and what is declared there."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from sipedge.table import Row, Section
from support.memory_platform import MemoryHome, MemoryPlace, MemorySecrets
from support.objects import make_account, make_edge, make_number, make_origination_uri, make_trunk
from trunkline.api import AnyResource, InvalidObject, Number, ObjectRef, Platform, Resources
from trunkline.compiler import compile_resources
from trunkline.compiler.delta import Surroundings
from trunkline.compiler.running import RunningCompiler
from trunkline.reconcile.loop import Loop

EDGE, OTHER_EDGE = "oslo", "bergen"
NOTHING = Surroundings(Platform(""))
ACCOUNT = make_account("acme", namespaces=["acme", "crowd"], numberPrefixes=["+"], domainNames=["*"])


def objects() -> tuple[AnyResource, ...]:
    edge = make_edge(EDGE, advertise={"type": "Static", "addresses": ["192.0.2.1"]})
    trunk = make_trunk("hq", termination={"domainName": "acme-hq"})
    return edge, ACCOUNT, trunk, make_origination_uri(), number(0)


def number(last: int, generation: int = 1) -> Number:
    return make_number(
        f"main-{last}", generation=generation, number=f"+1415555{last:04}", trunkRef={"name": "hq"}
    )


NUMBER = number(0).ref


@asynccontextmanager
async def running(
    home: MemoryHome,
    secrets: MemorySecrets,
    new_compiler: Callable[[], RunningCompiler] = lambda: RunningCompiler(NOTHING),
) -> AsyncIterator[MemoryPlace]:
    place = MemoryPlace(secrets)
    loop = asyncio.create_task(Loop(home, place, new_compiler).run({}))
    try:
        yield place
    finally:
        loop.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await loop
        assert place.closed
        assert home.closed


def restarted(home: MemoryHome) -> MemoryHome:
    """As the next process finds the objects; statuses stay, as an API server keeps them."""
    again = MemoryHome()
    again.put(*home.objects.values())
    again.statuses = dict(home.statuses)
    return again


def told(home: MemoryHome, ref: ObjectRef, generation: int) -> bool:
    """True if the edge is known to serve this generation of an object."""
    status = home.statuses.get(ref)
    condition = status.condition("Programmed") if status else None
    return condition is not None and (condition.status, condition.observed_generation) == ("True", generation)


def cold_rows(home: MemoryHome) -> dict[tuple[Section, str], Row]:
    """What a compilation of everything gives the edge."""
    resources = Resources.build(
        [each for each in home.objects.values() if not isinstance(each, InvalidObject)], {}, [], home.platform
    )
    table = compile_resources(resources).tables[EDGE]
    return {(section, key): row for section, rows in table.sections.items() for key, row in rows.items()}
