"""Tables of several edges as files: what each of them may hold, and what is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from sipedge.agent.source import DirectorySource
from sipedge.table import CredentialRow, Section
from sipedge.table.publication import rows_of
from support.tables import make_ha1, make_site
from trunkline.api import ObjectRef
from trunkline.compiler.delta import Delta, RowChange, RowKey
from trunkline.standalone.state_files import StateDirectory
from trunkline.standalone.tables import Tables

EDGES = ("ashburn", "dublin")


def users(account: str) -> dict[RowKey, RowChange]:
    owner = ObjectRef("CredentialList", account, "users")
    row = CredentialRow("pbx", make_ha1("pbx", account))
    return {(Section.CREDENTIAL, f"{account}/users|pbx"): RowChange(row, owner, account)}


def everything(**account_edges: frozenset[str]) -> Delta:
    site = {edge: RowChange(make_site(("192.0.2.1",), edge=edge), None, None) for edge in EDGES}
    own = {edge: {(Section.SITE, "site"): site[edge]} for edge in EDGES}
    return Delta(shared={**users("acme"), **users("beta")}, own=own, account_edges=account_edges)


def users_at(state: StateDirectory, edge: str) -> set[bytes]:
    """The credentials that an agent finds, as its source offers them."""
    staged = DirectorySource(state.published(edge), edge).look().staged
    assert staged is not None
    return set(rows_of(staged.parts.values()).get(Section.CREDENTIAL, {}))


@pytest.fixture
def state(tmp_path: Path) -> StateDirectory:
    return StateDirectory(tmp_path)


def test_an_edge_holds_nothing_of_an_account_that_others_serve(state: StateDirectory) -> None:
    tables = Tables(state)
    tables.take(everything(acme=frozenset({"dublin"})))
    assert tables.publish().faults == {}
    assert users_at(state, "ashburn") == {b"beta/users|pbx"}
    assert users_at(state, "dublin") == {b"acme/users|pbx", b"beta/users|pbx"}
    tables.take(Delta(account_edges={"acme": frozenset({"ashburn"})}))
    tables.publish()
    assert users_at(state, "ashburn") == {b"acme/users|pbx", b"beta/users|pbx"}
    assert users_at(state, "dublin") == {b"beta/users|pbx"}
    ha1 = make_ha1("pbx", "acme").reveal().encode()
    files = [path.read_bytes() for path in (state.published("dublin") / "parts").iterdir()]
    assert not any(ha1 in row for rows in rows_of(files).values() for row in rows.values())


def test_what_is_published_stays_until_something_is_known(state: StateDirectory) -> None:
    """A process that has compiled nothing yet must not take what is there for what nobody wants."""
    first = Tables(state)
    first.take(everything())
    first.publish()
    second = Tables(state)
    assert second.publish().sequences == {}
    assert users_at(state, "ashburn") == {b"acme/users|pbx", b"beta/users|pbx"}
    second.take(everything())
    assert second.publish().written == 0
    second.start_over()
    second.publish()
    assert users_at(state, "ashburn") == {b"acme/users|pbx", b"beta/users|pbx"}
