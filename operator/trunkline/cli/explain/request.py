"""The message that `trunkline explain` is asked about: options to a message and where it comes from. Pure."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass, field
from typing import Final

from sipedge.routing.dialog.memory import CallMemory
from sipedge.routing.message.digest import credentials_of
from sipedge.routing.message.headers import long_name
from sipedge.routing.message.messages import SipRequest
from sipedge.uri import bracketed, parse_uri
from trunkline.cli.explain.message import SipText, folded, tag_of
from trunkline.cli.options import ClusterOptions
from trunkline.cli.reading import UsageError

_TOKEN: Final = re.compile(r"[A-Za-z0-9.!%*_+`'~-]+")
_SCHEME: Final = re.compile("[A-Za-z][A-Za-z0-9+.-]*:")
_SIP_SCHEME: Final = re.compile("sips?:", re.IGNORECASE)
_LENGTH: Final = re.compile("[0-9]{1,9}")
_HOPS: Final = "70"
_WITH_CONTACT: Final = frozenset({"INVITE", "UPDATE", "NOTIFY"})


@dataclass(frozen=True, slots=True)
class MessageOptions:
    """The message itself, as the options gave it."""

    method: str = "INVITE"
    request_uri: str = ""
    from_uri: str = ""
    headers: tuple[str, ...] = ()
    body: str = ""
    content_type: str = "application/sdp"
    whole: SipText | None = None
    """Of `--message`: the rest is then not asked."""


@dataclass(frozen=True, slots=True)
class CallOptions:
    """The call that a later message belongs to, and which message it is."""

    memory: CallMemory
    sender: str | None = None
    """`caller` or `callee`; None = the caller of a request, the callee of an answer."""
    status: int | None = None
    """Of an answer; None = a request."""
    set_up: bool = False
    """True: the answer is to the INVITE that sets the call up."""


@dataclass(frozen=True, slots=True)
class ExplainOptions:
    """What to explain, as the options gave it."""

    edge: str
    source: str | None
    """None = where the side of the call was seen last."""
    transport: str | None
    message: MessageOptions = field(default_factory=MessageOptions)
    username: str | None = None
    seed: int | None = None
    expected: str | None = None
    """The action that is hoped for; None = any will do."""
    call: CallOptions | None = None
    """None = a request outside a dialog."""
    resolved: tuple[str, ...] = ()
    """Names and their addresses, `NAME=ADDRESS`."""
    caller_names: tuple[str, ...] = ()
    """What the platform's source of names answers, `NUMBER=NAME`."""
    verstat: str | None = None
    """What the edge's agent says of a PASSporT."""


@dataclass(frozen=True, slots=True)
class ExplainPlace:
    """Where the edge's table comes from, as the options gave it: files, or without any a cluster."""

    paths: tuple[str, ...]
    cluster: ClusterOptions
    edge_namespace: str | None
    """None = the chart's default."""
    base_domain: str | None
    stir_shaken: bool = False
    """Of files: True = the platform has what calls are signed with."""
    media_relay: bool = True
    """Of files: False = the edges have none."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a message comes to the edge."""

    source: str
    source_port: int
    transport: str
    received_on: str = ""
    """The edge's own address; "" = not known."""
    username: str | None = None
    """Whose right password is assumed; None = nobody's."""


def arrival_of(options: ExplainOptions) -> Arrival:
    """Where the message comes from. Raises UsageError for a source that is no address."""
    call = options.call
    seen = None
    if call is not None:
        side = call.memory.side(caller=sender_is_caller(call))
        seen = side.source or side.hop
    if options.source is not None:
        address, port = _source(options.source)
    elif seen is not None:
        address, port = seen.address, seen.port
    else:
        raise UsageError("--source is missing: the address that the request comes from, like 203.0.113.5")
    transport = options.transport or (seen.transport if seen is not None else "udp")
    return Arrival(address, port, transport, username=options.username)


def sender_is_caller(call: CallOptions) -> bool:
    """Who sends the message; unless it is said, a request is the caller's and an answer the callee's."""
    return call.sender == "caller" if call.sender is not None else call.status is None


def message_of(options: MessageOptions, arrival: Arrival) -> SipText:
    """The message as it would be sent, with the headers that each has and that no option gave.

    Raises UsageError for what is no header.
    """
    if options.whole is not None:
        return options.whole
    if not options.request_uri:
        raise UsageError(
            "--request-uri is missing: who is called, like sip:+12125550111@acme-hq.pstn.example"
        )
    if not _SCHEME.match(options.request_uri):
        uri = options.request_uri
        raise UsageError(
            f"--request-uri {uri!r} is not a URI; write it like sip:{_number(uri)}@hq.pstn.example.com"
        )
    if _SIP_SCHEME.match(options.request_uri) and parse_uri(options.request_uri) is None:
        raise UsageError(
            f"--request-uri {options.request_uri!r} cannot be read as a SIP URI; write it like "
            "sip:+12125550111@hq.pstn.example.com (--message FILE explains a broken message)"
        )
    headers = [_header(text) for text in options.headers]
    given = {long_name(name) for name, _ in headers}
    method = options.method.upper()
    if options.from_uri:
        headers.insert(0, ("From", _with_tag(_from_value(options.from_uri))))
    elif "from" not in given:
        headers.insert(0, ("From", "<sip:anonymous@anonymous.invalid>;tag=explain"))
    headers = [
        (name, _with_tag(value)) if long_name(name) == "from" else (name, value) for name, value in headers
    ]
    place = f"{bracketed(arrival.source)}:{arrival.source_port}"
    ordinary = {
        "Via": f"SIP/2.0/{arrival.transport.upper()} {place};branch=z9hG4bKexplain",
        "To": f"<{options.request_uri}>",
        "Call-ID": "explain",
        "CSeq": f"1 {method}",
        "Max-Forwards": _HOPS,
    }
    if method in _WITH_CONTACT:
        ordinary["Contact"] = f"<sip:{place}>"
    headers += [(name, value) for name, value in ordinary.items() if name.lower() not in given]
    if options.body and "content-type" not in given:
        headers.append(("Content-Type", options.content_type))
    return SipText(method, options.request_uri, headers=tuple(headers), body=options.body)


def request_of(message: SipText, arrival: Arrival, realm: str) -> SipRequest:
    """The facts that a decision reads; `realm` picks the credentials that are meant for the edge."""
    values = message.values
    body = message.body if arrival.transport == "udp" else _of_stream(message)
    credentials = credentials_of(values.get("proxy-authorization", ()), realm)
    return SipRequest(
        source=arrival.source,
        source_port=arrival.source_port,
        transport=arrival.transport,
        connection=None if arrival.transport == "udp" else 1,
        call_id=message.first("call-id"),
        from_tag=message.from_tag,
        to_tag=message.to_tag,
        headers=values,
        body=body,
        method=message.method,
        request_uri=message.request_uri,
        version=message.version,
        received_on=arrival.received_on,
        username=arrival.username or (credentials.username if credentials else None),
        tls_version="TLSv1.2" if arrival.transport == "tls" else None,
    )


def _of_stream(message: SipText) -> str:
    """The body as it is cut out of a stream: what Content-Length does not count is the next message."""
    said = message.first("content-length")
    return (
        message.body.encode()[: int(said)].decode(errors="ignore")
        if _LENGTH.fullmatch(said)
        else message.body
    )


def _number(text: str) -> str:
    return text if re.fullmatch(r"\+?[0-9]{1,15}", text) else "+12125550111"


def _header(text: str) -> tuple[str, str]:
    name, colon, value = text.partition(":")
    if not colon or not _TOKEN.fullmatch(name.strip()):
        raise UsageError(f"--header {text!r} is not a header; write it like 'Privacy: id'")
    return name.strip(), folded(value)


def _from_value(text: str) -> str:
    """A From value; a bare number becomes a URI."""
    return text if ":" in text else f"<sip:{text}@from.invalid>"


def _with_tag(value: str) -> str:
    return value if tag_of(value) else f"{value if '<' in value else f'<{value}>'};tag=explain"


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
        raise UsageError(f"--source {text!r} is not an IP address: write 203.0.113.5 or 203.0.113.5:5060")
    return address, int(port_text)
