"""What one object comes to: rows, verdicts, status fields and answers."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, NamedTuple, TypeVar

from sipedge.table import Row
from trunkline.api import AnyResource
from trunkline.compiler.delta import RowKey
from trunkline.compiler.facts import Facts
from trunkline.compiler.questions import Index, Question, View
from trunkline.compiler.verdict import Verdict

Thing = TypeVar("Thing", bound=AnyResource)


_NONE: Final[Mapping[Any, Any]] = {}


class Contribution(NamedTuple):
    """Of one object to one topic. A tuple: there are many."""

    verdicts: tuple[Verdict, ...] = ()
    rows: Mapping[RowKey, Row] = _NONE
    account: str | None = None
    """The account to whose edges the rows go; None = to every edge."""
    facts: Facts | None = None
    answers: Mapping[Question, object] = _NONE
    """For the topics above, and for nobody else."""


NOTHING: Final = Contribution()


@dataclass(frozen=True, slots=True)
class Topic(Generic[Thing]):
    """Rules about objects of one kind, each of which is judged by itself."""

    kind: type[Thing]
    asks: frozenset[Index]
    """The indexes of all its questions."""
    questions: Callable[[Thing], Iterable[Question]]
    """All that `contribute` may ask about an object: from the object's own fields, and nothing else."""
    contribute: Callable[[Thing, View], Contribution]
