"""Edge: a location where SIP comes in, and how its addresses are found."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, ClassVar, Final, Literal

from pydantic import Field

from trunkline.api import patterns
from trunkline.api.capture import Capture
from trunkline.api.faults import FieldReason
from trunkline.api.fields import (
    EDGE_NAME,
    LABEL_MEND,
    EdgeName,
    Entries,
    Items,
    ObjectName,
    PortNumber,
    Text,
    UnicastIpv4,
    Whole,
)
from trunkline.api.meta import ObjectMeta, SecretRef
from trunkline.api.model import Model, without_default
from trunkline.api.resource import Column, Resource, Scope, condition_column
from trunkline.api.rule import Rule, cel_text

RESERVED_LABEL: Final = "pstn"
"""Below it stand the termination domains, so no edge or region may have this name."""
_RESERVED: Final = "pstn is the label of all termination domains (choose another name)"

Region = Annotated[
    str,
    Text(
        "region name",
        LABEL_MEND + "; one DNS label of at most 40",
        40,
        patterns.LABEL,
        rules=(Rule(f"self != '{RESERVED_LABEL}'", _RESERVED, lambda name: name != RESERVED_LABEL),),
    ),
]
LabelText = Annotated[str, Text("label", "write at most 316 printable characters", 316)]
_LABEL_KEYS: Final = Rule(
    "self.all(key, size(key) >= 1 && size(key) <= 316)",
    "a label's name is empty or too long (write 1 to 316 characters)",
    lambda labels: all(1 <= len(key) <= 316 for key in labels),
)
LabelValue = Annotated[str, Text("label value", "write at most 63 printable characters", 63, min_length=0)]


class Advertise(Model):
    """Which addresses the edge tells the world."""

    type: Literal["Static", "HostNetwork", "PodIP"]
    """Static: the listed addresses. HostNetwork: those of the nodes. PodIP: those of the pods, if routed."""
    addresses: Annotated[tuple[UnicastIpv4, ...], Items(8)] = ()
    """Static only: one instance for each, on a node that has it. With one that is removed its pod ends."""
    node_address_type: Literal["ExternalIP", "InternalIP"] | None = None
    """HostNetwork only: which address of a node. Absent: ExternalIP."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "self.type != 'Static' || (has(self.addresses) && size(self.addresses) > 0)",
            "type Static needs addresses (list 1 to 8 addresses)",
            lambda advertise: advertise.type != "Static" or len(advertise.addresses) > 0,
            "addresses",
            FieldReason.Required,
        ),
        Rule(
            "self.type == 'Static' || !has(self.addresses) || size(self.addresses) == 0",
            "only type Static has addresses (remove them, or set type: Static)",
            lambda advertise: advertise.type == "Static" or not advertise.addresses,
            "addresses",
            FieldReason.Forbidden,
        ),
        Rule(
            "self.type == 'HostNetwork' || !has(self.nodeAddressType)",
            "only type HostNetwork has a nodeAddressType (remove it, or set type: HostNetwork)",
            lambda advertise: advertise.type == "HostNetwork" or advertise.node_address_type is None,
            "nodeAddressType",
            FieldReason.Forbidden,
        ),
    )


class Toleration(Model):
    """A taint that the edge's pods tolerate, as in a pod."""

    key: LabelText | None = None
    """Key of the taint. Absent: any, with operator Exists."""
    operator: Literal["Exists", "Equal"] | None = None
    """How value is compared. Absent: Equal."""
    value: LabelValue | None = None
    """Value of the taint."""
    effect: Literal["NoSchedule", "PreferNoSchedule", "NoExecute"] | None = None
    """Effect of the taint. Absent: any."""
    toleration_seconds: Annotated[int, Whole(0, 2**31 - 1)] | None = None
    """How long a NoExecute taint is tolerated. Absent: for ever."""


class Placement(Model):
    """Which nodes run the edge: this is where geography enters a cluster."""

    node_selector: Annotated[Mapping[str, LabelValue], Entries(32, rules=(_LABEL_KEYS,))] = {}
    """Labels that a node must have."""
    tolerations: Annotated[tuple[Toleration, ...], Items(32, key=None)] = ()
    """Taints that are tolerated."""


class Ports(Model):
    """Ports of the edge's listeners."""

    udp: PortNumber = 5060
    """SIP over UDP."""
    tcp: PortNumber = 5060
    """SIP over TCP."""
    tls: PortNumber = 5061
    """SIP over TLS."""
    agent: PortNumber | None = None
    """Readiness and metrics, over HTTP. Absent: one that no other Edge has, from 8090 to 8199."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "!has(self.agent) || (self.agent != self.tcp && self.agent != self.tls)",
            "agent has the same port as tcp or tls (give it a port of its own)",
            lambda ports: ports.agent not in (ports.tcp, ports.tls),
            "agent",
        ),
        Rule(
            "self.tcp != self.tls",
            "tls has the same port as tcp (give TLS a port of its own)",
            lambda ports: ports.tcp != ports.tls,
            "tls",
        ),
    )


class Media(Model):
    """How the edge relays media."""

    first_port: PortNumber = 10_000
    """Lowest port, an even one."""
    last_port: PortNumber = 60_000
    """Highest port."""
    relay: Literal["Always", "WhenNeeded"] = "Always"
    """Which calls' media go through the edge: all, or those of which a Trunk or Carrier asks something that
    needs it. Other parties send each other their media."""
    transcoded_calls: Annotated[int, Whole(0, 12_500)] = 20
    """Most calls at once, at each address, whose sound may be transcoded; more are refused. Twenty with Opus
    take up to half a core."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "self.firstPort % 2 == 0",
            "firstPort is odd (RTP begins at an even port)",
            lambda media: media.first_port % 2 == 0,
            "firstPort",
        ),
        Rule(
            "self.firstPort < self.lastPort",
            "lastPort is not above firstPort (write the lower port as firstPort)",
            lambda media: media.first_port < media.last_port,
            "lastPort",
        ),
    )


class SelfSigned(Model):
    """A certificate of the platform's own authority; has no fields."""


class IssuerRef(Model):
    """An issuer of cert-manager."""

    name: ObjectName
    """Name of the issuer."""
    kind: Literal["Issuer", "ClusterIssuer"] = "Issuer"
    """Kind of the issuer."""
    group: ObjectName = "cert-manager.io"
    """API group of the issuer."""


class Tls(Model):
    """Where the edge's certificate comes from: exactly one of the fields."""

    self_signed: SelfSigned | None = None
    """A certificate of the platform's own authority: write selfSigned: {}."""
    secret_ref: SecretRef | None = None
    """A Secret of type kubernetes.io/tls in the system namespace."""
    issuer_ref: IssuerRef | None = None
    """An issuer of cert-manager."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "[has(self.selfSigned), has(self.secretRef), has(self.issuerRef)].exists_one(given, given)",
            "give exactly one of selfSigned: {}, secretRef and issuerRef",
            lambda tls: [tls.self_signed, tls.secret_ref, tls.issuer_ref].count(None) == 2,
        ),
    )


class Dns(Model):
    """The edge's DNS records."""

    ttl_seconds: Annotated[int, Whole(1, 86_400)] = 600
    """How long resolvers may keep the addresses, in seconds (S31)."""


class Drain(Model):
    """How an instance stops."""

    max_seconds: Annotated[int, Whole(0, 86_400)] = 3600
    """How long a stopping instance waits for its calls to end, in seconds."""


class EdgeSpec(Model):
    """Where the edge listens, how it is found, and where it runs."""

    region: Region | None = None
    """A second name of the edge in DNS; several edges may share it."""
    advertise: Advertise
    """Which addresses the edge tells the world."""
    # A default in the schema would stand beside the addresses of type Static and seem to count.
    replicas: Annotated[int, Whole(1, 8)] = Field(default=1, json_schema_extra=without_default)
    """Instances of the types other than Static. Absent: 1."""
    placement: Placement = Placement()
    """Which nodes run the edge."""
    ports: Ports = Ports()
    """Ports of the listeners."""
    media: Media = Media()
    """UDP ports of the media, at each of its addresses. Edges at one address need ranges of their own."""
    tls: Tls = Tls.model_validate({"selfSigned": {}})
    """Where the certificate comes from. Absent: selfSigned."""
    dns: Dns = Dns()
    """The edge's DNS records."""
    drain: Drain = Drain()
    """How an instance stops."""
    capture: Capture = Capture()
    """Copies of its SIP messages. Absent: none."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            "self.advertise.type != 'Static' || !has(self.replicas)",
            "type Static has one instance for each address (remove replicas, or list more addresses)",
            lambda spec: spec.advertise.type != "Static" or "replicas" not in spec.model_fields_set,
            "replicas",
            FieldReason.Forbidden,
        ),
    )

    @property
    def instances(self) -> int:
        """How many instances there should be."""
        static = self.advertise.type == "Static"
        return len(self.advertise.addresses) if static else self.replicas


class EdgeMeta(ObjectMeta):
    """An Edge's name is a label of DNS names, and so are the names of its pods."""

    name: EdgeName


class Edge(Resource):
    """Edge is a location where SIP comes in; its name is its label in DNS."""

    kind: ClassVar[str] = "Edge"
    plural: ClassVar[str] = "edges"
    short_names: ClassVar[tuple[str, ...]] = ("edg",)
    scope: ClassVar[Scope] = "Cluster"
    selectable: ClassVar[tuple[str, ...]] = (".spec.region",)
    columns: ClassVar[tuple[Column, ...]] = (
        Column("Addresses", ".status.addressList"),
        Column("Pods", ".status.podSummary"),
        condition_column("Programmed", "Programmed"),
        condition_column("DNS", "DNSReady"),
        condition_column("Cert", "CertificateReady"),
    )

    metadata: EdgeMeta
    spec: EdgeSpec

    rules: ClassVar[tuple[Rule, ...]] = (
        # The schema of metadata may hold no rule of its own. The model knows this one by the field.
        Rule(
            f"self.metadata.name.matches({cel_text(EDGE_NAME.pattern)})",
            EDGE_NAME.sentence,
            None,
            "metadata.name",
        ),
        Rule(
            f"self.metadata.name != '{RESERVED_LABEL}'",
            _RESERVED,
            lambda edge: edge.metadata.name != RESERVED_LABEL,
            "metadata.name",
        ),
    )
