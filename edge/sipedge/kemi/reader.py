"""From Kamailio's view of a message to values. Total: bytes that are no UTF-8 are replaced, never raised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sipedge.kemi.ksr import KSR
from sipedge.routing.bounds import (
    MOST_HEADERS,
    MOST_HEADERS_OF_ANSWER,
    URI_HEADERS,
    WAY_HEADERS,
    MessageSizes,
    longest_branch,
    longest_uri,
    size_of,
)
from sipedge.routing.digest import credentials_of
from sipedge.routing.headers import (
    OPTION_LISTS,
    long_name,
    passes,
    without_timer,
)
from sipedge.routing.message import SipAnswer, SipRequest
from sipedge.uri import SipUri, split_header, uri_of_header

_ITERATOR = "headers"
_VALUE = f"$hfitbody({_ITERATOR})"
_LARGEST_MESSAGE = 65_536
_PIECE = 16_384


def text(variable: str) -> str:
    """The value of a pseudo-variable such as `$ru`; "" if it has none.

    Kamailio keeps every name that it was ever asked for, so no name may be made of what a message holds.
    """
    try:
        value = KSR.pv.gete(variable)
    except UnicodeDecodeError:
        return _bytes_of(variable).decode("utf-8", "replace")
    return str(value)  # some variables are numbers


def _bytes_of(variable: str) -> bytes:
    """The value byte by byte: in hexadecimal, and in pieces, since a transformation's result is bounded."""
    name = variable[2:-1] if variable.startswith("$(") else variable[1:]
    pieces = []
    for start in range(0, _LARGEST_MESSAGE, _PIECE):
        piece = KSR.pv.gete(f"$({name}{{s.substr,{start},{_PIECE}}}{{s.encode.hexa}})")
        pieces.append(bytes.fromhex(piece))
        if len(piece) < 2 * _PIECE:
            break
    return b"".join(pieces)


@dataclass(frozen=True, slots=True)
class Received:
    """The message being processed, read in one walk over its headers."""

    sizes: MessageSizes
    request_uri: str = ""
    """As it came, also where Kamailio cannot read it and has none: `sip:x@my_pbx`. "" of an answer."""
    call_id: str = ""
    from_tag: str = ""
    to_tag: str = ""
    headers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Long lower-case names to values, white space folded, in the message's order."""
    names: frozenset[str] = frozenset()
    """Every header name of the message."""
    rewritten: tuple[tuple[str, str], ...] = ()
    """Headers that the walk took out and that travel on with another value."""

    def first_uri(self, header: str) -> SipUri | None:
        """The first URI of a header (lower-case name)."""
        return next(self.uris(header), None)

    def uris(self, header: str) -> Iterator[SipUri | None]:
        """Each URI of a header (lower-case name), in order; None for what cannot be read."""
        for value in self.headers.get(header, ()):
            for member in split_header(value):
                yield uri_of_header(member)


def read_message(*, is_request: bool) -> Received | None:
    """Read the message at hand, and take out of it whatever does not travel on; None if it cannot be walked.

    Kamailio's own parser walks, so that what is judged here is what Kamailio forwards. The walk ends at the
    first bound that is passed: `Received.sizes` then tells it, and the rest is not to be used.
    """
    request_uri = _request_uri() if is_request else ""
    call_id, from_tag, to_tag = text("$ci"), text("$ft"), text("$tt")
    walk = _Walk(text("$rm"), is_answer=not is_request)
    if not walk.read():
        return None
    identifiers = (walk.longest_branch, size_of(call_id), size_of(from_tag), size_of(to_tag))
    return Received(
        MessageSizes(
            size_of(request_uri),
            walk.longest_uri,
            max(identifiers),
            walk.count,
            walk.way if is_request else 0,
        ),
        request_uri,
        call_id,
        from_tag,
        to_tag,
        {name: tuple(values) for name, values in walk.values.items()},
        frozenset(walk.names),
        tuple(walk.rewritten),
    )


class _Walk:
    """One walk over the headers of the message at hand."""

    def __init__(self, method: str, *, is_answer: bool) -> None:
        self._method, self._is_answer = method, is_answer
        self._most = MOST_HEADERS_OF_ANSWER if is_answer else MOST_HEADERS
        self.values: dict[str, list[str]] = {}
        self.names: set[str] = set()
        self.rewritten: list[tuple[str, str]] = []
        self.count = self.longest_uri = self.longest_branch = self.way = 0

    def read(self) -> bool:
        """False if Kamailio cannot parse the headers; an empty message does not exist."""
        if KSR.textopsx.hf_iterator_start(_ITERATOR) <= 0:
            return False
        try:
            while self.count <= self._most and KSR.textopsx.hf_iterator_next(_ITERATOR) > 0:
                self.count += 1
                self._header(_current_name())
        finally:
            KSR.textopsx.hf_iterator_end(_ITERATOR)
        return True

    def _header(self, name: str) -> None:
        self.names.add(name)
        value = _folded(_current_value())
        self.values.setdefault(name, []).append(value)
        if name in WAY_HEADERS:
            self.way += size_of(value)
        if name == "via":
            self.longest_branch = max(self.longest_branch, longest_branch(value))
        elif name in URI_HEADERS:
            self.longest_uri = max(self.longest_uri, longest_uri(value))
        if not passes(self._method, name, is_answer=self._is_answer):
            KSR.textopsx.hf_iterator_rm(_ITERATOR)
        elif name in OPTION_LISTS and "timer" in value.lower():
            KSR.textopsx.hf_iterator_rm(_ITERATOR)
            if remaining := without_timer(value):
                self.rewritten.append((name.capitalize(), remaining))


def _current_name() -> str:
    try:
        return long_name(KSR.textopsx.hf_iterator_hname(_ITERATOR))
    except UnicodeDecodeError:
        return ""  # RFC 3261 section 25.1 knows only ASCII names


def _current_value() -> str:
    try:
        return KSR.textopsx.hf_iterator_hbody(_ITERATOR)
    except UnicodeDecodeError:
        return text(_VALUE)


def _folded(value: str) -> str:
    return " ".join(value.split())


def _request_uri() -> str:
    return text("$ru") or next(iter(text("$(mb{line.at,0})").split()[1:2]), "")


def connection_id() -> int | None:
    """The connection that the message at hand came by; None over UDP."""
    return None if text("$proto").lower() == "udp" else int(text("$conid") or 0) or None


def request_of(received: Received, realm: str) -> SipRequest:
    """The facts of the request at hand; `realm` picks the credentials that are meant for us."""
    transport = text("$proto").lower()
    credentials = credentials_of(received.headers.get("proxy-authorization", ()), realm)
    return SipRequest(
        method=text("$rm"),
        request_uri=received.request_uri,
        source=text("$si"),
        source_port=int(text("$sp") or 0),
        transport=transport,
        connection=connection_id(),
        call_id=received.call_id,
        from_tag=received.from_tag,
        to_tag=received.to_tag,
        received_on=text("$Ri"),
        version=text("$rv"),
        headers=received.headers,
        body=text("$rb"),
        body_size=int(text("$bs") or 0),
        username=credentials.username if credentials else None,
        tls_version=text("$tls_version") or None if transport == "tls" else None,
    )


def answer_of(received: Received) -> SipAnswer:
    """The facts of the answer at hand."""
    return SipAnswer(
        status=int(text("$rs") or 0),
        phrase=text("$rr"),
        method=text("$rm"),
        source=text("$si"),
        source_port=int(text("$sp") or 0),
        transport=text("$proto").lower(),
        connection=connection_id(),
        call_id=received.call_id,
        from_tag=received.from_tag,
        to_tag=received.to_tag,
        headers=received.headers,
        body=text("$rb"),
        body_size=int(text("$bs") or 0),
    )
