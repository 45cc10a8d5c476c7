"""From Kamailio's view of a message to values. Total: bytes that are no UTF-8 are replaced, never raised."""

from __future__ import annotations

from collections.abc import Iterator

from sipedge.kemi.digest import digest_username
from sipedge.kemi.headers import long_name
from sipedge.kemi.ksr import KSR
from sipedge.routing.request import SipRequest

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


def header_names() -> Iterator[str]:
    """The name of every header field, long and in lower case (`call-id`, not `i`), in the message's order.

    Kamailio's own parser walks, so that what is judged here is what Kamailio forwards. `current_value` reads
    the value of the one just yielded, `remove_current` takes it out.
    """
    KSR.textopsx.hf_iterator_start(_ITERATOR)
    try:
        while KSR.textopsx.hf_iterator_next(_ITERATOR) > 0:
            yield _current_name()
    finally:
        KSR.textopsx.hf_iterator_end(_ITERATOR)


def remove_current() -> None:
    """Take the header that `header_names` yielded last out of the message."""
    KSR.textopsx.hf_iterator_rm(_ITERATOR)


def current_value() -> str:
    """The value of the header that `header_names` yielded last, its white space folded."""
    try:
        value = KSR.textopsx.hf_iterator_hbody(_ITERATOR)
    except UnicodeDecodeError:
        value = text(_VALUE)
    return " ".join(value.split())


def _current_name() -> str:
    try:
        return long_name(KSR.textopsx.hf_iterator_hname(_ITERATOR))
    except UnicodeDecodeError:
        return ""  # RFC 3261 section 25.1 knows only ASCII names


def read_request(realm: str) -> SipRequest:
    """The facts of the request being processed; `realm` picks the credentials that are meant for us."""
    values: dict[str, list[str]] = {}
    for name in header_names():
        values.setdefault(name, []).append(current_value())
    transport = text("$proto").lower()
    found = {each: tuple(bodies) for each, bodies in values.items()}
    return SipRequest(
        method=text("$rm"),
        request_uri=text("$ru"),
        source=text("$si"),
        source_port=int(text("$sp") or 0),
        transport=transport,
        received_on=text("$Ri"),
        headers=found,
        body=text("$rb"),
        username=digest_username(found.get("proxy-authorization", ()), realm),
        tls_version=text("$tls_version") or None if transport == "tls" else None,
    )
