"""The shipped operator and edge pods together on a real API server: from `kubectl apply` to calls."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from apiserver.edge_calls import CALLER, block
from apiserver.edge_pods import EDGE, EdgeNamespace, EdgePod
from apiserver.operators import Manifest, Platform, custom, operator_server, platform
from support.addresses import Block
from support.sipua import UserAgent, send_invite, user_agent
from trunkline.api import API_VERSION

pytestmark = pytest.mark.apiserver

__all__ = ["block", "operator_server", "platform"]

NUMBER = "+14155550100"
CHANGES = 25


def manifests(tenant: str, block: Block) -> tuple[Manifest, ...]:
    """One edge of two pods, a carrier at .20, a trunk whose PBX is at .10, a number."""
    return (
        custom(
            "Account", "acme", {"namespaces": [tenant], "numberPrefixes": ["+1415"], "domainNames": ["*"]}
        ),
        custom("Edge", EDGE, {"advertise": {"type": "PodIP"}, "replicas": 2}),
        custom("Carrier", "telco", {"sourceRanges": [f"{block.address(20)}/32"]}),
        custom("Trunk", "hq", {}),
        custom("OriginationUri", "hq", {"trunkRef": {"name": "hq"}, "sipUri": f"sip:{block.address(10)}"}),
        number("main", NUMBER),
    )


def number(name: str, text: str) -> Manifest:
    return custom("Number", name, {"number": text, "trunkRef": {"name": "hq"}})


@pytest.fixture
def pods(platform: Platform, block: Block, tmp_path: Path) -> Iterator[list[EdgePod]]:
    """An operator, the manifests, and both pods of the edge, ready."""
    platform.kubectl.apply(*manifests(platform.tenant, block))
    platform.start()
    namespace = EdgeNamespace(platform.server, platform.edges, tmp_path)
    account = f"/api/v1/namespaces/{platform.edges}/serviceaccounts/edge-{EDGE}"
    platform.wait_for("what the edge consists of", lambda: platform.server.request(account))
    path = f"/api/v1/namespaces/{platform.edges}/secrets"
    listing = json.loads(platform.server.request(path))["items"]
    if f"edge-{EDGE}-tls" not in {each["metadata"]["name"] for each in listing}:
        namespace.write_certificate("served")
    with ExitStack() as stack:
        made = [stack.enter_context(namespace.pod(block.address(1 + each), number=each)) for each in range(2)]
        for pod in made:
            pod.start()
        for pod in made:
            pod.until_said(ready="true")
        yield made


def reaches(pod: EdgePod, carrier: UserAgent, pbx: UserAgent, called: str) -> bool:
    """True if a call through this pod gets to the PBX."""
    invite = send_invite(carrier, (pod.address, 5060), f"sip:{called}@{pod.address}", caller=CALLER)
    try:
        reached = pbx.wait("INVITE", call_id=invite.call_id, seconds=1)
    except TimeoutError:
        assert invite.final().status == 404
        return False
    pbx.respond(reached, 486)
    return invite.final().status == 486


def test_applied_manifests_lead_to_calls_through_every_pod(
    platform: Platform, pods: list[EdgePod], block: Block
) -> None:
    """The edge's status shows both addresses; the number is programmed, and is called."""
    platform.wait_condition("number", "main", "Programmed", status="True")
    with user_agent(block.address(20)) as carrier, user_agent(block.address(10), 5060) as pbx:
        assert [reaches(pod, carrier, pbx, NUMBER) for pod in pods] == [True, True]
    shown = platform.kubectl.get("edge", EDGE)["status"]["addresses"]
    assert {each["address"]: each["ready"] for each in shown} == {pod.address: True for pod in pods}


def test_programmed_is_never_shown_before_every_pod_routes_by_it(
    platform: Platform, pods: list[EdgePod], block: Block
) -> None:
    """New numbers in a row: each is called through every pod as soon as its status says so."""
    with user_agent(block.address(20)) as carrier, user_agent(block.address(10), 5060) as pbx:
        for turn in range(CHANGES):
            name, text = f"desk-{turn}", f"+1415555{turn:04d}"
            path = f"/apis/{API_VERSION}/namespaces/{platform.tenant}/numbers"
            platform.server.request(path, method="POST", body=number(name, text))
            platform.wait_condition("number", name, "Programmed", status="True")
            assert [reaches(pod, carrier, pbx, text) for pod in pods] == [True, True], name


def test_calls_go_on_without_operator_and_api_server(
    platform: Platform, pods: list[EdgePod], block: Block
) -> None:
    """Also through a pod whose containers are restarted meanwhile; the operator finds all as it was."""
    platform.wait_condition("number", "main", "Programmed", status="True")
    platform.operators[0].kill()
    first = pods[0]
    first.end_agent()
    first.end_kamailio()
    here, first.changes = first.changes, {"KUBERNETES_SERVICE_PORT": "9"}  # where nobody listens
    first.start()
    first.until_ready()
    with user_agent(block.address(20)) as carrier, user_agent(block.address(10), 5060) as pbx:
        assert [reaches(pod, carrier, pbx, NUMBER) for pod in pods] == [True, True]
    first.end_agent()
    first.changes = here
    first.start_agent()
    first.until_ready()
    platform.start("operator-1")
    platform.kubectl.apply(number("late", "+14155559999"))
    platform.wait_condition("number", "late", "Programmed", status="True")
    with user_agent(block.address(20)) as carrier, user_agent(block.address(10), 5060) as pbx:
        assert [reaches(pod, carrier, pbx, "+14155559999") for pod in pods] == [True, True]
