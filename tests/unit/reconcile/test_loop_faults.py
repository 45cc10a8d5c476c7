"""The one loop while something fails, in memory: nothing is lost, nothing untrue is told."""

from __future__ import annotations

import asyncio
import random

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
    running,
    told,
)
from support.memory_platform import MemoryHome, MemorySecrets
from support.objects import make_edge, make_trunk
from support.virtual_time import run_virtually
from trunkline.api import ObjectRef
from trunkline.compiler.delta import Delta, InputChanges
from trunkline.compiler.running import RunningCompiler
from trunkline.kube.faults import KubeError, TransientError
from trunkline.publication.queue import Queue


def test_a_place_that_fails_is_asked_ever_more_seldom_and_nothing_untrue_is_told() -> None:
    async def scene() -> None:
        home, secrets, tries = MemoryHome(), MemorySecrets(), list[float]()

        def fails(name: str) -> KubeError:
            tries.append(asyncio.get_running_loop().time())
            return TransientError("storm")

        secrets.refuses = fails
        home.put(*objects())
        async with running(home, secrets):
            await asyncio.sleep(60)
            moments = sorted(set(tries))
            assert 10 < len(moments) < 40
            assert moments[-1] - moments[-2] > 2
            assert home.condition(NUMBER, "Programmed").status != "True"
            assert (
                home.turns[-1] == f"the table of {EDGE} is not published: storm; the last one stays in force"
            )
            secrets.refuses = lambda name: None
            await asyncio.sleep(6)
            assert home.condition(NUMBER, "Programmed").status == "True"
            assert home.turns[-1] == ""

    run_virtually(scene())


def test_a_place_that_loses_what_it_was_given_is_told_everything_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """By a fault of ours, in the middle of a delta: no later one may be taken for the whole."""
    take, faults = Queue.take, [MemoryError()]

    def half(queue: Queue, delta: Delta) -> None:
        take(queue, delta)
        if any(key[1].endswith("0001") for key in delta.shared) and faults:
            raise faults.pop()

    monkeypatch.setattr(Queue, "take", half)

    async def scene() -> None:
        home, secrets = MemoryHome(), MemorySecrets()
        home.put(*objects())
        async with running(home, secrets):
            await asyncio.sleep(1)
            home.put(number(1))
            await asyncio.sleep(0.01)
            home.put(number(2))
            await asyncio.sleep(10)
            assert not faults
            numbers = {key for section, key in secrets.rows(EDGE) if section is Section.NUMBER}
            assert numbers == {"+14155550000", "+14155550001", "+14155550002"}
            assert home.turns[-1] == ""
            assert all(home.condition(number(last).ref, "Ready").status == "True" for last in range(3))

    run_virtually(scene())


def test_a_place_that_hangs_holds_up_no_turn_and_is_cut_off() -> None:
    async def scene() -> None:
        home, secrets = MemoryHome(), MemorySecrets()
        home.put(*objects())
        secrets.hangs = True
        async with running(home, secrets) as place:
            await asyncio.sleep(10)
            turns = len(home.turns)
            home.put(make_edge(OTHER_EDGE, advertise={"type": "Static", "addresses": ["192.0.2.2"]}))
            await asyncio.sleep(0.1)
            assert len(home.turns) > turns
            assert place.applied[-1] == [OTHER_EDGE, EDGE]
            await asyncio.sleep(60)
            assert ("publishing", "not done within 60 s") in home.faults
            secrets.hangs = False
            await asyncio.sleep(70)
            assert sorted(secrets.taken) == [OTHER_EDGE, EDGE]
            assert home.condition(NUMBER, "Ready").status == "True"

    run_virtually(scene())


def test_an_edge_at_fault_costs_only_itself() -> None:
    async def scene() -> None:
        home, secrets = MemoryHome(), MemorySecrets()
        home.put(*objects(), make_edge(OTHER_EDGE, advertise={"type": "Static", "addresses": ["192.0.2.2"]}))
        secrets.refuses = lambda name: TransientError("no") if EDGE in name else None
        async with running(home, secrets):
            await asyncio.sleep(5)
            assert sorted(secrets.taken) == [OTHER_EDGE]
            assert home.condition(ObjectRef("Edge", None, OTHER_EDGE), "Programmed").status == "True"
            assert home.condition(ObjectRef("Edge", None, EDGE), "Programmed").status != "True"

    run_virtually(scene())


def test_a_write_whose_answer_is_lost_is_found_done() -> None:
    async def scene() -> None:
        home, secrets = MemoryHome(), MemorySecrets()
        lost = set[str]()

        def loses_the_first(name: str) -> bool:
            is_first = name not in lost
            lost.add(name)
            return is_first

        secrets.loses_answer = loses_the_first
        home.put(*objects())
        async with running(home, secrets):
            await asyncio.sleep(30)
            assert len(secrets.writes) == len(secrets.stored)
            assert home.condition(NUMBER, "Programmed").status == "True"

    run_virtually(scene())


class BrokenCompiler(RunningCompiler):
    """Takes some changes in, and fails."""

    def update(self, changes: InputChanges) -> Delta:
        super().update(changes)
        raise ZeroDivisionError


def test_a_compiler_that_fails_is_replaced_and_the_next_is_told_everything() -> None:
    """What was removed in the very update that failed goes as well."""

    async def scene() -> None:
        home, secrets = MemoryHome(), MemorySecrets()
        home.put(*objects(), number(1))
        compilers = [RunningCompiler(NOTHING)]
        async with running(home, secrets, lambda: compilers[-1]):
            await asyncio.sleep(1)
            keys = {key for _, key in secrets.rows(EDGE)}
            broken = compilers[0]
            broken.update = BrokenCompiler(NOTHING).update  # type: ignore[method-assign]
            compilers.append(RunningCompiler(NOTHING))
            home.remove(number(1).ref)
            await asyncio.sleep(0.05)
            assert home.faults[0] == ("a turn", "ZeroDivisionError")
            home.put(number(2))
            await asyncio.sleep(3)
            now = {key for _, key in secrets.rows(EDGE)}
            assert (keys - now, now - keys) == ({"+14155550001"}, {"+14155550002"})
            assert home.condition(number(2).ref, "Ready").status == "True"

    run_virtually(scene())


def test_tables_that_somebody_deletes_come_back_with_a_higher_sequence() -> None:
    """Agents refuse a sequence below theirs; the memory of the edges checks it."""

    async def scene() -> None:
        home, secrets = MemoryHome(), MemorySecrets()
        home.put(*objects())
        async with running(home, secrets):
            await asyncio.sleep(1)
            before, sequence = secrets.rows(EDGE), secrets.acknowledged(EDGE) or 0
            for name in list(secrets.stored):
                secrets.remove(name)
            await asyncio.sleep(1)
            assert secrets.rows(EDGE) == before
            assert (secrets.acknowledged(EDGE) or 0) > sequence

    run_virtually(scene())


def test_a_part_that_somebody_damages_is_mended() -> None:
    async def scene() -> None:
        home, secrets = MemoryHome(), MemorySecrets()
        home.put(*objects())
        async with running(home, secrets):
            await asyncio.sleep(1)
            before = secrets.rows(EDGE)
            secrets.damage(next(name for name in secrets.stored if "table-number" in name))
            assert secrets.revision(EDGE) is None
            await asyncio.sleep(1)
            assert secrets.revision(EDGE) == secrets.taken[EDGE]
            assert secrets.rows(EDGE) == before

    run_virtually(scene())


@pytest.mark.parametrize("seed", range(20))
def test_whatever_the_api_server_refuses_or_loses_no_change_is_lost(seed: int) -> None:
    """Half of all writes are refused, hang for a while, or are carried out without an answer."""

    async def scene() -> None:
        home, secrets, dice = MemoryHome(), MemorySecrets(), random.Random(seed)
        storm = TransientError("storm")
        secrets.refuses = lambda name: storm if dice.random() < 0.3 else None
        secrets.loses_answer = lambda name: dice.random() < 0.2
        home.put(*objects())
        async with running(home, secrets):
            generation = 1
            for step in range(30):
                generation += 1
                home.put(make_trunk("hq", generation=generation, termination={"domainName": f"hq-{step}"}))
                home.put(number(step % 5, generation))
                if dice.random() < 0.2:
                    home.remove(number(step % 5).ref)
                secrets.hangs = dice.random() < 0.1
                await asyncio.sleep(dice.choice((0.0, 0.05, 0.5)))
            secrets.hangs = False
            secrets.refuses, secrets.loses_answer = lambda name: None, lambda name: False
            await asyncio.sleep(90)
            assert secrets.rows(EDGE) == cold_rows(home)
            generations = {ref: each.generation for ref, each in home.objects.items()}
            assert all(told(home, ref, generation) for ref, generation in generations.items())
            assert home.turns[-1] == ""

    run_virtually(scene())
