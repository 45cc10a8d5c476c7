"""pydantic's JSON schema -> a structural schema, the only kind that an API server accepts in a CRD.

No `$ref`, no `anyOf` with null, no `additionalProperties: false` beside properties, no titles.
Defaults for scalar leaves outside of lists alone: a default within a list, or a whole object as one, would be
an endless difference to what the user wrote.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from pydantic import BaseModel

Schema = dict[str, Any]

_ORDER: Final = ("description", "type", "format", "enum", "default")
"""What a reader wants to know first."""
_RULES: Final = re.compile(r" \(S[0-9]+(?:-S[0-9]+)?(?:, S[0-9]+)*\)")
"""Numbers of rules: they are of use in the code, and of none in `kubectl explain`."""
_NULL: Final = {"type": "null"}


class UnstructuralError(ValueError):
    """A model says something that no structural schema can say."""


def structural_schema(model: type[BaseModel]) -> Schema:
    """The structural schema of what a manifest may hold for `model`. Raises UnstructuralError."""
    raw = model.model_json_schema(by_alias=True)
    return _structural(raw, raw.get("$defs", {}), defaults=True)


def _structural(raw: Mapping[str, Any], definitions: Mapping[str, Any], *, defaults: bool) -> Schema:
    raw = _inlined(raw, definitions)
    found: Schema = {}
    for keyword, value in raw.items():
        match keyword:
            case "title" | "$defs":
                continue
            case "default":
                if defaults and isinstance(value, bool | int | str) and value != "":
                    found["default"] = value
            case "properties":
                found["properties"] = {
                    name: _structural(part, definitions, defaults=defaults) for name, part in value.items()
                }
            case "items":
                found["items"] = _structural(value, definitions, defaults=False)
            case "additionalProperties":
                if value is not False:
                    found[keyword] = _structural(value, definitions, defaults=False)
            case "anyOf" | "oneOf" | "allOf" | "not" | "const":
                raise UnstructuralError(f"{keyword} cannot be said in a structural schema: {dict(raw)}")
            case "description":
                found["description"] = _RULES.sub("", " ".join(value.split()))
            case _:
                found[keyword] = value
    _demand_keys(found)
    return {keyword: found[keyword] for keyword in sorted(found, key=_place)}


def _place(keyword: str) -> tuple[int, str]:
    return (_ORDER.index(keyword) if keyword in _ORDER else len(_ORDER)), keyword


def _inlined(raw: Mapping[str, Any], definitions: Mapping[str, Any]) -> dict[str, Any]:
    """`raw` with its reference and its "or null" replaced by what they stand for; its own words win."""
    own = {keyword: value for keyword, value in raw.items() if keyword not in ("$ref", "anyOf")}
    if "$ref" in raw:
        target = definitions[raw["$ref"].rpartition("/")[2]]
        return {**_inlined(target, definitions), **own}
    options = [option for option in raw.get("anyOf", []) if option != _NULL]
    if "anyOf" in raw and len(options) == 1:
        return {**_inlined(options[0], definitions), **own}
    return dict(raw)


def _demand_keys(found: Schema) -> None:
    keys = found.get("x-kubernetes-list-map-keys", ())
    missing = set(keys) - set(found.get("items", {}).get("required", ()))
    if missing:
        raise UnstructuralError(f"keys of a map list must be required in its items: {sorted(missing)}")
