"""The base of all that is written in a spec: frozen, strict, closed, with its rules beside its fields."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, model_validator
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema

from trunkline.api.faults import FieldError
from trunkline.api.fields import refuse
from trunkline.api.rule import Rule, manifests_of


class Model(BaseModel):
    """Fields are snake_case here, camelCase in manifests; their docstrings become `kubectl explain`."""

    model_config = ConfigDict(
        frozen=True,
        extra="forbid",
        strict=True,
        alias_generator=to_camel,
        use_attribute_docstrings=True,
    )
    rules: ClassVar[tuple[Rule, ...]] = ()
    """What must hold between the fields; checked once every field is right in itself."""
    plainly: ClassVar[Callable[[Any], bool] | None] = None
    """True only of what keeps all the rules, at less cost than to ask each; None = each is asked."""

    @model_validator(mode="before")
    @classmethod
    def null_is_absent(cls, value: Any) -> Any:
        # The API server drops a null where the schema has no nullable field.
        if type(value) is dict and None not in value.values():
            return value
        if not isinstance(value, Mapping):
            return value
        known = {field.alias for field in cls.model_fields.values()}
        return {key: item for key, item in value.items() if item is not None or key not in known}

    @model_validator(mode="after")
    def keep_rules(self) -> Self:
        rules = type(self).rules
        if not rules:
            return self
        broken = [FieldError(rule.field, rule.reason, rule.message) for rule in rules if rule.broken_by(self)]
        if broken:
            raise refuse(*broken)
        return self

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        found = handler.resolve_ref_schema(handler(schema))
        if cls.rules:
            found["x-kubernetes-validations"] = manifests_of(cls.rules)
        return found


def without_default(schema: dict[str, Any]) -> None:
    """For `json_schema_extra`: a default that the model has and the CRD does not show."""
    schema.pop("default", None)
