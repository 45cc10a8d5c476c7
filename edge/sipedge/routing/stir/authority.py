"""TNAuthList of a certificate: for which numbers its owner may speak (RFC 8226 section 9). Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

OBJECT_IDENTIFIER: Final = "1.3.6.1.5.5.7.1.26"
_SEQUENCE: Final = 0x30
_INTEGER: Final = 0x02
_IA5: Final = 0x16
_PROVIDER, _RANGE, _NUMBER = 0xA0, 0xA1, 0xA2
"""Of TNEntry: spc, range, one. The module has explicit tags."""
_MOST_ENTRIES: Final = 1_000
_MOST_DIGITS: Final = 15


@dataclass(frozen=True, slots=True)
class TnAuthList:
    """Who has it may speak for these."""

    provider: bool
    """True: a service provider, by its code, for whatever number; which are its own only its CA knows."""
    numbers: tuple[tuple[str, int], ...]
    """The first number, digits alone, and how many follow one another from there."""

    def covers(self, number: str) -> bool:
        """True if it says that its owner may speak for `number`, digits alone."""
        return self.provider or any(
            len(first) == len(number) and int(first) <= int(number) < int(first) + count
            for first, count in self.numbers
        )


def read_tn_auth_list(data: bytes) -> TnAuthList | None:
    """The list in the extension's value (DER); None for what is none. Total."""
    try:
        (tag, body), *more = _items(data)
        if tag != _SEQUENCE or more:
            return None
        provider, numbers = False, []
        for place, (kind, content) in enumerate(_items(body)):
            if place >= _MOST_ENTRIES:
                return None
            if kind == _PROVIDER:
                provider = bool(_text(*_only(content))) or provider
            elif kind == _RANGE:
                numbers.append(_range(*_only(content)))
            elif kind == _NUMBER:
                numbers.append((_digits(*_only(content)), 1))
            else:
                return None
    except (ValueError, IndexError):
        return None
    return TnAuthList(provider, tuple(numbers))


def _range(tag: int, body: bytes) -> tuple[str, int]:
    start, count = _items(body)
    if tag != _SEQUENCE or count[0] != _INTEGER or not 0 < len(count[1]) <= 7:
        raise ValueError("no range")
    return _digits(*start), int.from_bytes(count[1], "big", signed=True)


def _digits(tag: int, body: bytes) -> str:
    text = _text(tag, body)
    if not text.isdecimal() or len(text) > _MOST_DIGITS:
        raise ValueError("no number")
    return text


def _text(tag: int, body: bytes) -> str:
    if tag != _IA5:
        raise ValueError("no text")
    return body.decode("ascii")


def _only(data: bytes) -> tuple[int, bytes]:
    (item,) = _items(data)
    return item


def _items(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Tag and content of each item in DER. Raises ValueError or IndexError for what is none."""
    place = 0
    while place < len(data):
        tag, length, place = data[place], data[place + 1], place + 2
        if length >= 0x80:
            size = length & 0x7F
            if not 0 < size <= 3:
                raise ValueError("a length that DER has not")
            length, place = int.from_bytes(data[place : place + size], "big"), place + size
        if place + length > len(data):
            raise ValueError("cut off")
        yield tag, data[place : place + length]
        place += length
