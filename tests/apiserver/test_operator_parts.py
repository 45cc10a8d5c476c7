"""Parts of the operator against a real API server, where the whole process would hide the moment."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest

from apiserver.operators import SECONDS, Platform, restart
from apiserver.quickstart import EDGE, quickstart
from sipedge.table import EdgeTable, Section
from sipedge.table.publication import TABLE_LABEL, head_object
from support.revisions import WholeTables
from support.tables import Platform as TablePlatform
from support.tables import make_account, make_trunk
from trunkline.api import ObjectRef
from trunkline.controllers import hearing as hearing_module
from trunkline.controllers.metrics import Metrics
from trunkline.controllers.publish import Publisher
from trunkline.controllers.published import PublishedSecrets
from trunkline.controllers.store import Store
from trunkline.controllers.watchdog import DeafWatchError, Watchdog
from trunkline.kube import client as client_module
from trunkline.kube.client import KubeClient, connect
from trunkline.kube.faults import ConflictError, ForbiddenError, GoneError
from trunkline.kube.lease import LeaseLock, LeaseLostError
from trunkline.kube.paths import OURS, SECRETS
from trunkline.kube.watch import Watch
from trunkline.publication.room import LARGEST_PART
from trunkline.reconcile.place import OvertakenError

pytestmark = pytest.mark.apiserver

Step = Callable[[KubeClient], Awaitable[None]]


@asynccontextmanager
async def connected(platform: Platform) -> AsyncIterator[KubeClient]:
    os.environ["KUBECONFIG"] = str(platform.server.kubeconfig)
    client = await connect()
    try:
        yield client
    finally:
        await client.close()
        # Connections of TLS need a moment to be closed for good.
        await asyncio.sleep(0.1)


def run(platform: Platform, step: Step) -> None:
    """Run an asynchronous step with a client of the platform's API server."""

    async def whole() -> None:
        async with connected(platform) as client:
            await step(client)

    asyncio.run(whole())


def small_table(**changes: Any) -> EdgeTable:
    platform = TablePlatform(addresses=("127.60.1.1",), accounts=(make_account(),), trunks=(make_trunk(),))
    return replace(platform, **changes).table()


def publisher(platform: Platform, client: KubeClient, published: PublishedSecrets) -> WholeTables:
    return WholeTables(Publisher(client, platform.edges, published, lambda _: ()))


# ------------------------------------------------------------------------------------------ publishing


def test_a_head_that_somebody_else_wrote_stops_the_publication(platform: Platform) -> None:
    """Neither the changed nor the deleted nor the new head is overwritten blindly."""

    async def step(client: KubeClient) -> None:
        published = PublishedSecrets(lambda: None)
        mine = publisher(platform, client, published)
        assert (await mine.publish({EDGE: small_table()})).faults == {}
        other = PublishedSecrets(lambda: None)
        listing = await client.list(SECRETS, platform.edges, {"labelSelector": TABLE_LABEL})
        other.replace(listing.items)
        theirs = small_table(trunks=())
        assert (await publisher(platform, client, other).publish({EDGE: theirs})).written > 0
        # Parts have no condition on them, but without a head nobody takes them.
        with pytest.raises(OvertakenError):
            await mine.publish({EDGE: small_table(trunks=(make_trunk(secure=True),))})
        # A process that has seen nothing does not write over what is there either.
        with pytest.raises(OvertakenError):
            await publisher(platform, client, PublishedSecrets(lambda: None)).publish({EDGE: small_table()})

    run(platform, step)


def test_sequences_begin_above_what_the_edge_acknowledged(platform: Platform) -> None:
    async def step(client: KubeClient) -> None:
        mine = Publisher(client, platform.edges, PublishedSecrets(lambda: None), lambda _: (41,))
        await WholeTables(mine).publish({EDGE: small_table()})
        assert mine.sequences([EDGE]) == {EDGE: 42}

    run(platform, step)
    assert platform.table(EDGE).sequence == 42


def test_a_restored_head_is_lifted_above_what_pods_have(platform: Platform) -> None:
    """An unchanged table too, since agents refuse the older head; but not for each word of a pod."""

    async def step(client: KubeClient) -> None:
        claimed: list[int] = []
        published = PublishedSecrets(lambda: None)
        tables = WholeTables(Publisher(client, platform.edges, published, lambda _: claimed))
        heads = []
        for claim, table in (
            *((1, small_table()), (41, small_table()), (99, small_table())),
            *((99, small_table(trunks=())), (2**63 - 1, small_table())),
        ):
            claimed[:] = [claim]
            await tables.publish({EDGE: table})
            heads.append(published.head(head_object(EDGE)))
        assert [head.sequence for head in heads if head] == [2, 42, 42, 100, 101]
        epochs = [head.epoch for head in heads if head]
        assert epochs[0] < epochs[1] == epochs[2] < epochs[3] == epochs[4]

    run(platform, step)


# aiohttp would rather be given a stream; a Secret is never larger than this.
@pytest.mark.filterwarnings("ignore:Sending a large body:ResourceWarning")
@pytest.mark.parametrize(("share", "fits"), ((0.79, True), (0.81, False)))
def test_a_part_close_to_the_limit_of_a_secret_is_kept_back(
    platform: Platform, share: float, fits: bool
) -> None:
    """The youngest of its objects are left out and say why; all else is published."""
    limit = 1024 * 1024

    async def step(client: KubeClient) -> None:
        mine = publisher(platform, client, PublishedSecrets(lambda: None))
        await mine.publish({EDGE: small_table()})
        large = with_large_carrier_part(int(limit * share))
        outcome = await mine.publish({EDGE: large})
        assert outcome.faults == {}
        youngest = ObjectRef("Carrier", None, list(large.sections[Section.CARRIER])[-1])
        assert (youngest in outcome.left_out) is not fits
        assert ObjectRef("Carrier", None, "c0") not in outcome.left_out

    run(platform, step)
    table = platform.table(EDGE)
    assert b"c0" in table.rows.get(Section.CARRIER, {})
    assert limit * 8 // 10 == LARGEST_PART


def with_large_carrier_part(size: int) -> EdgeTable:
    """A table whose one part of carriers has about `size` bytes, of names that cannot be compressed."""
    import random

    from sipedge.table import CarrierRow
    from sipedge.table.publication import pack_parts

    dice = random.Random(1)
    rows: dict[str, CarrierRow] = {}

    def grown(count: int) -> EdgeTable:
        while len(rows) < count:
            name = f"c{len(rows)}"
            realm = dice.randbytes(4096).hex()
            rows[name] = CarrierRow(name, None, None, realm, None, None)
        sections = {**small_table().sections, Section.CARRIER: dict(list(rows.items())[:count])}
        return EdgeTable(EDGE, sections)

    def bytes_of(count: int) -> int:
        return len(pack_parts(grown(count))["carrier-00"])

    # Hexadecimal digits take a little more than half a byte each.
    count = size // 4800
    while bytes_of(count) < size:
        count += 1
    return grown(count)


# --------------------------------------------------------------------------------------- leases, watches


def test_one_holder_at_a_time_and_the_next_after_a_release(platform: Platform) -> None:
    async def step(client: KubeClient) -> None:
        first = LeaseLock(client, platform.system, "lock", "a")
        second = LeaseLock(client, platform.system, "lock", "b")
        await first.acquire()
        assert first.is_held
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(2.5):
                await second.acquire()
        await first.release()
        async with asyncio.timeout(SECONDS):
            await second.acquire()

    run(platform, step)


def test_a_lease_that_another_took_is_noticed(platform: Platform) -> None:
    """Here by force, as by a person with kubectl."""

    async def step(client: KubeClient) -> None:
        lock = LeaseLock(client, platform.system, "lock", "a")
        await lock.acquire()
        body = json.dumps({"spec": {"holderIdentity": "b"}})
        system = platform.kubectl.within(platform.system)
        await asyncio.to_thread(system, "patch", "lease", "lock", "--type=merge", "-p", body)
        with pytest.raises(LeaseLostError, match="held by b"):
            async with asyncio.timeout(SECONDS):
                await lock.keep()
        assert not lock.is_held

    run(platform, step)


class Recorder:
    """A sink that remembers."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        self.lists = 0

    def replace(self, objects: Any) -> None:
        self.names = {each["metadata"]["name"] for each in objects}
        self.lists += 1

    def change(self, found: Any) -> None:
        self.names.add(found["metadata"]["name"])

    def remove(self, found: Any) -> None:
        self.names.discard(found["metadata"]["name"])


async def until(happens: Callable[[], object]) -> None:
    async with asyncio.timeout(SECONDS):
        while not happens():  # noqa: ASYNC110 - a test may poll
            await asyncio.sleep(0.05)


def test_a_watch_follows_and_outlives_the_api_server(platform: Platform) -> None:
    """Lists longer than a page, changes, and those that came while the API server was away."""
    tenant = platform.kubectl

    async def step(client: KubeClient) -> None:
        sink = Recorder()
        watch = Watch(client, SECRETS, platform.tenant, sink, {})
        for name in ("a", "b", "c"):
            await asyncio.to_thread(tenant, "create", "secret", "generic", name)
        task = asyncio.create_task(watch.run())
        await watch.settled.wait()
        await until(lambda: sink.names == {"a", "b", "c"})
        await asyncio.to_thread(tenant, "delete", "secret", "a")
        await until(lambda: sink.names == {"b", "c"})
        # Not in a thread: the kernel ends what a thread has started when that thread ends.
        restart(platform.server, "kube-apiserver", 1.0)
        await asyncio.to_thread(tenant, "delete", "secret", "b")
        await asyncio.to_thread(tenant, "create", "secret", "generic", "d")
        await until(lambda: sink.names == {"c", "d"})
        task.cancel()

    run(platform, step)


def test_a_list_comes_in_pages(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "CHUNK", 2)

    async def step(client: KubeClient) -> None:
        for name in ("a", "b", "c", "d", "e"):
            await asyncio.to_thread(platform.kubectl, "create", "secret", "generic", name)
        listing = await client.list(SECRETS, platform.tenant)
        assert sorted(each["metadata"]["name"] for each in listing.items) == ["a", "b", "c", "d", "e"]

    run(platform, step)


def test_faults_are_told_apart(platform: Platform) -> None:
    """What to do differs: look again, list again, tell the person who grants rights."""

    async def step(client: KubeClient) -> None:
        found = await client.create(SECRETS, secret_manifest(platform.tenant, "one"))
        with pytest.raises(ConflictError):
            await client.create(SECRETS, secret_manifest(platform.tenant, "one"))
        stale = {"metadata": {"resourceVersion": "1"}, "type": found["type"]}
        with pytest.raises(ConflictError):
            await client.merge(SECRETS, platform.tenant, "one", stale)
        with pytest.raises(GoneError):
            async for _ in client.watch(SECRETS, platform.tenant, "1", {}):
                pass
        assert await client.get(SECRETS, platform.tenant, "two") is None
        await client.delete(SECRETS, platform.tenant, "two")

    # An API server that has just begun has no older versions in its watch cache.
    platform.kubectl("create", "secret", "generic", "zero")
    restart(platform.server, "kube-apiserver")
    run(platform, step)


def secret_manifest(namespace: str, name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name, "namespace": namespace}}


def test_without_the_right_a_list_is_forbidden(platform: Platform) -> None:
    async def step(client: KubeClient) -> None:
        client._api.set_default_header(  # type: ignore[no-untyped-call]
            "Impersonate-User", "system:serviceaccount:default:nobody"
        )
        with pytest.raises(ForbiddenError, match="cannot list resource"):
            await client.list(SECRETS, platform.tenant)

    run(platform, step)


# ------------------------------------------------------------------------------------------- watchdog


async def told(client: KubeClient, kinds: Iterable[str]) -> Store:
    """A store that knows all objects of these kinds."""
    store = Store()
    for name in kinds:
        kind = OURS[name]
        for each in (await client.list(kind)).items:
            store.note(None, {**each, "kind": name, "apiVersion": kind.api_version})
    return store


def test_a_deaf_watch_ends_the_process(platform: Platform, monkeypatch: pytest.MonkeyPatch) -> None:
    """A store that nobody tells of trunks is behind the list; after its time that is an error."""
    monkeypatch.setattr(hearing_module, "DEAF_SECONDS", 1.0)
    platform.kubectl.apply(*quickstart(platform.tenant))

    async def step(client: KubeClient) -> None:
        # Were more kinds deaf, the one told of would be that whose second is over as it is listed.
        store = await told(client, OURS.keys() - {"Trunk"})
        dog = Watchdog(client, store, Metrics(), lambda: None)
        with pytest.raises(DeafWatchError, match=r"the watch of trunks has not told of Trunk \S+/hq"):
            async with asyncio.timeout(SECONDS):
                await dog.run()
        assert not dog.complete.is_set()

    run(platform, step)


def test_what_vanished_without_an_event_is_forgotten(platform: Platform) -> None:
    """A relisting watch does not tell of deletions that it missed."""
    platform.kubectl.apply(*quickstart(platform.tenant))

    async def step(client: KubeClient) -> None:
        store = await told(client, OURS)
        dog = Watchdog(client, store, Metrics(), lambda: None)
        audits = asyncio.create_task(dog.run())
        async with asyncio.timeout(SECONDS):
            await dog.complete.wait()
        audits.cancel()
        await asyncio.to_thread(platform.kubectl, "delete", "number", "main")
        again = Watchdog(client, store, Metrics(), lambda: None)
        audits = asyncio.create_task(again.run())
        await until(lambda: store.get(ObjectRef("Number", platform.tenant, "main")) is None)
        assert store.get(ObjectRef("Trunk", platform.tenant, "hq")) is not None
        audits.cancel()

    run(platform, step)
