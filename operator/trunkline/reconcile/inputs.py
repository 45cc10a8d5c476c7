"""What the compiler is to be told next. Nothing of it is forgotten before the compiler has taken it in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from trunkline.api import Edge
from trunkline.compiler.delta import Delta, InputChanges, Surroundings
from trunkline.reconcile.absences import Absences


def following(first: InputChanges, then: InputChanges) -> InputChanges:
    """Both as one: of two changes of one object the later counts."""
    return InputChanges(
        {**first.objects, **then.objects},
        {**first.secrets, **then.secrets},
        then.surroundings if then.surroundings is not None else first.surroundings,
    )


class Inputs:
    """Changes on their way to the compiler, and the Edges among what it was given."""

    def __init__(self) -> None:
        self._waiting = InputChanges()
        self._told: Surroundings | None = None
        self._declared: dict[str, Edge] = {}
        self.absences = Absences()
        self.served: Mapping[str, Edge] = {}
        """The last version of each Edge that was served, whether it is now or not."""

    @property
    def edges(self) -> Mapping[str, Edge]:
        """Every Edge that may be served: as it is declared, or where that is refused, as it was served."""
        return {**self.served, **self._declared}

    def note(self, changes: InputChanges) -> None:
        """These are different now."""
        self._waiting = following(self._waiting, changes)
        for ref, content in changes.objects.items():
            if ref.kind == "Edge":
                self._declared.pop(ref.name, None)
                if isinstance(content, Edge):
                    self._declared[ref.name] = content

    def waiting(self, surroundings: Surroundings) -> InputChanges | None:
        """What the compiler does not know yet; None if it knows all."""
        if surroundings != self._told:
            self._waiting = replace(self._waiting, surroundings=surroundings)
        return None if self._waiting == InputChanges() else self._waiting

    def forget(self) -> None:
        """Another compiler begins, which knows nothing."""
        self._told = None

    def compiled(self, surroundings: Surroundings, delta: Delta) -> None:
        """The compiler has taken in all that was waiting."""
        self._waiting, self._told = InputChanges(), surroundings
        now = {name: edge for name, edge in delta.edges.items() if edge is not None}
        self.served = {**self.served, **now}
