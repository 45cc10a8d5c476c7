"""Turns of namespaces, groups of edges, and how far an object is: by a clock that counts publications."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from sipedge.secret import Secret
from sipedge.table import AccountRow, CredentialRow, DomainRow, NumberRow, RouteRow, Row, Section
from sipedge.table.publication import PARTS, part_name
from support.revisions import drain, sections_of, written
from support.tables import make_account, make_site, make_trunk
from trunkline.api import ObjectRef
from trunkline.compiler.delta import Delta, RowChange, RowKey
from trunkline.publication.objects import NOT_YET
from trunkline.publication.plan import MOST_PARTS
from trunkline.publication.queue import Queue
from trunkline.publication.rows import owner_of

EDGES = ("ashburn", "dublin")
Changes = dict[RowKey, RowChange]


def change(section: Section, key: str, row: Row, *, revokes: bool = False) -> Changes:
    owner = owner_of(section, key, row)
    account = owner.namespace if owner is not None else None
    return {(section, key): RowChange(row, owner, account, revokes)}


def number(digits: int, namespace: str, trunk: str | None = None) -> Changes:
    e164 = f"+{digits}"
    row = NumberRow(f"{namespace}/n{digits}", namespace, trunk, e164, e164, None)
    return change(Section.NUMBER, e164, row)


def numbers(count: int, namespace: str, first: int = 14_155_550_000, trunk: str | None = None) -> Changes:
    return {key: each for n in range(count) for key, each in number(first + n, namespace, trunk).items()}


def user(list_id: str, name: str, password: str = "a", *, revokes: bool = False) -> Changes:
    return change(
        Section.CREDENTIAL, f"{list_id}|{name}", CredentialRow(name, Secret(password)), revokes=revokes
    )


def trunk(id: str, domain: str | None = None, **fields: object) -> Changes:
    changes = change(Section.TRUNK, id, make_trunk(id, domain=domain, **fields))
    return changes | (change(Section.DOMAIN, domain, DomainRow(id)) if domain else {})


def site(edge: str, **fields: object) -> Mapping[str, Changes]:
    return {edge: change(Section.SITE, "site", make_site(("192.0.2.1",), edge=edge, **fields))}


def begun(*shared: Changes, edges: tuple[str, ...] = EDGES) -> Queue:
    """A queue that has published these rows for these edges."""
    queue = Queue()
    own = {edge: changes for each in edges for edge, changes in site(each).items()}
    queue.take(Delta(shared={key: each for one in shared for key, each in one.items()}, own=own))
    queue.advance()
    assert queue.waiting == 0
    return queue


def publications_until(queue: Queue, key: RowKey, most: int = 500) -> int:
    """How many publications it takes until the row of this key is published."""
    for count in range(1, most):
        revision = queue.advance()
        if key[1] in sections_of(queue, revision, EDGES[0]).get(key[0], {}):
            return count
    raise AssertionError(f"{key} is not published")


# ----------------------------------------------------------------------------------------------- turns


def test_a_change_beside_five_thousand_of_another_namespace_is_in_the_next_publication() -> None:
    queue = begun()
    for n in range(5):
        queue.take(Delta(shared=numbers(5_000, "bulk", first=14_155_550_000 + n * 10_000)))
        queue.advance()
        assert queue.waiting
        queue.take(
            Delta(shared=trunk(f"other/t{n}", f"d{n}") | number(3_531_000_000 + n, "other", f"other/t{n}"))
        )
        assert publications_until(queue, (Section.NUMBER, f"+{3_531_000_000 + n}")) <= 2


def test_no_publication_writes_more_parts_than_it_may() -> None:
    queue = begun()
    queue.take(Delta(shared={**numbers(5_000, "bulk"), **numbers(100, "other", 35_310_000_000)}))
    revision, publications = queue.advance(), 1
    while queue.waiting:
        before, revision = revision, queue.advance()
        assert 0 < len(written(before, revision)) <= MOST_PARTS
        publications += 1
    # All that waits for a part comes with it, so that a bulk takes no more writes than there are parts.
    assert publications == PARTS[Section.NUMBER] // MOST_PARTS


def test_namespaces_come_in_turn_the_one_served_longest_ago_first() -> None:
    queue = begun()
    names = [f"tenant-{n}" for n in range(100)]
    queue.take(
        Delta(
            shared={
                k: v for n, name in enumerate(names) for k, v in numbers(50, name, 10**11 + n * 100).items()
            }
        )
    )
    queue.advance()
    queue.take(Delta(shared=number(3_531_000_000, "late")))
    # A hundred are before it, and each publication serves at least MOST_PARTS of them.
    assert publications_until(queue, (Section.NUMBER, "+3531000000")) <= 100 // MOST_PARTS + 2


def test_a_revocation_is_in_the_next_publication_however_much_waits() -> None:
    queue = begun(user("acme/users", "pbx", "old"))
    queue.take(Delta(shared=numbers(5_000, "acme")))
    queue.take(Delta(shared=user("acme/users", "pbx", "new", revokes=True)))
    sections = sections_of(queue, queue.advance(), "ashburn")
    assert sections[Section.CREDENTIAL]["acme/users|pbx"] == CredentialRow("pbx", Secret("new"))


def test_a_revocation_brings_what_it_names() -> None:
    """A trunk that is narrowed to a new list would let in nobody if the list's users came later."""
    queue = begun(trunk("acme/hq", "hq", access=("203.0.113.0/24",)))
    queue.take(Delta(shared=numbers(5_000, "acme") | user("acme/users", "pbx")))
    narrowed = change(
        Section.TRUNK, "acme/hq", make_trunk("acme/hq", credential_lists=("acme/users",)), revokes=True
    )
    queue.take(Delta(shared=narrowed))
    assert "acme/users|pbx" in sections_of(queue, queue.advance(), "ashburn")[Section.CREDENTIAL]


def test_a_revocation_stays_one_though_the_row_changes_again() -> None:
    """Someone narrows a trunk, and then edits its targets: the first must not wait for the second."""
    queue = begun(trunk("acme/hq", "hq", access=("0.0.0.0/0",)))
    queue.take(Delta(shared=numbers(5_000, "acme")))
    queue.advance()
    narrow = make_trunk("acme/hq", domain="hq", access=("203.0.113.0/24",))
    queue.take(Delta(shared=change(Section.TRUNK, "acme/hq", narrow, revokes=True)))
    queue.take(Delta(shared=change(Section.TRUNK, "acme/hq", replace(narrow, max_concurrent_calls=7))))
    (row,) = sections_of(queue, queue.advance(), "ashburn")[Section.TRUNK].values()
    assert row == replace(narrow, max_concurrent_calls=7)


def test_a_row_that_changes_all_the_time_keeps_its_turn() -> None:
    queue = begun(edges=("ashburn",))
    queue.take(Delta(shared=trunk("acme/hq")))
    queue.take(Delta(shared=numbers(5_000, "acme")))
    for limit in range(3):
        queue.take(Delta(shared=trunk("acme/hq", max_concurrent_calls=limit)))
    assert Section.TRUNK in sections_of(queue, queue.advance(), "ashburn")


def test_a_key_that_has_no_bytes_costs_its_object_alone() -> None:
    queue = begun()
    queue.take(Delta(shared=user("acme/users", "\udc80") | user("acme/users", "fax")))
    assert set(sections_of(queue, queue.advance(), "ashburn")[Section.CREDENTIAL]) == {"acme/users|fax"}
    assert ObjectRef("CredentialList", "acme", "users") in queue.opinions


def test_parts_that_were_not_written_count_as_those_of_the_next_publication() -> None:
    queue = begun()
    queue.take(Delta(shared=numbers(5_000, "bulk")))
    first = queue.advance()
    unwritten = [part for part in first.parts if part[1].startswith("number-")][: MOST_PARTS - 2]
    second = queue.advance(unwritten)
    assert len(written(first, second) - set(unwritten)) <= 2


def test_rows_of_the_platform_never_wait() -> None:
    queue = begun()
    queue.take(Delta(shared=numbers(5_000, "bulk")))
    queue.advance()
    route = {"ashburn": change(Section.ROUTE, "+1", RouteRow(()))}
    queue.take(Delta(shared=change(Section.ACCOUNT, "acme", make_account(suspended=True)), own=route))
    sections = sections_of(queue, queue.advance(), "ashburn")
    account = sections[Section.ACCOUNT]["acme"]
    assert isinstance(account, AccountRow)
    assert account.suspended
    assert "+1" in sections[Section.ROUTE]


def test_a_change_that_is_taken_back_is_not_published() -> None:
    queue = begun(number(14_155_550_100, "acme"))
    before = queue.advance()
    queue.take(Delta(shared=number(14_155_550_100, "acme", "acme/hq")))
    queue.take(Delta(shared=number(14_155_550_100, "acme")))
    assert queue.waiting == 0
    assert written(before, queue.advance()) == frozenset()


# --------------------------------------------------------------------------------------------- objects


def test_an_object_is_as_far_as_the_last_of_its_rows() -> None:
    """Until then no sequence is enough; what was published at once is not told."""
    queue = begun()
    listed = {key: each for n in range(64) for key, each in user("acme/users", f"user-{n}").items()}
    queue.take(Delta(shared=listed))
    ref, sequence = ObjectRef("CredentialList", "acme", "users"), 1
    while queue.waiting:
        revision, sequence = queue.advance(), sequence + 1
        told = queue.last_row({"ashburn": sequence, "dublin": sequence + 10})
        there = len(sections_of(queue, revision, "ashburn")[Section.CREDENTIAL])
        expected = NOT_YET if there < 64 else sequence
        assert told[ref]["ashburn"] == expected
    assert told[ref] == {"ashburn": sequence, "dublin": sequence + 10}
    queue.advance()
    assert queue.last_row({"ashburn": 99, "dublin": 99})[ref]["ashburn"] == sequence


def test_what_never_waited_is_not_told() -> None:
    queue = begun()
    queue.take(Delta(shared=number(14_155_550_100, "acme")))
    queue.advance()
    assert queue.last_row({"ashburn": 2, "dublin": 2}) == {}


# ---------------------------------------------------------------------------------------------- groups


def test_rows_of_an_account_are_held_by_its_edges_alone() -> None:
    queue = begun()
    queue.take(
        Delta(
            shared=trunk("acme/hq", "hq")
            | user("acme/users", "pbx")
            | number(1_415, "acme", "acme/hq")
            | number(44, "beta"),
            account_edges={"acme": frozenset({"dublin"})},
        )
    )
    revision = drain(queue)
    ashburn, dublin = (sections_of(queue, revision, edge) for edge in EDGES)
    assert set(ashburn.get(Section.NUMBER, {})) == {"+44"}
    assert Section.CREDENTIAL not in ashburn
    assert Section.TRUNK not in ashburn
    assert set(dublin[Section.NUMBER]) == {"+44", "+1415"}
    assert set(dublin[Section.CREDENTIAL]) == {"acme/users|pbx"}
    assert set(dublin[Section.DOMAIN]) == {"hq"}


def test_an_account_that_is_narrowed_leaves_the_others_at_once() -> None:
    """Rows move by the account's edges alone; they need not be given again."""
    shared = trunk("acme/hq", "hq") | user("acme/users", "pbx") | numbers(300, "acme", trunk="acme/hq")
    queue = begun(shared, number(44, "beta"))
    queue.take(Delta(account_edges={"acme": frozenset({"dublin"})}))
    revision = queue.advance()
    assert queue.waiting == 0
    assert set(sections_of(queue, revision, "ashburn")[Section.NUMBER]) == {"+44"}
    assert Section.CREDENTIAL not in sections_of(queue, revision, "ashburn")
    assert len(sections_of(queue, revision, "dublin")[Section.NUMBER]) == 301
    queue.take(Delta(account_edges={"acme": None}))
    assert len(sections_of(queue, queue.advance(), "ashburn")[Section.NUMBER]) == 301


def test_a_row_that_goes_does_not_come_back_with_its_account_elsewhere() -> None:
    queue = begun(user("acme/users", "pbx"), number(44, "acme"))
    gone = RowChange(None, ObjectRef("CredentialList", "acme", "users"), "acme")
    queue.take(Delta(shared={(Section.CREDENTIAL, "acme/users|pbx"): gone}))
    queue.take(Delta(account_edges={"acme": frozenset({"dublin"})}))
    dublin = sections_of(queue, drain(queue), "dublin")
    assert Section.CREDENTIAL not in dublin
    assert set(dublin[Section.NUMBER]) == {"+44"}


def test_an_edge_of_an_older_version_keeps_what_it_had_and_the_account_says_so() -> None:
    queue = begun(user("acme/users", "pbx"))
    queue.set_schemas({"ashburn": 2, "dublin": 1})
    queue.take(Delta(account_edges={"acme": frozenset({"dublin"})}))
    revision = queue.advance()
    for edge in EDGES:
        assert "acme/users|pbx" in sections_of(queue, revision, edge)[Section.CREDENTIAL]
        assert not any("." in name for name in revision.heads[edge]), "a part of a group"
    (opinion,) = queue.opinions[ObjectRef("Account", None, "acme")]
    assert (opinion.type, opinion.reason) == ("FeatureUnavailable", "EdgeTooOld")
    assert "Edge dublin" in opinion.message
    queue.set_schemas({"ashburn": 2, "dublin": 2})
    revision = queue.advance()
    assert Section.CREDENTIAL not in sections_of(queue, revision, "ashburn")
    assert Section.CREDENTIAL in sections_of(queue, revision, "dublin")
    assert queue.opinions == {}


def test_an_edge_that_is_gone_has_no_head_and_no_parts() -> None:
    queue = begun()
    queue.take(Delta(edges={"dublin": None}))
    revision = queue.advance()
    assert set(revision.heads) == {"ashburn"}
    assert {edge for edge, _ in revision.parts} == {"ashburn"}


def test_an_edge_that_comes_again_begins_anew() -> None:
    """Also where nothing was published between."""
    queue = begun()
    queue.take(Delta(own={"dublin": change(Section.ROUTE, "+1", RouteRow(()))}))
    queue.advance()
    queue.take(Delta(edges={"dublin": None}))
    queue.take(Delta(own=site("dublin")))
    sections = sections_of(queue, queue.advance(), "dublin")
    assert set(sections) == {Section.SITE}


def test_an_edge_whose_rows_cannot_be_packed_costs_itself_alone() -> None:
    queue = begun()
    queue.take(Delta(own=site("dublin", region="\udc80"), shared=number(44, "beta")))
    revision = queue.advance()
    assert set(queue.faults) == {"dublin"}
    assert set(revision.heads) == {"ashburn"}
    queue.take(Delta(own=site("dublin", region="eu1")))
    assert set(queue.advance().heads) == set(EDGES)
    assert queue.faults == {}


def test_a_row_that_cannot_be_packed_costs_its_object_alone() -> None:
    queue = begun()
    queue.take(Delta(shared=user("acme/users", "pbx", "\udc80") | user("acme/users", "fax")))
    assert set(sections_of(queue, queue.advance(), "ashburn")[Section.CREDENTIAL]) == {"acme/users|fax"}
    ((accepted, programmed),) = queue.opinions.values()
    assert (accepted.status, accepted.reason, programmed.status) == ("False", "InternalError", "False")
    assert "udc80" not in accepted.message


# ------------------------------------------------------------------------------------------------ room


def in_one_part(namespace: str, count: int, digits: int, part: int = 0) -> Changes:
    """Numbers of one namespace from these digits on that all fall into one part."""
    found: Changes = {}
    while len(found) < count:
        if part_name(Section.NUMBER, f"+{digits}".encode()) == f"number-{part:02x}":
            found |= number(digits, namespace)
        digits += 1
    return found


def test_a_part_without_room_leaves_out_the_youngest_of_the_largest_namespace() -> None:
    small, large = in_one_part("small", 20, 10**10), in_one_part("large", 400, 2 * 10**10)
    queue = Queue(bound=2_000)
    queue.take(Delta(shared=small | large, own=site("ashburn")))
    revision = queue.advance()
    published = sections_of(queue, revision, "ashburn")[Section.NUMBER]
    assert revision.too_large == {}
    assert all(len(queue.data(part)) <= 2_000 for part in revision.parts)
    assert {key for _, key in small} <= set(published)
    kept = [key for _, key in large if key in published]
    assert kept == [key for _, key in large][: len(kept)], "the oldest stay"
    assert set(queue.left_out) == {each.owner for key, each in large.items() if key[1] not in published}
    assert 50 < len(kept) < 400


def test_what_was_left_out_comes_back_as_soon_as_there_is_room() -> None:
    large = in_one_part("large", 400, 10**10)
    queue = Queue(bound=2_000)
    queue.take(Delta(shared=large, own=site("ashburn")))
    queue.advance()
    left = set(queue.left_out)
    assert left
    gone = list(large)[:300]
    queue.take(Delta(shared={key: RowChange(None, large[key].owner, "large", revokes=True) for key in gone}))
    assert len(sections_of(queue, queue.advance(), "ashburn")[Section.NUMBER]) == 100
    assert queue.left_out == {}


def test_rows_of_nobody_are_kept_as_they_were() -> None:
    """The platform's own are never left out: the part that cannot be written is told."""
    queue = Queue(bound=2_000)
    route = change(Section.ROUTE, "+1", RouteRow(()))
    long = {
        "ashburn": change(Section.SITE, "site", make_site([f"192.0.2.{n}-{n * n}" for n in range(2_000)]))
    }
    queue.take(Delta(own={"ashburn": site("ashburn")["ashburn"] | route}))
    queue.advance()
    queue.take(Delta(own=long))
    assert set(queue.advance().too_large) == {("ashburn", "site-00")}
