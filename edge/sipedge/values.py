"""Values of which every message makes some, made as cheaply as Python can, and their text as JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from dataclasses import MISSING, fields
from json import encoder
from typing import TYPE_CHECKING, Any, Final, TypeVar

T = TypeVar("T")
_new: Final = object.__new__
_set: Final = object.__setattr__
_MADE: Final = object()
"""Stands for a default that is made anew for each object."""


def quickly_made(kind: type[T]) -> type[T]:
    """Have a frozen dataclass without slots set all its fields at once.

        @quickly_made
        @dataclass(frozen=True)
        class Finding: ...

    What `dataclass` writes calls `object.__setattr__` for each field: for a request of sixteen
    fields that is more work than any rule has with it. Nothing else changes: fields, defaults, equality and
    `replace` are as before, of which there is a quick one below.
    """
    known: dict[str, Any] = {"_set": object.__setattr__, "_made": _MADE}
    parameters, values = ["self"], []
    keywords: list[str] = []
    for field in fields(kind):  # type: ignore[arg-type]
        name, parameter, value = field.name, field.name, field.name
        if field.default_factory is not MISSING:
            known[f"_new_{name}"] = field.default_factory
            parameter, value = f"{name}=_made", f"_new_{name}() if {name} is _made else {name}"
        elif field.default is not MISSING:
            known[f"_default_{name}"] = field.default
            parameter = f"{name}=_default_{name}"
        (keywords if field.kw_only else parameters).append(parameter)
        values.append(f"{name!r}: {value}")
    if keywords:
        parameters += ["*", *keywords]
    code = f"def __init__({', '.join(parameters)}):\n    _set(self, '__dict__', {{{', '.join(values)}}})"
    exec(code, known)  # noqa: S102 - as `dataclass` does, from names of fields alone
    known["__init__"].__qualname__ = f"{kind.__qualname__}.__init__"
    kind.__init__ = known["__init__"]  # type: ignore[method-assign]
    _FIELDS[kind] = dict.fromkeys(field.name for field in fields(kind))  # type: ignore[arg-type]
    return kind


_FIELDS: Final[dict[type, dict[str, None]]] = {}
"""The names of the fields of the kinds that are `quickly_made`, in their order."""

if TYPE_CHECKING:
    from dataclasses import replace as replace
else:

    def replace(value: T, /, **changes: Any) -> T:
        """As that of `dataclasses`, which asks each field what it is: a hundred instructions and more."""
        kind = type(value)
        names = _FIELDS.get(kind)
        if names is None:
            return dataclasses.replace(value, **changes)
        held = {**value.__dict__, **changes}
        if len(held) != len(names):
            if not changes.keys() <= names.keys():
                return dataclasses.replace(value, **changes)  # which says what is wrong
            # What was made of the fields, and kept beside them, may be something else now.
            held = {name: held[name] for name in names}
        made = _new(kind)
        _set(made, "__dict__", held)
        return made


def json_writer(*, ascii_only: bool) -> Callable[[Any], str]:
    """`json.dumps` without blanks; what JSON has no word for raises TypeError.

    `JSONEncoder.encode` makes its encoder in C anew for each text, which costs more than the text.
    """
    in_c: Any = getattr(encoder, "c_make_encoder", None)
    if in_c is None:
        return json.JSONEncoder(ensure_ascii=ascii_only, separators=(",", ":")).encode
    strings = encoder.encode_basestring_ascii if ascii_only else encoder.encode_basestring
    make = in_c(None, _refuse, strings, None, ":", ",", False, False, True)
    join = "".join

    def write(value: Any) -> str:
        return join(make(value, 0))

    return write


def read_json(text: str) -> Any:
    """`json.loads` of what a `json_writer` has written, without blanks around it; else a ValueError."""
    try:
        value, end = _scan(text, 0)
    except StopIteration as error:
        raise ValueError("no JSON") from error
    if end != len(text):
        raise ValueError("more than one JSON text")
    return value


_scan: Final[Callable[[str, int], tuple[Any, int]]] = json.JSONDecoder().scan_once  # type: ignore[attr-defined]


def _refuse(value: object) -> None:
    raise TypeError(f"JSON has no word for a {type(value).__name__}")


def key_of(field: str) -> str:
    """How a field is named in JSON: `sip_call_id` as `sipCallId`, `from_` as `from`."""
    first, *rest = field.rstrip("_").split("_")
    return first + "".join(word.title() for word in rest)
