"""From Kamailio's view of a message to values. Total: bytes that are no UTF-8 are replaced, never raised."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, fields

from sipedge.kemi.ksr import KSR
from sipedge.routing.message.bounds import (
    LONGEST_IDENTIFIER,
    MOST_HEADERS,
    MOST_HEADERS_OF_ANSWER,
    URI_HEADERS,
    WAY_HEADERS,
    Excess,
    MessageSizes,
    excess_of,
    longest_branch,
    longest_uri,
    size_of,
)
from sipedge.routing.message.headers import (
    OPTION_LISTS,
    long_name,
    passes,
    without_timer,
)
from sipedge.routing.message.heads import Head, plain_answer, plain_request
from sipedge.routing.message.messages import SipAnswer, SipRequest
from sipedge.uri import SipUri, split_header, uri_of_header
from sipedge.values import quickly_made

_ITERATOR = "headers"
_VALUE = f"$hfitbody({_ITERATOR})"
_LARGEST_MESSAGE = 65_536
_PIECE = 16_384


_CSEQ_DIGITS = 10
_PLACE = "$_s($si $sp $proto $Ri $ft)"
NULL = "<null>"
"""How Kamailio writes a variable without a value among others."""


def text(variable: str) -> str:
    """The value of a pseudo-variable such as `$ru`; "" if it has none.

    Kamailio keeps every name that it was ever asked for, so no name may be made of what a message holds.
    """
    try:
        value = KSR.pv.gete(variable)
    except UnicodeDecodeError:
        return _bytes_of(variable).decode("utf-8", "replace")
    return str(value)  # some variables are numbers


def cseq_at_hand() -> int:
    """The number of the CSeq at hand, of which nothing may have been judged yet; 0 for what none can be."""
    said = text("$cs")
    return int(said) if len(said) <= _CSEQ_DIGITS and said.isascii() and said.isdecimal() else 0


def bytes_of(variable: str) -> bytes:
    """The value of a pseudo-variable, whatever its bytes."""
    try:
        return str(KSR.pv.gete(variable)).encode()
    except UnicodeDecodeError:
        return _bytes_of(variable)


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


@quickly_made
@dataclass(frozen=True, kw_only=True)
class Received(SipRequest):
    """The message being processed, read once: a request, or what a request and an answer have in common.

    Headers are by their long lower-case names, white space folded. `request_uri` is as it came, also where
    Kamailio cannot read it and has none (`sip:x@my_pbx`); it and `version` are "" of an answer.
    """

    excess: Excess | None = None
    """The first bound that it passes: the rest of this is then no more than what was read before."""
    rewritten: tuple[tuple[str, str], ...] = ()
    """Headers that were taken out and that travel on with another value."""

    def first_uri(self, header: str) -> SipUri | None:
        """The first URI of a header (lower-case name)."""
        return next(self.uris(header), None)

    def uris(self, header: str) -> Iterator[SipUri | None]:
        """Each URI of a header (lower-case name), in order; None for what cannot be read."""
        for value in self.headers.get(header, ()):
            for member in split_header(value):
                yield uri_of_header(member)

    def to_text(self) -> str:
        """One line of JSON, of a message within all bounds; `from_text` gives an equal one."""
        return json.dumps({each: getattr(self, each) for each in _KEPT}, default=dict)

    @staticmethod
    def from_text(text: str) -> Received:
        """Raises ValueError or TypeError for text that no `to_text` wrote."""
        kept = json.loads(text)
        kept["headers"] = {name: tuple(values) for name, values in kept["headers"].items()}
        kept["rewritten"] = tuple((name, value) for name, value in kept["rewritten"])
        return Received(**kept)


_KEPT = tuple(each.name for each in fields(Received) if each.name != "excess")


def read_message(*, is_request: bool) -> Received | None:
    """Read the message at hand, and take out of it whatever does not travel on; None if it cannot be read."""
    return _read_at_once(is_request) or _read_by_walk(is_request)


def _read_at_once(is_request: bool) -> Received | None:
    """The message, if it is one that can be read in one way only."""
    try:
        message = KSR.pv.gete("$mb")
        head = plain_request(message) if is_request else plain_answer(message, text("$rm"))
        if head is None:
            return None
        if KSR.textopsx.hf_iterator_start(_ITERATOR) <= 0:
            return None  # Kamailio cannot parse it to its end
        headers = head.headers
        # All at once: each question to Kamailio is code that is not at hand.
        source, port, transport, received_on, from_tag = KSR.pv.gete(_PLACE).split(" ")
        call_id = headers["call-id"][0]
        to_tag = KSR.pv.gete("$tt") if "tag" in headers["to"][0].lower() else ""
    except (UnicodeDecodeError, KeyError, ValueError):
        return None
    if max(len(call_id), len(from_tag), len(to_tag)) > LONGEST_IDENTIFIER or from_tag == NULL:
        return None
    for name in head.removed:
        KSR.hdr.remove(name)
    rewritten = _without_timer(head) if head.options else ()
    transport = transport.lower()
    return Received(
        source=source,
        source_port=int(port),
        transport=transport,
        connection=None if transport == "udp" else connection_id(),
        call_id=call_id,
        from_tag=from_tag,
        to_tag=to_tag,
        headers=headers,
        body=head.body,
        body_size=size_of(head.body),
        method=head.method,
        request_uri=head.request_uri,
        received_on=received_on,
        version=head.version,
        tls_version=_tls_version(transport),
        rewritten=rewritten,
    )


def _tls_version(transport: str) -> str | None:
    # Asked of any other transport, Kamailio logs an error.
    return text("$tls_version") or None if transport == "tls" else None


def _without_timer(head: Head) -> tuple[tuple[str, str], ...]:
    """Take out each list that holds `timer`; what remains of them is to be put back."""
    rewritten = []
    for written in head.options:
        name = long_name(written)
        value = head.headers[name][0]
        if written not in head.removed and "timer" in value.lower():
            KSR.hdr.remove(written)
            if remaining := without_timer(value):
                rewritten.append((name.capitalize(), remaining))
    return tuple(rewritten)


def _read_by_walk(is_request: bool) -> Received | None:
    """Any message that Kamailio can parse.

    Its own parser walks, so that what is judged here is what it forwards. The walk ends at the first bound
    that is passed.
    """
    request_uri = _request_uri() if is_request else ""
    call_id, from_tag, to_tag = text("$ci"), text("$ft"), text("$tt")
    method = text("$rm")
    walk = _Walk(method, is_answer=not is_request)
    if not walk.read():
        return None
    identifiers = (walk.longest_branch, size_of(call_id), size_of(from_tag), size_of(to_tag))
    way = walk.way if is_request else 0
    sizes = MessageSizes(size_of(request_uri), walk.longest_uri, max(identifiers), walk.count, way)
    transport = text("$proto").lower()
    return Received(
        source=text("$si"),
        source_port=int(text("$sp") or 0),
        transport=transport,
        connection=connection_id(),
        call_id=call_id,
        from_tag=from_tag,
        to_tag=to_tag,
        headers={name: tuple(values) for name, values in walk.values.items()},
        body=text("$rb"),
        body_size=int(text("$bs") or 0),
        method=method,
        request_uri=request_uri,
        received_on=text("$Ri"),
        version=text("$rv") if is_request else "",
        tls_version=_tls_version(transport),
        excess=excess_of(sizes, walk.most),
        rewritten=tuple(walk.rewritten),
    )


class _Walk:
    """One walk over the headers of the message at hand."""

    def __init__(self, method: str, *, is_answer: bool) -> None:
        self._method, self._is_answer = method, is_answer
        self.most = MOST_HEADERS_OF_ANSWER if is_answer else MOST_HEADERS
        self.values: dict[str, list[str]] = {}
        self.rewritten: list[tuple[str, str]] = []
        self.count = self.longest_uri = self.longest_branch = self.way = 0

    def read(self) -> bool:
        """False if Kamailio cannot parse the headers; an empty message does not exist."""
        if KSR.textopsx.hf_iterator_start(_ITERATOR) <= 0:
            return False
        try:
            while self.count <= self.most and KSR.textopsx.hf_iterator_next(_ITERATOR) > 0:
                self.count += 1
                self._header(_current_name())
        finally:
            KSR.textopsx.hf_iterator_end(_ITERATOR)
        return True

    def _header(self, name: str) -> None:
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


def answer_of(received: Received) -> SipAnswer:
    """The answer at hand."""
    return SipAnswer(
        status=int(text("$rs") or 0),
        phrase=text("$rr"),
        method=received.method,
        source=received.source,
        source_port=received.source_port,
        transport=received.transport,
        connection=received.connection,
        call_id=received.call_id,
        from_tag=received.from_tag,
        to_tag=received.to_tag,
        headers=received.headers,
        body=received.body,
        body_size=received.body_size,
    )


def request_at_hand() -> SipRequest:
    """The request of the transaction that is being handled, with little more than its body and tags."""
    body, kind = text("$rb"), text("$cT")
    return SipRequest(
        source=text("$si"),
        source_port=int(text("$sp") or 0),
        transport=text("$proto").lower(),
        from_tag=text("$ft"),
        to_tag=text("$tt"),
        headers={"content-type": (kind,)} if kind else {},
        body=body,
        body_size=size_of(body),
        method=text("$rm"),
        request_uri="",
        received_on="",
    )
