"""What is seen to be right quickly is right by the kind's own validators, and is the same object."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic_core import PydanticCustomError, SchemaValidator

from api.table_of_objects import GOOD, Good
from api.test_decode_never_raises import damaged_manifests, values
from bench.compilation import number
from trunkline.api import ALL_KINDS, KINDS, AnyResource, decode
from trunkline.api.fields import QUICK, Text, Whole
from trunkline.api.number import NumberRange
from trunkline.api.quick import quickly

Field = Text | Whole


def content_of(manifest: Mapping[str, Any]) -> dict[str, Any]:
    return {key: manifest[key] for key in ("metadata", "spec") if key in manifest}


def by_the_validators(kind: type[AnyResource], content: object) -> AnyResource | None:
    try:
        return kind.model_validate(content)
    except ValidationError:
        return None


def assert_the_same(found: AnyResource, expected: AnyResource | None) -> None:
    assert found == expected
    assert expected is not None
    assert found.model_dump(exclude_unset=True) == expected.model_dump(exclude_unset=True)


@pytest.mark.parametrize("good", GOOD, ids=lambda each: each.title)
def test_what_is_right_is_seen_at_once(good: Good) -> None:
    kind, content = KINDS[good.manifest["kind"]], content_of(good.manifest)
    expected = by_the_validators(kind, content)
    found = quickly(kind, content)
    if found is None:
        assert has_null(content), "only what is written unusually takes the long way"
    else:
        assert_the_same(found, expected)


def has_null(value: object) -> bool:
    if isinstance(value, Mapping):
        return any(map(has_null, value.values()))
    return value is None or (isinstance(value, list) and any(map(has_null, value)))


@given(damaged_manifests())
def test_what_is_wrong_is_never_taken(manifest: dict[str, Any]) -> None:
    kind = KINDS.get(manifest.get("kind", "")) if isinstance(manifest.get("kind"), str) else None
    if kind is None:
        return
    content = content_of(manifest)
    found = quickly(kind, content)
    if found is not None:
        assert_the_same(found, by_the_validators(kind, content))


def test_a_null_is_as_if_the_field_were_not_there() -> None:
    manifest = number(5, 10, 3)
    with_nulls = copy.deepcopy(manifest)
    with_nulls["spec"]["callerName"] = None
    with_nulls["metadata"]["generation"] = None
    assert quickly(KINDS["Number"], content_of(with_nulls)) is None
    assert decode(with_nulls).model_dump(exclude_unset=True)["spec"].keys() == {"number", "trunk_ref"}


def fields_of(schema: Any) -> Iterator[tuple[Field, SchemaValidator]]:
    """Each text and each number that the kinds have, with what stands for it in the core."""
    if isinstance(schema, list | tuple):
        for each in schema:
            yield from fields_of(each)
    if not isinstance(schema, dict):
        return
    quick = schema["metadata"].get(QUICK) if isinstance(schema.get("metadata"), dict) else None
    if quick is not None:
        yield schema["function"]["function"].__self__, SchemaValidator(quick)
        return
    for key, below in schema.items():
        if key not in ("cls", "config", "function"):
            yield from fields_of(below)


FIELDS = {field: quick for kind in ALL_KINDS for field, quick in fields_of(kind.__pydantic_core_schema__)}


def test_each_kind_of_field_is_among_those_tried() -> None:
    patterns = {field.pattern for field in FIELDS if isinstance(field, Text)}
    assert len(patterns) > 15
    assert any(isinstance(field, Whole) for field in FIELDS)


@given(st.data())
def test_a_field_takes_the_same_either_way(data: st.DataObject) -> None:
    field = data.draw(st.sampled_from(list(FIELDS)))
    value = data.draw(values | values_for(field))
    try:
        expected = field.check(value)
    except PydanticCustomError:
        with pytest.raises(ValidationError):
            FIELDS[field].validate_python(value)
    else:
        assert FIELDS[field].validate_python(value) == expected


def values_for(field: Field) -> st.SearchStrategy[Any]:
    """Near its bounds, and of its form or nearly so."""
    if isinstance(field, Whole):
        bounds = (field.minimum, field.maximum)
        return st.sampled_from([bound + step for bound in bounds for step in (-1, 0, 1)])
    form = st.from_regex(field.pattern, fullmatch=True)
    tail = st.sampled_from(["", "\n", " ", "é", "\ud800", "\x7f", "{{"])
    long = st.sampled_from([field.max_length, field.max_length + 1]).map(lambda size: "a" * size)
    return st.one_of(form, st.builds(str.__add__, form, tail), long)


ENDS = st.from_regex(r"\A\+1[0-3]{0,3}[09]{0,6}\Z")


@given(ENDS, ENDS)
def test_what_plainly_keeps_the_rules_keeps_each(first: str, last: str) -> None:
    block = NumberRange.model_construct(first=first, last=last)
    assert NumberRange.plainly is not None
    if NumberRange.plainly(block):
        assert not [rule.message for rule in NumberRange.rules if rule.broken_by(block)]


def test_most_blocks_plainly_keep_the_rules() -> None:
    """Or it would be asked for nothing."""
    assert NumberRange.plainly is not None
    assert NumberRange.plainly(NumberRange(first="+12122000000", last="+12122000999"))
