"""The LMDB store: what a writer commits is what a reader sees, also when files change places."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest

from sipedge.store import DATA_FILE, RECHECK_SECONDS, Change, LmdbRows, Store, Written, fault_text
from sipedge.table import MemoryRows, Section, Table
from support.tables import Platform, make_account, make_trunk

NUMBER, RANGE, TRUNK = Section.NUMBER, Section.RANGE, Section.TRUNK


def write(directory: Path, sequence: int, **numbers: bytes) -> None:
    """Commit a revision and close again: a process never holds a writer and a reader at once."""
    store = Store(directory, "ashburn")
    store.commit(sequence, {NUMBER: {key.encode(): row for key, row in numbers.items()}})
    store.close()


def test_reader_sees_the_newest_revision(tmp_path: Path) -> None:
    """Rows and sequence together."""
    write(tmp_path / "lmdb", 4, a=b"1")
    rows = LmdbRows(tmp_path / "lmdb")
    with rows.transaction() as found:
        assert (found.sequence, found.get(NUMBER, b"a"), found.get(NUMBER, b"b")) == (4, b"1", None)
    assert rows.sequence() == 4
    rows.close()


def test_transaction_keeps_its_revision_while_another_is_committed(tmp_path: Path) -> None:
    """A call is decided by one revision, from the first question to the last."""
    store = Store(tmp_path / "lmdb", "ashburn")
    store.commit(1, {NUMBER: {b"a": b"1"}})
    store.close()
    ready, go = os.pipe(), os.pipe()
    if (child := os.fork()) == 0:
        rows = LmdbRows(tmp_path / "lmdb")
        with rows.transaction() as found:
            before = found.get(NUMBER, b"a")
            os.write(ready[1], b"x")
            os.read(go[0], 1)
            same = found.get(NUMBER, b"a") == before == b"1" and found.sequence == 1
        with rows.transaction() as found:
            later = found.get(NUMBER, b"a") == b"2" and found.sequence == 2
        os._exit(0 if same and later else 1)
    os.read(ready[0], 1)
    write(tmp_path / "lmdb", 2, a=b"2")
    os.write(go[1], b"x")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def test_floor_agrees_with_the_table_in_memory(tmp_path: Path) -> None:
    """The greatest key not above: the same answer from LMDB as from a sorted list."""
    platform = Platform(
        ["192.0.2.1"],
        accounts=[make_account()],
        trunks=[make_trunk()],
        ranges={("+14155551000", "+14155551999"): "acme/hq", ("+442079460000", "+442079460099"): "acme/hq"},
    )
    memory = MemoryRows(platform.table())
    keys = [
        b"",
        b"0",
        b"11:14155550999",
        b"11:14155551000",
        b"11:14155551500",
        b"12:4",
        b"12:442079460000",
        b"\xff",
    ]
    store = Store(tmp_path / "lmdb", "ashburn")
    packed = {key: memory.get(RANGE, key) for key in (b"11:14155551000", b"12:442079460000")}
    store.commit(1, {RANGE: {key: row for key, row in packed.items() if row is not None}})
    store.close()
    rows = LmdbRows(tmp_path / "lmdb")
    with rows.transaction() as found:
        assert [found.floor(RANGE, key) for key in keys] == [memory.floor(RANGE, key) for key in keys]
        assert Table(found).number("+14155551500") is not None
        assert Table(found).number("+14155552000") is None
    rows.close()


@pytest.mark.parametrize(
    "key", (b"", b"x" * 512, b"x" * 100_000), ids=("empty", "512 bytes", "100,000 bytes")
)
def test_key_that_lmdb_cannot_hold_is_in_no_table(tmp_path: Path, key: bytes) -> None:
    """A caller chooses what is looked up: no length of it may raise."""
    write(tmp_path / "lmdb", 1, a=b"1")
    rows = LmdbRows(tmp_path / "lmdb")
    with rows.transaction() as found:
        assert found.get(NUMBER, key) is None
        assert found.floor(NUMBER, key) == ((b"a", b"1") if key else None)
    rows.close()


def test_missing_store_answers_none_and_is_found_when_it_comes(tmp_path: Path) -> None:
    """Kamailio may start before its table is there."""
    rows = LmdbRows(tmp_path / "lmdb")
    with rows.transaction() as found:
        assert (found.sequence, found.get(NUMBER, b"a"), found.floor(NUMBER, b"a")) == (None, None, None)
    write(tmp_path / "lmdb", 1, a=b"1")
    assert rows.sequence() == 1
    rows.close()


@pytest.mark.parametrize("content", (b"", b"x" * 100, b"\0" * 65_536), ids=("empty", "short", "zeros"))
def test_unreadable_store_answers_none(tmp_path: Path, content: bytes) -> None:
    """No error reaches a call."""
    (tmp_path / "lmdb").mkdir()
    (tmp_path / "lmdb" / DATA_FILE).write_bytes(content)
    rows = LmdbRows(tmp_path / "lmdb")
    assert rows.sequence() is None
    rows.close()


def test_store_cut_in_half_is_not_read(tmp_path: Path) -> None:
    """Its missing pages would end the process."""
    write(tmp_path / "lmdb", 1, **{f"n{number}": b"x" * 60 for number in range(1000)})
    data = tmp_path / "lmdb" / DATA_FILE
    os.truncate(data, data.stat().st_size // 2)
    rows = LmdbRows(tmp_path / "lmdb")
    assert rows.sequence() is None
    rows.close()


def test_replaced_file_is_noticed_within_a_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """And looked for no more often than that, since every call would pay for it."""
    now = 100.0
    monkeypatch.setattr("sipedge.store.reader.time.monotonic", lambda: now)
    write(tmp_path / "lmdb", 1, a=b"old")
    write(tmp_path / "other", 2, a=b"new")
    rows = LmdbRows(tmp_path / "lmdb")
    assert rows.sequence() == 1
    shutil.rmtree(tmp_path / "lmdb")
    (tmp_path / "other").rename(tmp_path / "lmdb")
    now += RECHECK_SECONDS - 0.01
    assert rows.sequence() == 1
    now += 0.02
    assert rows.sequence() == 2
    rows.close()


def test_deleted_file_stays_readable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last good table is served until there is another file."""
    now = 100.0
    monkeypatch.setattr("sipedge.store.reader.time.monotonic", lambda: now)
    write(tmp_path / "lmdb", 1, a=b"1")
    rows = LmdbRows(tmp_path / "lmdb")
    assert rows.sequence() == 1
    shutil.rmtree(tmp_path / "lmdb")
    now += 10
    assert rows.sequence() == 1
    rows.close()


def test_child_of_a_fork_opens_the_store_for_itself(tmp_path: Path) -> None:
    """LMDB must not be carried over a fork; a reader made before it works on both sides."""
    write(tmp_path / "lmdb", 1, a=b"1")
    rows = LmdbRows(tmp_path / "lmdb")
    if (child := os.fork()) == 0:
        os._exit(0 if rows.sequence() == 1 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert rows.sequence() == 1
    rows.close()


def test_commit_touches_only_rows_that_differ(tmp_path: Path) -> None:
    """Equal rows are left alone, missing ones go."""
    store = Store(tmp_path / "lmdb", "ashburn")
    assert store.commit(1, {NUMBER: {b"a": b"1", b"b": b"2"}, TRUNK: {b"t": b"3"}}) == Written(3, 0)
    assert store.commit(2, {NUMBER: {b"a": b"1", b"b": b"9"}}) == Written(1, 1)
    assert store.apply(
        3, Change(put={NUMBER: {b"a": b"1", b"c": b"3"}}, delete={NUMBER: frozenset({b"b"})})
    ) == Written(1, 1)
    assert store.rows(NUMBER) == [(b"a", b"1"), (b"c", b"3")]
    assert (store.meta.sequence, store.meta.schema, store.meta.edge) == (3, 1, "ashburn")
    store.close()


def test_failed_commit_leaves_the_last_revision(tmp_path: Path) -> None:
    """One row that cannot be stored: nothing of the revision is, and the store goes on."""
    store = Store(tmp_path / "lmdb", "ashburn")
    store.commit(1, {NUMBER: {b"a": b"1"}})
    with pytest.raises(Exception, match="MDB_BAD_VALSIZE"):
        store.commit(2, {NUMBER: {b"b": b"1", b"k" * 600: b"1"}})
    assert (store.sequence, store.rows(NUMBER)) == (1, [(b"a", b"1")])
    assert store.is_untouched()
    store.commit(3, {NUMBER: {b"c": b"1"}})
    assert (store.sequence, store.rows(NUMBER)) == (3, [(b"c", b"1")])
    store.close()


def test_files_are_for_their_owner_alone(tmp_path: Path) -> None:
    """The table holds HA1."""
    write(tmp_path / "lmdb", 1)
    modes = {path.name: path.stat().st_mode & 0o777 for path in (tmp_path / "lmdb").iterdir()}
    assert modes == {"data.mdb": 0o600, "lock.mdb": 0o600}
    assert (tmp_path / "lmdb").stat().st_mode & 0o777 == 0o700


def test_full_disk_in_words(tmp_path: Path) -> None:
    """What to do stands in the message."""
    text = fault_text(OSError(28, "No space left on device"), tmp_path)
    assert "free disk space" in text
    assert "the last table stays in use" in text
