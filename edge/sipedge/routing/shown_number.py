"""The calling number that a policy has made, wherever else a message of the caller shows one. Pure.

The same for a call's first INVITE, for later requests of its caller, and for the caller's answers.
"""

from __future__ import annotations

from typing import Final

from sipedge.routing.decision import HeaderChanges
from sipedge.routing.message.messages import Message
from sipedge.routing.message.privacy import present
from sipedge.routing.message.renumber import contact_shown, display_name_of, renumbered
from sipedge.routing.parties import harmless_name
from sipedge.uri import split_header

ASSERTING: Final = ("P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID")
"""Headers that hold the caller's number beside From and Contact."""


def number_shown(
    message: Message, number: str, base_domain: str, changes: HeaderChanges, *, by_carrier: bool
) -> HeaderChanges:
    """The changes, and with them the caller's Contact and identities with this number.

    Of a customer only the Contact is left to be changed (`by_carrier`): its identities are the edge's own. A
    Contact that has been changed already stays so. An identity that cannot hold the number is taken out, and
    so is a signature (RFC 8224), which names the number that it was.
    """
    changed = [name for name, _ in changes.replace if name.lower() == "contact"]
    contacts = () if changed else present(message, ("Contact",))
    shown = contact_shown(message.header("contact"), number) if contacts else ""
    replace = (*changes.replace, ("Contact", shown)) if shown else changes.replace
    if not by_carrier:
        return HeaderChanges(changes.remove, changes.insert, changes.append, replace)
    removed = {name.lower() for name in changes.remove}
    kept = [name for name in present(message, (*ASSERTING, "Identity")) if name.lower() not in removed]
    told = [(name, value) for name in kept for value in message.headers[name.lower()]]
    append = [
        (name, made)
        for name, value in (*changes.append, *told)
        for made in _made(name, value, number, base_domain)
    ]
    return HeaderChanges((*changes.remove, *kept), changes.insert, tuple(append), replace)


def _made(name: str, value: str, number: str, base_domain: str) -> tuple[str, ...]:
    """What becomes of one value that is told."""
    if name == "Identity":
        return ()
    if name not in ASSERTING:
        return (value,)
    found = (identity_with(member, number, base_domain) for member in split_header(value))
    return tuple(each for each in found if each)


def identity_with(value: str, number: str, base_domain: str) -> str:
    """A From or identity with this number, and without a name that tells another; "" if it cannot hold it."""
    return renumbered(value, number, base_domain, harmless_name(display_name_of(value), number))
