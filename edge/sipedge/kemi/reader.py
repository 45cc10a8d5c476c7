"""From Kamailio's view of a message to values. Total: bytes that are no UTF-8 are replaced, never raised."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sipedge.kemi.digest import digest_username
from sipedge.kemi.headers import long_name
from sipedge.kemi.ksr import KSR
from sipedge.routing.request import SipRequest

_ITERATOR = "headers"
_VALUE_IN_HEX = f"$(hfitbody({_ITERATOR}){{s.encode.hexa}})"


@dataclass(frozen=True, slots=True)
class Header:
    """One header field of the message, as it arrived."""

    name: str
    """In lower case and long form: `call-id`, not `i`."""
    value: str


def text(variable: str) -> str:
    """The value of a pseudo-variable such as `$ru`; "" if it has none."""
    try:
        value = KSR.pv.gete(variable)
    except UnicodeDecodeError:
        value = _decoded(KSR.pv.gete(f"$({variable[1:]}{{s.encode.hexa}})"))
    return str(value)  # some variables are numbers


def _decoded(hexa: str) -> str:
    return bytes.fromhex(hexa).decode("utf-8", "replace")


def headers() -> Iterator[Header]:
    """Every header field in the order of the message; `remove_current` takes out the one just yielded.

    Kamailio's own parser walks, so that what is judged here is what Kamailio forwards.
    """
    KSR.textopsx.hf_iterator_start(_ITERATOR)
    try:
        while KSR.textopsx.hf_iterator_next(_ITERATOR) > 0:
            yield _current()
    finally:
        KSR.textopsx.hf_iterator_end(_ITERATOR)


def remove_current() -> None:
    """Take the header that `headers` yielded last out of the message."""
    KSR.textopsx.hf_iterator_rm(_ITERATOR)


def _current() -> Header:
    try:
        name = KSR.textopsx.hf_iterator_hname(_ITERATOR)
    except UnicodeDecodeError:
        return Header("", "")  # RFC 3261 section 25.1 knows only ASCII names
    try:
        value = KSR.textopsx.hf_iterator_hbody(_ITERATOR)
    except UnicodeDecodeError:
        value = _decoded(KSR.pv.gete(_VALUE_IN_HEX))
    return Header(long_name(name), " ".join(value.split()))


def read_request(realm: str) -> SipRequest:
    """The facts of the request being processed; `realm` picks the credentials that are meant for us."""
    values: dict[str, list[str]] = {}
    for header in headers():
        values.setdefault(header.name, []).append(header.value)
    transport = text("$proto").lower()
    found = {name: tuple(each) for name, each in values.items()}
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
