"""The shared table of objects: models and CRDs accept the same ones, and refuse others at the same field."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Any

import pytest

from api.bad_cluster_objects import Bad
from api.crd_judge import Objection, objections, objections_to_change
from api.mechanical_faults import mechanical_faults
from api.table_of_objects import BAD, GOOD, Good
from api.whole_objects import BLOCK, NUMBER, REMOVED, WHOLE, changed
from trunkline.api import ALL_KINDS, KINDS, FieldErrors, decode
from trunkline.api.crd import object_schema

Schema = dict[str, Any]


@cache
def schema_of(kind: str) -> Schema:
    return object_schema(KINDS[kind])


MECHANICAL = tuple(bad for whole in WHOLE for bad in mechanical_faults(schema_of(str(whole["kind"])), whole))


def _title(case: Good | Bad) -> str:
    return f"{case.manifest['kind']}: {case.title}"


def refusal(manifest: Mapping[str, Any]) -> FieldErrors:
    with pytest.raises(FieldErrors) as caught:
        decode(manifest, stored=False)
    return caught.value


@pytest.mark.parametrize("good", GOOD, ids=_title)
def test_models_accept_a_good_object(good: Good) -> None:
    """A good object is decoded, and keeps its kind and name."""
    decoded = decode(good.manifest, stored=False)
    assert (decoded.kind, decoded.metadata.name) == (good.manifest["kind"], good.manifest["metadata"]["name"])


@pytest.mark.parametrize("good", GOOD, ids=_title)
def test_crds_accept_a_good_object(good: Good) -> None:
    """An API server with our CRD has nothing against a good object."""
    assert objections(schema_of(good.manifest["kind"]), good.manifest) == []


@pytest.mark.parametrize("bad", (*BAD, *MECHANICAL), ids=_title)
def test_models_refuse_a_bad_object_at_its_field(bad: Bad) -> None:
    """The one fault is found at its place, and nothing else is."""
    errors = refusal(bad.manifest).errors
    assert _topmost(error.path for error in errors) == {bad.path}, errors


@pytest.mark.parametrize("bad", (*BAD, *MECHANICAL), ids=_title)
def test_crds_refuse_a_bad_object_at_the_same_field(bad: Bad) -> None:
    """An API server sees the same fault at the same place, but for the few it cannot see."""
    found = objections(schema_of(bad.manifest["kind"]), bad.manifest)
    expected = set() if bad.crd_cannot else {bad.path}
    assert _topmost(each.path for each in _said_first(found)) == expected, found


def _said_first(found: list[Objection]) -> list[Objection]:
    """The schema's objections, else those of rules: a rule may object to a value that is wrong anyhow."""
    return [each for each in found if each.keyword != "rule"] or found


def _topmost(paths: Iterable[str]) -> set[str]:
    """The paths but for members of a list that is itself at fault."""
    found = set(paths)
    return {path for path in found if not any(path.startswith(f"{other}[") for other in found)}


@pytest.mark.parametrize("bad", BAD, ids=_title)
def test_a_broken_rule_has_one_message(bad: Bad) -> None:
    """What CEL says about a rule, the model says in the same words."""
    found = objections(schema_of(bad.manifest["kind"]), bad.manifest)
    if any(each.keyword != "rule" for each in found):
        return
    said = [error.message for error in refusal(bad.manifest).errors]
    assert all(any(text.endswith(each.detail) for text in said) for each in found)


def _words(schema: Schema, path: str) -> Iterator[tuple[str, str, str]]:
    """Every rule of a schema as (place, keyword, text)."""
    for rule in schema.get("x-kubernetes-validations", []):
        if "oldSelf" not in rule["rule"]:
            yield (path + rule.get("fieldPath", "")).lstrip("."), "rule", rule["message"]
    for name, part in schema.get("properties", {}).items():
        yield from _words(part, f"{path}.{name}" if path else name)
    if "items" in schema:
        yield from _words(schema["items"], f"{path}[]")
    if "additionalProperties" in schema:
        yield from _words(schema["additionalProperties"], f"{path}.*")


_OBVIOUS = ("friendlyName", "name", "key", "edges[]", "group", "value", "nodeSelector.*", "Refs[].name")
"""Fields whose format is that of another field of the table, or of any free text."""


@pytest.mark.parametrize("kind", ALL_KINDS, ids=lambda kind: str(kind.kind))
def test_every_rule_has_a_bad_object(kind: Any) -> None:
    """No rule stands in a CRD that no object of the table breaks."""
    schema = schema_of(kind.kind)
    wanted = {
        word
        for word in _words({**schema, "properties": {**schema["properties"], "status": {}}}, "")
        if not word[2].startswith("is not a valid ") or not word[0].endswith(_OBVIOUS)
    }
    broken = {
        (_without_positions(each.path), each.keyword, each.detail)
        for bad in BAD
        if bad.manifest["kind"] == kind.kind
        for each in objections(schema, bad.manifest)
    }
    assert wanted - broken == set()


def _without_positions(path: str) -> str:
    return "".join("[" if char == "[" else char for char in path if not char.isdigit())


@pytest.mark.parametrize(
    ("title", "old", "new", "path"),
    (
        ("another number", NUMBER, changed(NUMBER, "spec.number", "+14155550199"), "spec.number"),
        ("another block", BLOCK, changed(BLOCK, "spec.range.last", "+14155551998"), "spec.range"),
        ("a number removed", NUMBER, changed(NUMBER, "spec.number", REMOVED), "spec.number"),
    ),
)
def test_a_number_keeps_its_identity(title: str, old: dict[str, Any], new: dict[str, Any], path: str) -> None:
    """The CRD refuses an update that makes a Number another one."""
    found = objections_to_change(schema_of("Number"), old, new)
    assert path in {each.path for each in found}


@pytest.mark.parametrize("old", (NUMBER, BLOCK), ids=("number", "block"))
def test_a_number_may_move_to_another_trunk(old: dict[str, Any]) -> None:
    """Everything but the identity of a Number may change."""
    assert (
        objections_to_change(schema_of("Number"), old, changed(old, "spec.trunkRef", {"name": "lab"})) == []
    )
    assert objections_to_change(schema_of("Number"), old, changed(old, "spec.trunkRef", REMOVED)) == []


def test_each_kind_has_three_good_objects_and_every_field_in_one_of_them() -> None:
    """The table covers the whole API: a new field without an object in it is noticed."""
    for kind in ALL_KINDS:
        count = sum(good.manifest["kind"] == kind.kind for good in GOOD)
        assert count >= 3, kind.kind
        used = {path for whole in WHOLE if whole["kind"] == kind.kind for path in _fields(whole["spec"], "")}
        defined = set(_defined(schema_of(kind.kind)["properties"]["spec"], ""))
        assert defined - used <= {".tls.selfSigned"}, kind.kind


def _fields(value: Any, path: str) -> Iterator[str]:
    if isinstance(value, dict):
        for name, item in value.items():
            yield f"{path}.{name}"
            yield from _fields(item, f"{path}.{name}")
    elif isinstance(value, list):
        for item in value:
            yield from _fields(item, f"{path}[]")


def _defined(schema: Schema, path: str) -> Iterator[str]:
    for name, part in schema.get("properties", {}).items():
        yield f"{path}.{name}"
        yield from _defined(part, f"{path}.{name}")
    if "items" in schema:
        yield from _defined(schema["items"], f"{path}[]")
