"""What an edge knows of itself and of its platform, as rows hold it."""

from __future__ import annotations

from dataclasses import dataclass

from sipedge.secret import Secret
from sipedge.table.row import Row


@dataclass(frozen=True, slots=True)
class CaptureRow:
    """Where copies of the edge's SIP messages go: a collector that speaks HEPv3."""

    host: str
    """Name or address; the agent finds out where it is."""
    port: int
    transport: str
    """`udp` or `tcp`."""
    capture_id: int
    auth_key: Secret | None
    """Goes with each copy; None = the collector wants none."""


@dataclass(frozen=True, slots=True)
class SiblingRow:
    """An edge of the platform, as calls that another edge, or another address, hands over reach it."""

    edge: str
    addresses: tuple[str, ...]
    """Those that serve, as far as is known."""
    udp: int
    tls: int
    """Its ports."""


@dataclass(frozen=True, slots=True)
class SiteRow(Row):
    """Key `site`: what the edge knows of itself and of its platform."""

    edge: str
    region: str | None
    base_domain: str
    suffixes: tuple[str, ...]
    """Every `pstn[.<edge or region>].<base>` of the platform, longest first; lower case."""
    edge_addresses: tuple[str, ...]
    """Addresses of all edges: never a target (loops), and names of the platform in a Request-URI."""
    denied_targets: tuple[str, ...]
    """CIDRs where no call may be sent, unless the account has an exception."""
    deprecated_tls: bool
    """True while some Account allows TLS 1.0 and 1.1: the listener must then admit them (S14)."""
    advertised: tuple[tuple[str, str], ...] = ()
    """Own addresses that callers see as others: (local, advertised), sorted; absent = seen as it is."""
    prefix_lengths: tuple[int, ...] | None = None
    """How long the keys of section `route` are, longest first; None = an older control plane does not say."""
    caller_name_url: Secret | None = None
    """Who is asked for callers' names (S68), `{number}` in it; it may hold a key. None = nobody."""
    stir_shaken: bool = False
    """True: calls are signed and PASSporTs judged, by the agent (RFC 8224)."""
    toll_fraud_prefixes: tuple[str, ...] = ()
    """Numbers under these are called only by accounts that allow HighRiskTollFraud."""
    capture: CaptureRow | None = None
    """None = nothing is captured."""
    siblings: tuple[SiblingRow, ...] = ()
    """The other edges, by name."""
    relay: str = ""
    """Which calls' media go through the edge: `Always`, `WhenNeeded`; "" = none, it has no media relay."""
    transcoded_calls: int = 20
    """Most calls at once whose sound may be transcoded, at each address."""

    @property
    def realm(self) -> str:
        """The one digest realm of the platform."""
        return f"sip.{self.base_domain}"
