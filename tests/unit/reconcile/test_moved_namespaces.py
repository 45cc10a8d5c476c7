"""A namespace passes from one Account to another: nothing of its objects changes, and no verdict does."""

from __future__ import annotations

import asyncio

from sipedge.table import Section
from support.memory_platform import MemoryHome, MemoryPlace, MemorySecrets
from support.objects import make_account, make_edge, make_number, make_trunk
from support.virtual_time import run_virtually
from trunkline.api import Account, Platform
from trunkline.compiler.delta import Surroundings
from trunkline.compiler.running import RunningCompiler
from trunkline.reconcile.loop import Loop

NUMBER = make_number("main", number="+14155550000", trunkRef={"name": "hq"})


def account(name: str, generation: int, *namespaces: str) -> Account:
    return make_account(
        name,
        generation=generation,
        namespaces=list(namespaces),
        numberPrefixes=["+"],
        domainNames=["*"],
        edges=["away" if name == "old" else "oslo"],
    )


def test_its_objects_wait_for_the_edges_of_their_new_account() -> None:
    async def scene() -> None:
        home, secrets = MemoryHome(), MemorySecrets()
        edge = make_edge("oslo", advertise={"type": "Static", "addresses": ["192.0.2.1"]})
        home.put(edge, account("old", 1, "acme"), account("new", 1), make_trunk("hq"), NUMBER)
        nothing = Surroundings(Platform(""))
        loop = asyncio.create_task(Loop(home, MemoryPlace(secrets), lambda: RunningCompiler(nothing)).run({}))
        await asyncio.sleep(5)
        assert home.condition(NUMBER.ref, "Programmed").status == "False"
        home.put(account("old", 2), account("new", 2, "acme"))
        await asyncio.sleep(5)
        assert (Section.NUMBER, "+14155550000") in secrets.rows("oslo")
        assert home.condition(NUMBER.ref, "Programmed").status == "True"
        loop.cancel()
        await asyncio.gather(loop, return_exceptions=True)

    run_virtually(scene())
