"""Who asks to stay unknown, and what of a message tells who it is (RFC 3323, RFC 3325 section 7). Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from sipedge.e164 import is_e164, with_plus
from sipedge.numbering import plan_of
from sipedge.routing.decision import UNCHANGED, HeaderChanges
from sipedge.routing.message.headers import passes, travelling
from sipedge.routing.message.messages import Message, SipAnswer, SipRequest
from sipedge.routing.message.renumber import contact_shown
from sipedge.uri import address_part, sip_number, split_address, split_header, tel_number

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
_SEPARATORS: Final = re.compile(r"[\s().-]+|%20")
_DIGITS_THAT_TELL: Final = 9
"""The last so many: a number may be written without its country's code, or with a zero in its place."""
_FEWEST_DIGITS: Final = 7
_MUST_STAY: Final = frozenset(
    {*map(str.lower, TELLING), *travelling("INVITE"), *travelling("PRACK"), "diversion"}
)
"""What a message cannot do without, or what has been judged by itself."""


def present(message: Message, names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the headers that the message holds and that travel with it."""
    if not any(map(message.headers.__contains__, map(str.lower, names))):
        return ()
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
    found = {token for value in headers.get("privacy", ()) for token in re.split("[;, ]+", value.lower())}
    for value in headers.get("remote-party-id", ()):
        found.update(token.lower() for token in _PARTY_PRIVACY.findall(value))
    return frozenset(found - _ASKS_NOTHING - {"off"})


def is_private(message: Message) -> bool:
    """True if its sender asks to stay unknown: by Privacy, Remote-Party-ID, or by an anonymous From alone.

    What is not understood is taken for such a wish. `Privacy: none` takes the meaning from an anonymous From.
    """
    headers = message.headers
    if ("privacy" in headers or "remote-party-id" in headers) and asked(message):
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


def hidden_sender(message: Message, *, private: bool, contact: bool, number: str = "") -> HeaderChanges:
    """What takes out of a carrier's message all that tells a private sender, but for From and To.

    With `contact` a number leaves its Contact too; `true_contact` puts it back. `number` is the sender's own
    where it is known: whatever else holds it, or another one that the message says the sender has, goes as
    well, be it in hexadecimal (RFC 7433). Who forwarded a call and asks to stay unknown (RFC 5806 section 4)
    is never told.
    """
    diversions = _hidden_diversions(message)
    if not private:
        return diversions
    contact = contact and bool(present(message, ("Contact",)))
    hidden = _hidden_contact(message.header("contact")) if contact else ""
    replace = (("Contact", hidden),) if hidden else ()
    telling = (*present(message, TELLING), *_holding(message, {number, *_numbers_of_sender(message)}))
    return HeaderChanges(remove=telling, replace=replace) + diversions


def names_tell(request: SipRequest, number: str) -> bool:
    """True if the dialog's own names, Call-ID and From-tag, hold the number: no proxy may change these."""
    digits = _telling_digits(number)
    if len(digits) < _FEWEST_DIGITS:
        return False
    return any(digits in _SEPARATORS.sub("", each) for each in (request.call_id, request.from_tag))


def _numbers_of_sender(message: Message) -> Iterator[str]:
    """Those that its identities tell, and the From of a request: the asserted number is not always that."""
    own = ("from",) if isinstance(message, SipRequest) else ()
    for name in (*own, *map(str.lower, TELLING)):
        for value in message.headers.get(name, ()):
            for member in split_header(value):
                address = address_part(member)
                yield with_plus(tel_number(address) or sip_number(address))


def _holding(message: Message, numbers: set[str]) -> tuple[str, ...]:
    """Headers that are there for the peers alone and hold one of these, in whatever way it is written."""
    found = {digits for each in numbers if len(digits := _telling_digits(each)) >= _FEWEST_DIGITS}
    forms = (*found, *(digits.encode().hex() for digits in found))
    if not forms:
        return ()
    holding = [
        name.title()
        for name, values in message.headers.items()
        if (name == "user-to-user" or name not in _MUST_STAY)
        and any(form in _SEPARATORS.sub("", value).lower() for value in values for form in forms)
    ]
    return present(message, tuple(holding))


def _telling_digits(number: str) -> str:
    """The end of the number that is there however it is written, also where a national number is short."""
    if not is_e164(number):
        return ""
    plan, digits = plan_of(number), number.removeprefix("+")
    national = digits if plan is None else digits.removeprefix(plan.code)
    return (national if len(national) >= _FEWEST_DIGITS else digits)[-_DIGITS_THAT_TELL:]


def true_contact(request_uri: str, contact: str, number: str = "") -> str:
    """The URI that a Request-URI stands for which the other side was shown in its place; "" if none is.

    `contact` is the Contact's URI as its side wrote it, `number` what a policy has it show.
    """
    written, asked = f"<{contact}>", f"<{request_uri}>"
    shown = {_hidden_contact(written), contact_shown(written, number) if number else ""}
    return contact if asked in shown else ""


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
    values = message.headers.get("diversion")
    if not values:
        return UNCHANGED
    if not any("privacy" in value.lower() for value in values) or not present(message, ("Diversion",)):
        return UNCHANGED
    members = [member for value in values for member in split_header(value)]
    kept = [member for member in members if not _is_private_diversion(member)]
    if kept == members:
        return UNCHANGED
    return HeaderChanges(remove=("Diversion",), append=tuple(("Diversion", member) for member in kept))


def _is_private_diversion(member: str) -> bool:
    return any(token.lower() != "off" for token in _PARTY_PRIVACY.findall(member))
