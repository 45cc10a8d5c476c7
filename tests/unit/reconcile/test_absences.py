"""Addresses that have not served for a while, by the reports of edges."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from trunkline.reconcile.absences import ABSENT_SECONDS, Absences
from trunkline.status.programmed import AddressReport, EdgeReport


def report(**ready: bool) -> EdgeReport:
    return EdgeReport("dublin", tuple(AddressReport(name, is_ready, 1) for name, is_ready in ready.items()))


def test_only_what_lasts_is_an_absence() -> None:
    """A restart is none; what is ready again begins anew; who is gone is not asked after."""
    absences = Absences()
    assert absences.look([report(a=True, b=False)], 100) == frozenset()
    assert absences.due(100) == ABSENT_SECONDS
    assert absences.look([report(a=False, b=False)], 104) == frozenset()
    assert absences.due(104) == ABSENT_SECONDS - 4
    assert absences.look([report(a=False, b=False)], 110) == {"b"}
    assert absences.due(110) == 4
    assert absences.look([report(a=True, b=False)], 114) == {"b"}
    assert absences.due(114) is None
    assert absences.look([report(a=False, b=True)], 115) == frozenset()
    assert absences.look([], 200) == frozenset()
    assert absences.look([report(a=False)], 201) == frozenset()


@given(st.floats(0.0, 1e9), st.floats(0.0, 2.0 * ABSENT_SECONDS))
def test_there_is_something_to_wait_for_until_it_is_told_and_never_after(begun: float, passed: float) -> None:
    """Whatever sums of floats are rounded to: who comes back a moment too soon is told that it was."""
    absences, now = Absences(), begun + passed
    absences.look([report(a=False)], begun)
    for moment in (math.nextafter(now, 0.0), now, math.nextafter(now, math.inf)):
        is_told = absences.look([report(a=False)], moment) == {"a"}
        assert (absences.due(moment) is None) is is_told
