"""Numbers and ranges: who owns which E.164 number, and where it is routed (S84-S89).

A range stays one row, and a row names its trunk whatever becomes of that: an edge holds the number while
it knows no such trunk.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from trunkline.api import Number, ObjectRef
from trunkline.compiler.delta import RowChange, RowKey
from trunkline.compiler.lines import Line, Lines, Standing
from trunkline.compiler.number_claims import Claims
from trunkline.compiler.number_rules import conflict, refusal, row_of, verdicts_of
from trunkline.compiler.opinions import Fault
from trunkline.compiler.questions import Index, View
from trunkline.compiler.strata import Change, Turn
from trunkline.compiler.tenants import Tenant
from trunkline.compiler.trunk_state import TrunkState
from trunkline.compiler.verdict import Verdict

AT_ONCE: Final = 500
"""So many Numbers are judged and told at once."""


_Told = tuple[Line, Standing | None]
"""A Number as it was before this pass, and how it stood."""


class NumberStratum:
    """Judges Numbers, and keeps of each its line and its claim: rows and verdicts follow from these."""

    kinds = frozenset({Number.kind})
    asks = frozenset({Index.TENANT, Index.OVER_QUOTA, Index.TRUNK})

    def __init__(self, lines: Lines, view: View) -> None:
        self._lines, self._view = lines, view
        self._claims = Claims()
        self._standings: dict[tuple[str, TrunkState | None], Standing] = {}
        """Nearly all Numbers stand like many others."""

    def update(self, turn: Turn) -> None:
        _Pass(turn, self._lines, self._claims, self._view, self._standings).run()
        for trunk in self._claims.changed_counts:
            turn.answers.put((Index.COUNT, trunk), self._claims.count(trunk) or None)
        self._claims.changed_counts.clear()


class _Pass:
    """One pass over the Numbers that changed, or of which an answer has."""

    def __init__(
        self,
        turn: Turn,
        lines: Lines,
        claims: Claims,
        view: View,
        standings: dict[tuple[str, TrunkState | None], Standing],
    ) -> None:
        self._turn, self._lines, self._claims, self._view = turn, lines, claims, view
        self._standings: Final = standings
        self._told: dict[ObjectRef, _Told] = {}
        self._replaced: dict[ObjectRef, _Told] = {}
        """The same of those that have changed themselves, until it is their turn."""
        self._refusals: dict[ObjectRef, Fault | None] = {}
        """Of those that were judged in this pass; of all others it is as it was."""
        self._queue: set[ObjectRef] = set()
        """Claims to be judged (again)."""
        self._tenants: dict[str | None, Tenant | None] = {}
        self._permitted: dict[str | None, Standing] = {}
        """How permitted Numbers stand, by the trunk that they name; by namespace if they name none."""

    def run(self) -> None:
        """Everything about Numbers; their counts are the claims' to say."""
        changes = self._turn.of(Number.kind)
        for ref, change in changes.items():
            if change.before is not None:
                self._take_in(ref, change)
        dirty = self._dirty(changes)
        # A few at a time: what was looked at a moment ago is near.
        for start in range(0, len(dirty), AT_ONCE):
            for line in dirty[start : start + AT_ONCE]:
                self._permit(line)
            self._settle()
            self._tell_all()
        for key in self._turn.answers.changed_keys(Index.TRUNK):
            trunk = str(key)
            state = self._view.trunk(trunk)
            for line in self._lines.of_trunk(trunk):
                if line.standing is not None and line.standing.trunk is not state:
                    self._remember(line)
        # Those that are gone, and claims that were waiting for theirs.
        self._settle()
        if self._told:
            self._tell_all()

    def _remember(self, line: Line) -> None:
        ref = line.ref
        if ref not in self._told:
            before = self._replaced
            self._told[ref] = before.pop(ref) if ref in before else (line, line.standing)

    def _tell_all(self) -> None:
        for ref, before in self._told.items():
            self._tell(ref, before)
        self._told.clear()

    def _take_in(self, ref: ObjectRef, change: Change) -> None:
        """Put the new line in the place of the old one."""
        before, now = change
        if not isinstance(before, Line):
            return
        told = before, before.standing
        if isinstance(now, Line):
            self._replaced[ref] = told
            if before.first == now.first and before.last == now.last:
                now.plausibility = before.plausibility
            if before.is_claim and before.has_same_claim(now):
                self._claims.swap(before, now)
                now.is_claim = True
                self._refusals[ref] = None if before.standing is None else before.standing.refusal
                return
        else:
            self._told[ref] = told
        self._release(before)

    def _dirty(self, changes: Mapping[ObjectRef, Change]) -> list[Line]:
        """Numbers of which it must be asked again whether they may claim anything.

        Those that have changed were not told yet as they are now, and all others were.
        """
        answers, lines = self._turn.answers, self._lines
        found = [now for _, now in changes.values() if isinstance(now, Line)]
        for namespace in answers.changed_keys(Index.TENANT):
            found += [line for line in lines.of_namespace(str(namespace)) if line.standing is not None]
        for ref in answers.changed_keys(Index.OVER_QUOTA):
            line = lines.by_ref.get(ref)  # type: ignore[call-overload]
            if line is not None and line.standing is not None:
                found.append(line)
        return found

    def _permit(self, line: Line) -> None:
        """Whether the Number may claim anything, whatever others claim."""
        found = self._turn.judge(line, refusal, line, self._tenant(line), self._view)
        faults = self._turn.faults
        is_permitted = found is None and not (faults and line.ref in faults)
        if is_permitted and not line.is_claim and self._tell_at_once(line):
            return
        self._remember(line)
        if not is_permitted:
            self._refusals[line.ref] = found
            self._release(line)
        elif not line.is_claim:
            self._queue.add(line.ref)

    def _tell_at_once(self, line: Line) -> bool:
        """A Number that was told never, if its claim meets no other: nearly all of a start are such.

        What comes later may stand against it all the same, as if it had been there before.
        """
        if line.standing is not None or line.ref in self._replaced:
            return False
        standing = self._standing(line, None)
        found = self._turn.judge(line, self._unopposed, line, standing)
        if found is None:
            return False
        self._claims.hold(line)
        line.is_claim, line.standing = True, standing
        ledger = self._turn.ledger
        ledger.of_numbers[line.ref], place = found
        if place is not None:
            ledger.rows.put(*place)
        return True

    def _unopposed(self, line: Line, standing: Standing) -> _Found | None:
        return _found(line, standing) if self._claims.is_unopposed(line) else None

    def _release(self, line: Line) -> None:
        if line.is_claim:
            line.is_claim = False
            self._queue.update(each.ref for each in self._claims.release(line))

    def _settle(self) -> None:
        if not self._queue:
            return
        lines, faults = self._lines.by_ref, self._turn.faults
        # What was refused, or not permitted, since it was put into the queue has no turn; nor has what claims
        # something else by now before it is permitted to.
        candidates = [
            line
            for ref in self._queue
            if (line := lines.get(ref)) is not None
            and ref not in faults
            and (line.is_claim or not (ref in self._replaced or self._refusals.get(ref)))
        ]
        self._queue.clear()
        for line, against in self._claims.settle(candidates, self._judge_claim):
            if against is not None:
                self._refusals[line.ref] = conflict(line, against)
            elif line.ref in self._refusals or self._told[line.ref][1] is not None:
                self._refusals[line.ref] = None

    def _judge_claim(self, line: Line) -> tuple[Line | None, list[Line]] | None:
        found = self._turn.judge(line, self._claims.conflict, line)
        line.is_claim = found is not None
        if line.ref not in self._told:
            self._remember(line)
        return found

    def _tell(self, ref: ObjectRef, before: _Told) -> None:
        line, (line_before, stood) = self._lines.by_ref.get(ref), before
        verdicts: tuple[Verdict, ...] = ()
        now: _Place | None = None
        if line is not None:
            refused = self._refusals.get(ref, None if stood is None else stood.refusal)
            standing = self._standing(line, refused)
            if line is line_before and standing == stood:
                return
            found = self._turn.judge(line, _found, line, standing)
            if found is None:
                line.standing = None
            else:
                line.standing = standing
                verdicts, now = found
        ledger = self._turn.ledger
        # It was told once, so it does not fail.
        was = None if stood is None else _place(line_before, stood)
        if was is not None and now is not None and was[0] == now[0]:
            ledger.rows.replace(was[0], was[1], now[1])
        else:
            if was is not None:
                ledger.rows.drop(*was)
            if now is not None:
                ledger.rows.put(*now)
        ledger.of_numbers[ref] = verdicts

    def _standing(self, line: Line, refused: Fault | None) -> Standing:
        if refused is not None:
            return Standing(None, refused)
        key = line.trunk or line.ref.namespace
        found = self._permitted.get(key)
        if found is None:
            found = self._permitted[key] = self._standing_of_permitted(line)
        return found

    def _standing_of_permitted(self, line: Line) -> Standing:
        tenant = self._tenant(line)
        if tenant is None:
            return Standing(None)
        state = None if line.trunk is None else self._view.trunk(line.trunk)
        found = self._standings.get((tenant.id, state))
        if found is None:
            found = self._standings[tenant.id, state] = Standing(tenant.id, None, state)
        return found

    def _tenant(self, line: Line) -> Tenant | None:
        namespace = line.ref.namespace
        try:
            return self._tenants[namespace]
        except KeyError:
            found = self._tenants[namespace] = self._view.tenant(namespace)
            return found


_Place = tuple[RowKey, RowChange]
"""The row of an accepted Number, and where it goes."""
_Found = tuple[tuple[Verdict, ...], _Place | None]
"""What there is to tell of a Number."""


def _found(line: Line, standing: Standing) -> _Found:
    return verdicts_of(line, standing), _place(line, standing)


def _place(line: Line, standing: Standing) -> _Place | None:
    if standing.account is None:
        return None
    key, row = row_of(line, standing.account)
    # As RowChange(...) does by one call more.
    return key, tuple.__new__(RowChange, (row, line.ref, standing.account, False))
