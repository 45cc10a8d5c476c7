"""What a contribution asks is what was declared, and is answered by strata below alone."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, cast

import pytest

from support.changes import ChangingWorld
from trunkline.api import OriginationUri
from trunkline.compiler import running
from trunkline.compiler.lines import Line
from trunkline.compiler.order import TOPICS, questions_of
from trunkline.compiler.questions import Answers, Index, Question, View
from trunkline.compiler.running import RunningCompiler
from trunkline.compiler.strata import Turn

OF_TOPIC = {topic.contribute: topic for topic in TOPICS}


class RecordingView(View):
    """Remembers what was asked since the last look."""

    def __init__(self, answers: Answers) -> None:
        super().__init__(answers)
        self.asked: set[Question] = set()

    def ask(self, index: Index, key: Hashable) -> object:
        self.asked.add((index, key))
        return super().ask(index, key)


def declared(judgement: Callable[..., Any], thing: Any) -> frozenset[Question] | None:
    """What a judgement of an object may ask; None where a whole kind is judged together."""
    topic: Any = OF_TOPIC.get(judgement)
    if topic is not None:
        questions = frozenset[Question](topic.questions(thing))
        assert {index for index, _ in questions} <= topic.asks
        return questions
    return questions_of(thing) if isinstance(thing, Line | OriginationUri) else None


@pytest.mark.parametrize("seed", range(60))
def test_nothing_is_asked_that_was_not_declared(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    views: list[RecordingView] = []
    judge = Turn.judge

    def make_view(answers: Answers) -> RecordingView:
        views.append(RecordingView(answers))
        return views[-1]

    def strict(turn: Turn, thing: Any, judgement: Callable[..., Any], *of: Any) -> Any:
        views[0].asked.clear()
        found = judge(turn, thing, judgement, *of)
        may = declared(judgement, thing)
        assert may is None or views[0].asked <= may, f"{thing.ref} asked {views[0].asked - may}"
        return found

    monkeypatch.setattr(running, "View", make_view)
    monkeypatch.setattr(Turn, "judge", strict)
    world = ChangingWorld(seed)
    compiler = RunningCompiler(world.surroundings)
    for step in world.steps(25):
        assert not compiler.update(step.changes).faults


def test_no_stratum_asks_what_one_after_it_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """So that one pass is enough."""
    answered: dict[Index, set[str]] = {}
    at_work: list[str] = []
    put = Answers.put

    def noting_put(answers: Answers, question: Question, value: object) -> None:
        if at_work:
            answered.setdefault(question[0], set()).add(at_work[0])
        put(answers, question, value)

    class Noting:
        """A stratum that says when it is at work."""

        def __init__(self, stratum: Any) -> None:
            self.stratum = stratum

        def update(self, turn: Turn) -> None:
            at_work[:] = [name_of(self.stratum)]
            self.stratum.update(turn)

    monkeypatch.setattr(Answers, "put", noting_put)
    for seed in range(60):
        at_work.clear()
        world = ChangingWorld(seed)
        compiler = RunningCompiler(world.surroundings)
        noting: Any = [(Noting(each), concerns) for each, concerns in compiler._strata]
        compiler._strata = noting
        for step in world.steps(25):
            at_work.clear()
            compiler.update(step.changes)
    strata = [cast("Any", each).stratum for each, _ in compiler._strata]
    order = [(name_of(each), each.asks) for each in strata]
    names = [name for name, _ in order]
    assert len(set(names)) == len(names)
    for position, (name, asks) in enumerate(order):
        for index in asks:
            late = [each for each in answered.get(index, ()) if names.index(each) >= position]
            assert not late, f"{name} asks for {index}, which {late} answers"
    assert len(answered) > 15, "or nothing was proven"


def name_of(stratum: Any) -> str:
    """A name that no other stratum has."""
    topic = getattr(stratum, "_topic", None)
    return type(stratum).__name__ if topic is None else f"{topic.kind.kind} {topic.contribute}"
