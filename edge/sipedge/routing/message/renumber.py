"""Header values with a number in them: their parts as they were written, and another number put in. Pure.

Nothing is decoded: `%2B1` is four characters. Total: of text that is no address every part is "".
"""

from __future__ import annotations

import re
from typing import Final

from sipedge.e164 import is_e164
from sipedge.uri import split_address

LONGEST_NUMBER: Final = 64
"""Characters of a user part that a header manipulation policy may make."""
_LONGEST_VALUE: Final = 512
_USER: Final = re.compile(
    r"(?:[A-Za-z0-9_.!~*'()&=+$,/-]|%(?:[2-689A-Fa-f][0-9A-Fa-f]|7[0-9A-Ea-e]))+", re.ASCII
)
"""RFC 3261 section 25.1, without parameters, and without escapes of control characters."""
_HOST: Final = re.compile(r"\[[^\]]*\]|[^:;?]*")


def is_user_part(text: str) -> bool:
    """True if the text may stand before the `@` of a `sip:` URI, and is no longer than a number may be."""
    return len(text) <= LONGEST_NUMBER and _USER.fullmatch(text) is not None


def display_name_of(value: str) -> str:
    """The display name without the quotes around it."""
    name = split_address(value)[0]
    return name[1:-1] if len(name) > 1 and name[0] == name[-1] == '"' else name


def user_of(address: str) -> str:
    """The user part of a `sip:` or `sips:` URI with its parameters, without a password; what is dialled of a
    `tel:` URI."""
    scheme, _, rest = address.partition(":")
    if scheme.lower() == "tel":
        return rest.partition(";")[0]
    user, at, _ = rest.partition("@")
    return user.partition(":")[0] if at and _is_sip(scheme) else ""


def host_of(address: str) -> str:
    """The host of a `sip:` or `sips:` URI, an IPv6 address in its brackets."""
    scheme, _, rest = address.partition(":")
    if not _is_sip(scheme):
        return ""
    before, at, behind = rest.partition("@")
    match = _HOST.match(behind if at else before)
    return match[0] if match is not None else ""


def number_in(address: str) -> str:
    """The user part without its parameters."""
    return user_of(address).partition(";")[0]


def with_user(address: str, user: str, base_domain: str) -> str:
    """The URI with this user part in place of its own; "" for what is no `sip:`, `sips:` or `tel:` URI.

    A `tel:` URI that could not hold the user part becomes a `sip:` URI of the platform.
    """
    scheme, _, rest = address.partition(":")
    if scheme.lower() == "tel":
        return f"tel:{user}" if is_e164(user) else f"sip:{user}@{base_domain}"
    if not _is_sip(scheme):
        return ""
    before, at, behind = rest.partition("@")
    return f"{scheme}:{user}@{behind if at else before}"


def renumbered(value: str, user: str, base_domain: str, name: str) -> str:
    """A From, To or P-Asserted-Identity value with this user part and display name; "" if it cannot be said.

    What follows the URI stays, but for a tag.
    """
    _, address, parameters = split_address(value)
    written = with_user(address, user, base_domain)
    kept = [each for each in parameters.split(";")[1:] if each.partition("=")[0].strip().lower() != "tag"]
    behind = "" if '"' in parameters else "".join(f";{each.strip()}" for each in kept)
    shown = f'"{name}" <{written}>{behind}' if name else f"<{written}>{behind}"
    return shown if written and shown.isprintable() and len(shown) <= _LONGEST_VALUE else ""


def contact_shown(value: str, user: str) -> str:
    """The Contact that the other side is shown, with this user part in place of its own; "" = as it is."""
    _, address, parameters = split_address(value)
    if not user_of(address) or not _is_sip(address.partition(":")[0]):
        return ""
    shown = f"<{with_user(address, user, '')}>{parameters}"
    return shown if shown.isprintable() and "," not in value and shown != value else ""


def _is_sip(scheme: str) -> bool:
    return scheme.lower() in ("sip", "sips")
