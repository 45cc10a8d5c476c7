"""New templates of pods go to one Edge after another, as far as a client without an API server shows it."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Mapping
from typing import Any, cast

from support.objects import make_edge
from trunkline.api import Edge
from trunkline.controllers.children import Children
from trunkline.kube.client import KubeClient, Listing
from trunkline.kube.paths import SECRETS, Kind
from trunkline.plan.pod_options import PodOptions
from trunkline.plan.workload import edge_objects
from trunkline.plan.workload_settings import WorkloadSettings

NAMES = ("ashburn", "dublin", "tokyo")


class FakeClient:
    """Stores what is applied."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, str], dict[str, Any]] = {}

    async def list(self, kind: Kind, *_: object) -> Listing:
        found = [copy.deepcopy(each) for (name, _), each in self.stored.items() if name == kind.name]
        return Listing(found, "1")

    async def apply(self, manifest: Mapping[str, Any]) -> dict[str, Any]:
        key = manifest["kind"], manifest["metadata"]["name"]
        before = self.stored.get(key)
        version = int(before["metadata"]["resourceVersion"]) + 1 if before else 1
        stored = copy.deepcopy({**(before or {}), **manifest})
        stored["metadata"] |= {"resourceVersion": str(version), "generation": version}
        self.stored[key] = stored
        return stored

    async def get(self, kind: Kind, *_: object) -> dict[str, Any] | None:
        return {"data": {"secret": "eA=="}} if kind == SECRETS else None

    async def create(self, *_: object) -> dict[str, Any]:
        return {}

    def images(self) -> tuple[str, ...]:
        return tuple(
            self.stored["StatefulSet", f"edge-{name}"]["spec"]["template"]["spec"]["containers"][0]["image"]
            for name in NAMES
        )

    def labels(self, name: str) -> dict[str, str]:
        template = self.stored["StatefulSet", f"edge-{name}"]["spec"]["template"]
        return dict(template["metadata"]["labels"])

    def finish(self, name: str) -> None:
        """The pods have the template and are ready."""
        stateful_set = self.stored["StatefulSet", f"edge-{name}"]
        generation, replicas = stateful_set["metadata"]["generation"], stateful_set["spec"]["replicas"]
        revision = str(stateful_set["spec"]["template"])
        stateful_set["status"] = {
            **{"observedGeneration": generation, "currentRevision": revision, "updateRevision": revision},
            **dict.fromkeys(("replicas", "readyReplicas", "updatedReplicas"), replicas),
        }


def settings(image: str) -> WorkloadSettings:
    return WorkloadSettings("edges", image)


async def turn(client: FakeClient, children: Children, edges: Mapping[str, Edge]) -> None:
    children.look_again()
    await children.become(children.plan(edges))


def test_a_new_image_reaches_one_edge_after_another_by_a_fake_client() -> None:
    async def scenario() -> None:
        client, edges = FakeClient(), {name: make_edge(name) for name in NAMES}

        def children(image: str) -> Children:
            given = settings(image)
            return Children(cast("KubeClient", client), "edges", lambda edge, _: edge_objects(edge, given))

        old = children("old")
        await turn(client, old, edges)
        assert client.images() == ("old", "old", "old")
        for name in NAMES:
            client.finish(name)
        new = children("new")
        await turn(client, new, edges)
        await turn(client, new, edges)
        assert client.images() == ("new", "old", "old")
        client.finish("ashburn")
        await turn(client, new, edges)
        assert client.images() == ("new", "new", "old")
        assert (new.rollout.current, new.opinions("tokyo")) == ("dublin", ())

    asyncio.run(scenario())


def test_what_is_planned_no_more_is_seen_although_all_that_is_planned_is_there() -> None:
    """A label that the platform took back: told by the digest of the template, and given out in turn."""

    async def steps() -> None:
        client = FakeClient()
        edges = {name: make_edge(name, advertise={"type": "PodIP"}) for name in NAMES}
        for labels in ({"team": "voice"}, {}):
            settings = WorkloadSettings("edges", "edge", pods=PodOptions(labels=labels))
            children = Children(
                cast("KubeClient", client), "edges", lambda edge, _, s=settings: edge_objects(edge, s)
            )
            for expected in range(1, len(NAMES) + 1):
                await children.become(children.plan(edges))
                told = [name for name in NAMES if ("team" in client.labels(name)) == bool(labels)]
                assert len(told) == (len(NAMES) if labels else expected)
                for name in NAMES:
                    client.finish(name)
                children.look_again()

    asyncio.run(steps())
