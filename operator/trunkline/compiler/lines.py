"""Numbers as the compiler keeps them: a hundred thousand of them must cost little memory."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from sys import intern
from typing import Final

from trunkline.api import Number, ObjectRef
from trunkline.compiler.numbering_plans import Plausibility
from trunkline.compiler.opinions import Fault
from trunkline.compiler.tenants import Age
from trunkline.compiler.trunk_state import TrunkState

_LENGTH: Final = 10**15
"""More than any number of E.164 has."""


@dataclass(frozen=True, slots=True)
class Standing:
    """All that decides about the verdicts and the row of a Number beside its own fields. Shared by many."""

    account: str | None
    """None = it is refused."""
    refusal: Fault | None = None
    trunk: TrunkState | None = None
    """Of the trunk that it names; None = there is none."""


@dataclass(slots=True, eq=False)
class Line:
    """What a Number declares, and how it stands. Equal only to itself."""

    ref: ObjectRef
    generation: int
    created: str
    is_single: bool
    first: str
    last: str
    low: int
    """`key_of` the first number."""
    high: int
    """`key_of` the last number."""
    trunk: str | None
    """`namespace/name`, or None."""
    caller_name: str | None
    plausibility: Plausibility | None = None
    """None = the numbering plans were not asked yet."""
    standing: Standing | None = None
    """As it was told last; None = it was not."""
    is_claim: bool = False
    """True if it is among the permitted claims, be it that an older one stands against it."""

    @property
    def age(self) -> Age:
        return self.created, self.ref.namespace or "", self.ref.name

    @property
    def ends(self) -> tuple[str, ...]:
        return (self.first,) if self.first == self.last else (self.first, self.last)

    @property
    def size(self) -> int:
        """How many numbers it is: both ends have as many digits."""
        return self.high - self.low + 1

    def is_same(self, other: Line) -> bool:
        """True if it declares the same, to the generation."""
        return (
            self.generation == other.generation
            and self.caller_name == other.caller_name
            and self.trunk == other.trunk
            and self.has_same_claim(other)
        )

    def has_same_claim(self, other: Line) -> bool:
        """True if the same numbers are claimed with the same age, by the object of the same name."""
        return (
            self.first == other.first
            and self.last == other.last
            and self.is_single == other.is_single
            and self.created == other.created
        )


def line_of(ref: ObjectRef, number: Number) -> Line:
    """The Number without its model; texts that many share are kept once."""
    metadata, spec = number.metadata, number.spec
    block, trunk = spec.range, spec.trunk_ref
    if block is not None:
        first, last = block.first, block.last
        low = key_of(first)
        high = low - int(first) + int(last)
    else:
        first = last = spec.number or ""
        low = high = key_of(first)
    return Line(
        ref,
        metadata.generation,
        intern(metadata.creation_timestamp or ""),
        block is None,
        first,
        last,
        low,
        high,
        None if trunk is None else intern(f"{ref.namespace}/{trunk.name}"),
        spec.caller_name,
    )


def key_of(number: str) -> int:
    """Numbers of one length sort by it as numbers, apart from those of other lengths."""
    return (len(number) - 1) * _LENGTH + int(number)


class Lines:
    """The Numbers that there are, by name, by namespace and by trunk."""

    def __init__(self) -> None:
        self.by_ref: Final[dict[ObjectRef, Line]] = {}
        self._homes: dict[str, dict[str | None, dict[Line, None]]] = {}
        """Namespace -> trunk -> Numbers that name it. No sets: one of twenty is three times as large."""

    def replace(self, ref: ObjectRef, now: Line | None) -> Line | None:
        """The line that `now` replaces. None = it is gone, or refused; or there was none."""
        before, namespace = self.by_ref.get(ref), ref.namespace or ""
        if before is not None:
            home = self._homes[namespace]
            del home[before.trunk][before]
            if not home[before.trunk]:
                del home[before.trunk]
            if now is None:
                del self.by_ref[ref]
        if now is not None:
            self.by_ref[ref] = now
            try:
                self._homes[namespace][now.trunk][now] = None
            except KeyError:
                self._homes.setdefault(namespace, {})[now.trunk] = {now: None}
        return before

    def of_namespace(self, namespace: str) -> Iterator[Line]:
        for lines in self._homes.get(namespace, {}).values():
            yield from lines

    def of_trunk(self, trunk: str) -> Iterable[Line]:
        return self._homes.get(trunk.partition("/")[0], {}).get(trunk, ())
