"""Rows that pass between objects within one update, as when a second pass does without one at fault."""

from __future__ import annotations

from sipedge.table import DomainRow, Section
from trunkline.api import ObjectRef
from trunkline.compiler.delta import RowChange
from trunkline.compiler.ledger import RowNet

KEY = Section.DOMAIN, "acme"


def held(name: str) -> RowChange:
    return RowChange(DomainRow(f"acme/{name}"), ObjectRef("Trunk", "acme", name), "acme")


def test_a_row_that_was_there_never_does_not_go() -> None:
    net = RowNet()
    net.put(KEY, held("faulty"))
    net.put(KEY, held("next"))
    net.drop(KEY, held("faulty"))
    net.drop(KEY, held("next"))
    assert net.changes() == {}


def test_a_row_that_comes_back_to_who_had_it_for_a_moment_is_told() -> None:
    net = RowNet()
    net.put(KEY, held("faulty"))
    net.put(KEY, held("next"))
    net.drop(KEY, held("faulty"))
    net.put(KEY, held("faulty"))
    net.drop(KEY, held("next"))
    (change,) = net.changes().values()
    assert change.row == DomainRow("acme/faulty")
    assert not change.revokes


def test_a_row_that_passes_on_was_the_old_ones_whoever_speaks_first() -> None:
    for steps in (("put new", "drop old"), ("drop old", "put new")):
        net = RowNet()
        for step in steps:
            (net.put if step == "put new" else net.drop)(KEY, held(step.split()[1]))
        (change,) = net.changes().values()
        assert (change.row, change.revokes) == (DomainRow("acme/new"), True)


def test_a_row_that_stays_in_its_place_is_told_as_it_is_last() -> None:
    was, now = held("one"), RowChange(DomainRow("acme/two"), held("one").owner, "acme")
    net = RowNet()
    net.replace(KEY, was, now)
    assert net.changes() == {KEY: now._replace(revokes=True)}
    net.replace(KEY, was, now)
    net.replace(KEY, now, was)
    assert net.changes() == {}


def test_a_row_that_another_had_for_a_moment_is_replaced_all_the_same() -> None:
    net = RowNet()
    net.put(KEY, held("faulty"))
    net.replace(KEY, held("one"), held("one")._replace(account="beta"))
    net.drop(KEY, held("faulty"))
    (change,) = net.changes().values()
    assert (change.row, change.account) == (DomainRow("acme/one"), "beta")
