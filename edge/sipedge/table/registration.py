"""Registrations at carriers (RFC 3261 section 10), as rows hold them."""

from __future__ import annotations

from dataclasses import dataclass

from sipedge.secret import Secret


@dataclass(frozen=True, slots=True)
class RegistrationRow:
    """Where and as whom an edge address registers; in a carrier's row."""

    host: str
    """Of the registrar, in lower case: its domain in Request-URI, From and To, and the name asked of DNS."""
    port: int | None
    transport: str
    """`udp`, `tcp` or `tls`."""
    expires_seconds: int
    """For how long it asks to be registered."""
    username: str
    realm: str
    ha1: Secret
    ha1_sha256: Secret
    """As in `CarrierRow`."""
    edges: tuple[str, ...] = ()
    """Edges that register; empty = all."""
    server_name: str = ""
    """For whom TLS asks (SNI); "" = `host`, if that is a name."""


@dataclass(frozen=True, slots=True)
class RegistrarRow:
    """Whose calls come from the addresses of a registrar, and where."""

    carrier: str
    host: str
    port: int | None
    transport: str
