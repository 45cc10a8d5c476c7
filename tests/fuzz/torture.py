"""The torture messages of RFC 4475, addressed to an edge. Pure but for reading its own data once."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from fuzz.draft import Draft, World

_FILE: Final = Path(__file__).with_name("rfc4475.txt")
_SECTION = re.compile(r"^== (\w+): .*\n", re.MULTILINE)


def _read() -> dict[str, str]:
    pieces = _SECTION.split(_FILE.read_text(encoding="ascii"))[1:]
    return dict(zip(pieces[::2], pieces[1::2], strict=True))


MESSAGES: Final[Mapping[str, str]] = _read()
"""Name in RFC 4475 -> its text with placeholders; the file's head explains them."""


def draft(name: str, sender: Draft, world: World) -> Draft:
    """The message with this name, from the sender and towards the number of `sender`, a plain INVITE."""
    uri = sender.first[1]
    values = {
        "uri": uri,
        "host": uri.rpartition("@")[2],
        "user": uri.partition(":")[2].rpartition("@")[0],
        "own": _user(sender, "From"),
        "sent": _sent_by(sender, world),
        "id": _value(sender, "Call-ID"),
    }
    text = re.sub(r"<repeat (\d+) ([^>]*)>", lambda found: found[2] * int(found[1]), MESSAGES[name])
    text = re.sub(r"\$(uri|host|user|own|sent|id)\b", lambda found: values[found[1]], text)
    text = re.sub(r"\\x([0-9a-f]{2})", lambda found: chr(int(found[1], 16)), text).replace("\n", "\r\n")
    head, _, body = text.partition("\r\n\r\n")
    first, *lines = head.rstrip("\r\n").split("\r\n")
    parts = [*first.split(" ", 2), "", ""][:3]
    return Draft(parts, [], body, lines)


def _value(draft: Draft, name: str) -> str:
    return draft.headers[draft.positions(name)[0]][1]


def _user(draft: Draft, name: str) -> str:
    found = re.search(r"sip:([^@>;]+)@", _value(draft, name))
    return found[1] if found else "x"


def _sent_by(draft: Draft, world: World) -> str:
    found = re.search(r"SIP/2\.0/\w+ ([^;]+)", _value(draft, "Via"))
    return found[1] if found else world.stranger
