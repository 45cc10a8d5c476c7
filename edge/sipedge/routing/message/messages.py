"""The facts of a SIP message that a decision reads. Total: any text in any field is allowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from sipedge.values import quickly_made


@quickly_made
@dataclass(frozen=True, kw_only=True)
class Message:
    """What a request and an answer have in common, as it arrived."""

    source: str
    """The IP address it came from (the packet's, not the Via's)."""
    source_port: int
    transport: str
    """`udp`, `tcp` or `tls`."""
    connection: int | None = None
    """The connection that it came by; None over UDP."""
    call_id: str = ""
    from_tag: str = ""
    to_tag: str = ""
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Lower-case long header names to raw values, in the order of the message."""
    body: str = ""
    body_size: int | None = None
    """Bytes of the body on the wire; None = as many as `body` has."""

    def header(self, name: str) -> str:
        """The first value of a header (lower-case name), "" if it is absent."""
        values = self.headers.get(name)
        return values[0] if values else ""


@quickly_made
@dataclass(frozen=True, kw_only=True)
class SipRequest(Message):
    """A request: initial, or within a dialog."""

    method: str
    request_uri: str
    received_on: str
    """The edge's own address that received it."""
    version: str = "SIP/2.0"
    """As the request line says."""
    username: str | None = None
    """Of a Proxy-Authorization for our realm; None if there is none."""
    tls_version: str | None = None
    """`TLSv1.2` and the like; None without TLS."""
    merged: bool = False
    """True: of an INVITE with this Call-ID and From-tag the edge is setting a call up already."""


@quickly_made
@dataclass(frozen=True, kw_only=True)
class SipAnswer(Message):
    """An answer to a request that the edge has sent on."""

    status: int
    phrase: str
    method: str
    """Of the request that is answered, as its CSeq says."""
