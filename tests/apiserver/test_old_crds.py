"""CRDs of another version than the operator: it says so, goes on with the rest, and does not try for ever."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from apiserver.counting import writes
from apiserver.operators import CRDS, SECONDS, Platform, platform_on
from apiserver.quickstart import ADDRESSES, EDGE, custom, origination, quickstart
from cluster.apiserver import ApiServer
from cluster.processes import wait_until
from sipedge.routing.decision import Forward
from trunkline.api import ALL_KINDS, API_VERSION, GROUP

pytestmark = pytest.mark.apiserver

LAX: Final = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}

FAULTY: Final[Mapping[str, tuple[dict[str, Any], str]]] = {
    "Account": ({"namespaces": "acme"}, "spec.namespaces"),
    "CallerId": ({"number": "14155550100"}, "spec.number"),
    "Carrier": ({"sourceRanges": ["somewhere"]}, "spec.sourceRanges"),
    "CredentialList": ({"credentials": [{"username": "pbx"}]}, "spec.credentials"),
    "Edge": ({"advertise": {"type": "Carrier pigeon"}}, "spec.advertise"),
    "HeaderManipulationPolicy": ({"rules": "none"}, "spec.rules"),
    "IpAccessControlList": ({"entries": [{"cidr": "10.0.0.0/33"}]}, "spec.entries"),
    "Number": ({"number": "banana", "trunkRef": {"name": "hq"}, "colour": "red"}, "spec"),
    "OriginationUri": ({"trunkRef": {"name": "hq"}, "sipUri": 5060}, "spec.sipUri"),
    "Trunk": ({"codecs": {"PCMU": True}, "termination": []}, "spec"),
}
"""By kind: what an older schema took, and the field that is wrong with it today."""

UNTOUCHABLE: Final = {"OriginationUri", "Trunk"}
"""Those of them whose status the API server refuses as well: a rule cannot be evaluated on such a value."""


@pytest.fixture
def platform(operator_server: ApiServer, tmp_path: Path) -> Iterator[Platform]:
    """Namespaces of its own; afterwards the CRDs are today's again."""
    with platform_on(operator_server, tmp_path) as made:
        try:
            yield made
        finally:
            for operator in made.operators:
                operator.kill()
            restored(operator_server)


def restored(server: ApiServer) -> None:
    """Today's CRDs, served: what changes is away for a moment."""
    server.kubectl("replace", "-f", str(CRDS))
    time.sleep(0.5)
    for kind in ALL_KINDS:
        path = f"/apis/{API_VERSION}/{kind.plural}"
        wait_until(path, lambda path=path: server.request(path), SECONDS)  # type: ignore[misc]


def crd(plural: str) -> Any:
    return yaml.safe_load((CRDS / f"{plural}.{GROUP}.yaml").read_text())


def replace(platform: Platform, definition: Any) -> None:
    for version in definition["spec"]["versions"]:
        if version["schema"]["openAPIV3Schema"]["properties"].get("spec") is LAX:
            version.pop("selectableFields", None)  # of a spec whose fields nobody knows
    platform.server.kubectl("replace", "-f", "-", given=json.dumps(definition))


def acknowledge(platform: Platform) -> None:
    platform.acknowledge(EDGE, 0, platform.table(EDGE).sequence, address=ADDRESSES[0])


def event(platform: Platform, kind: str) -> str:
    """What the Event on an object of this kind says; empty if there is none."""
    found = json.loads(platform.server.request("/apis/events.k8s.io/v1/events"))["items"]
    notes = [
        each["note"] for each in found if each["regarding"]["kind"] == kind and platform.tenant in str(each)
    ]
    return str(notes[0]) if notes else ""


def becomes_ready(platform: Platform, kind: str, name: str) -> None:
    def is_ready() -> bool:
        acknowledge(platform)
        return platform.condition(kind, name, "Ready").get("status") == "True"

    platform.wait_for(f"{kind} {name}", is_ready)


def test_fields_that_a_crd_drops_are_named_and_not_written_again(platform: Platform) -> None:
    """Trunks of an older CRD without trunkSid and numberCount: the log says so once, all else is told."""
    old = crd("trunks")
    status = old["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"]["status"]
    for field in ("trunkSid", "numberCount"):
        del status["properties"][field]
    replace(platform, old)
    platform.kubectl.apply(*quickstart(platform.tenant))
    operator = platform.start()
    platform.wait_for("a table", lambda: platform.table(EDGE))
    becomes_ready(platform, "trunk", "hq")
    assert "trunkSid" not in platform.kubectl.get("trunk", "hq")["status"]
    # A count is written again after ten seconds, if at all.
    platform.quiet()
    before = writes(platform.server)
    time.sleep(11)
    assert not [name for name in writes(platform.server) - before if "trunks" in name]
    told = [line["message"] for line in operator.lines() if "drops status" in line["message"]]
    assert sorted(each.split(":")[0] for each in told) == [
        "the CRD of trunks drops status.numberCount",
        "the CRD of trunks drops status.trunkSid",
    ]


def test_a_kind_that_is_not_installed_is_waited_for(platform: Platform) -> None:
    """The operator names it and what to do; it acts as soon as the CRD is there."""
    name = f"callerids.{GROUP}"
    platform.kubectl.apply(*quickstart(platform.tenant))
    platform.server.kubectl("delete", "crd", name)
    try:
        operator = platform.start()
        platform.wait_for("it is told", lambda: operator.said("not permitted: callerids."))
        assert operator.said("Install CRDs and roles")
        before = len(operator.lines())
        time.sleep(3)
        assert len(operator.lines()) <= before + 1
    finally:
        platform.server.kubectl("create", "-f", str(CRDS / f"{name}.yaml"))
    platform.wait_for("a table", lambda: platform.table(EDGE))
    assert isinstance(platform.table(EDGE).decide(origination()), Forward)


def test_stored_objects_of_every_kind_that_todays_schema_refuses(platform: Platform) -> None:
    """Written under CRDs that took them: each names its field, and harms none of the others."""
    for kind in ALL_KINDS:
        lax = crd(kind.plural)
        schema = {"type": "object", "properties": {"spec": LAX, "status": LAX}}
        lax["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = schema
        replace(platform, lax)
    for kind in ALL_KINDS:
        manifest = custom(kind.kind, "old", FAULTY[kind.kind][0])
        wait_until(f"a lax {kind.kind}", lambda m=manifest: platform.kubectl.try_apply(m).status == 0, 20)  # type: ignore[misc]
    restored(platform.server)
    for kind in ALL_KINDS:
        manifest = custom(kind.kind, "new", FAULTY[kind.kind][0])
        wait_until(f"a strict {kind.kind}", lambda m=manifest: platform.kubectl.try_apply(m).status != 0, 20)  # type: ignore[misc]
    platform.kubectl.apply(*quickstart(platform.tenant))
    operator = platform.start()
    platform.wait_for("a table", lambda: platform.table(EDGE))
    becomes_ready(platform, "number", "main")
    assert isinstance(platform.table(EDGE).decide(origination()), Forward)
    for kind in ALL_KINDS:
        if kind.kind in UNTOUCHABLE:
            platform.wait_for(kind.kind, lambda name=kind.kind: event(platform, name))  # type: ignore[misc]
            told = event(platform, kind.kind)
            lines = [line for line in operator.lines() if line.get("object", "").startswith(f"{kind.kind} ")]
            assert [told in line["message"] for line in lines] == [True]
        else:
            platform.wait_condition(kind.plural, "old", "Accepted", status="False", reason="Invalid")
            told = platform.condition(kind.plural, "old", "Accepted")["message"]
        assert FAULTY[kind.kind][1] in told, told
    assert operator.process.poll() is None


def test_an_object_that_was_refused_is_served_once_it_is_mended(platform: Platform) -> None:
    """By the user's next edit; nothing of the operator has to be started anew."""
    name = "numbers"
    lax = crd(name)
    lax["spec"]["versions"][0]["schema"]["openAPIV3Schema"] = {
        "type": "object",
        "properties": {"spec": LAX, "status": LAX},
    }
    replace(platform, lax)
    old = custom("Number", "old", {"number": "+14155550177", "trunkRef": "hq"})
    wait_until("a lax number", lambda: platform.kubectl.try_apply(old).status == 0, 60)
    replace(platform, crd(name))
    platform.kubectl.apply(*quickstart(platform.tenant))
    platform.start()
    platform.wait_condition("number", "old", "Accepted", status="False", reason="Invalid")
    assert "spec.trunkRef" in platform.condition("number", "old", "Accepted")["message"]
    path = f"/apis/{API_VERSION}/namespaces/{platform.tenant}/numbers/old"
    body = {"spec": {"trunkRef": {"name": "hq"}}}
    merge = "application/merge-patch+json"
    platform.server.request(path, method="PATCH", body=body, content_type=merge)
    becomes_ready(platform, "number", "old")
    assert isinstance(platform.table(EDGE).decide(origination("+14155550177")), Forward)
