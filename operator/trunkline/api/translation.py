"""pydantic's errors as FieldErrors: paths as kubectl writes them, messages in plain words with the mend."""

from __future__ import annotations

import difflib
import inspect
import typing
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from trunkline.api.faults import FieldError, FieldReason, kind_of, shown, sort_of
from trunkline.api.fields import FAULTS

_KEY_MARK = "[key]"
"""What pydantic appends to the location of a bad key in a mapping."""
DID_YOU_MEAN = "did you mean"


def field_errors(error: ValidationError, kind: type[BaseModel]) -> tuple[FieldError, ...]:
    """Everything that `error` says about an object of `kind`, in the order of the fields."""
    details = error.errors(include_url=False)
    return _misspelt(tuple(found for detail in details for found in _translated(detail, kind)))


def _misspelt(faults: tuple[FieldError, ...]) -> tuple[FieldError, ...]:
    """One fault where a required field is missing and an unknown one stands in its place."""
    missing: dict[str, list[FieldError]] = {}
    for each in faults:
        if each.reason == FieldReason.Required:
            missing.setdefault(_parent(each.path), []).append(each)
    meant: dict[FieldError, FieldError] = {}
    for each in faults:
        if each.reason == FieldReason.UnknownField and (absent := missing.get(_parent(each.path))):
            name = each.path[len(_parent(each.path)) + 1 :]
            near = nearest(name, [_last(other.path) for other in absent])
            if near is None and DID_YOU_MEAN in each.message:
                continue
            found = next((other for other in absent if _last(other.path) == near), absent[0])
            absent.remove(found)
            message = f"is not a field of this kind ({DID_YOU_MEAN} {_last(found.path)}?)"
            meant[each] = FieldError(each.path, each.reason, message)
    dropped = {each for each in faults if each.reason == FieldReason.Required} - {
        each for absent in missing.values() for each in absent
    }
    return tuple(meant.get(each, each) for each in faults if each not in dropped)


def _parent(path: str) -> str:
    return path.rpartition(".")[0]


def _last(path: str) -> str:
    return path.rpartition(".")[2]


def joined(path: str, part: str) -> str:
    """`part` below `path`: `spec` and `range.last`, `spec.codecs` and `[1]`."""
    return path + part if not path or not part or part.startswith("[") else f"{path}.{part}"


def path_of(location: Sequence[int | str]) -> str:
    """`spec.gateways[2].port` of its parts."""
    path = ""
    for part in location:
        path = joined(path, f"[{part}]" if isinstance(part, int) else _key(part))
    return path


def _key(name: str) -> str:
    """A name as part of a path; one that could be taken for several parts is quoted."""
    plain = name.isidentifier() or name.replace("-", "").isalnum()
    return name if plain and len(name) <= 64 else f"[{shown(name)}]"


def _translated(detail: ErrorDetails, kind: type[BaseModel]) -> Iterator[FieldError]:
    location, value, context = detail["loc"], detail["input"], detail.get("ctx", {})
    if location and location[-1] == _KEY_MARK:
        yield no_text_key(path_of(location[:-2]), value)
        return
    path = path_of(location)
    match detail["type"]:
        case "faults":
            for fault in context[FAULTS]:
                yield FieldError(joined(path, fault.path), fault.reason, fault.message)
        case "missing":
            yield FieldError(path, FieldReason.Required, "is required but missing (add it)")
        case "extra_forbidden":
            yield _unknown_field(path, str(location[-1]), kind, _model_at(kind, location[:-1]))
        case "literal_error":
            yield _no_choice(path, value, _choices_at(kind, location))
        case "bool_type":
            message = f"must be true or false, not {kind_of(value)} (write true or false without quotes)"
            yield FieldError(path, FieldReason.InvalidType, message)
        case "invalid_key":
            yield no_text_key(path_of(location[:-1]), value)
        case "model_type" | "model_attributes_type" | "dict_type" | "mapping_type":
            mend = _how_to_write(_model_at(kind, location))
            message = f"must be a mapping, not {sort_of(value)} ({mend})"
            yield FieldError(path, FieldReason.InvalidType, message)
        case _:
            yield FieldError(path, FieldReason.InvalidValue, detail["msg"][:1].lower() + detail["msg"][1:])


def _how_to_write(model: type[BaseModel] | None) -> str:
    """How the fields of a mapping are written that is none: the one that it needs, else all there are."""
    if model is None:
        return "write name: value lines below it"
    fields = {field.alias or key: field for key, field in model.model_fields.items()}
    needed = [name for name, field in fields.items() if field.is_required()]
    if not fields:
        return "write {}"
    if len(needed) == 1:
        return f"write {{{needed[0]}: ...}}"
    which = "its fields" if needed else "the fields that you mean"
    return f"write {which} below it: {', '.join(needed or fields)}"


def no_text_key(path: str, key: object) -> FieldError:
    """The fault of a mapping whose key YAML does not read as text."""
    message = f"has {sort_of(key)} as the name of a field (write the name in quotes)"
    return FieldError(path, FieldReason.InvalidType, message)


def _unknown_field(path: str, name: str, kind: type[BaseModel], model: type[BaseModel] | None) -> FieldError:
    known = [] if model is None else [field.alias or key for key, field in model.model_fields.items()]
    # A `namespace` in a reference is not meant for the object's own metadata.
    homes = [each for each in _homes(kind, name, "") if each.startswith("spec.")]
    if len(homes) == 1 and nearest(name, known) is None:
        return FieldError(path, FieldReason.UnknownField, f"is not a field here (it belongs at {homes[0]})")
    return unknown_field(path, name, known)


def _homes(annotation: Any, name: str, path: str) -> Iterator[str]:
    """The paths of all fields of this very name in what an object of the kind holds."""
    for model in _models(annotation):
        for key, field in model.model_fields.items():
            below = joined(path, field.alias or key)
            if (field.alias or key) == name:
                yield below
            yield from _homes(field.annotation, name, below)


def unknown_field(path: str, name: str, known: Sequence[str]) -> FieldError:
    """The fault of a field that is none of `known`, with the nearest of them as mend."""
    near = nearest(name, known)
    if near is not None:
        mend = f"{DID_YOU_MEAN} {near}?"
    else:
        mend = f"fields here: {', '.join(known)}" if known else "no field is allowed here"
    return FieldError(path, FieldReason.UnknownField, f"is not a field of this kind ({mend})")


def nearest(name: str, known: Sequence[str]) -> str | None:
    """The one of `known` that `name` was probably meant to be."""
    plain = {_plain(each): each for each in known}
    near = difflib.get_close_matches(_plain(name[:100]), plain, n=1, cutoff=0.7)
    return plain[near[0]] if near else None


def _plain(name: str) -> str:
    return name.replace("_", "").replace("-", "").lower()


def _no_choice(path: str, value: object, choices: Sequence[str]) -> FieldError:
    listed = ", ".join(choices)
    if not isinstance(value, str):
        return FieldError(
            path, FieldReason.InvalidType, f"must be text, not {kind_of(value)} (write one of {listed})"
        )
    near = nearest(value, choices)
    mend = f"write one of {listed}" if near is None else f"did you mean {near}? Possible values: {listed}"
    return FieldError(path, FieldReason.InvalidValue, f"{shown(value)} is not allowed here ({mend})")


def _model_at(kind: type[BaseModel], location: Sequence[int | str]) -> type[BaseModel] | None:
    """The model that an object of `kind` has at `location`."""
    found: Any = kind
    for part in location:
        if isinstance(part, str):
            found = _annotation(found, part)
        if found is None:
            return None
    return next(_models(found), None)


def _annotation(kind: Any, alias: str) -> Any:
    model = next(_models(kind), None)
    fields = {} if model is None else model.model_fields
    return next((field.annotation for field in fields.values() if field.alias == alias), None)


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that a field of this annotation may hold, inside lists and beside None."""
    if inspect.isclass(annotation) and issubclass(annotation, BaseModel):
        yield annotation
    for argument in typing.get_args(annotation):
        yield from _models(argument)


def _choices_at(kind: type[BaseModel], location: Sequence[int | str]) -> list[str]:
    """The literals that may stand at `location`."""
    names = [part for part in location if isinstance(part, str)]
    return list(_literals(_annotation(_model_at(kind, names[:-1]), names[-1]))) if names else []


def _literals(annotation: Any) -> Iterator[str]:
    if typing.get_origin(annotation) is typing.Literal:
        yield from typing.get_args(annotation)
        return
    for argument in typing.get_args(annotation):
        yield from _literals(argument)
