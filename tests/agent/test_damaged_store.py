"""What a real agent does when its LMDB file is damaged, foreign, deleted, or has no room."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sipedge.store import DATA_FILE, Store
from sipedge.table import EdgeTable
from support.agents import AgentRun, Publisher, agent_of, rows_in
from support.patience import PATIENCE
from support.tables import Platform, make_account, make_trunk

ADDRESS = "127.20.2.1"


def table(count: int = 300) -> EdgeTable:
    """A table of a few dozen pages."""
    numbers = {f"+1415555{number:04d}": "acme/hq" for number in range(count)}
    return Platform([ADDRESS], accounts=[make_account()], trunks=[make_trunk()], numbers=numbers).table()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[tuple[AgentRun, Publisher]]:
    """An agent that has committed revision 1."""
    with agent_of(tmp_path, ADDRESS) as (agent, publisher):
        publisher.publish(table())
        agent.start()
        agent.until_revision(1)
        yield agent, publisher


def overwrite(data: Path, start: int, content: bytes) -> None:
    with open(data, "r+b") as file:
        file.seek(start)
        file.write(content)


def whole_garbage(data: Path) -> None:
    overwrite(data, 0, os.urandom(data.stat().st_size))


def garbage_after_the_meta_pages(data: Path) -> None:
    overwrite(data, 8192, os.urandom(data.stat().st_size - 8192))


def emptied(data: Path) -> None:
    os.truncate(data, 0)


def cut_in_half(data: Path) -> None:
    os.truncate(data, data.stat().st_size // 2)


def last_byte_cut(data: Path) -> None:
    os.truncate(data, data.stat().st_size - 1)


DAMAGES = (whole_garbage, garbage_after_the_meta_pages, emptied, cut_in_half, last_byte_cut)


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damage_found_at_start_is_mended(
    running: tuple[AgentRun, Publisher], damage: Callable[[Path], None]
) -> None:
    """The file is put aside, the table is written anew, and both the log and agent.json say so."""
    agent, publisher = running
    agent.end()
    damage(agent.lmdb / DATA_FILE)
    agent.start()
    agent.until(lambda said: "was damaged" in (said.get("notice") or ""), "a notice")
    agent.until_revision(1)
    assert rows_in(agent.lmdb) == publisher.published[0]
    assert "was damaged" in agent.log()
    assert [path.name for path in agent.lmdb.parent.glob("lmdb.*")] == ["lmdb.corrupt-1"]


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damage_under_a_running_agent_is_mended(
    running: tuple[AgentRun, Publisher], damage: Callable[[Path], None]
) -> None:
    """The agent reads nothing of it, does not die of it, and writes the table anew."""
    agent, publisher = running
    process = agent.process
    damage(agent.lmdb / DATA_FILE)
    agent.until(lambda said: "written to by something else" in (said.get("notice") or ""), "a notice")
    agent.until_revision(1)
    assert rows_in(agent.lmdb) == publisher.published[0]
    publisher.publish(table(301))
    agent.until_revision(2)
    assert rows_in(agent.lmdb) == publisher.published[1]
    assert process.poll() is None


@pytest.mark.parametrize("what", ("data file", "whole directory"))
def test_deleted_store_comes_back_without_the_source(running: tuple[AgentRun, Publisher], what: str) -> None:
    """The agent still holds the deleted file open: nothing is lost even if nothing is published."""
    agent, publisher = running
    shutil.rmtree(publisher.directory)
    if what == "data file":
        (agent.lmdb / DATA_FILE).unlink()
    else:
        shutil.rmtree(agent.lmdb)
    agent.until(lambda said: "was taken away" in (said.get("notice") or ""), "a notice")
    assert rows_in(agent.lmdb) == publisher.published[0]
    assert agent.said()["revision"] == 1


def test_store_of_another_edge_is_put_aside(tmp_path: Path) -> None:
    """A file copied from elsewhere is never served as this edge's own."""
    with agent_of(tmp_path, ADDRESS) as (agent, publisher):
        foreign = Store(agent.lmdb, "dublin")
        foreign.commit(99, {})
        foreign.close()
        publisher.publish(table())
        agent.start()
        agent.until_revision(1)
        assert 'it holds the table of edge "dublin"' in agent.said()["notice"]
        assert rows_in(agent.lmdb) == publisher.published[0]


def test_at_most_one_damaged_file_is_kept(running: tuple[AgentRun, Publisher]) -> None:
    """A disk is not filled by damage that comes again and again."""
    agent, _ = running
    for _ in range(3):
        agent.end()
        agent.settings.acknowledgement_file.unlink(missing_ok=True)  # what the last one has said
        whole_garbage(agent.lmdb / DATA_FILE)
        agent.start()
        agent.until(lambda said: "was damaged" in (said.get("notice") or ""), "a notice")
        agent.until_revision(1)
    assert [path.name for path in agent.lmdb.parent.glob("lmdb.*")] == ["lmdb.corrupt-3"]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A disk of 512 KiB, mounted where the store will be."""
    directory = tmp_path / "i" / "lmdb"
    directory.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=512k", "tmpfs", str(directory)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"a full disk needs the right to mount a tmpfs: {mounted.stderr.strip()}")
    yield directory
    subprocess.run(["umount", "--lazy", str(directory)], check=True)


def test_full_disk_keeps_the_last_table_and_heals(tmp_path: Path, small_disk: Path) -> None:
    """No room for a revision: the last one stays whole, the fault is said in words, room heals it."""
    with agent_of(tmp_path, ADDRESS) as (agent, publisher):
        publisher.publish(table(100))
        agent.start()
        agent.until_revision(1)
        process = agent.process
        filler = small_disk / "filler"
        with open(filler, "wb", buffering=0) as file:
            try:
                while file.write(b"x" * 4096):
                    pass
            except OSError:
                pass  # the disk is full now, as wanted
        publisher.publish(table(9000))
        agent.until_error("no space left for the table")
        assert rows_in(agent.lmdb) == publisher.published[0]
        publisher.publish(table(120))
        filler.unlink()
        agent.until_revision(3)
        agent.until_no_error("no space left")
        assert rows_in(agent.lmdb) == publisher.published[2]
        assert agent.said()["notice"] is None
        assert process.poll() is None


@pytest.mark.parametrize("damage", DAMAGES, ids=lambda damage: damage.__name__)
def test_damage_to_what_was_learned_costs_the_table_nothing(
    running: tuple[AgentRun, Publisher], damage: Callable[[Path], None]
) -> None:
    """The file is written anew, the table stays as it is, and no fault is told."""
    agent, publisher = running
    before = (agent.lmdb / DATA_FILE).stat().st_ino
    data = agent.settings.learned_directory / DATA_FILE
    damaged = data.stat().st_ino
    damage(data)
    deadline = time.monotonic() + PATIENCE
    while not (data.exists() and data.stat().st_ino != damaged):
        assert time.monotonic() < deadline, agent.log()
        time.sleep(0.02)
    assert agent.said()["notice"] is None
    assert agent.said()["error"] in (None, "Kamailio gives no answer"), "there is none here"
    assert rows_in(agent.lmdb) == publisher.published[0]
    assert (agent.lmdb / DATA_FILE).stat().st_ino == before
