"""Where users' objects live, and where they are told what became of them: files, or an API server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from trunkline.api import Edge
from trunkline.api.resources import Platform
from trunkline.compiler.delta import Delta, InputChanges
from trunkline.reconcile.place import Observation, Publication


@dataclass(frozen=True, slots=True)
class Sight:
    """Everything that a report is made of, beside the deltas that came before it."""

    edges: Mapping[str, Edge] = field(default_factory=dict)
    """The Edges that are served, each in the version that is."""
    publication: Publication = field(default_factory=Publication)
    observation: Observation = field(default_factory=Observation)


Note = TypeVar("Note")


class LostError(Exception):
    """What the compiler was told cannot be told again: only a new start of the process helps."""


class Home(Protocol[Note]):
    """Users' objects and Secrets, their statuses, Events, DNS, certificates, and the Lease.

    A `Note` is what it wants to remember of a compilation until that is published.
    """

    @property
    def platform(self) -> Platform: ...

    async def may_act(self) -> None:
        """Return once this process, and no other, may act; at once, as a rule."""

    async def changes(self) -> InputChanges | None:
        """Objects and Secrets that are different since the last call, or all of them at the first.

        None while what is seen is not the whole: all stays as it is. `surroundings` is not for the home.
        """

    def start_over(self) -> None:
        """The compiler has failed and is replaced: the next `changes` tells everything, to all.

        Raises LostError where not everything is known any more.
        """

    def still_there(self, served: Mapping[str, Edge]) -> Mapping[str, Edge]:
        """Those of `served` whose object is the same one still: a new Edge of an old name begins anew."""

    def ending(self, served: Mapping[str, Edge]) -> Mapping[str, Edge]:
        """Deleted Edges whose instances are to go on for now."""

    def unreadable_namespaces(self) -> frozenset[str]:
        """Those whose Secrets may not be read."""

    def compiled(self, delta: Delta) -> Note:
        """What a compilation of all `changes` so far has changed, before it is published."""

    def published(self, delta: Delta, note: Note, publication: Publication) -> None:
        """A publication has taken in `delta`; if it has a fault, some later one will hold it.

        `note` is what `compiled` gave. If this raises it is called again.
        """

    async def report(self, sight: Sight) -> float | None:
        """Write, or see to it that it is written, what has changed. Seconds until it wants to look again."""

    def fault(self, topic: str, fault: str) -> None:
        """What keeps a part of the loop from its work; "" when it is well, told each time."""

    def describe(self, error: Exception) -> str:
        """A fault in words that hold no secret."""

    def turned(self, fault: str, seconds: float) -> None:
        """A turn ended, and how long it took. `fault` has what is wrong anywhere, "" if nothing is."""

    def on_change(self, wake: Callable[[], None]) -> None:
        """`wake` is called when `changes` or `report` may have something new."""

    async def run(self) -> None:
        """What it does beside the turns, until cancelled."""

    async def close(self) -> None:
        """After `run` was cancelled and the place is closed: end what it started, write what is unwritten."""
