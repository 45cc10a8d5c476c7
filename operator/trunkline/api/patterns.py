"""Formats as regular expressions that Go's RE2 (the API server) and Python read alike.

No look-around, no `(?i)` (its Unicode folding admits letters outside of ASCII), no repetition over 1000.
Names in capitals are whole patterns, anchored; those with an underscore are parts of one.
"""

from __future__ import annotations

from typing import Final

from sipedge.e164 import E164_PATTERN, E164_PREFIX_PATTERN

_LABEL: Final = "[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?"
_LABEL_ANY_CASE: Final = "[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
_OCTET: Final = "(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_IPV4: Final = rf"({_OCTET}\.){{3}}{_OCTET}"
_H16: Final = "[0-9A-Fa-f]{1,4}"


def _ipv6() -> str:
    """Every way RFC 4291 section 2.2 writes an address without an embedded IPv4 one: where `::` may stand."""
    whole = f"({_H16}:){{7}}{_H16}"
    gaps = [f"({_H16}:){{1,{7 - after}}}(:{_H16}){{1,{after}}}" for after in range(1, 7)]
    return f"({whole}|({_H16}:){{1,7}}:|{'|'.join(gaps)}|:((:{_H16}){{1,7}}|:))"


_IPV6: Final = _ipv6()
# The last label of a name begins with a letter, so that 1.2.3.999 is neither a name nor an address.
_NAME: Final = (
    r"([A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?\.)*[A-Za-z]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?\.?"
)
_PORT: Final = "([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])"

PRINTABLE: Final = r"^[^\x00-\x1f\x7f]*$"
ASCII: Final = "^[ -~]+$"
LABEL: Final = f"^{_LABEL}$"
DOMAIN: Final = rf"^{_LABEL}(\.{_LABEL})*$"
DOMAIN_OR_ANY: Final = rf"^(\*|{_LABEL}(\.{_LABEL})*)$"
E164: Final = E164_PATTERN
E164_PREFIX: Final = E164_PREFIX_PATTERN
COUNTRY_CODE: Final = "^([A-Z]{2}|001)$"
CALLING_CODE: Final = "^[1-9][0-9]{0,2}$"
DATA_KEY: Final = r"^[-._a-zA-Z0-9]+$"
# A quote, a backslash or a colon would have to be escaped in a digest header (RFC 7616 section 3.4).
USERNAME: Final = r"^[!#-9;-\[\]-~]+$"
HOST_NAME: Final = f"^{_NAME}$"
HOST: Final = f"^({_NAME}|{_IPV4}|{_IPV6})$"
UNICAST_IPV4: Final = rf"^([1-9]|[1-9][0-9]|1[0-9]{{2}}|2[01][0-9]|22[0-3])(\.{_OCTET}){{3}}$"
CIDR: Final = f"^({_IPV4}(/(3[0-2]|[12]?[0-9]))?|{_IPV6}(/(12[0-8]|1[01][0-9]|[1-9]?[0-9]))?)$"
_FOLDER: Final = "[A-Za-z0-9_-][A-Za-z0-9._-]*"
_FILE_URL: Final = rf"file:///{_FOLDER}(/{_FOLDER})*/?"
FILE_URL: Final = f"^{_FILE_URL}$"
RECORDINGS_URL: Final = rf"^(s3://[a-z0-9][a-z0-9.-]{{1,61}}[a-z0-9](/{_FOLDER})*/?|{_FILE_URL})$"
"""No folder begins with a dot, so that none leads upwards."""
REGION_NAME: Final = r"^[a-z0-9-]+$"
HTTP_URL: Final = rf"^https?://({_NAME}|{_IPV4}|\[{_IPV6}\])(:{_PORT})?([/?#][!-~]*)?$"


# RFC 3261 section 25.1. Escapes of control characters (%00-%1f, %7f) are left out of every part: they would
# be written into headers.
_ESCAPE: Final = "%([2-689A-Fa-f][0-9A-Fa-f]|7[0-9A-Ea-e])"
_USER: Final = rf"([A-Za-z0-9_.!~*'()&=+$,;/-]|{_ESCAPE})+"
USER_TEXT: Final = rf"^([A-Za-z0-9_.!~*'()&=+$,/-]|{_ESCAPE})+$"
"""A part of a user part without parameters."""
_PARAM_TEXT: Final = rf"([A-Za-z0-9_.!~*'()\[\]/:&+$-]|{_ESCAPE})+"
URI_PARAMETERS: Final = rf"^{_PARAM_TEXT}(={_PARAM_TEXT})?(;{_PARAM_TEXT}(={_PARAM_TEXT})?)*$"
_HEADER_NAME: Final = "[Xx]-[A-Za-z0-9_.!~*'+-]+"
_HEADER_VALUE: Final = rf"([A-Za-z0-9_.!~*'()\[\]/:;,=@+$-]|{_ESCAPE})*"
_HEADER: Final = f"{_HEADER_NAME}={_HEADER_VALUE}"
SIP_URI: Final = (
    rf"^[Ss][Ii][Pp][Ss]?:({_USER}@)?({_NAME}|{_IPV4}|\[{_IPV6}\])(:{_PORT})?"
    rf"(;{_PARAM_TEXT}(={_PARAM_TEXT})?)*"
    rf"(\?{_HEADER}(&{_HEADER})*)?$"
)
SIP_URI_LENGTHS: Final = r"^[^?]{1,255}([?][^\x00]{0,1000}[^\x00]{0,24})?$"
"""At most 255 before the `?` (the edge's buffer for a URI) and 1024 after it."""


def _any_case(word: str) -> str:
    return "".join(f"[{letter.upper()}{letter.lower()}]" if letter.isalpha() else letter for letter in word)


_BEFORE_HEADERS: Final = f"^[^?]*;{_any_case('transport')}"
TRANSPORT_GIVEN: Final = rf"{_BEFORE_HEADERS}([=;?].*)?$"
TRANSPORT_KNOWN: Final = (
    rf"{_BEFORE_HEADERS}=({_any_case('udp')}|{_any_case('tcp')}|{_any_case('tls')})([;?].*)?$"
)
TRANSPORT_TWICE: Final = rf"{_BEFORE_HEADERS}([=;][^?]*)?;{_any_case('transport')}([=;?].*)?$"
RESERVED_HEADER: Final = rf"^[^?]*[?](.*&)?{_any_case('x-trunkline-')}"
_OWN_PARAMETERS: Final = ("transport", "maddr", "lr", "ttl", "method", "tk", "edge", "region")
RESERVED_PARAMETER: Final = rf"^(.*;)?({'|'.join(map(_any_case, _OWN_PARAMETERS))})([=;].*)?$"
"""A parameter that says where a request goes, or that the edge itself writes."""
