"""What an API server would say about an object, from the CRD alone: fields, types, formats, lists, then CEL.

The order is the API server's: nulls are dropped, unknown fields found (strict field validation), defaults
set, the schema judged, and CEL asked only if nothing is missing, too long, too many or of a wrong type.
Patterns are read by RE2, which is what Go has.
"""

from __future__ import annotations

import copy
import ipaddress
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import celpy
import celpy.adapter
import re2
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError
from jsonschema.validators import extend

Schema = Mapping[str, Any]

BLOCKING = {"required", "type", "enum", "maxLength", "maxItems", "maxProperties"}
"""After one of these the API server does not ask CEL."""


@dataclass(frozen=True)
class Objection:
    """One fault: `keyword` is the word of the schema that was broken, `detail` a rule's message."""

    path: str
    keyword: str
    detail: str = ""


def objections(schema: Schema, manifest: Mapping[str, Any]) -> list[Objection]:
    """Everything an API server with this schema has against `manifest`; empty if it accepts."""
    stored = as_stored(schema, manifest)
    found = [*_unknown(schema, stored, ""), *_schema_faults(schema, stored), *_repeated(schema, stored, "")]
    if not BLOCKING & {each.keyword for each in found}:
        found += _broken_rules(schema, stored, "", None)
    return found


def objections_to_change(schema: Schema, old: Mapping[str, Any], new: Mapping[str, Any]) -> list[Objection]:
    """What the rules on changes have against an update from `old` to `new`."""
    return list(_broken_rules(schema, as_stored(schema, new), "", as_stored(schema, old)))


def as_stored(schema: Schema, value: Any) -> Any:
    """`value` without nulls, and with the schema's defaults."""
    if isinstance(value, Mapping):
        properties = schema.get("properties", {})
        found = {
            name: as_stored(properties.get(name, {}), item)
            for name, item in value.items()
            if item is not None or name not in properties
        }
        for name, part in properties.items():
            if "default" in part and name not in found:
                found[name] = copy.deepcopy(part["default"])
        return found
    if isinstance(value, list):
        return [as_stored(schema.get("items", {}), item) for item in value]
    return value


def _child(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _unknown(schema: Schema, value: Any, path: str) -> Iterator[Objection]:
    if isinstance(value, Mapping) and "additionalProperties" not in schema and path != "metadata":
        for name, item in value.items():
            if name in schema.get("properties", {}):
                yield from _unknown(schema["properties"][name], item, _child(path, name))
            else:
                yield Objection(_child(path, name), "unknown")
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield from _unknown(schema.get("items", {}), item, f"{path}[{position}]")


def _pattern(validator: Any, pattern: str, instance: Any, schema: Any) -> Iterator[ValidationError]:
    if isinstance(instance, str) and not re2.search(pattern, instance):
        yield ValidationError(f"should match {pattern}")


_Validator = extend(Draft202012Validator, {"pattern": _pattern})  # type: ignore[no-untyped-call]


def _schema_faults(schema: Schema, value: Any) -> Iterator[Objection]:
    for error in _Validator(schema).iter_errors(value):
        path = ""
        for part in error.absolute_path:
            path = f"{path}[{part}]" if isinstance(part, int) else _child(path, part)
        if error.validator == "required":
            missing = [name for name in error.validator_value if name not in error.instance]
            for name in missing:
                if f"'{name}' is a required property" == error.message:
                    yield Objection(_child(path, name), "required")
        else:
            yield Objection(path, str(error.validator))


def _repeated(schema: Schema, value: Any, path: str) -> Iterator[Objection]:
    for part, item, below, _ in _below(schema, value, path, None):
        yield from _repeated(part, item, below)
    if not isinstance(value, list):
        return
    keys = schema.get("x-kubernetes-list-map-keys", [])
    seen: list[Any] = []
    for position, item in enumerate(value):
        identity = item
        if keys:
            identity = [item.get(key) for key in keys] if isinstance(item, Mapping) else position
        elif schema.get("x-kubernetes-list-type") != "set":
            return
        if identity in seen:
            yield Objection(f"{path}[{position}]", "duplicate")
        seen.append(identity)


def _below(schema: Schema, value: Any, path: str, old: Any) -> Iterator[tuple[Schema, Any, str, Any]]:
    """The parts of `value` with their schemas, paths and former values (lists are not matched up)."""
    if isinstance(value, Mapping):
        for name, part in schema.get("properties", {}).items():
            if name in value:
                former = old.get(name) if isinstance(old, Mapping) else None
                yield part, value[name], _child(path, name), former
    elif isinstance(value, list):
        for position, item in enumerate(value):
            yield schema.get("items", {}), item, f"{path}[{position}]", None


def _broken_rules(schema: Schema, value: Any, path: str, old: Any) -> Iterator[Objection]:
    for rule in schema.get("x-kubernetes-validations", []):
        on_change = "oldSelf" in rule["rule"]
        if on_change and old is None:
            continue
        if not _holds(rule["rule"], json.dumps(value), json.dumps(old) if on_change else None):
            yield Objection((path + rule.get("fieldPath", "")).lstrip("."), "rule", rule["message"])
    for part, item, below, former in _below(schema, value, path, old):
        yield from _broken_rules(part, item, below, former)


def _ip(text: celpy.celtypes.StringType) -> celpy.celtypes.BoolType:
    return celpy.celtypes.BoolType(_is_ours(text, ipaddress.ip_address))


def _cidr(text: celpy.celtypes.StringType) -> celpy.celtypes.BoolType:
    return celpy.celtypes.BoolType("/" in text and _is_ours(text, ipaddress.ip_interface))


def _is_ours(text: str, read: Callable[[str], Any]) -> bool:
    """Neither a zone nor an IPv4 address mapped into IPv6 is an address to Kubernetes."""
    try:
        found = read(str(text))
    except ValueError:
        return False
    address = getattr(found, "ip", found)
    return "%" not in text and getattr(address, "ipv4_mapped", None) is None


def _network(text: celpy.celtypes.StringType) -> celpy.celtypes.StringType:
    return celpy.celtypes.StringType(ipaddress.ip_interface(str(text)).with_prefixlen)


def _masked(text: celpy.celtypes.StringType) -> celpy.celtypes.StringType:
    return celpy.celtypes.StringType(ipaddress.ip_interface(str(text)).network.with_prefixlen)


FUNCTIONS: Final = {"isIP": _ip, "isCIDR": _cidr, "cidr": _network, "masked": _masked}
"""Functions of Kubernetes' CEL that CEL itself has not, as far as rules use them. A network is text here."""


@cache
def _holds(rule: str, value: str, old: str | None) -> bool:
    """By texts of JSON: objects of the table differ in one field, and all else is judged once."""
    names = {"self": celpy.adapter.json_to_cel(json.loads(value))}
    if old is not None:
        names["oldSelf"] = celpy.adapter.json_to_cel(json.loads(old))
    return bool(_program(rule).evaluate(names))


@cache
def _program(expression: str) -> celpy.Runner:
    environment = celpy.Environment()
    return environment.program(environment.compile(expression), functions=FUNCTIONS)  # type: ignore[arg-type]
