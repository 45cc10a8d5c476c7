"""Rows as msgpack maps of their fields, and back.

Deterministic: equal rows give equal bytes. A field unknown to this edge is ignored and a missing
one takes its default, so that a table of an older control plane of the same schema still loads.
"""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, Final

import msgpack

from sipedge.fault import describe_fault
from sipedge.secret import Secret
from sipedge.table.rows import SECTIONS, Row, Section

_NIL: Final[bytes] = msgpack.packb(None)


class TableFormatError(ValueError):
    """Stored bytes are no row of their section."""


def pack_row(row: Row) -> bytes:
    """The row's bytes; secrets are stored in clear, so a packed table is itself a secret."""
    packed: bytes = msgpack.packb(_plain(row))
    return packed


def unpack_row(section: Section, data: bytes) -> Row:
    """The row in `data`. Raises TableFormatError for bytes that are no row of `section`."""
    try:
        fields = msgpack.unpackb(data, use_list=False)
        kind: Any = SECTIONS[section].row
        row: Row = _reader(kind)(fields)
    except (KeyError, TypeError, ValueError, AttributeError, msgpack.UnpackException) as error:
        raise TableFormatError(
            f"bytes in section {section.value} are no row of it: {describe_fault(error)}"
        ) from error
    return row


def may_say(field: str, data: bytes) -> bool:
    """False if the field is None or absent wherever a packed row has it; told without reading the row."""
    name = field.encode()
    return data.count(name) != data.count(name + _NIL)


def _plain(value: Any) -> Any:
    match value:
        case Secret():
            return value.reveal()
        case tuple():
            return [_plain(item) for item in value]
        case _ if dataclasses.is_dataclass(value):
            return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return value


@cache
def _reader(kind: Any) -> Callable[[Any], Any]:
    """A function from msgpack's plain value to a value of the annotated type `kind`."""
    if kind is Secret:
        return Secret
    if dataclasses.is_dataclass(kind):
        return _class_reader(kind)
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple and arguments[-1] is Ellipsis:
        item = _reader(arguments[0])
        return lambda value: tuple(item(each) for each in value)
    if origin in (types.UnionType, typing.Union):
        inner = _reader(next(each for each in arguments if each is not types.NoneType))
        return lambda value: None if value is None else inner(value)
    return lambda value: value


def _class_reader(kind: Any) -> Callable[[Mapping[str, Any]], Any]:
    hints = typing.get_type_hints(kind)
    readers = {field.name: _reader(hints[field.name]) for field in dataclasses.fields(kind)}

    def read(fields: Mapping[str, Any]) -> Any:
        return kind(**{name: reader(fields[name]) for name, reader in readers.items() if name in fields})

    return read
