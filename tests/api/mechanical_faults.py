"""Bad objects that the schemas themselves suggest: bounds overstepped, types missed, fields left out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from api.bad_cluster_objects import Bad
from api.whole_objects import REMOVED, changed

Schema = Mapping[str, Any]

_WRONG_TYPE: Mapping[str, object] = {
    "string": 7,
    "integer": "7",
    "boolean": "yes",
    "array": "text",
    "object": "text",
}


def mechanical_faults(schema: Schema, whole: Mapping[str, Any]) -> Iterator[Bad]:
    """One bad object for each word of `schema` that `whole` could break, wherever `whole` has a value."""
    yield Bad("spec is missing", changed(whole, "spec", REMOVED), "spec")
    yield from _faults(schema["properties"]["spec"], whole["spec"], "spec", whole)


def _faults(schema: Schema, value: Any, path: str, whole: Mapping[str, Any]) -> Iterator[Bad]:
    kind = schema["type"]
    yield _bad("of a wrong type", whole, path, _WRONG_TYPE[kind])
    if "minimum" in schema:
        yield _bad("below the minimum", whole, path, schema["minimum"] - 1)
        yield _bad("above the maximum", whole, path, schema["maximum"] + 1)
    if "enum" in schema:
        yield _bad("none of the choices", whole, path, "Neither")
    if "maxLength" in schema and "enum" not in schema:
        yield _bad("too long", whole, path, "a" * (schema["maxLength"] + 1))
    if kind == "array":
        yield from _list_faults(schema, value, path, whole)
    elif kind == "object" and "additionalProperties" in schema:
        many = {f"label-{position}": "x" for position in range(schema["maxProperties"] + 1)}
        yield _bad("too many entries", whole, path, many)
    elif kind == "object":
        yield from _object_faults(schema, value, path, whole)


def _object_faults(
    schema: Schema, value: Mapping[str, Any], path: str, whole: Mapping[str, Any]
) -> Iterator[Bad]:
    yield _bad("an unknown field", whole, f"{path}.unheardOf", "x")
    for name in schema.get("required", []):
        yield _bad("missing", whole, f"{path}.{name}", REMOVED)
    for name, part in schema.get("properties", {}).items():
        if name in value:
            yield from _faults(part, value[name], f"{path}.{name}", whole)


def _list_faults(schema: Schema, value: list[Any], path: str, whole: Mapping[str, Any]) -> Iterator[Bad]:
    yield _bad("too many members", whole, path, value[:1] * (schema["maxItems"] + 1))
    if schema["x-kubernetes-list-type"] in ("set", "map"):
        yield Bad(
            f"{path}: the first member once more",
            changed(whole, f"{path}[{len(value)}]", value[0]),
            f"{path}[{len(value)}]",
        )
    yield from _faults(schema["items"], value[0], f"{path}[0]", whole)


def _bad(title: str, whole: Mapping[str, Any], path: str, value: object) -> Bad:
    return Bad(f"{path}: {title}", changed(whole, path, value), path)
