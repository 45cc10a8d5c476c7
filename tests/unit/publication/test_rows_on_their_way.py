"""Between one publication and the next, rows go back, move to other edges and change hands."""

from __future__ import annotations

from dataclasses import replace

from sipedge.secret import Secret
from sipedge.table import CredentialRow, NumberRow, Section
from support.revisions import sections_of
from support.tables import make_site
from trunkline.compiler.delta import Delta, RowChange, RowKey
from trunkline.publication.queue import Queue
from trunkline.publication.rows import owner_of

EDGES = ("ashburn", "dublin")
Changes = dict[RowKey, RowChange]


def number(digits: int, trunk: str | None = None, account: str = "acme") -> Changes:
    e164 = f"+{digits}"
    row = NumberRow(f"acme/n{digits}", account, trunk, e164, e164, None)
    key = Section.NUMBER, e164
    return {key: RowChange(row, owner_of(*key, row), account)}


def user(list_id: str, name: str, password: str, account: str) -> Changes:
    row, key = CredentialRow(name, Secret(password)), (Section.CREDENTIAL, f"{list_id}|{name}")
    return {key: RowChange(row, owner_of(*key, row), account)}


def begun(*shared: Changes, bound: int | None = None, most: int = 1) -> Queue:
    queue = Queue(most=most) if bound is None else Queue(bound, most)
    own: dict[str, Changes] = {
        edge: {(Section.SITE, "site"): RowChange(make_site(("192.0.2.1",), edge=edge), None, None)}
        for edge in EDGES
    }
    queue.take(Delta(shared={key: each for one in shared for key, each in one.items()}, own=own))
    queue.advance()
    queue.last_row(dict.fromkeys(EDGES, 1))
    return queue


def test_an_object_changes_there_and_back_after_its_publication_was_cut_off() -> None:
    """Nobody has asked then which sequence holds its last row, which is the one that it waits for."""
    numbers = [number(14_155_550_000 + n) for n in range(20)]
    queue = begun()
    queue.take(Delta(shared={key: each for one in numbers for key, each in one.items()}))
    queue.advance()
    waiting = queue.last_row(dict.fromkeys(EDGES, 2))
    assert waiting
    while queue.waiting:
        queue.advance()  # and it is stopped before it ends
    for one in numbers:
        ((key, change),) = one.items()
        assert isinstance(change.row, NumberRow)
        queue.take(Delta(shared={key: change._replace(row=replace(change.row, caller_name="x"))}))
        queue.take(Delta(shared=one))
    queue.advance()
    assert queue.last_row(dict.fromkeys(EDGES, 9)) == {ref: dict.fromkeys(EDGES, 9) for ref in waiting}


def test_what_found_no_room_comes_back_where_its_account_belongs_now() -> None:
    """No edge may hold an account's passwords that does not serve it."""
    users = [user("acme/users", f"pbx{n}", f"Correct-Horse-{n}", "acme") for n in range(200)]
    more = [user("acme/more", f"pbx{n}", f"Correct-Horse-{n}", "acme") for n in range(200)]
    queue = begun(*users, *more, bound=100)
    assert queue.left_out
    queue.take(Delta(account_edges={"acme": frozenset({"ashburn"})}))
    for _ in range(5):
        revision = queue.advance()
    assert Section.CREDENTIAL not in sections_of(queue, revision, "dublin")


def test_rows_of_a_namespace_that_changed_hands_follow_its_new_account() -> None:
    """A row that goes with the move is the old account's, and says nothing of the namespace."""
    password, gone = (
        user("acme/users", "pbx", "Correct-Horse-1", "old"),
        number(14_155_550_000, account="old"),
    )
    queue = begun(password, gone, most=32)
    ((key, change),) = gone.items()
    moved = user("acme/users", "pbx", "Correct-Horse-1", "new")
    queue.take(Delta(shared={**moved, key: RowChange(None, change.owner, "old")}))
    queue.advance()
    queue.take(Delta(account_edges={"new": frozenset({"ashburn"})}))
    revision = queue.advance()
    assert Section.CREDENTIAL in sections_of(queue, revision, "ashburn")
    assert Section.CREDENTIAL not in sections_of(queue, revision, "dublin")
