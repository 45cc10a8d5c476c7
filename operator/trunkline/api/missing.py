"""What an object asks for in vain, by the marks beside its fields: what does not exist, or not here."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple, get_args

from pydantic.fields import FieldInfo

from trunkline.api.marks import ForPeople, Mark, NotYet
from trunkline.api.model import Model


@dataclass(frozen=True, slots=True)
class Missing:
    """Something that an object asks for in vain."""

    field: str
    """Its path, e.g. `spec.recording.mode`."""
    effect: str
    """What is the case instead."""


Found = tuple[str, Mark, Any]
"""Path below the model, mark and value."""


def missing_features(spec: Model, kind: type[Mark] = NotYet) -> Iterator[Missing]:
    """One for each mark of this kind, at the first place of it; how many more places there are is told."""
    if not has_marks(type(spec), kind):
        return
    places: dict[Mark, list[tuple[str, Any]]] = {}
    for path, mark, value in _asked(spec):
        if not isinstance(mark, kind):
            continue
        places.setdefault(mark, []).append((path, value))
    for mark, found in places.items():
        yield Missing(f"spec.{found[0][0]}", _told(mark, [value for _, value in found]))


def has_marks(kind: type[Model], mark: type[Mark] = Mark) -> bool:
    """True if there is a field of this model, or below, with a mark of this kind."""
    return any(issubclass(each, mark) for each in _marks(kind))


@cache
def _marks(kind: type[Model]) -> frozenset[type[Mark]]:
    """What kinds of marks there are in a model, or below."""
    looked_at = _looked_at(kind)
    own = {type(each.mark) for each in looked_at if each.mark is not None}
    return frozenset(own).union(*(_marks(model) for each in looked_at for model in each.inner))


def mark_of(field: FieldInfo) -> Mark | ForPeople | None:
    """How a field is marked."""
    return next((each for each in field.metadata if isinstance(each, Mark | ForPeople)), None)


def models_in(annotation: Any) -> tuple[type[Model], ...]:
    """The models that a field's type is made of."""
    if isinstance(annotation, type) and issubclass(annotation, Model):
        return (annotation,)
    return tuple(model for each in get_args(annotation) for model in models_in(each))


class _Looked(NamedTuple):
    """A field that is marked, or below which there are marks."""

    name: str
    alias: str
    mark: Mark | None
    default: object
    inner: tuple[type[Model], ...] = ()
    """The models below it, if it has no mark."""


@cache
def _looked_at(kind: type[Model]) -> tuple[_Looked, ...]:
    """All such fields of a model, in their order."""
    found = []
    for name, field in kind.model_fields.items():
        mark = mark_of(field)
        if isinstance(mark, Mark):
            found.append(_Looked(name, field.alias or name, mark, field.default))
        elif mark is None and any(map(has_marks, models_in(field.annotation))):
            found.append(_Looked(name, field.alias or name, None, None, models_in(field.annotation)))
    return tuple(found)


def _asked(model: Model) -> Iterator[Found]:
    values = vars(model)
    for name, alias, mark, default, _ in _looked_at(type(model)):
        if mark is not None:
            yield from _asked_by(alias, mark, default, values[name])
        else:
            for path, inner in _inner(alias, values[name]):
                yield from ((f"{path}.{below}", mark, found) for below, mark, found in _asked(inner))


def _asked_by(path: str, mark: Mark, default: object, value: Any) -> Iterator[Found]:
    if mark.asks is not None and isinstance(value, tuple):
        members = enumerate(value)
        yield from ((f"{path}[{place}]", mark, each) for place, each in members if mark.asks(each))
    elif _is_asked(mark, default, value):
        yield path, mark, value


def _is_asked(mark: Mark, default: object, value: object) -> bool:
    if mark.asks is not None:
        return mark.asks(value)
    return bool(value != default)


def _inner(path: str, value: Any) -> Iterator[tuple[str, Model]]:
    if isinstance(value, Model):
        yield path, value
    elif isinstance(value, tuple):
        yield from ((f"{path}[{place}]", each) for place, each in enumerate(value))


def _told(mark: Mark, values: list[Any]) -> str:
    if not mark.tells:
        return mark.effect
    more = len(values) - 1
    others = f" and {more} other{'s' if more > 1 else ''}" if more else ""
    return f"{mark.effect} {values[0]}{others}"
