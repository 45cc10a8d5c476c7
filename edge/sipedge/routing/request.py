"""The facts of a SIP request that a decision reads. Total: any text in any field is allowed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class SipRequest:
    """One initial (out-of-dialog) request, as it arrived."""

    method: str
    request_uri: str
    source: str
    """The IP address it came from (the packet's, not the Via's)."""
    source_port: int
    transport: str
    """`udp`, `tcp` or `tls`."""
    received_on: str
    """The edge's own address that received it."""
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Lower-case long header names to raw values, in the order of the message."""
    body: str = ""
    username: str | None = None
    """Of a Proxy-Authorization for our realm; None if there is none."""
    tls_version: str | None = None
    """`TLSv1.2` and the like; None without TLS."""

    def header(self, name: str) -> str:
        """The first value of a header (lower-case name), "" if it is absent."""
        values = self.headers.get(name, ())
        return values[0] if values else ""
