"""The request that `trunkline explain` is asked about: options to a SipRequest. Pure."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from typing import Final

from sipedge.routing.message import SipRequest
from sipedge.routing.wellformed import completed
from trunkline.cli.options import ClusterOptions
from trunkline.cli.reading import UsageError

_COMPACT_NAMES: Final = {
    "c": "content-type",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "s": "subject",
    "t": "to",
    "v": "via",
    "y": "identity",
}
"""RFC 3261 section 7.3.3 and RFC 8224: the one-letter forms that `--header` may use."""

_TOKEN: Final = re.compile(r"[A-Za-z0-9.!%*_+`'~-]+")


@dataclass(frozen=True, slots=True)
class ExplainOptions:
    """The request to explain, as the options gave it."""

    edge: str
    source: str
    transport: str
    method: str
    request_uri: str
    from_uri: str
    headers: tuple[str, ...]
    username: str | None
    seed: int | None


@dataclass(frozen=True, slots=True)
class ExplainPlace:
    """Where the edge's table comes from, as the options gave it: files, or without any a cluster."""

    paths: tuple[str, ...]
    cluster: ClusterOptions
    edge_namespace: str | None
    """None = the chart's default."""
    base_domain: str | None


def request_of(options: ExplainOptions, received_on: str = "") -> SipRequest:
    """The request as it would arrive at the address `received_on`; what every request has need not be said.

    Raises UsageError if none could be so.
    """
    address, port = _source(options.source)
    headers: dict[str, list[str]] = {"from": [_from_value(options.from_uri)]} if options.from_uri else {}
    for text in options.headers:
        name, colon, value = text.partition(":")
        if not colon or not _TOKEN.fullmatch(name.strip()):
            raise UsageError(f"--header {text!r} is no header; write it like 'Privacy: id'")
        long_name = _COMPACT_NAMES.get(name.strip().lower(), name.strip().lower())
        headers.setdefault(long_name, []).append(value.strip())
    request = SipRequest(
        method=options.method.upper(),
        request_uri=options.request_uri,
        source=address,
        source_port=port,
        transport=options.transport,
        received_on=received_on,
        headers={name: tuple(values) for name, values in headers.items()},
        username=options.username,
        tls_version="TLSv1.2" if options.transport == "tls" else None,
    )
    return completed(request)


def _from_value(text: str) -> str:
    """A From value; a bare number becomes a URI."""
    return text if ":" in text else f"<sip:{text}@from.invalid>"


def _source(text: str) -> tuple[str, int]:
    """Address and port of `IP`, `IP:PORT` or `[IPv6]:PORT`; the port defaults to 5060."""
    match = re.fullmatch(r"\[(?P<v6>[^]]+)\](?::(?P<p6>\d{1,5}))?|(?P<v4>[0-9.]+)(?::(?P<p4>\d{1,5}))?", text)
    host, port_text = text, "5060"
    if match is not None:
        host = match["v6"] or match["v4"]
        port_text = match["p6"] or match["p4"] or port_text
    try:
        address = str(ipaddress.ip_address(host))
    except ValueError:
        address = ""
    if not address or not 0 < int(port_text) < 65536:
        raise UsageError(f"--source {text!r} is no IP address; write it like 203.0.113.5 or 203.0.113.5:5060")
    return address, int(port_text)
