"""Who is told by a message, and a number that must not be."""

from __future__ import annotations

from sipedge.routing.message.privacy import TELLING
from support.lab import OWN_NUMBER
from support.sipmessage import Message

FOREIGN = "+19998887777"
JUDGED = f"<sip:{OWN_NUMBER}@trunkline.test>"
OWN_PARTY = ("Remote-Party-ID", f"<sip:{OWN_NUMBER}@pbx>;party=calling")


def telling(number: str) -> list[tuple[str, str]]:
    return [(name, f"<sip:{number}@bank.example>") for name in TELLING]


def told(message: Message) -> list[str]:
    return [value for name in TELLING for value in message.all(name)]
