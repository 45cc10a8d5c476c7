"""Objects with statuses that the shipped loop wrote: refused, waiting, served, edited since."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from support.loop_scenes import ACCOUNT, EDGE, OTHER_EDGE, running
from support.memory_platform import MemoryHome, MemorySecrets
from support.objects import (
    make_account,
    make_caller_id,
    make_carrier,
    make_credential_list,
    make_edge,
    make_header_manipulation_policy,
    make_ip_access_control_list,
    make_number,
    make_origination_uri,
    make_trunk,
)
from support.virtual_time import run_virtually
from trunkline.api import AnyResource, ObjectRef
from trunkline.api.status_schema import PENDING
from trunkline.status.farewell import farewell

LATER = "2026-01-02T00:00:00Z"


@dataclass(frozen=True)
class Told:
    """An object as an API server would hand it out, and the moment at which it did."""

    moment: str
    ref: ObjectRef
    manifest: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.ref}, {self.moment}"


def statuses() -> list[Told]:
    """All of them; at each moment of every object."""
    return run_virtually(_scene())


async def _scene() -> list[Told]:
    home, secrets = MemoryHome(), MemorySecrets()
    home.put(*_objects())
    told = [_told("before anybody looked", each, PENDING) for each in _objects()[:2]]
    async with running(home, secrets):
        await asyncio.sleep(0.06)
        told += _seen("before an edge serves it", home)
        await asyncio.sleep(2)
        told += _seen("served", home)
        home.put(make_trunk("hq", generation=2, termination={"domainName": "acme-hq"}, secure=True))
        told += [each for each in _seen("edited since", home) if each.ref.name == "hq"]
        await asyncio.sleep(2)
        told += [each for each in _seen("served again", home) if each.ref.name == "hq"]
    gone = [{**each.manifest, "status": farewell(each.manifest["status"], LATER)} for each in _seen("", home)]
    return told + [
        Told("uninstalled", each.ref, manifest)
        for each, manifest in zip(_seen("", home), gone, strict=True)
        if each.ref.kind in ("Trunk", "Edge")
    ]


def _objects() -> list[AnyResource]:
    static = {"type": "Static", "addresses": ["192.0.2.1"]}
    return [
        make_edge(EDGE, advertise=static),
        ACCOUNT,
        make_account("late", namespaces=["acme"]),
        make_carrier(),
        make_caller_id(),
        make_edge(OTHER_EDGE, advertise=static),
        make_trunk(
            "hq", termination={"domainName": "acme-hq", "ipAccessControlListRefs": [{"name": "hq-sbc"}]}
        ),
        make_trunk("open", termination={"domainName": "acme-open"}),
        make_trunk("twice", created=LATER, termination={"domainName": "acme-hq"}),
        make_trunk("strangers", "strangers", termination={"domainName": "strangers"}),
        make_ip_access_control_list(),
        make_header_manipulation_policy(),
        make_credential_list(),
        make_number("held"),
        make_number("routed", number="+14155550101", trunkRef={"name": "hq"}),
        make_number("lost", number="+14155550102", trunkRef={"name": "nowhere"}),
        make_number("again", created=LATER, number="+14155550101", trunkRef={"name": "hq"}),
        make_origination_uri(),
        make_origination_uri("off", sipUri="sip:pbx2.acme.example", enabled=False),
        make_origination_uri("stray", trunkRef={"name": "nowhere"}),
    ]


def _seen(moment: str, home: MemoryHome) -> Iterator[Told]:
    for ref, each in home.objects.items():
        if (status := home.statuses.get(ref)) is not None:
            yield _told(moment, each, status.to_dict())


def _told(moment: str, resource: Any, status: dict[str, Any]) -> Told:
    ref = resource.ref
    metadata = {"name": ref.name, "namespace": ref.namespace, "generation": resource.generation}
    return Told(
        moment,
        ref,
        {
            "apiVersion": "trunkline.dev/v1alpha1",
            "kind": ref.kind,
            "metadata": {key: value for key, value in metadata.items() if value is not None},
            "status": status,
        },
    )
