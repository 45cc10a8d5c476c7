"""Namespaces change hands, accounts change edges, parts are too small, and publications are cut off.

No edge ever holds what it should not, and at rest each holds all it should, but for what says it has no room.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from sipedge.secret import Secret
from sipedge.table import CredentialRow, NumberRow, Row, Section
from support.revisions import sections_of
from support.tables import make_site
from trunkline.api import ObjectRef
from trunkline.compiler.delta import Delta, RowChange, RowKey
from trunkline.publication.objects import NOT_YET
from trunkline.publication.queue import Queue
from trunkline.publication.revision import Revision

EDGES = ("ashburn", "dublin", "oslo")
NAMESPACES = ("acme", "beta", "coda")
ACCOUNTS = ("a", "b", "c")
SUBSETS = (
    None,
    frozenset({"ashburn"}),
    frozenset({"dublin"}),
    frozenset({"ashburn", "oslo"}),
    frozenset[str](),
)

Rows = dict[RowKey, tuple[Row, ObjectRef, str]]
"""Row, owner and account."""


@dataclass
class World:
    """What should be published, and what an operator would tell a queue."""

    dice: random.Random
    account_of: dict[str, str] = field(default_factory=lambda: dict(zip(NAMESPACES, ACCOUNTS, strict=True)))
    edges_of: dict[str, frozenset[str] | None] = field(default_factory=lambda: dict.fromkeys(ACCOUNTS))
    things: dict[tuple[str, str], str] = field(default_factory=dict)
    """Namespace and name of a Number or a list -> what of it changes."""

    def change(self) -> None:
        match self.dice.randrange(6):
            case 0:
                self.account_of[self.dice.choice(NAMESPACES)] = self.dice.choice(ACCOUNTS)
            case 1:
                self.edges_of[self.dice.choice(ACCOUNTS)] = self.dice.choice(SUBSETS)
            case _:
                thing = self.dice.choice(NAMESPACES), f"{self.dice.choice('nl')}{self.dice.randrange(6)}"
                self.things[thing] = f"{self.dice.randrange(10**30)}"
                if self.dice.random() < 0.3:
                    del self.things[thing]

    def rows(self) -> Rows:
        found: Rows = {}
        for (namespace, name), text in sorted(self.things.items()):
            account = self.account_of[namespace]
            if name[0] == "n":
                e164 = f"+1415555{NAMESPACES.index(namespace)}{name[1]}00"
                row = NumberRow(f"{namespace}/{name}", account, None, e164, e164, text)
                found[Section.NUMBER, e164] = row, ObjectRef("Number", namespace, name), account
            else:
                owner = ObjectRef("CredentialList", namespace, name)
                for user in ("x", "y"):
                    key = Section.CREDENTIAL, f"{namespace}/{name}|{user}"
                    found[key] = CredentialRow(user, Secret(text)), owner, account
        return found

    def delta(self, before: Rows, edges: Mapping[str, frozenset[str] | None]) -> Delta:
        now = self.rows()
        shared = {
            key: RowChange(row, owner, account, self.dice.random() < 0.2)
            for key, (row, owner, account) in now.items()
            if before.get(key) != (row, owner, account)
        }
        gone = before.keys() - now.keys()
        shared |= {
            key: RowChange(None, before[key][1], before[key][2], self.dice.random() < 0.2) for key in gone
        }
        keys = sorted(shared)
        self.dice.shuffle(keys)
        changed = {each: self.edges_of[each] for each in ACCOUNTS if self.edges_of[each] != edges[each]}
        return Delta(shared={key: shared[key] for key in keys}, account_edges=changed)


def check_nobody_holds_too_much(queue: Queue, revision: Revision, world: World, wanted: Rows) -> None:
    """`wanted` is what the queue was told; a row that goes without a hurry may be there still."""
    for edge in EDGES:
        for section, rows in sections_of(queue, revision, edge).items():
            for key in rows:
                if (known := wanted.get((section, key))) is not None:
                    serving = world.edges_of[known[2]]
                    assert serving is None or edge in serving, f"{edge} holds {key} of account {known[2]}"


@settings(deadline=None, max_examples=100)
@given(st.integers(0, 2**32), st.sampled_from((120, 10_000)))
def test_edges_hold_what_they_should_and_nothing_else(seed: int, bound: int) -> None:
    world = World(random.Random(seed))
    queue = Queue(bound, most=2)
    own: dict[str, dict[RowKey, RowChange]] = {
        edge: {(Section.SITE, "site"): RowChange(make_site(("192.0.2.1",), edge=edge), None, None)}
        for edge in EDGES
    }
    queue.take(Delta(own=own))
    told: Rows = {}
    edges: dict[str, frozenset[str] | None] = dict.fromkeys(ACCOUNTS)
    sequence = 0
    for _ in range(world.dice.randint(1, 25)):
        for _ in range(world.dice.choice((0, 1, 1, 3, 8))):
            world.change()
        queue.take(world.delta(told, edges))
        told, edges = world.rows(), dict(world.edges_of)
        for _ in range(world.dice.choice((0, 1, 1, 2))):
            sequence += 1
            revision = queue.advance()
            check_nobody_holds_too_much(queue, revision, world, told)
            if world.dice.random() < 0.7:  # else it is cut off, and nobody asks
                queue.last_row(dict.fromkeys(EDGES, sequence))
    for _ in range(200):
        revision = queue.advance()
        last_row = queue.last_row(dict.fromkeys(EDGES, sequence))
        if not queue.waiting:
            break
    assert not queue.waiting
    assert all(at != NOT_YET for held in last_row.values() for at in held.values())
    left_out = queue.left_out
    for edge in EDGES:
        held = {
            (section, key): row
            for section, rows in sections_of(queue, revision, edge).items()
            for key, row in rows.items()
            if section is not Section.SITE
        }
        should = {
            key: row
            for key, (row, owner, account) in told.items()
            if owner not in left_out and ((serving := edges[account]) is None or edge in serving)
        }
        assert held == should
