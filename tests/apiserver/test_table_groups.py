"""Tables of edges that serve different accounts, as Secrets of a real API server, and for older edges."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest

from cluster.apiserver import ApiServer
from sipedge.agent.kube_api import Access, KubernetesApi
from sipedge.agent.kubernetes_source import KubernetesSource
from sipedge.table import CredentialRow, Section
from sipedge.table.codec import unpack_row
from sipedge.table.publication import SHARED, TABLE_LABEL, rows_of
from support.last_version import run_last_version, unpack_last_version
from support.patience import PATIENCE
from support.tables import make_ha1, make_site
from trunkline.api import ObjectRef
from trunkline.compiler.delta import Delta, RowChange, RowKey
from trunkline.controllers.publish import Publisher
from trunkline.controllers.published import PublishedSecrets
from trunkline.kube.client import KubeClient, connect
from trunkline.kube.paths import SECRETS

pytestmark = pytest.mark.apiserver

EDGES = ("ashburn", "dublin")
SECONDS = PATIENCE
ASSEMBLE = """
import json, sys
from trunkline.cli.cluster.published import assemble
found = assemble("ashburn", json.load(sys.stdin))
print(found.sequence, *sorted(key.decode() for key in found.rows["credential"]))
"""


@pytest.fixture
def namespace(api: ApiServer) -> str:
    name = f"tables-{secrets.token_hex(3)}"
    api.request("/api/v1/namespaces", method="POST", body={"metadata": {"name": name}})
    return name


def users(account: str) -> dict[RowKey, RowChange]:
    """A credential of a list of this account."""
    owner = ObjectRef("CredentialList", account, "users")
    row = CredentialRow("pbx", make_ha1("pbx", account))
    return {(Section.CREDENTIAL, f"{account}/users|pbx"): RowChange(row, owner, account)}


def sites() -> dict[str, dict[RowKey, RowChange]]:
    row = {edge: make_site(("192.0.2.1",), edge=edge) for edge in EDGES}
    return {edge: {(Section.SITE, "site"): RowChange(row[edge], None, None)} for edge in EDGES}


class Reader:
    """What an edge's agent sees."""

    def __init__(self, api: ApiServer, folder: Path, namespace: str, edge: str) -> None:
        (folder / "ca.crt").write_bytes(api.certificate.read_bytes())
        (folder / "token").write_text(api.token)
        host, port = api.url.removeprefix("https://").split(":")
        self.source = KubernetesSource(KubernetesApi(Access(host, int(port), folder)), namespace, edge)
        self.source.start()

    async def until(self, *accounts: str) -> None:
        """Wait for a table with the users of exactly these accounts."""
        async with asyncio.timeout(SECONDS):
            while self.credentials() != {f"{account}/users|pbx" for account in accounts}:
                await self.source.changed(0.1)

    def credentials(self) -> set[str] | None:
        staged = self.source.look().staged
        if staged is None:
            return None
        found = rows_of(staged.parts.values()).get(Section.CREDENTIAL, {})
        for row in found.values():
            unpack_row(Section.CREDENTIAL, row)
        return {key.decode() for key in found}

    def holds(self, account: str) -> bool:
        """Whether any Secret that was told to this agent has this account's HA1."""
        ha1 = make_ha1("pbx", account).reveal().encode()
        parts = [*self.source._secrets.items(), *self.source._group_secrets.items()]
        packed = rows_of(data for name, (_, data) in parts if not name.endswith("-head"))
        return any(ha1 in row for rows in packed.values() for row in rows.values())


def test_an_agent_reads_the_parts_of_its_groups_and_no_others(
    api: ApiServer, namespace: str, tmp_path: Path
) -> None:
    """When the groups change, so does what it follows; what belongs to all it never loses meanwhile."""

    async def step(client: KubeClient) -> None:
        mine = Publisher(client, namespace, PublishedSecrets(lambda: None), lambda _: ())
        shared = {**users("acme"), **users("beta"), **users("all")}
        edges = {"acme": frozenset({"ashburn"}), "beta": frozenset({"dublin"})}
        mine.take(Delta(shared=shared, own=sites(), account_edges=dict(edges)))
        assert (await mine.publish()).faults == {}
        ashburn, dublin = (Reader(api, tmp_path, namespace, edge) for edge in EDGES)
        await ashburn.until("acme", "all")
        await dublin.until("beta", "all")
        assert not ashburn.holds("beta")
        assert not dublin.holds("acme")

        mine.take(Delta(account_edges={"beta": frozenset({"ashburn", "dublin"})}))
        await mine.publish()
        await ashburn.until("acme", "beta", "all")
        await dublin.until("beta", "all")
        mine.take(Delta(account_edges={"acme": None, "beta": frozenset({"ashburn"})}))
        await mine.publish()
        await ashburn.until("acme", "beta", "all")
        await dublin.until("acme", "all")
        assert not dublin.holds("beta")

    run(api, step)


def test_tables_for_an_older_edge_are_read_by_its_version(
    api: ApiServer, namespace: str, tmp_path: Path
) -> None:
    """It has everything that it had; once it is replaced, the account's rows are apart."""

    async def step(client: KubeClient) -> None:
        schemas = {"ashburn": 1, "dublin": 2}
        mine = Publisher(client, namespace, PublishedSecrets(lambda: None), lambda _: (), schemas.__getitem__)
        only_ashburn = {"acme": frozenset({"ashburn"})}
        mine.take(
            Delta(shared={**users("acme"), **users("all")}, own=sites(), account_edges=dict(only_ashburn))
        )
        publication = await mine.publish()
        assert {each.reason for each in publication.opinions[ObjectRef("Account", None, "acme")]} == {
            "EdgeTooOld"
        }
        listing = await client.list(
            SECRETS, namespace, {"labelSelector": f"{TABLE_LABEL} in (ashburn,{SHARED})"}
        )
        given = json.dumps(list(listing.items)).encode()
        last = unpack_last_version(tmp_path / "last")
        assert run_last_version(last, ASSEMBLE, given=given).split() == [
            b"1",
            b"acme/users|pbx",
            b"all/users|pbx",
        ]
        dublin = Reader(api, tmp_path, namespace, "dublin")
        await dublin.until("acme", "all")
        schemas["ashburn"] = 2
        assert (await mine.publish()).opinions == {}
        await dublin.until("all")

    run(api, step)


def run(api: ApiServer, step: Callable[[KubeClient], object]) -> None:
    async def whole() -> None:
        os.environ["KUBECONFIG"] = str(api.kubeconfig)
        client = await connect()
        try:
            await step(client)  # type: ignore[misc]
        finally:
            await client.close()
            await asyncio.sleep(0.1)

    asyncio.run(whole())
