"""An operator with an edge of two pods that take calls: what the tests of both together begin with."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path

from apiserver.edge_calls import CALLER
from apiserver.edge_pods import EDGE, EdgeNamespace, EdgePod
from apiserver.operators import Platform
from apiserver.quickstart import Manifest, custom
from support.addresses import Block
from support.sipua import UserAgent, send_invite, user_agent

NUMBER = "+14155550100"
PLACES: Mapping[str, int] = {"hq": 10, "lab": 11, "spare": 12}
"""The PBXs, by the last byte of their addresses."""


def manifests(tenant: str, block: Block) -> tuple[Manifest, ...]:
    """One edge of two pods, a carrier at .20, a trunk whose PBX is at .10, a number."""
    return (
        custom(
            "Account", "acme", {"namespaces": [tenant], "numberPrefixes": ["+1415"], "domainNames": ["*"]}
        ),
        custom("Edge", EDGE, {"advertise": {"type": "PodIP"}, "replicas": 2}),
        custom("Carrier", "telco", {"sourceRanges": [f"{block.address(20)}/32"]}),
        custom("Trunk", "hq", {}),
        target("hq", block),
        number("main", NUMBER),
    )


def target(trunk: str, block: Block) -> Manifest:
    """The OriginationUri of a trunk, which leads to the PBX of the same name."""
    return custom(
        "OriginationUri",
        trunk,
        {"trunkRef": {"name": trunk}, "sipUri": f"sip:{block.address(PLACES[trunk])}"},
    )


def number(name: str, text: str, trunk: str = "hq") -> Manifest:
    return custom("Number", name, {"number": text, "trunkRef": {"name": trunk}})


@contextmanager
def operated_pods(platform: Platform, block: Block, folder: Path) -> Iterator[list[EdgePod]]:
    """An operator, the manifests, and both pods of the edge, ready."""
    platform.kubectl.apply(*manifests(platform.tenant, block))
    platform.start()
    namespace = EdgeNamespace(platform.server, platform.edges, folder)
    place = f"/api/v1/namespaces/{platform.edges}"
    for needed in (f"serviceaccounts/edge-{EDGE}", "secrets/edge-secret", f"secrets/edge-{EDGE}-tls"):
        platform.wait_for(needed, lambda path=f"{place}/{needed}": platform.server.request(path))  # type: ignore[misc]
    with ExitStack() as stack:
        made = [
            stack.enter_context(namespace.pod(block.address(1 + each), number=each, relays=True))
            for each in range(2)
        ]
        for each, pod in enumerate(made):
            platform.show_pod(EDGE, each, pod.address)
            pod.start()
        for pod in made:
            pod.until("ready", lambda pod=pod: is_ready(pod))  # type: ignore[misc]
        yield made
        for pod in made:
            assert_runs(pod)


def is_ready(pod: EdgePod) -> bool:
    """True once it says so."""
    assert_runs(pod)
    return pod.said().get("ready") == "true"


def assert_runs(pod: EdgePod) -> None:
    """Nobody starts Kamailio or the relay again here: one that ends by itself is a fault."""
    if pod.kamailio is not None:
        assert pod.kamailio.poll() is None, f"Kamailio ended\n{pod.log('kamailio')[-4000:]}"
    for process in pod.media:
        assert process.poll() is None, f"{process.args!r} ended\n{pod.log('rtpengine')[-4000:]}"


class Callers:
    """The carrier, and the PBXs by name."""

    def __init__(self, carrier: UserAgent, pbxs: Mapping[str, UserAgent]) -> None:
        self._carrier, self._pbxs = carrier, pbxs

    def reached(self, pod: EdgePod, called: str, tries: int = 1_500) -> str:
        """Who gets a call through this pod: the name of a PBX, or the status with which it is refused."""
        invite = send_invite(self._carrier, (pod.address, 5060), f"sip:{called}@{pod.address}", caller=CALLER)
        for _ in range(tries):
            for name, pbx in self._pbxs.items():
                try:
                    request = pbx.wait("INVITE", call_id=invite.call_id, seconds=0.005)
                except TimeoutError:
                    continue
                # Relayed: the PBX is to send to the pod, not to the carrier.
                assert f"c=IN IP4 {pod.address}\r\n" in request.body, request.body
                pbx.respond(request, 486)
                assert invite.final().status == 486
                return name
            try:
                return str(invite.final(0.01).status)
            except TimeoutError:
                continue
        raise AssertionError(f"no answer to a call to {called} through {pod.name}")


@contextmanager
def callers(block: Block) -> Iterator[Callers]:
    """The carrier at .20 and the PBXs at their PLACES."""
    with ExitStack() as stack:
        carrier = stack.enter_context(user_agent(block.address(20)))
        pbxs = {
            name: stack.enter_context(user_agent(block.address(place), 5060))
            for name, place in PLACES.items()
        }
        yield Callers(carrier, pbxs)
