"""What stands around the loop: inputs on their way, deltas that were handed over, domains by edge."""

from __future__ import annotations

from sipedge.table import DomainRow, Section
from support.objects import make_edge, make_number, make_trunk
from trunkline.api import InvalidObject, Platform
from trunkline.compiler.delta import Delta, InputChanges, RowChange, Surroundings
from trunkline.reconcile.domains import Domains
from trunkline.reconcile.handed import Handed
from trunkline.reconcile.inputs import Inputs, following
from trunkline.reconcile.place import Publication

AROUND = Surroundings(Platform("trunkline.test"))
TRUNK, NUMBER = make_trunk(), make_number()


def test_of_two_changes_of_one_object_the_later_counts() -> None:
    newer = make_trunk(generation=2)
    both = following(
        InputChanges({TRUNK.ref: TRUNK, NUMBER.ref: NUMBER}, {("acme", "a"): {}}, AROUND),
        InputChanges({TRUNK.ref: newer, NUMBER.ref: None}, {("acme", "a"): None}),
    )
    assert both == InputChanges({TRUNK.ref: newer, NUMBER.ref: None}, {("acme", "a"): None}, AROUND)


def test_what_waits_goes_on_waiting_until_it_is_compiled() -> None:
    inputs = Inputs()
    inputs.note(InputChanges({TRUNK.ref: TRUNK}))
    assert inputs.waiting(AROUND) == InputChanges({TRUNK.ref: TRUNK}, {}, AROUND)
    inputs.note(InputChanges({NUMBER.ref: NUMBER}))
    assert inputs.waiting(AROUND) == InputChanges({TRUNK.ref: TRUNK, NUMBER.ref: NUMBER}, {}, AROUND)
    inputs.compiled(AROUND, Delta())
    assert inputs.waiting(AROUND) is None
    other = Surroundings(Platform("another.test"))
    assert inputs.waiting(other) == InputChanges(surroundings=other)


def test_an_edge_that_is_refused_is_known_as_it_was_served() -> None:
    inputs, edge = Inputs(), make_edge("oslo")
    inputs.note(InputChanges({edge.ref: edge}))
    inputs.compiled(AROUND, Delta(edges={"oslo": edge}))
    inputs.note(InputChanges({edge.ref: InvalidObject(edge.ref, 2, ())}))
    assert inputs.edges == {"oslo": edge}


def test_a_delta_is_told_when_a_publication_that_began_after_it_has_ended() -> None:
    handed, first, second = Handed[str](), Delta(edges={"oslo": None}), Delta(edges={"bergen": None})
    handed.take(first, "first")
    began = handed.taken
    handed.take(second, "second")
    assert list(handed.untold()) == []
    assert handed.published(began, Publication(1))
    assert list(handed.untold()) == [(first, "first")]
    assert not handed.published(began, Publication(1))
    assert handed.published(handed.taken, Publication(1))
    assert list(handed.untold()) == [(second, "second")]


def test_a_delta_that_could_not_be_told_is_told_again() -> None:
    handed = Handed[str]()
    handed.take(Delta(), "it")
    handed.published(1, Publication())
    assert next(handed.untold()) == (Delta(), "it")  # and what was made of it failed
    assert list(handed.untold()) == [(Delta(), "it")]


def test_an_edge_names_the_domains_of_the_accounts_that_it_serves() -> None:
    domains = Domains()
    domains.take(
        Delta(
            shared={
                (Section.DOMAIN, name): RowChange(DomainRow("acme/hq"), None, account)
                for name, account in (("everywhere", None), ("acme", "acme"), ("far", "far"))
            },
            account_edges={"far": frozenset({"bergen"})},
        )
    )
    assert domains.of("oslo") == ("acme", "everywhere")
    assert domains.of("bergen") == ("acme", "everywhere", "far")
    domains.take(
        Delta(
            shared={(Section.DOMAIN, "acme"): RowChange(None, None, "acme")},
            account_edges={"far": None},
        )
    )
    assert domains.of("oslo") == ("everywhere", "far")
