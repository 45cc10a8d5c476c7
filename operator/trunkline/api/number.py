"""Number: one telephone number, or a block of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Final

from sipedge.e164 import E164_PATTERN
from trunkline.api.faults import FieldReason
from trunkline.api.fields import E164Number, FriendlyName, Text
from trunkline.api.meta import LocalRef
from trunkline.api.model import Model
from trunkline.api.resource import Column, Resource, Scope
from trunkline.api.rule import Rule, cel_text

MAX_RANGE: Final = 100_000
"""How many numbers one block may hold."""

_IMMUTABLE: Final = "a Number's identity cannot change (delete this Number and create another)"


_UNREADABLE: Final = f"![self.first, self.last].all(end, end.matches({cel_text(E164_PATTERN)}))"
"""What is no number has a fault of its own, which needs no other beside it."""


def _differ_in_five_digits(block: NumberRange) -> bool:
    """True of blocks within a hundred thousand numbers that begin alike, as nearly all are."""
    first, last = block.first, block.last
    return first[:-5] == last[:-5] and first <= last and len(first) == len(last)


class NumberRange(Model):
    """A block of numbers of one length, both ends included."""

    first: E164Number
    """Lowest number of the block."""
    last: E164Number
    """Highest number of the block."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            f"{_UNREADABLE} || size(self.first) == size(self.last)",
            "last has another length than first (numbers of one block have the same number of digits)",
            lambda block: len(block.first) == len(block.last),
            "last",
        ),
        Rule(
            f"{_UNREADABLE} || size(self.first) != size(self.last) || self.first <= self.last",
            "last is lower than first (write the lower number first)",
            lambda block: block.first <= block.last or len(block.first) != len(block.last),
            "last",
        ),
        Rule(
            f"{_UNREADABLE} || size(self.first) != size(self.last) || "
            f"int(self.last) - int(self.first) < {MAX_RANGE}",
            "the block holds more than 100,000 numbers (divide it among several Numbers)",
            lambda block: (
                int(block.last) - int(block.first) < MAX_RANGE or len(block.first) != len(block.last)
            ),
            "last",
        ),
    )
    plainly: ClassVar[Callable[[Any], bool] | None] = _differ_in_five_digits


class NumberSpec(Model):
    """Which numbers, and which trunk takes their calls."""

    number: E164Number | None = None
    """One number. Exactly one of number and range; cannot be changed."""
    range: NumberRange | None = None
    """A block of numbers. Exactly one of number and range; cannot be changed."""
    trunk_ref: LocalRef | None = None
    """The trunk that takes the calls, in the same namespace. Absent: the number is held and not routed."""
    friendly_name: FriendlyName = ""
    """Free text for people."""
    caller_name: Annotated[str, Text("caller name", "write printable text", 15)] | None = None
    """The name that trunks with cnamLookup are shown for calls from this number (CNAM)."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "has(self.number) != has(self.range)",
            "give exactly one of number and range",
            lambda spec: (spec.number is None) != (spec.range is None),
            reason=FieldReason.InvalidValue,
        ),
        Rule(
            "has(self.number) == has(oldSelf.number) && (!has(self.number) || self.number == oldSelf.number)",
            _IMMUTABLE,
            None,
            "number",
        ),
        Rule(
            "has(self.range) == has(oldSelf.range) && (!has(self.range) || self.range == oldSelf.range)",
            _IMMUTABLE,
            None,
            "range",
        ),
    )


class Number(Resource):
    """Number is one telephone number, or a block of them, that the namespace owns."""

    kind: ClassVar[str] = "Number"
    plural: ClassVar[str] = "numbers"
    short_names: ClassVar[tuple[str, ...]] = ("num",)
    scope: ClassVar[Scope] = "Namespaced"
    selectable: ClassVar[tuple[str, ...]] = (".spec.trunkRef.name",)
    columns: ClassVar[tuple[Column, ...]] = (
        Column("Number", ".spec.number"),
        Column("First", ".spec.range.first"),
        Column("Last", ".spec.range.last"),
        Column("Trunk", ".spec.trunkRef.name"),
    )

    spec: NumberSpec

    @property
    def first(self) -> str:
        """The number, or the lowest one of the block."""
        return self.spec.range.first if self.spec.range is not None else self.spec.number or ""

    @property
    def last(self) -> str:
        """The number, or the highest one of the block."""
        return self.spec.range.last if self.spec.range is not None else self.spec.number or ""
