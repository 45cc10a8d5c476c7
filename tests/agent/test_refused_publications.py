"""What a real agent does with publications it cannot use: it keeps the last table, says so, and heals."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from sipedge.table import SCHEMA, EdgeTable
from sipedge.table.publication import head_of, pack_parts, rows_of
from support.agents import AgentRun, Publisher, agent_of, rows_in
from support.patience import PATIENCE, is_quick
from support.tables import Platform, make_account, make_trunk

ADDRESS = "127.20.1.1"

Running = tuple[AgentRun, Publisher]


def table(*numbers: str) -> EdgeTable:
    platform = Platform(
        [ADDRESS],
        accounts=[make_account()],
        trunks=[make_trunk()],
        numbers=dict.fromkeys(numbers, "acme/hq"),
    )
    return platform.table()


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    """An agent that has committed revision 1."""
    with agent_of(tmp_path, ADDRESS) as (agent, publisher):
        publisher.publish(table("+14155550100"))
        agent.start()
        agent.until_revision(1)
        yield agent, publisher


def holds(agent: AgentRun, publisher: Publisher, sequence: int) -> bool:
    """True if LMDB holds exactly the revision that was published with this sequence."""
    stored, rows = rows_in(agent.lmdb)
    return stored == sequence and (sequence, rows) in publisher.published


def test_what_is_published_is_what_lmdb_holds(running: Running) -> None:
    """Row by row, on the first revision and after a small change."""
    agent, publisher = running
    assert holds(agent, publisher, 1)
    publisher.publish(table("+14155550100", "+14155550101"))
    agent.until_revision(2)
    assert holds(agent, publisher, 2)


def test_change_is_in_lmdb_within_a_fifth_of_a_second(running: Running) -> None:
    """A change of one number, seen by a reader."""
    agent, publisher = running
    numbers = itertools.count(14155550200)

    def seen() -> float:
        start = time.monotonic()
        publisher.publish(table(f"+{next(numbers)}"))
        while rows_in(agent.lmdb)[0] != publisher.sequence:
            assert time.monotonic() - start < PATIENCE
            time.sleep(0.002)
        return time.monotonic() - start

    is_quick(seen, 0.2, 50)


def test_head_before_its_parts_is_waited_for(running: Running) -> None:
    """A torn revision is not taken in parts; the parts complete it."""
    agent, publisher = running
    parts = pack_parts(table("+14155550199"))
    publisher.write_head(head_of("ashburn", 2, parts).pack())
    agent.until_error("revision 2 is not whole")
    assert holds(agent, publisher, 1)
    publisher.write_parts(parts)
    agent.until_revision(2)
    agent.until_no_error("not whole")
    assert rows_in(agent.lmdb) == (2, rows_of(parts.values()))


@pytest.mark.parametrize("damage", ("truncated", "emptied", "bit flipped", "removed"))
def test_damaged_part_keeps_the_last_table(running: Running, damage: str) -> None:
    """A part whose bytes are not those that the head names is never read as rows."""
    agent, publisher = running
    new = table("+14155550100", "+14155550177")
    parts = pack_parts(new)
    name = next(name for name in parts if name.startswith("number") and not publisher.part(name).exists())
    data = bytearray(parts[name])
    data[len(data) // 2] ^= 0x10
    damaged = {"truncated": parts[name][:-3], "emptied": b"", "bit flipped": bytes(data), "removed": None}[
        damage
    ]
    publisher.write_parts({each: data for each, data in parts.items() if each != name})
    if damaged is not None:
        publisher.write_parts({name: damaged})
    publisher.write_head(head_of("ashburn", 2, parts).pack())
    agent.until_error(name)
    assert holds(agent, publisher, 1)
    publisher.publish(new, sequence=2)
    agent.until_revision(2)
    agent.until_no_error(name)
    assert holds(agent, publisher, 2)


def test_damaged_head_keeps_the_last_table(running: Running) -> None:
    """A head cut short is refused by its own hash, and the next good one is taken."""
    agent, publisher = running
    head = publisher.publish(table("+14155550100"), sequence=1)
    publisher.write_head(replace(head, sequence=2).pack()[:-1])
    agent.until_error("cut short or damaged")
    assert holds(agent, publisher, 1)
    publisher.publish(table("+14155550133"))
    agent.until_revision(2)
    agent.until_no_error("damaged")


def test_newer_schema_says_to_upgrade_the_edge(running: Running) -> None:
    """A table of a control plane that is ahead is refused with the mend."""
    agent, publisher = running
    head = head_of("ashburn", 2, pack_parts(table("+14155550100")))
    publisher.write_head(replace(head, schema=SCHEMA + 1).pack())
    agent.until_error("upgrade the edge")
    assert holds(agent, publisher, 1)
    publisher.publish(table("+14155550133"))
    agent.until_revision(2)
    agent.until_no_error("upgrade the edge")


def test_table_of_another_edge_is_refused(running: Running) -> None:
    """The message names both edges."""
    agent, publisher = running
    publisher.write_head(head_of("dublin", 2, pack_parts(table("+14155550100"))).pack())
    agent.until_error('is the table of edge "dublin", this is edge "ashburn"')
    assert holds(agent, publisher, 1)
    publisher.publish(table("+14155550133"))
    agent.until_revision(2)
    agent.until_no_error("dublin")


def test_older_revision_is_refused_and_the_newer_one_heals(running: Running) -> None:
    """A publication from the past does not undo what the edge already serves."""
    agent, publisher = running
    publisher.publish(table("+14155550111"), sequence=7)
    agent.until_revision(7)
    publisher.publish(table("+14155550122"), sequence=6)
    agent.until_error("revision 6 is older than 7")
    assert holds(agent, publisher, 7)
    publisher.publish(table("+14155550133"), sequence=8)
    agent.until_revision(8)
    agent.until_no_error("older")


def test_a_restored_table_is_taken_though_its_sequence_is_lower(running: Running) -> None:
    """Its head was lost, and so has a later epoch. The agent remembers that: an older head is older still."""
    agent, publisher = running
    publisher.publish(table("+14155550111"), sequence=57, epoch=5)
    agent.until_revision(57)
    publisher.publish(table("+14155550122"), sequence=51, epoch=6)
    agent.until_revision(51)
    assert holds(agent, publisher, 51)
    agent.end()
    publisher.publish(table("+14155550133"), sequence=50, epoch=5)
    agent.start()
    agent.until_error("revision 50 is older than 51")
    assert holds(agent, publisher, 51)


def test_a_table_of_a_control_plane_without_epochs_goes_on_by_its_sequence(running: Running) -> None:
    """It may come back after a newer one has written epochs."""
    agent, publisher = running
    publisher.publish(table("+14155550111"), sequence=2, epoch=5)
    agent.until_revision(2)
    publisher.publish(table("+14155550122"), sequence=3)
    agent.until_revision(3)


def test_restart_without_source_keeps_the_last_table(running: Running) -> None:
    """The table on disk is served while nothing is published, and the agent says why it is not newer."""
    agent, publisher = running
    agent.end()
    publisher.directory.rename(publisher.directory.with_name("away"))
    agent.start()
    agent.until_error("no table is published")
    assert agent.said()["revision"] == 1
    assert holds(agent, publisher, 1)
    publisher.directory.with_name("away").rename(publisher.directory)
    agent.until_no_error("no table is published")


def test_no_password_hash_is_logged_or_said(running: Running) -> None:
    """HA1 is as good as a password: it stands in LMDB alone."""
    agent, publisher = running
    platform = Platform(
        [ADDRESS],
        accounts=[make_account()],
        trunks=[make_trunk()],
        credentials={("acme/users", "pbx"): "pass-Word-123"},
    )
    publisher.publish(platform.table())
    agent.until_revision(2)
    secret = next(iter(platform.table().sections["credential"].values())).ha1.reveal()  # type: ignore[index,attr-defined]
    assert any(secret.encode() in row for row in rows_in(agent.lmdb)[1]["credential"].values())  # type: ignore[index]
    publisher.write_parts(dict.fromkeys(pack_parts(platform.table()), b"x"))
    publisher.write_head(head_of("ashburn", 3, {"credential-00": b"y"}).pack())
    agent.until_error("not whole")
    for text in (agent.log(), agent.settings.acknowledgement_file.read_text()):
        assert secret not in text
        assert "pass-Word" not in text
