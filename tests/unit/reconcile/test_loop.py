"""The one loop, over a home and a place in memory, on a clock that jumps."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from itertools import pairwise

import pytest

from sipedge.table import Section
from support.loop_scenes import (
    EDGE,
    NOTHING,
    NUMBER,
    OTHER_EDGE,
    cold_rows,
    number,
    objects,
    restarted,
    running,
    told,
)
from support.memory_platform import MemoryHome, MemoryPlace, MemorySecrets
from support.objects import make_edge, make_number, make_trunk
from support.virtual_time import run_virtually
from trunkline.api import Number, ObjectRef
from trunkline.compiler.running import RunningCompiler
from trunkline.reconcile.loop import Loop
from trunkline.reconcile.place import OvertakenError
from trunkline.reconcile.reporter import Identities


def test_what_is_declared_is_published_at_once_and_programmed_when_it_is_acknowledged() -> None:
    async def scene() -> None:
        home, secrets = MemoryHome(), MemorySecrets()
        home.put(*objects())
        async with running(home, secrets) as place:
            await asyncio.sleep(0.06)
            assert len(list(secrets.heads())) == 1
            assert not told(home, NUMBER, 1)
            await asyncio.sleep(0.2)
            assert home.condition(NUMBER, "Ready").status == "True"
            assert place.applied == [[EDGE]]

    run_virtually(scene())


def test_a_storm_of_edits_is_published_ten_times_a_second_and_its_end_is_served() -> None:
    async def scene() -> None:
        home, secrets = MemoryHome(), MemorySecrets()
        home.put(*objects())
        async with running(home, secrets):
            await asyncio.sleep(1)
            secrets.writes.clear()
            began = asyncio.get_running_loop().time()
            for step in range(1000):
                home.put(number(step % 7, 2 + step // 7))
                home.put(make_trunk("hq", generation=2 + step, termination={"domainName": f"hq-{step}"}))
                await asyncio.sleep(0.002)
            await asyncio.sleep(1)
            moments = list(secrets.heads())
            assert moments[0] - began < 0.05
            assert all(later - earlier >= 0.1 for earlier, later in pairwise(moments))
            assert (Section.DOMAIN, "hq-999") in secrets.rows(EDGE)
            assert home.condition(ObjectRef("Trunk", "acme", "hq"), "Programmed").observed_generation == 1001

    run_virtually(scene())


def test_a_restart_with_nothing_changed_writes_nothing() -> None:
    async def scene() -> None:
        home, secrets = MemoryHome(), MemorySecrets()
        home.put(*objects())
        async with running(home, secrets):
            await asyncio.sleep(1)
        writes, statuses = len(secrets.writes), dict(home.statuses)
        home = restarted(home)
        async with running(home, secrets):
            await asyncio.sleep(600)
        assert len(secrets.writes) == writes
        assert home.statuses == statuses

    run_virtually(scene())


@pytest.mark.parametrize("moment", [step * 0.004 for step in range(40)])
def test_killed_at_any_moment_the_end_is_that_of_an_unbroken_run(moment: float) -> None:
    async def scene() -> None:
        home, secrets = MemoryHome(), MemorySecrets()
        home.put(*objects(), make_edge(OTHER_EDGE, advertise={"type": "Static", "addresses": ["192.0.2.2"]}))
        async with running(home, secrets):
            await asyncio.sleep(moment)
        home = restarted(home)
        async with running(home, secrets):
            await asyncio.sleep(1)
        assert secrets.rows(EDGE).keys() == secrets.rows(OTHER_EDGE).keys()
        assert home.condition(NUMBER, "Ready").status == "True"

    run_virtually(scene())


def test_overtaken_it_ends_and_overwrites_nothing() -> None:
    async def scene() -> None:
        home, secrets = MemoryHome(), MemorySecrets()
        home.put(*objects())
        first = MemoryPlace(secrets)
        loop = asyncio.create_task(Loop(home, first, lambda: RunningCompiler(NOTHING)).run({}))
        await asyncio.sleep(1)
        home.permitted.clear()
        first.freeze()
        other = restarted(home)
        async with running(other, secrets):
            other.put(number(1))
            await asyncio.sleep(1)
            newer = secrets.revision(EDGE)
            home.put(number(2))
            await asyncio.sleep(1)
            assert secrets.revision(EDGE) == newer
            home.permitted.set()
            with pytest.raises(ExceptionGroup) as ended:
                await loop
            assert ended.group_contains(OvertakenError)
            assert secrets.revision(EDGE) == newer
            assert first.closed

    run_virtually(scene())


def test_a_new_term_publishes_nothing_before_it_has_looked() -> None:
    """What it knew when it lost the Lease is older than what another has published since."""

    async def scene() -> None:
        home, secrets = MemoryHome(), MemorySecrets()
        home.put(*objects())
        place = MemoryPlace(secrets)
        loop = Loop(home, place, lambda: RunningCompiler(NOTHING))
        await one_term(loop, 1)
        other = restarted(home)
        other.put(number(1))
        async with running(other, secrets):
            await asyncio.sleep(1)
        newer, home.whole = secrets.taken[EDGE], False
        home.put(number(1))
        await one_term(loop, 600)
        assert secrets.taken[EDGE] is newer
        home.whole = True
        home.put(number(2))
        await one_term(loop, 1)
        assert secrets.rows(EDGE) == cold_rows(home)
        assert home.condition(number(2).ref, "Ready").status == "True"

    run_virtually(scene())


@pytest.mark.parametrize("moment", [step * 0.003 for step in range(50)])
def test_a_term_that_ends_at_any_moment_loses_no_change(moment: float) -> None:
    """Also while a thread compiles: what it came to is taken in."""

    async def scene() -> None:
        home, secrets = MemoryHome(), MemorySecrets()
        home.put(*objects())
        loop = Loop(home, MemoryPlace(secrets), lambda: RunningCompiler(NOTHING))
        await one_term(loop, moment)
        home.put(number(1))
        await one_term(loop, moment)
        home.remove(number(1).ref)
        home.put(number(2))
        await one_term(loop, 1)
        assert secrets.rows(EDGE) == cold_rows(home)
        assert all(told(home, ref, 1) for ref in home.objects)

    run_virtually(scene())


async def one_term(loop: Loop[Identities], seconds: float) -> None:
    """Run it for so long."""
    term = asyncio.create_task(loop.run({}))
    await asyncio.sleep(seconds)
    term.cancel()
    await asyncio.gather(term, return_exceptions=True)


def test_while_what_is_seen_is_not_the_whole_all_stays_as_it_is() -> None:
    async def scene() -> None:
        home, secrets = MemoryHome(), MemorySecrets()
        home.put(*objects())
        async with running(home, secrets) as place:
            await asyncio.sleep(1)
            writes, home.whole = len(secrets.writes), False
            for ref in list(home.objects):
                home.remove(ref)
            await asyncio.sleep(600)
            assert (len(secrets.writes), place.applied) == (writes, [[EDGE]])
            home.whole = True
            home.put(*objects())
            await asyncio.sleep(1)
            assert (len(secrets.writes), place.applied) == (writes, [[EDGE]])

    run_virtually(scene())


def test_before_anything_was_compiled_nothing_is_published() -> None:
    """An empty plan would remove every table."""

    async def scene() -> None:
        home, secrets = MemoryHome(), MemorySecrets()
        home.whole = False
        home.put(*objects())
        async with running(home, secrets) as place:
            await asyncio.sleep(600)
            assert (secrets.writes, place.applied) == ([], [])

    run_virtually(scene())


def test_idle_it_looks_about_once_in_a_minute_and_writes_nothing() -> None:
    async def scene() -> None:
        home, secrets = MemoryHome(), MemorySecrets()
        home.put(*objects())
        async with running(home, secrets):
            await asyncio.sleep(1)
            turns, writes = len(home.turns), len(secrets.writes)
            await asyncio.sleep(3600)
            assert 50 <= len(home.turns) - turns <= 130
            assert len(secrets.writes) == writes

    run_virtually(scene())


def test_while_one_namespace_has_many_changes_waiting_anothers_is_in_the_next_publications() -> None:
    async def scene() -> None:
        home, secrets = MemoryHome(), MemorySecrets()
        home.put(*objects(), *crowd(1))
        async with running(home, secrets):
            await asyncio.sleep(30)
            home.put(*crowd(2))
            await asyncio.sleep(0.5)
            heads = len(list(secrets.heads()))
            home.put(number(1))
            await asyncio.sleep(0.35)  # two publications, and the agent's time
            assert len(list(secrets.heads())) - heads <= 3
            assert (Section.NUMBER, "+14155550001") in secrets.rows(EDGE)
            waited = [ref for ref in home.objects if ref.namespace == "crowd" and not told(home, ref, 2)]
            assert len(waited) > 100
            await asyncio.sleep(60)
            assert all(told(home, ref, 2) for ref in home.objects if ref.namespace == "crowd")

    run_virtually(scene())


def crowd(generation: int) -> Iterator[Number]:
    """A thousand Numbers of one namespace, which lie in every part; rows of another generation are others."""
    for digits in range(1000):
        yield make_number(
            f"n-{digits}", "crowd", number=f"+1212555{digits:04}", generation=generation,
            callerName=f"Crowd {generation}",
        )  # fmt: skip
