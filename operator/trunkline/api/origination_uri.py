"""OriginationUri: one place where a trunk's calls from the PSTN may go."""

from __future__ import annotations

from typing import Annotated, ClassVar, Final

from trunkline.api import patterns
from trunkline.api.fields import FriendlyName, Priority, Text, Weight
from trunkline.api.meta import LocalRef, Probe
from trunkline.api.model import Model
from trunkline.api.resource import Column, Resource, Scope
from trunkline.api.rule import both, either, text_lacks, text_matches

_TRANSPORT_MESSAGE: Final = (
    "transport is not a SIP transport or appears twice "
    "(write ;transport=udp, ;transport=tcp or ;transport=tls once, behind the host)"
)
_TRANSPORT: Final = either(
    text_lacks(patterns.TRANSPORT_GIVEN, _TRANSPORT_MESSAGE),
    both(
        text_matches(patterns.TRANSPORT_KNOWN, _TRANSPORT_MESSAGE),
        text_lacks(patterns.TRANSPORT_TWICE, _TRANSPORT_MESSAGE),
    ),
)

TargetUri = Annotated[
    str,
    Text(
        "SIP URI that calls can be sent to",
        "write sip:[user@]host[:port][;transport=tcp][;edge=name][?X-Name=value], without a password, blanks "
        "or escaped control characters",
        1280,
        patterns.SIP_URI,
        confidential=True,
        rules=(
            text_matches(
                patterns.SIP_URI_LENGTHS,
                "the URI is too long (keep to 255 characters before the ? and 1024 after it)",
            ),
            _TRANSPORT,
            text_lacks(
                patterns.RESERVED_HEADER,
                "headers that begin with X-Trunkline- are reserved for the platform (choose another name)",
            ),
        ),
    ),
]


class OriginationUriSpec(Model):
    """Where calls go, and when this place is tried."""

    trunk_ref: LocalRef
    """The trunk whose calls come here, in the same namespace."""
    sip_uri: TargetUri
    """Where to send calls (S46-S57): host, port, transport, the edge to leave from, and X- headers to add."""
    priority: Priority = 10
    """Lower values are tried first (S59)."""
    weight: Weight = 10
    """Share of the calls among URIs of equal priority (S60)."""
    enabled: bool = True
    """Whether the URI takes part at all (S61)."""
    friendly_name: FriendlyName = ""
    """Free text for people."""
    probe: Probe | None = None
    """Asks it by OPTIONS whether it answers; while it does not, calls try it last. Absent: never asked."""


class OriginationUri(Resource):
    """OriginationUri is one place where a trunk's calls from the PSTN may go."""

    kind: ClassVar[str] = "OriginationUri"
    plural: ClassVar[str] = "originationuris"
    short_names: ClassVar[tuple[str, ...]] = ("ouri",)
    scope: ClassVar[Scope] = "Namespaced"
    selectable: ClassVar[tuple[str, ...]] = (".spec.trunkRef.name",)
    columns: ClassVar[tuple[Column, ...]] = (
        Column("Trunk", ".spec.trunkRef.name"),
        Column("URI", ".spec.sipUri"),
        Column("Priority", ".spec.priority", "integer"),
        Column("Weight", ".spec.weight", "integer"),
        Column("Enabled", ".spec.enabled", "boolean"),
    )

    spec: OriginationUriSpec
