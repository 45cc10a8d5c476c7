"""The head of a message read at one go, where there is but one way to read it. Pure.

Most messages are so: each header on one line, `Name: value` in visible ASCII with single blanks within the
value, each name once (Via as often as it likes), short enough for every bound. What is not is read by
Kamailio's own parser, header by header (`sipedge.kemi.reader`), so that what is judged is always what
Kamailio forwards.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from sipedge.routing.message.bounds import LONGEST_IDENTIFIER, LONGEST_URI, LONGEST_WAY, MOST_HEADERS
from sipedge.routing.message.headers import OPTION_LISTS, long_name, passes
from sipedge.values import quickly_made

LONGEST_HEAD: Final = min(4_096, LONGEST_WAY)
_LONGEST_NAME: Final = 64
"""Characters. Kamailio removes no header with a name twice as long."""
_HEADER: Final = re.compile(
    rf"^([A-Za-z][A-Za-z0-9-]{{0,{_LONGEST_NAME - 1}}}): *([!-~]+(?: [!-~]+)*)\r\n", re.MULTILINE
)
_REQUEST_LINE: Final = re.compile(r"([A-Z]+) ([!-~]+) (SIP/[0-9]\.[0-9])\r\n")
_ANSWER_LINE: Final = re.compile(r"SIP/2\.0 [0-9]{3} [ -~]*\r\n")


@quickly_made
@dataclass(frozen=True)
class Head:
    """A message that can be read in one way only, and passes no bound but that of its tags."""

    method: str
    """These three are "" of an answer."""
    request_uri: str
    version: str
    headers: Mapping[str, tuple[str, ...]]
    """Long lower-case names to values, in the message's order."""
    removed: tuple[str, ...]
    """Names, as written, of headers that do not travel on."""
    options: tuple[str, ...]
    """Names, as written, of lists of option tags."""
    body: str


@dataclass(frozen=True, slots=True)
class _Shape:
    """What the names of a message's headers tell, which are the same in all messages of one telephone."""

    names: tuple[str, ...]
    removed: tuple[str, ...]
    options: tuple[str, ...]
    is_plain: bool
    """False if another header than Via is there twice."""
    vias: tuple[int, ...]


def plain_request(message: str) -> Head | None:
    """The request, if it can be read so."""
    line = _REQUEST_LINE.match(message)
    if line is None or line.end() > LONGEST_URI:
        return None
    return _head(message, line.end(), *line.groups())


def plain_answer(message: str, method: str) -> Head | None:
    """The answer, if it can be read so. `method` is the one that its CSeq names."""
    line = _ANSWER_LINE.match(message)
    return None if line is None else _head(message, line.end(), method, "", "")


def _head(message: str, start: int, method: str, request_uri: str, version: str) -> Head | None:
    end = message.find("\r\n\r\n", start) + 2
    if not start < end <= LONGEST_HEAD:
        return None
    found = _HEADER.findall(message, start, end)
    if len(found) != message.count("\n", start, end) or len(found) > MOST_HEADERS:
        return None
    names, values = zip(*found, strict=True)
    shape = _shape(method, names, is_answer=not version)
    headers = dict(zip(shape.names, zip(values, strict=True), strict=True))
    if len(shape.vias) > 1:
        headers["via"] = tuple([values[place] for place in shape.vias])
    longest = max(map(len, values))
    if not shape.is_plain or longest > LONGEST_URI:
        return None
    if longest > LONGEST_IDENTIFIER and max(map(len, headers.get("via", ("",)))) > LONGEST_IDENTIFIER:
        return None
    return Head(method, request_uri, version, headers, shape.removed, shape.options, message[end + 2 :])


@lru_cache(maxsize=256)
def _shape(method: str, written: tuple[str, ...], *, is_answer: bool) -> _Shape:
    names = tuple(long_name(each) for each in written)
    others = [name for name in names if name != "via"]
    by_name = dict(zip(names, written, strict=True))
    return _Shape(
        names,
        tuple(shown for name, shown in by_name.items() if not passes(method, name, is_answer=is_answer)),
        tuple(by_name[name] for name in OPTION_LISTS if name in by_name),
        len(others) == len(set(others)),
        tuple(place for place, name in enumerate(names) if name == "via"),
    )
