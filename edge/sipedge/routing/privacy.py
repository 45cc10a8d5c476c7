"""Who asks to stay unknown, and what of a message tells who it is (RFC 3323, RFC 3325 section 7). Pure."""

from __future__ import annotations

import re
from typing import Final

from sipedge.routing.decision import UNCHANGED, HeaderChanges
from sipedge.routing.headers import passes
from sipedge.routing.message import Message, SipAnswer, SipRequest
from sipedge.uri import address_part, split_address, split_header

ANONYMOUS: Final = '"Anonymous" <sip:anonymous@anonymous.invalid>'
"""From of who shall not be known (RFC 3323 section 4.1.1.3)."""

TELLING: Final = (
    "P-Asserted-Identity",
    "P-Preferred-Identity",
    "Remote-Party-ID",
    "P-Charge-Info",
    "Identity",
)
"""Headers that say who sends a message, beside From."""

_ASKS_NOTHING: Final = frozenset({"", "none", "critical"})
"""`critical` only says how much the other tokens matter."""
_ASKS_FOR_FROM: Final = frozenset({"user", "full", "uri", "name"})
_PARTY_PRIVACY: Final = re.compile(r";\s*privacy\s*=\s*\"?\s*([A-Za-z]+)", re.IGNORECASE)
"""Of a Remote-Party-ID (draft-ietf-sip-privacy-04) and of a Diversion (RFC 5806)."""
_NUMBER: Final = re.compile(r"[0-9]{3}")


def present(message: Message, names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the headers that the message holds and that travel with it."""
    method = message.method if isinstance(message, SipRequest | SipAnswer) else ""
    is_answer = isinstance(message, SipAnswer)
    return tuple(
        name
        for name in names
        if name.lower() in message.headers and passes(method, name.lower(), is_answer=is_answer)
    )


def asked(message: Message) -> frozenset[str]:
    """What Privacy and Remote-Party-ID ask to hide: `id`, `user`, `full`, ...; empty = nothing."""
    headers = message.headers
    if "privacy" not in headers and "remote-party-id" not in headers:
        return frozenset()
    found = {token for value in headers.get("privacy", ()) for token in re.split("[;, ]+", value.lower())}
    for value in headers.get("remote-party-id", ()):
        found.update(token.lower() for token in _PARTY_PRIVACY.findall(value))
    return frozenset(found - _ASKS_NOTHING - {"off"})


def is_private(message: Message) -> bool:
    """True if its sender asks to stay unknown: by Privacy, Remote-Party-ID, or by an anonymous From alone.

    What is not understood is taken for such a wish. `Privacy: none` takes the meaning from an anonymous From.
    """
    if asked(message):
        return True
    return is_anonymous(message.header("from")) and "none" not in message.header("privacy").lower()


def hides_from(message: Message) -> bool:
    """True if From itself shall be hidden: Privacy `user`, or `full`, `uri`, `name` of a Remote-Party-ID."""
    return not _ASKS_FOR_FROM.isdisjoint(asked(message))


def is_anonymous(value: str) -> bool:
    """True for a From value that names nobody (RFC 3323 section 4.1.1.3)."""
    if "anonymous" not in value.lower():
        return False
    address = address_part(value).lower()
    user, _, host = address.partition(":")[2].rpartition("@")
    return user == "anonymous" or re.split("[:;?]", host, maxsplit=1)[0] == "anonymous.invalid"


def hidden_sender(message: Message, *, private: bool, contact: bool) -> HeaderChanges:
    """What takes out of a carrier's message all that tells a private sender, but for From and To.

    With `contact` a number leaves its Contact too; `true_contact` puts it back. Who forwarded a call and asks
    to stay unknown (RFC 5806 section 4) is never told.
    """
    diversions = _hidden_diversions(message)
    if not private:
        return diversions
    contact = contact and bool(present(message, ("Contact",)))
    hidden = _hidden_contact(message.header("contact")) if contact else ""
    replace = (("Contact", hidden),) if hidden else ()
    return HeaderChanges(remove=present(message, TELLING), replace=replace) + diversions


def true_contact(request_uri: str, contact: str) -> str:
    """The URI that a Request-URI stands for which the other side was shown in its place; "" if none is.

    `contact` is the Contact's URI as its side wrote it.
    """
    hidden = _hidden_contact(f"<{contact}>")
    return contact if hidden and hidden == f"<{request_uri}>" else ""


def _hidden_contact(value: str) -> str:
    """The Contact without the number in its user part and without a name; "" if it may stand as it is."""
    name, address, parameters = split_address(value)
    scheme, _, rest = address.partition(":")
    user, at, host = rest.rpartition("@")
    tells = bool(at) and (_NUMBER.search(user) is not None or "%" in user)
    if not tells and not name:
        return ""
    return f"<{scheme}:anonymous@{host}>{parameters}" if tells else f"<{address}>{parameters}"


def _hidden_diversions(message: Message) -> HeaderChanges:
    values = message.headers.get("diversion", ())
    if not any("privacy" in value.lower() for value in values) or not present(message, ("Diversion",)):
        return UNCHANGED
    members = [member for value in values for member in split_header(value)]
    kept = [member for member in members if not _is_private_diversion(member)]
    if kept == members:
        return UNCHANGED
    return HeaderChanges(remove=("Diversion",), append=tuple(("Diversion", member) for member in kept))


def _is_private_diversion(member: str) -> bool:
    return any(token.lower() != "off" for token in _PARTY_PRIVACY.findall(member))
