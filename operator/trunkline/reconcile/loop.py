"""The one loop. How it works, in one screen:

The loop stands between a *home*, where users' objects are, and a *place*, where edges run. It is
level-triggered: no step relies on having seen an event. A turn asks the home what is different, compiles that
into a delta, hands the delta to the place, and reports what the place says. So a lost event, a lost write, a
kill -9 and a conflict all end in the same few lines of the next turn.

Three workers run side by side, each with its own schedule, back-off and time limit (`schedule`, pure):

- `turn`: home.changes -> compiler.update -> place.take, and home.report. It waits for nothing but the home's
  changes and the compiler, and so goes on while a place hangs.
- `apply`: place.apply, the pods or processes.
- `publish`: place.publish, the tables: the first at once, and at most ten a second.

A delta is told to the home (`published`) when a publication that began after it was taken has ended: only
then is it known which sequence holds its rows, and no status may claim less (`handed`).

Whatever is raised in a step is that step's fault: it is told, tried again after a growing wait, and costs no
other step anything. One thing ends the loop: `OvertakenError`, another process writes what this one does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Final, Generic, Protocol

from trunkline.api import Edge
from trunkline.compiler.delta import Delta, InputChanges, Surroundings
from trunkline.reconcile.handed import Handed
from trunkline.reconcile.home import Home, LostError, Note, Sight
from trunkline.reconcile.inputs import Inputs
from trunkline.reconcile.place import LostRowsError, OvertakenError, Place, Publication, edges_at_fault
from trunkline.reconcile.schedule import Outcome, Schedule
from trunkline.reconcile.worker import Ended, Worker

TURN: Final = Schedule(settle=0.007, repeat=60.0)
APPLY: Final = Schedule(repeat=60.0, limit=60.0)
PUBLISH: Final = Schedule(rest=0.1, repeat=60.0, limit=60.0)
"""At most ten publications a second; the first one at once."""
KEEPING: Final = "keeping the edges"
PUBLISHING: Final = "publishing"


class Compiler(Protocol):
    """Turns changes of inputs into changes of rows, verdicts and facts."""

    def update(self, changes: InputChanges) -> Delta:
        """Runs in a thread. One that raised is thrown away, and another is told everything."""


class Loop(Generic[Note]):
    """One home, one place. Everything that it remembers can be found out again."""

    def __init__(self, home: Home[Note], place: Place, new_compiler: Callable[[], Compiler]) -> None:
        self._home, self._place = home, place
        self._new_compiler, self._compiler = new_compiler, new_compiler()
        self._inputs, self._handed = Inputs(), Handed[Note]()
        self._edges: dict[str, Edge] = {}
        self._sight = Sight()
        self._faults: dict[str, str] = {}
        """What is wrong with the place now, by topic."""
        self._turns = Worker(self._turn, TURN, self._turned, home.describe, (LostError,))
        self._applying = Worker(self._apply, APPLY, self._hear(KEEPING), home.describe)
        self._publishing = Worker(
            self._publish, PUBLISH, self._hear(PUBLISHING), home.describe, (OvertakenError,)
        )

    async def run(self, served: Mapping[str, Edge]) -> None:
        """Until cancelled; then all is closed. May be run again. Raises OvertakenError, in a group.

        `served` has each Edge as its instances were last made for it, by this process or another.
        """
        self._inputs.served = served
        self._home.on_change(self._turns.ask)
        self._place.on_change(self._turns.ask)
        self._turns.ask()
        try:
            async with asyncio.TaskGroup() as group:
                for part in (self._home.run, self._turns.run, self._applying.run, self._publishing.run):
                    group.create_task(part())
        finally:
            await self._place.close()
            await self._home.close()

    # ------------------------------------------------------------------------------------------ a turn

    async def _turn(self) -> Outcome:
        await self._home.may_act()
        if self._handed.is_lost:
            self._start_over()
        changes = await self._home.changes()
        if changes is None:
            return Outcome()
        self._inputs.note(changes)
        await self._compile()
        self._applying.ask()
        self._publishing.ask()
        return Outcome(again=_sooner(await self._report(), self._inputs.absences.due(_now())))

    async def _compile(self) -> None:
        surroundings = self._surroundings()
        changes = self._inputs.waiting(surroundings)
        if changes is None:
            return
        # In a thread, so that a Lease is renewed and watches are read meanwhile.
        updating = asyncio.create_task(asyncio.to_thread(self._compiler.update, changes))
        try:
            # Also if this loop is to end now: the compiler tells a change once.
            await asyncio.wait((updating,))
        finally:
            await self._take_in(updating, surroundings)

    async def _take_in(self, updating: asyncio.Task[Delta], surroundings: Surroundings) -> None:
        try:
            self._take(await updating, surroundings)
        except Exception:
            self._start_over()
            raise

    def _take(self, delta: Delta, surroundings: Surroundings) -> None:
        self._inputs.compiled(surroundings, delta)
        for name, edge in delta.edges.items():
            if edge is None:
                self._edges.pop(name, None)
            else:
                self._edges[name] = edge
        self._place.take(delta)
        self._handed.take(delta, self._home.compiled(delta))

    def _start_over(self) -> None:
        """What was compiled is not to be trusted, or was not taken in whole: another is told everything."""
        self._home.start_over()
        self._compiler = self._new_compiler()
        self._inputs.forget()
        self._place.start_over()
        self._handed, self._edges = Handed(), {}

    def _surroundings(self) -> Surroundings:
        """What the compiler must know beside objects and Secrets."""
        self._inputs.served = self._home.still_there(self._inputs.served)
        addresses = self._place.addresses(self._inputs.edges)
        return Surroundings(
            self._home.platform,
            addresses.observed,
            addresses.advertised,
            self._home.unreadable_namespaces(),
            self._inputs.served,
            addresses.nodes,
            self._inputs.absences.look(self._sight.observation.reports, _now()),
        )

    async def _report(self) -> float | None:
        for delta, note in self._handed.untold():
            self._home.published(delta, note, self._handed.publication)
        edges = dict(self._edges)
        self._sight = Sight(edges, self._handed.publication, self._place.observed(edges))
        return await self._home.report(self._sight)

    def _turned(self, outcome: Outcome, seconds: float) -> None:
        self._home.fault("a turn", outcome.fault)
        faults = (outcome.fault, *self._faults.values(), edges_at_fault(self._sight.observation.faults))
        self._home.turned("; ".join(filter(None, faults)), seconds)

    # ------------------------------------------------------------------------------- beside the turns

    async def _apply(self) -> Outcome:
        await self._home.may_act()
        faults = await self._place.apply({**self._home.ending(self._inputs.served), **self._edges})
        return Outcome(edges_at_fault(faults))

    async def _publish(self) -> Outcome:
        await self._home.may_act()
        handed, taken = self._handed, self._handed.taken
        if not taken:
            return Outcome()
        try:
            publication = await self._place.publish()
        except LostRowsError:
            handed.is_lost = True
            self._turns.ask()
            raise
        if handed.published(taken, publication):
            self._turns.ask()
        if publication.waiting:
            self._publishing.ask()
        return Outcome(_unpublished(publication), publication.written > 0)

    def _hear(self, topic: str) -> Ended:
        """Takes note of what is wrong with `topic`."""

        def hear(outcome: Outcome, _: float) -> None:
            self._home.fault(topic, outcome.fault)
            if self._faults.get(topic, "") != outcome.fault:
                self._faults[topic] = outcome.fault
                self._turns.ask()

        return hear


def _now() -> float:
    return asyncio.get_running_loop().time()


def _sooner(one: float | None, other: float | None) -> float | None:
    waits = [each for each in (one, other) if each is not None]
    return min(waits, default=None)


def _unpublished(publication: Publication) -> str:
    """Which tables are not published, and why; "" if all are."""
    faults = sorted(publication.faults.items())
    text = "; ".join(f"the table of {edge} is not published: {fault}" for edge, fault in faults)
    return text and f"{text}; the last one stays in force"
