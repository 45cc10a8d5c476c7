"""The compiler as it runs: it remembers what it was told, and says what each change changes.

Every object's contribution depends on its own fields and on answers of lower strata alone. So one pass
through the strata, from below, is enough; nothing is judged twice in it.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from typing import Final

from trunkline.api import AnyResource, InvalidObject, Number, ObjectRef
from trunkline.api.faults import internal_error
from trunkline.compiler import opinions
from trunkline.compiler.delta import Delta, InputChanges, Surroundings
from trunkline.compiler.ledger import Ledger
from trunkline.compiler.lines import Line, Lines, line_of
from trunkline.compiler.order import questions_of, strata
from trunkline.compiler.questions import THE_ONE, Answers, Index, Question, View
from trunkline.compiler.reasons import ConditionReason
from trunkline.compiler.strata import Change, Known, Turn
from trunkline.compiler.verdict import Verdict

_NUMBER: Final = Number.kind

Wanted = Mapping[ObjectRef, Known | InvalidObject | None]
"""Objects as they shall be known from now on."""


class RunningCompiler:
    """At rest, the sum of all its deltas equals `compile_resources` of everything that it was told.

    Not for two threads at a time. Raises MemoryError, and what is the fault of no object; one that raised is
    to be thrown away.
    """

    def __init__(self, surroundings: Surroundings) -> None:
        """Knows no object yet: the first `update` should tell all there are."""
        self._surroundings = surroundings
        self._answers, self._ledger, self._lines = Answers(), Ledger(), Lines()
        self._known: dict[ObjectRef, AnyResource] = {}
        """Objects but Numbers."""
        self._invalid: dict[ObjectRef, InvalidObject] = {}
        self._at_fault: dict[ObjectRef, Known] = {}
        """Objects that are refused because our own code fails at them, while what they ask stays as it is."""
        self._strata = [
            (stratum, stratum.kinds | stratum.asks) for stratum in strata(self._lines, View(self._answers))
        ]
        self._tell_surroundings(surroundings)

    def update(self, changes: InputChanges) -> Delta:
        """What `changes` change. Objects that are not among them stay as they were told last."""
        if changes.surroundings is not None:
            self._tell_surroundings(changes.surroundings)
        for key, values in changes.secrets.items():
            self._answers.put((Index.SECRET, key), values)
            if key[0] == self._surroundings.platform.system_namespace:
                self._answers.put((Index.SYSTEM_SECRET, key[1]), values)
        refused_before: dict[ObjectRef, InvalidObject | None] = {}
        judged_again: set[ObjectRef] = set()
        turn = self._turn(self._new(changes.objects), refused_before)
        while True:
            changed = self._answers.changed_words
            changed.update(turn.objects)
            for stratum, concerns in self._strata:
                # Most changes concern few strata. What is refused may be of any kind.
                if turn.invalid or not concerns.isdisjoint(changed):
                    stratum.update(turn)
            judged_again.update(turn.faults)
            answers = self._answers.take_changed()
            if not (self._at_fault or turn.faults):
                break
            # A second pass is made without the objects at which the first one failed.
            wanted: Wanted = {**self._set_aside(turn.faults), **self._once_more(answers, judged_again)}
            if not wanted:
                break
            turn = self._turn(wanted.items(), refused_before)
        return self._ledger.delta(tuple(self._new_faults(refused_before)) if refused_before else ())

    def _tell_surroundings(self, now: Surroundings) -> None:
        before, self._surroundings = self._surroundings, now
        self._answers.put((Index.SURROUNDINGS, THE_ONE), now)
        self._answers.put((Index.PLATFORM, THE_ONE), now.platform)
        for namespace in before.unreadable_namespaces - now.unreadable_namespaces:
            self._answers.put((Index.UNREADABLE, namespace), None)
        for namespace in now.unreadable_namespaces:
            self._answers.put((Index.UNREADABLE, namespace), True)

    def _new(
        self, objects: Mapping[ObjectRef, AnyResource | InvalidObject | None]
    ) -> Iterator[tuple[ObjectRef, Known | InvalidObject | None]]:
        """Those that are others than before, Numbers without their models."""
        for ref, thing in objects.items():
            now: Known | InvalidObject | None = thing
            if isinstance(thing, Number):
                now = _line_of(ref, thing)
            if self._at_fault and ref in self._at_fault:
                del self._at_fault[ref]
            elif self._is_known(ref, now):
                continue
            yield ref, now

    def _is_known(self, ref: ObjectRef, now: Known | InvalidObject | None) -> bool:
        before = self._lines.by_ref.get(ref)
        if isinstance(now, Line):
            return before is not None and before.is_same(now)
        return now == (before or self._known.get(ref) or self._invalid.get(ref))

    def _turn(
        self,
        wanted: Iterable[tuple[ObjectRef, Known | InvalidObject | None]],
        refused_before: dict[ObjectRef, InvalidObject | None],
    ) -> Turn:
        """Know what is wanted from now on, and say what that changes."""
        objects: dict[str, dict[ObjectRef, Change]] = {}
        invalid: dict[ObjectRef, InvalidObject | None] = {}
        for ref, now in wanted:
            refusal, thing = (now, None) if isinstance(now, InvalidObject) else (None, now)
            before = self._replace(ref, thing)
            if before is not None or thing is not None:
                kind = ref.kind
                if kind not in objects:
                    objects[kind] = {}
                # As Change(...) does by one call more.
                objects[kind][ref] = tuple.__new__(Change, (before, thing))
            if refusal is not None or (self._invalid and ref in self._invalid):
                refused_before.setdefault(ref, self._invalid.get(ref))
                invalid[ref] = refusal
                self._refuse(ref, refusal)
        return Turn(objects, invalid, self._surroundings, self._answers, self._ledger)

    def _replace(self, ref: ObjectRef, now: Known | None) -> Known | None:
        """The object that `now` replaces."""
        if ref.kind == _NUMBER:
            return self._lines.replace(ref, now if isinstance(now, Line) else None)
        known = self._known.pop(ref, None)
        if now is not None and not isinstance(now, Line):
            self._known[ref] = now
        return known

    def _refuse(self, ref: ObjectRef, refusal: InvalidObject | None) -> None:
        """An object that breaks a rule of its kind takes no part, and says so."""
        before = self._invalid.pop(ref, None)
        if refusal is not None:
            self._invalid[ref] = refusal
        self._ledger.say(ref, _refused(before), _refused(refusal))

    def _set_aside(self, faults: Mapping[ObjectRef, InvalidObject]) -> Wanted:
        """Do without these. Of an Edge that is refused already it is the version that was served."""
        for ref in faults:
            thing = self._lines.by_ref.get(ref) or self._known.get(ref)
            if thing is not None:
                self._at_fault[ref] = thing
        return {ref: self._invalid.get(ref, fault) for ref, fault in faults.items()}

    def _once_more(self, changed: Mapping[Index, set[Hashable]], judged_again: set[ObjectRef]) -> Wanted:
        """Objects at fault that ask something of what has changed: each once in an update."""
        found = {
            ref: thing
            for ref, thing in self._at_fault.items()
            if ref not in judged_again and any(key in changed.get(index, ()) for index, key in _asked(thing))
        }
        judged_again.update(found)
        for ref in found:
            del self._at_fault[ref]
        return found

    def _new_faults(self, before: Mapping[ObjectRef, InvalidObject | None]) -> Iterator[InvalidObject]:
        for ref in sorted(before.keys() & self._invalid.keys()):
            now = self._invalid[ref]
            if now.is_internal and now != before[ref]:
                yield now


def _line_of(ref: ObjectRef, number: Number) -> Line | InvalidObject:
    try:
        return line_of(ref, number)
    except MemoryError:
        raise
    except Exception as error:
        return InvalidObject(ref, number.generation, (internal_error(error),))


def _asked(thing: Known) -> frozenset[Question]:
    try:
        return questions_of(thing)
    except Exception:
        # That may be what our code fails at.
        return frozenset()


def _refused(thing: InvalidObject | None) -> tuple[Verdict, ...]:
    if thing is None:
        return ()
    reason = ConditionReason.INTERNAL_ERROR if thing.is_internal else ConditionReason.INVALID
    field = thing.errors[0].path if thing.errors else ""
    return (opinions.refused(thing, reason, field, "; ".join(map(str, thing.errors))),)
