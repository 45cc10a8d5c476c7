"""What the agent has learned: apart from the table, rebuilt by itself, and never worth a call."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import lmdb
import pytest

from sipedge.agent.faults import Faults
from sipedge.agent.learned import LearnedKeeper
from sipedge.store import DATA_FILE, RECHECK_SECONDS, LearnedStore, LmdbRows, Store
from sipedge.table import Generation, Section

RESOLVED, NUMBER = Section.RESOLVED, Section.NUMBER
AT_RESOLVED = tuple(Generation).index(Generation.RESOLVED)


def write_table(directory: Path) -> None:
    with Store(directory / "lmdb", "ashburn") as store:
        store.commit(1, {NUMBER: {b"a": b"1"}})


def learn(directory: Path, **names: bytes) -> None:
    with LearnedStore(directory / "learned", "ashburn") as store:
        store.commit({key.encode(): row for key, row in names.items()})


def rows_of(directory: Path) -> LmdbRows:
    return LmdbRows(directory / "lmdb", directory / "learned")


def keeper_of(directory: Path) -> LearnedKeeper:
    return LearnedKeeper(directory / "learned", "ashburn", Faults())


def reread(directory: Path) -> dict[bytes, bytes]:
    """What a keeper that is started now would know."""
    keeper = keeper_of(directory)
    keeper.step()
    found = dict(keeper.resolved)
    keeper._close()
    return found


def garbage(data: Path) -> None:
    data.write_bytes(os.urandom(data.stat().st_size))


def cut(data: Path) -> None:
    os.truncate(data, data.stat().st_size // 2)


def gone(data: Path) -> None:
    shutil.rmtree(data.parent)


def test_one_transaction_reads_both(tmp_path: Path) -> None:
    """And after its end it answers nothing, from either."""
    write_table(tmp_path)
    learn(tmp_path, pbx=b"2")
    rows = rows_of(tmp_path)
    with rows.transaction() as found:
        assert (found.get(NUMBER, b"a"), found.get(RESOLVED, b"pbx")) == (b"1", b"2")
    assert (found.get(NUMBER, b"a"), found.get(RESOLVED, b"pbx")) == (None, None)
    rows.close()


@pytest.mark.parametrize("damage", (cut, gone), ids=lambda each: each.__name__)
def test_reader_goes_on_without_what_was_learned(tmp_path: Path, damage: object) -> None:
    """The table is served, and what was learned is seen again as soon as it is there again."""
    write_table(tmp_path)
    learn(tmp_path, pbx=b"2")
    damage(tmp_path / "learned" / DATA_FILE)  # type: ignore[operator]
    rows = rows_of(tmp_path)
    with rows.transaction() as found:
        assert (found.sequence, found.get(NUMBER, b"a"), found.get(RESOLVED, b"pbx")) == (1, b"1", None)
        assert found.generations[AT_RESOLVED] == 0
        assert all(found.generations[:AT_RESOLVED])
    shutil.rmtree(tmp_path / "learned", ignore_errors=True)
    learn(tmp_path, pbx=b"3")
    with rows.transaction() as found:
        assert found.get(RESOLVED, b"pbx") == b"3"
        assert found.generations[AT_RESOLVED]
    rows.close()


def test_what_was_learned_is_read_without_a_table(tmp_path: Path) -> None:
    """Neither needs the other."""
    learn(tmp_path, pbx=b"2")
    rows = rows_of(tmp_path)
    with rows.transaction() as found:
        assert (found.sequence, found.get(RESOLVED, b"pbx")) == (None, b"2")
        assert not any(found.generations[:AT_RESOLVED])
    rows.close()


def test_a_new_file_has_generations_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was made from the old file's rows must not hold for the new one's."""
    now = 100.0
    monkeypatch.setattr("sipedge.store.reader.time.monotonic", lambda: now)
    write_table(tmp_path)
    rows = rows_of(tmp_path)
    with rows.transaction() as found:
        before = found.generations
    shutil.rmtree(tmp_path / "lmdb")
    write_table(tmp_path)
    now += RECHECK_SECONDS
    with rows.transaction() as found:
        after = found.generations
    assert all(old != new for old, new in zip(before[:AT_RESOLVED], after[:AT_RESOLVED], strict=True))
    rows.close()


def test_keeper_remembers_over_a_restart(tmp_path: Path) -> None:
    """What was set and written is known to the next one."""
    keeper = keeper_of(tmp_path)
    keeper.set(RESOLVED, b"pbx", b"1")
    keeper.set(RESOLVED, b"old", b"1")
    keeper.step()
    keeper.set(RESOLVED, b"old", None)
    keeper.step()
    keeper._close()
    assert reread(tmp_path) == {b"pbx": b"1"}


@pytest.mark.parametrize("damage", (garbage, cut, gone), ids=lambda each: each.__name__)
def test_keeper_writes_a_damaged_file_anew(tmp_path: Path, damage: object) -> None:
    """From memory, with what was just found out, and without reading what it cannot trust."""
    keeper = keeper_of(tmp_path)
    keeper.set(RESOLVED, b"pbx", b"1")
    keeper.step()
    damage(tmp_path / "learned" / DATA_FILE)  # type: ignore[operator]
    keeper.set(RESOLVED, b"other", b"2")
    keeper.step()
    keeper._close()
    assert reread(tmp_path) == {b"pbx": b"1", b"other": b"2"}


@pytest.mark.parametrize("damage", (garbage, cut), ids=lambda each: each.__name__)
def test_damage_found_at_start_leaves_nothing_and_no_fault(tmp_path: Path, damage: object) -> None:
    """Names are looked up again."""
    learn(tmp_path, pbx=b"1")
    damage(tmp_path / "learned" / DATA_FILE)  # type: ignore[operator]
    assert reread(tmp_path) == {}
    learn(tmp_path, pbx=b"2")
    assert reread(tmp_path) == {b"pbx": b"2"}


def test_a_store_of_an_older_version_is_read_and_its_names_are_taken_over(tmp_path: Path) -> None:
    """It kept them in the table's environment, and had no generations; they stay there for its workers."""
    write_table(tmp_path)
    with lmdb.open(str(tmp_path / "lmdb"), max_dbs=20) as old, old.begin(write=True) as txn:
        txn.put(b"pbx", b"1", db=old.open_db(b"resolved", txn=txn))
        txn.delete(b"generations", db=old.open_db(b"meta", txn=txn))
    rows = rows_of(tmp_path)
    with rows.transaction() as found:
        assert (found.get(NUMBER, b"a"), found.get(RESOLVED, b"pbx")) == (b"1", None)
        assert not any(found.generations)
    rows.close()
    keeper = keeper_of(tmp_path)
    keeper.set(RESOLVED, b"new", b"2")
    with Store(tmp_path / "lmdb", "ashburn") as store:
        assert store.resolved_before() == {b"pbx": b"1"}
        assert store.is_untouched()
        assert all(store.generations.values())
        keeper.take_over(store.resolved_before())
        keeper.step()
    assert keeper.resolved == {b"pbx": b"1", b"new": b"2"}
    keeper._close()
    keeper = keeper_of(tmp_path)
    keeper.take_over({b"pbx": b"stale", b"gone": b"1"})
    assert keeper.resolved == {}


def test_a_table_that_never_held_names_has_none(tmp_path: Path) -> None:
    """Nothing is made by asking."""
    with Store(tmp_path / "lmdb", "ashburn") as store:
        assert store.resolved_before() == {}
        assert store.is_untouched()


def test_answers_are_forgotten_by_a_restart_and_read_until_then(tmp_path: Path) -> None:
    """Nobody knows any more how long they hold; names stay."""
    keeper = keeper_of(tmp_path)
    keeper.set(RESOLVED, b"pbx", b"1")
    keeper.set(Section.ANSWER, b"callerName|+14155550100", b"2")
    keeper.step()
    keeper._close()
    rows = rows_of(tmp_path)
    with rows.transaction() as found:
        assert found.get(Section.ANSWER, b"callerName|+14155550100") == b"2"
    rows.close()
    assert reread(tmp_path) == {b"pbx": b"1"}
    with rows.transaction() as found:
        assert found.get(Section.ANSWER, b"callerName|+14155550100") is None
        assert found.get(RESOLVED, b"pbx") == b"1"
    rows.close()


def test_a_file_of_a_version_that_kept_no_answers_is_whole(tmp_path: Path) -> None:
    """Names keep their addresses over an upgrade."""
    learn(tmp_path, pbx=b"1")
    with lmdb.open(str(tmp_path / "learned"), max_dbs=20) as old, old.begin(write=True) as txn:
        txn.drop(old.open_db(b"answer", txn=txn))
    assert reread(tmp_path) == {b"pbx": b"1"}
    assert not list(tmp_path.glob("learned.corrupt*"))
