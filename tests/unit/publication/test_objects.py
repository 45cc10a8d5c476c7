"""Which sequence holds the last row of an object that had to wait."""

from __future__ import annotations

from collections.abc import Mapping

from trunkline.api import ObjectRef
from trunkline.publication.objects import NOT_YET, Objects


def number(position: int) -> ObjectRef:
    return ObjectRef("Number", "acme", f"n-{position}")


def test_what_has_arrived_is_forgotten_though_something_always_waits() -> None:
    """For a while it is told where it is; an hour's arrivals are not kept."""
    objects = Objects()
    objects.waits(number(0), "all")
    told: Mapping[ObjectRef, Mapping[str, int]] = {}
    for sequence in range(1, 200):
        objects.waits(number(sequence), "all")
        objects.advanced()
        objects.goes(number(sequence - 1))
        told = objects.last_row({"ashburn": sequence}, lambda _: ["ashburn"])
        assert told[number(sequence - 1)] == {"ashburn": sequence}
        assert told[number(sequence)] == {"ashburn": NOT_YET}
    assert told[number(190)] == {"ashburn": 191}
    assert len(told) < 50
