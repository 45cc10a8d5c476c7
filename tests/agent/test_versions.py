"""An upgrade, and its way back: this version's operator and agents beside those of the last one.

The agents are real processes and the tables are files, as standalone mode writes them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from sipedge.table import OLDEST_SCHEMA, SCHEMA, EdgeTable
from sipedge.table.codec import unpack_row
from sipedge.table.publication import PackedRows, pack_parts, rows_of, unpack_head
from sipedge.table.rows import Row, Section
from support.agents import AgentRun, agent_of, rows_in
from support.deltas import delta_between
from support.last_version import run_last_version, unpack_last_version
from support.tables import EDGE, Platform, make_account, make_trunk
from trunkline.standalone.state_files import StateDirectory
from trunkline.standalone.tables import Tables

pytestmark = pytest.mark.agent

ADDRESS = "127.20.8.1"
NEW = Path(__file__).parents[2] / "edge"
PUBLISH = """
import sys
from pathlib import Path
from support.tables import Platform, make_account, make_trunk
from trunkline.standalone.state_files import StateDirectory
from trunkline.standalone.tables import Tables
platform = Platform(
    (sys.argv[2],), accounts=[make_account()], trunks=[make_trunk(credential_lists=("acme/users",))],
    credentials={("acme/users", "pbx"): sys.argv[3]},
)
tables = Tables(StateDirectory(Path(sys.argv[1])))
tables.publish({"ashburn": platform.table()})
print(tables.sequences["ashburn"])
"""


def table(password: str) -> EdgeTable:
    return Platform(
        (ADDRESS,),
        accounts=[make_account()],
        trunks=[make_trunk(credential_lists=("acme/users",))],
        credentials={("acme/users", "pbx"): password},
    ).table()


class Operator:
    """This version's, as far as tables go."""

    def __init__(self, state: StateDirectory) -> None:
        self._tables, self._before = Tables(state), dict[str, EdgeTable]()

    def publish(self, password: str) -> int:
        """Publish a table with this password; its sequence."""
        after = {EDGE: table(password)}
        self._tables.take(delta_between(self._before, after))
        self._before = after
        return self.look()

    def look(self) -> int:
        """As at any turn of the loop."""
        publication = self._tables.publish()
        assert publication.faults == {}
        return publication.sequences[EDGE]


class Site:
    """One edge, whose agent may be of either version."""

    def __init__(self, directory: Path, agent: AgentRun) -> None:
        self.state, self.agent = StateDirectory(directory), agent
        self.last = unpack_last_version(directory / "last")

    def start(self, version: Path) -> None:
        self.agent.end()
        link = self.agent.settings.python_path / "sipedge"
        link.unlink()
        link.symlink_to(version / "sipedge")
        self.agent.settings.acknowledgement_file.unlink(missing_ok=True)
        self.agent.start()
        self.agent.until(lambda said: said.get("revision") is not None, "an agent with a table")

    def start_last(self) -> None:
        self.start(self.last / "edge")

    def start_new(self) -> None:
        self.start(NEW)

    def publish_last(self, password: str) -> int:
        """By the last version's operator."""
        arguments = (str(self.state.root), ADDRESS, password)
        return int(run_last_version(self.last, PUBLISH, *arguments))

    @property
    def schema(self) -> int:
        return unpack_head((self.state.published(EDGE) / "head").read_bytes()).schema

    def until_serves(self, sequence: int, password: str) -> None:
        self.agent.until_revision(sequence)
        rows = rows_of(pack_parts(table(password)).values())
        found, known = rows_in(self.agent.lmdb)
        # Another version's rows may lack a field, or have one more: what they say is the same.
        assert (found, meanings(known)) == (sequence, meanings(rows))


def meanings(packed: PackedRows) -> dict[Section, dict[bytes, Row]]:
    """What rows say to this version."""
    return {
        section: {key: unpack_row(section, data) for key, data in rows.items()}
        for section, rows in packed.items()
    }


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    state = StateDirectory(tmp_path)
    with agent_of(tmp_path, ADDRESS, source=state.published(EDGE)) as (agent, _):
        instance = state.instance(EDGE, ADDRESS)
        instance.parent.mkdir(parents=True)
        instance.symlink_to(agent.settings.directory)
        yield Site(tmp_path, agent)


def test_an_upgrade_and_its_way_back_never_leave_an_agent_without_tables(site: Site) -> None:
    """A password that is revoked is revoked at each step, whichever side is the older."""
    site.publish_last("first")
    site.start_last()
    site.until_serves(1, "first")

    operator = Operator(site.state)
    site.until_serves(operator.publish("second"), "second")
    assert site.schema == OLDEST_SCHEMA

    site.start_new()
    site.until_serves(operator.look(), "second")
    assert site.schema == SCHEMA
    site.until_serves(operator.publish("third"), "third")

    site.start_last()
    assert site.agent.said()["revision"] is not None, "the table of the newer agent is kept"
    site.until_serves(operator.look(), "third")
    assert site.schema == OLDEST_SCHEMA
    site.until_serves(operator.publish("fourth"), "fourth")


def test_this_versions_agent_serves_the_tables_of_the_last_versions_operator(site: Site) -> None:
    """Also of one that comes back after this version's has written newer tables."""
    site.publish_last("first")
    site.start_new()
    site.until_serves(1, "first")
    assert Operator(site.state).publish("second") == 2
    site.until_serves(2, "second")
    assert site.schema == SCHEMA
    site.until_serves(site.publish_last("third"), "third")
    assert site.schema == OLDEST_SCHEMA
