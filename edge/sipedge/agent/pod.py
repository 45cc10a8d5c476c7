"""What a pod tells the agent by environment variables, and the address that it takes."""

from __future__ import annotations

import errno
import ipaddress
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sipedge.agent.drain import read_drain_seconds
from sipedge.agent.kube_api import Access
from sipedge.b2bua_settings import (
    DEFAULT_RECOVERY_CALLS,
    B2buaSettings,
    b2bua_port,
    read_speech_command,
    recovering,
)
from sipedge.capacity import DEFAULT_CALLS_IN_PROGRESS, DEFAULT_CALLS_PER_SECOND, Capacity
from sipedge.contract import (
    CALLS_IN_PROGRESS,
    CALLS_PER_SECOND,
    MEDIA_PORTS,
    MEDIA_SPOOL,
    MEDIA_SPOOL_BYTES,
    OTLP_ENDPOINT,
    RECORDINGS_URL,
    RECOVERY_CALLS,
    SHARED_MEMORY,
    SPEECH_COMMAND,
    STIR_FILES,
)
from sipedge.instance import InstanceError, Ports
from sipedge.media_settings import MediaSettings

EDGE_VARIABLE: Final = "TRUNKLINE_EDGE"
"""The name of the Edge; set in a pod alone."""
LIST_VARIABLE: Final = "TRUNKLINE_ADDRESSES_FILE"
"""Names the file with the addresses that a Static Edge lists: a file changes while the pod runs."""
DIRECTORY: Final = "/var/lib/sipedge"
"""The volume that both containers share."""
ACCOUNT: Final = "/var/run/secrets/kubernetes.io/serviceaccount"
HTTP_PORT: Final = 8090
_MEMORY_PORT: Final = 6379
"""Of the store beside the relay, where sessions outlive it."""


@dataclass(frozen=True, slots=True)
class Pod:
    """One edge pod, as its environment describes it."""

    edge: str
    name: str
    namespace: str
    own_address: str
    """Of the pod or, where it uses its node's network, of the node."""
    list_file: Path | None
    """Static: what the Edge lists now, with commas between; one of these is taken instead of the own one."""
    node: str
    """Address of the node."""
    advertise: str
    """Static, HostNetwork or PodIP, as in the Edge."""
    ports: Ports
    directory: Path
    access: Access
    http_address: str
    http_port: int
    drain_seconds: float
    resolver: str | None
    capacity: Capacity
    shared_memory_mb: int | None
    """The most that Kamailio's shared memory may have; None = what its calls need."""
    stir_directory: Path | None = None
    """Holds what calls are signed with, in this container alone; None = they never are."""
    otlp_endpoint: str | None = None
    """Where call records are sent by OTLP."""
    media: MediaSettings | None = None
    """Of the relay in a container of its own; None = the pod has none."""
    b2bua: B2buaSettings = field(default_factory=B2buaSettings)


class NoAddressError(Exception):
    """None of the addresses can be taken; the text says why, and the mend."""


def read_pod(environment: Mapping[str, str]) -> Pod:
    """The pod that this process runs in. Raises InstanceError, which names the variable and its fault."""
    advertise = _needed(environment, "TRUNKLINE_ADVERTISE")
    node, own = _needed(environment, "NODE_IP"), _needed(environment, "POD_IP")
    if advertise not in ("Static", "HostNetwork", "PodIP"):
        raise InstanceError(
            f"TRUNKLINE_ADVERTISE: {advertise!r} is unknown; write Static, HostNetwork or PodIP"
        )
    own_address = own if advertise == "PodIP" else node
    try:
        ipaddress.ip_address(own_address)
    except ValueError as error:
        raise InstanceError(f"{own_address!r} is not an IP address to serve: {error}") from error
    try:
        drain_seconds = read_drain_seconds(environment)
    except ValueError as error:
        raise InstanceError(str(error)) from error
    return Pod(
        edge=_needed(environment, EDGE_VARIABLE),
        name=_needed(environment, "POD_NAME"),
        namespace=_needed(environment, "POD_NAMESPACE"),
        own_address=own_address,
        list_file=Path(_needed(environment, LIST_VARIABLE)) if advertise == "Static" else None,
        node=node,
        advertise=advertise,
        ports=_ports(environment.get("TRUNKLINE_PORTS", "5060,5060,5061")),
        directory=Path(environment.get("TRUNKLINE_DIRECTORY", DIRECTORY)),
        access=Access(
            _needed(environment, "KUBERNETES_SERVICE_HOST"),
            _port("KUBERNETES_SERVICE_PORT", environment.get("KUBERNETES_SERVICE_PORT", "443")),
            Path(environment.get("TRUNKLINE_ACCOUNT", ACCOUNT)),
        ),
        http_address=own,
        http_port=_port("TRUNKLINE_HTTP_PORT", environment.get("TRUNKLINE_HTTP_PORT", str(HTTP_PORT))),
        drain_seconds=drain_seconds,
        resolver=environment.get("TRUNKLINE_RESOLVER") or None,
        capacity=_capacity(environment),
        shared_memory_mb=_whole_number(SHARED_MEMORY, environment),
        stir_directory=Path(stir) if (stir := environment.get(STIR_FILES)) else None,
        otlp_endpoint=environment.get(OTLP_ENDPOINT) or None,
        media=_media(environment),
        b2bua=_b2bua(environment),
    )


def _b2bua(environment: Mapping[str, str]) -> B2buaSettings:
    calls, speech = _whole_number(RECOVERY_CALLS, environment), environment.get(SPEECH_COMMAND, "")
    try:
        read_speech_command(speech)
    except ValueError as error:
        raise InstanceError(f"{SPEECH_COMMAND} {error}") from None
    ports = _ports(environment.get("TRUNKLINE_PORTS", "5060,5060,5061"))
    return recovering(
        DEFAULT_RECOVERY_CALLS if calls is None else calls,
        environment.get(RECORDINGS_URL, ""),
        port=b2bua_port(ports.udp),
        speech_command=speech,
    )


def _media(environment: Mapping[str, str]) -> MediaSettings | None:
    text = environment.get(MEDIA_PORTS, "")
    if not text:
        return None
    first, last = (_port(MEDIA_PORTS, part) for part in text.partition("-")[::2])
    control = control_address(
        _port("TRUNKLINE_HTTP_PORT", environment.get("TRUNKLINE_HTTP_PORT", str(HTTP_PORT)))
    )
    return MediaSettings(
        spool=Path(_needed(environment, MEDIA_SPOOL)),
        control=control,
        first_port=first,
        last_port=last,
        redis=f"{control}:{_MEMORY_PORT}/0",
        spool_bytes=_whole_number(MEDIA_SPOOL_BYTES, environment),
    )


def control_address(http_port: int) -> str:
    """The loopback address where a pod's relay is commanded, by the port of its agent.

    In the network of a node every pod has another such port, and so another address of these.
    """
    return f"127.84.{http_port >> 8}.{http_port & 0xFF}"


def _capacity(environment: Mapping[str, str]) -> Capacity:
    per_second = _whole_number(CALLS_PER_SECOND, environment)
    in_progress = _whole_number(CALLS_IN_PROGRESS, environment)
    capacity = Capacity(
        DEFAULT_CALLS_PER_SECOND if per_second is None else per_second,
        DEFAULT_CALLS_IN_PROGRESS if in_progress is None else in_progress,
    )
    if fault := capacity.fault(CALLS_PER_SECOND, CALLS_IN_PROGRESS):
        raise InstanceError(fault)
    return capacity


def _whole_number(name: str, environment: Mapping[str, str]) -> int | None:
    text = environment.get(name, "")
    if text and not (text.isascii() and text.isdecimal() and len(text) < 16):
        raise InstanceError(f"{name}: {text[:20]!r} is not a whole number")
    return int(text) if text else None


def take_address(pod: Pod, before: str | None) -> str:
    """The address to serve: `before` if the node still has it, else the first that it has and nobody uses.

    `before` is what this pod took when the agent ran last; its own Kamailio may be using it, whatever is
    listed now: the operator ends a pod whose address is in vain. Raises NoAddressError.
    """
    if before is not None and _can_bind(before, 0):
        return before
    addresses = _offered(pod)
    owned = [address for address in addresses if _can_bind(address, 0)]
    free = [address for address in owned if _can_bind(address, pod.ports.udp)]
    if free:
        return free[0]
    listed = ", ".join(addresses)
    if owned:
        raise NoAddressError(
            f"port {pod.ports.udp} of {', '.join(owned)} is taken by another program on node {pod.node}: "
            "end it, or give the Edge other ports"
        )
    if pod.advertise == "Static":
        raise NoAddressError(
            f"node {pod.node} has none of the addresses of Edge {pod.edge} ({listed}): list one of its "
            "addresses in spec.advertise.addresses, or choose nodes that have them by spec.placement"
        )
    raise NoAddressError(f"this pod cannot use its own address {listed}")


def _offered(pod: Pod) -> tuple[str, ...]:
    if pod.list_file is None:
        return (pod.own_address,)
    try:
        text = pod.list_file.read_text(encoding="utf-8")
    except OSError as error:
        raise NoAddressError(f"the addresses that Edge {pod.edge} lists cannot be read: {error}") from error
    addresses = tuple(filter(None, text.strip().split(",")))
    for address in addresses:
        try:
            ipaddress.ip_address(address)
        except ValueError as error:
            raise NoAddressError(f"{pod.list_file}: {address!r} is not an IP address to serve") from error
    return addresses


def _can_bind(address: str, port: int) -> bool:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as sock:
        try:
            sock.bind((address, port))
        except OSError as error:
            if error.errno in (errno.EADDRNOTAVAIL, errno.EADDRINUSE):
                return False
            raise
    return True


def _needed(environment: Mapping[str, str], name: str) -> str:
    value = environment.get(name, "")
    if not value:
        raise InstanceError(f"{name} is not set: an edge pod's agent needs it")
    return value


def _ports(text: str) -> Ports:
    parts: Sequence[str] = text.split(",")
    if len(parts) != 3:
        raise InstanceError(
            f"TRUNKLINE_PORTS: {text!r} must be the ports of UDP, TCP and TLS, as 5060,5060,5061"
        )
    udp, tcp, tls = (_port("TRUNKLINE_PORTS", part) for part in parts)
    return Ports(udp, tcp, tls)


def _port(name: str, text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= 65_535:
        raise InstanceError(f"{name}: {text!r} is not a port number from 1 to 65535")
    return int(text)
