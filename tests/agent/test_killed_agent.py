"""kill -9 at any moment: LMDB always holds exactly one revision that was published."""

from __future__ import annotations

import random
import time
from pathlib import Path

import pytest

from sipedge.table import EdgeTable
from sipedge.table.publication import head_of, pack_parts, rows_of
from support.agents import AgentRun, Publisher, agent_of, rows_in
from support.tables import Platform, make_account, make_trunk

ADDRESS = "127.20.3.1"
KILLS = 40
NUMBERS = 12_000
"""Half of them move with each revision, so that a commit takes a good part of the time until the kill."""


def table(trunks: tuple[str, str]) -> EdgeTable:
    """Every number belongs to one of two trunks, in turn."""
    numbers: dict[str, str | None] = {f"+1415{each:07d}": trunks[each % 2] for each in range(NUMBERS)}
    rows = [make_trunk("acme/hq"), make_trunk("acme/lab")]
    return Platform([ADDRESS], accounts=[make_account()], trunks=rows, numbers=numbers).table()


@pytest.mark.timeout(900)
def test_forty_kills_leave_one_whole_revision_each_time(tmp_path: Path) -> None:
    """Killed from the moment a head is published until well after its commit, and started again each time."""
    dice, most = random.Random(3), 0.4
    packed = [pack_parts(table(trunks)) for trunks in (("acme/hq", "acme/lab"), ("acme/lab", "acme/hq"))]
    contents = [rows_of(parts.values()) for parts in packed]
    outcomes = {"old": 0, "new": 0}
    with agent_of(tmp_path, ADDRESS) as (agent, publisher):
        publish(publisher, 0, packed[0])
        for sequence in range(1, KILLS + 1):
            start(agent, sequence - 1)
            publish(publisher, sequence, packed[sequence % 2])
            time.sleep(dice.uniform(0.0, most))
            agent.end()
            stored, rows = rows_in(agent.lmdb)
            assert stored in (sequence - 1, sequence)
            assert stored is not None
            assert rows == contents[stored % 2], f"revision {stored} is not the one that was published"
            is_new = stored == sequence
            outcomes["new" if is_new else "old"] += 1
            # How long a commit takes on this machine, now, is found by the kills themselves.
            most *= 0.75 if is_new else 1.33
        agent.start()
        agent.until_revision(KILLS)
        assert agent.said()["notice"] is None, "no kill damages the file"
        assert min(outcomes.values()) >= 5, f"the kills must fall before and after the commits: {outcomes}"


def start(agent: AgentRun, sequence: int) -> None:
    """Start the agent and wait until it has taken what is published."""
    agent.settings.acknowledgement_file.unlink(missing_ok=True)
    agent.start()
    agent.until_revision(sequence)
    # The table on disk is acknowledged first; the same revision is then compared row by row.
    agent.until(lambda said: agent.log().count(f"INFO revision {sequence}:") > 0, "the comparison")


def publish(publisher: Publisher, sequence: int, parts: dict[str, bytes]) -> None:
    publisher.write_parts(parts)
    publisher.write_head(head_of("ashburn", sequence, parts).pack())
