"""Which of the waiting rows one publication holds. Pure.

What takes a right away is always in it. The rest is chosen in turn by the namespaces that wait, each time the
oldest row of one with all that it is bound to, until as many parts are written as a publication may. What
else waits for these parts, and is bound to nothing outside of them, costs nothing and comes along.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from trunkline.compiler.delta import RowKey
from trunkline.publication.packer import PartKey
from trunkline.publication.waiting import Waiting

MOST_PARTS: Final = 32
"""Parts written by one publication. More only for what never waits, and for one step that needs more."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What one publication holds."""

    rows: frozenset[RowKey]
    served: tuple[str, ...]
    """The namespaces that have had their turn, in order."""


def choose(waiting: Waiting, unwritten: Collection[PartKey], most: int = MOST_PARTS) -> Choice:
    """The rows of the next publication. `unwritten` parts are written anyway: the last one was cut short."""
    choosing = _Choosing(waiting, set(unwritten))
    choosing.take_urgent()
    served = choosing.take_turns(most)
    choosing.take_along()
    if not choosing.rows:
        # Rows that should wait for one another: in one step, then.
        served = choosing.take_any()
    return Choice(frozenset(choosing.rows), served)


class _Choosing:
    """One choice as it grows."""

    def __init__(self, waiting: Waiting, parts: set[PartKey]) -> None:
        self._waiting = waiting
        self._parts = parts
        self.rows: set[RowKey] = set()

    def take_urgent(self) -> None:
        for key in tuple(self._waiting.urgent):
            self._take(self._step(key, forced=True))

    def take_turns(self, most: int) -> tuple[str, ...]:
        served: dict[str, None] = {}
        queues = {namespace: iter(rows) for namespace, rows in self._waiting.turns.items()}
        while queues and (len(self._parts) < most or not served):
            for namespace in tuple(queues):
                step = self._next(queues[namespace])
                if step is None:
                    del queues[namespace]
                elif len(self._parts | self._parts_of(step)) <= most or not served:
                    self._take(step)
                    served[namespace] = None
                else:
                    # It is the oldest of its namespace still, and the first when its turn comes first.
                    del queues[namespace]
        return tuple(served)

    def take_along(self) -> None:
        blocked: set[RowKey] = set()
        for part in tuple(self._parts):
            for key in self._waiting.of_part(part):
                if key not in self.rows and key not in blocked:
                    step = self._step(key, forced=False, within=self._parts)
                    if step is None:
                        blocked.add(key)
                    else:
                        self.rows |= step

    def take_any(self) -> tuple[str, ...]:
        for namespace, rows in self._waiting.turns.items():
            for key in rows:
                self._take(self._step(key, forced=True))
                return (namespace,)
        return ()

    def _next(self, rows: Iterable[RowKey]) -> set[RowKey] | None:
        """The next step of a namespace that may be taken."""
        for key in rows:
            if key not in self.rows and (step := self._step(key, forced=False)) is not None:
                return step
        return None

    def _step(
        self, key: RowKey, forced: bool, within: Collection[PartKey] | None = None
    ) -> set[RowKey] | None:
        """The row and all that goes no later, without what is chosen already.

        None if it should wait for a row that goes elsewhere, unless `forced`, or has a part not `within`.
        """
        step, open_rows, awaited = {key}, [key], set[RowKey]()
        while open_rows:
            one = open_rows.pop()
            if within is not None and not set(self._row_parts(one)).issubset(within):
                return None
            bound = set(self._waiting.bound_to(one)) - step - self.rows
            before = set(self._waiting.to_go_before(one)) - self.rows
            if forced:
                bound |= before - step
            else:
                awaited |= before
            step |= bound
            open_rows += bound
        return None if awaited - step else step

    def _take(self, step: set[RowKey] | None) -> None:
        if step is not None:
            self.rows |= step
            self._parts |= self._parts_of(step)

    def _parts_of(self, step: Iterable[RowKey]) -> set[PartKey]:
        return {part for key in step for part in self._row_parts(key)}

    def _row_parts(self, key: RowKey) -> tuple[PartKey, ...]:
        row = self._waiting.get(key)
        return row.parts if row is not None else ()
