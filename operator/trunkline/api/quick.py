"""Manifests that are right, seen to be so at little cost: nearly all are.

The validators of a kind are there for what is wrong, and say it in our words, which takes Python for every
field. From them another one is made here, for pydantic's own core: what it accepts they accept, with the same
object. What it refuses may be right as well (a null, an unusual mapping), so then they are asked.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, Final, TypeVar

from pydantic_core import SchemaValidator, ValidationError, core_schema

from trunkline.api.fields import QUICK
from trunkline.api.model import Model

Kind = TypeVar("Kind", bound=Model)

_INNER: Final = frozenset({"schema", "items_schema", "keys_schema", "values_schema", "definitions"})
"""Where a schema of pydantic's core holds one that it is made of, or several; fields apart."""


def quickly(kind: type[Kind], content: object) -> Kind | None:
    """The object of `kind` that `content` is; None = the kind's own validators have to say."""
    try:
        found: Kind = _validate(kind)(content)
        return found
    except ValidationError:
        return None


@cache
def _validate(kind: type[Model]) -> Callable[[object], Any]:
    return SchemaValidator(_quick(kind.__pydantic_core_schema__)).validate_python


def _quick(schema: Any) -> Any:
    """The same schema without what is only there for words. What is not known here stays as it is."""
    if isinstance(schema, list):
        return [_quick(each) for each in schema]
    if QUICK in schema.get("metadata", {}):
        return schema["metadata"][QUICK]
    function = _function_of(schema)
    if schema["type"] == "nullable" or function == _NULL_IS_ABSENT:
        # To give a null is not to give the field, which the validators see to.
        return _as(schema, _quick(schema["schema"]))
    if function == Model.keep_rules:
        return _as(schema, _with_rules(schema["schema"]["cls"], _quick(schema["schema"])))
    found = {key: _quick(below) if key in _INNER else below for key, below in schema.items()}
    if "fields" in found:
        found["fields"] = {
            name: {**field, "schema": _quick(field["schema"])} for name, field in found["fields"].items()
        }
    return found


_NULL_IS_ABSENT: Final = Model.null_is_absent.__func__


def _function_of(schema: Any) -> object:
    """The function that a schema asks beside its own part, if it does."""
    function = schema["function"]["function"] if schema["type"].startswith("function-") else None
    return getattr(function, "__func__", function)


def _as(schema: Any, inner: Any) -> Any:
    """`inner`, known by the name of `schema` where others refer to that."""
    return {**inner, "ref": schema["ref"]} if "ref" in schema else inner


def _with_rules(model: type[Model], schema: Any) -> Any:
    laws = [rule.holds for rule in model.rules if rule.holds is not None]
    if not laws:
        return schema

    plainly = model.plainly

    def keep(found: Model) -> Model:
        if plainly is not None and plainly(found):
            return found
        for holds in laws:
            if not holds(found):
                raise ValueError  # the validators say which, and why
        return found

    return core_schema.no_info_after_validator_function(keep, schema)
