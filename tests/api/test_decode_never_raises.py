"""Whatever is read, decode gives an object or FieldErrors."""

from __future__ import annotations

import copy
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from api.whole_objects import WHOLE
from sipedge.secret import Secret
from trunkline.api import API_VERSION, KINDS, FieldErrors, ValueFault, decode, read_secret

texts = st.text(st.characters(), max_size=20) | st.sampled_from(
    ["\ud800", "\x00", "+1", "sip:a", "{x}", "%s", "[key]"]
)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    # Longer than Python is willing to print.
    | st.builds(pow, st.just(10), st.just(5000))
    | st.floats()
    | texts
    | st.binary(max_size=5)
    | st.dates()
    | st.datetimes()
    | st.just(float("nan"))
)
keys = texts | st.integers() | st.booleans() | st.none() | st.just(("a", 1))
values = st.recursive(
    scalars,
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=4) | st.sets(texts, max_size=2)
    ),
    max_leaves=12,
)


def places(value: Any) -> list[tuple[Any, Any]]:
    """Every (container, key) within a manifest."""
    found: list[tuple[Any, Any]] = []
    if isinstance(value, dict | list):
        members = list(value.items()) if isinstance(value, dict) else list(enumerate(value))
        for key, item in members:
            found.append((value, key))
            found.extend(places(item))
    return found


@st.composite
def damaged_manifests(draw: st.DrawFn) -> dict[str, Any]:
    """A good manifest with a few of its parts replaced, added or taken away."""
    manifest: dict[str, Any] = copy.deepcopy(dict(draw(st.sampled_from(WHOLE))))
    for _ in range(draw(st.integers(1, 3))):
        container, key = draw(st.sampled_from(places(manifest) or [(manifest, "spec")]))
        match draw(st.sampled_from(["replace", "add", "remove"])):
            case "replace":
                container[key] = draw(values)
            case "add" if isinstance(container, dict):
                container[draw(keys)] = draw(values)
            case "remove":
                del container[key]
    return manifest


def decoded_or_refused(manifest: object) -> None:
    try:
        resource = decode(manifest, default_namespace="default", stored=False)
    except FieldErrors as refused:
        refusal = refused
    else:
        assert resource.kind in KINDS
        assert hash(resource.ref)
        return
    assert refusal.errors
    for error in refusal.errors:
        assert error.reason
        assert error.message
        assert str(error).isprintable()


@given(values)
def test_any_value(value: object) -> None:
    """Nothing that YAML can hold makes decode fail in another way."""
    decoded_or_refused(value)


@given(st.sampled_from(sorted(KINDS)), values, values)
def test_any_metadata_and_spec(kind: str, metadata: object, spec: object) -> None:
    """No metadata and no spec makes decode fail in another way."""
    decoded_or_refused({"apiVersion": API_VERSION, "kind": kind, "metadata": metadata, "spec": spec})


@given(damaged_manifests())
def test_any_damage_to_a_good_object(manifest: dict[str, Any]) -> None:
    """No damage to a good object makes decode fail in another way."""
    decoded_or_refused(manifest)


def test_a_value_that_holds_itself() -> None:
    """YAML's anchors can make a mapping its own member."""
    spec: dict[str, Any] = {}
    spec["termination"] = spec
    spec["codecs"] = [spec]
    decoded_or_refused({"apiVersion": API_VERSION, "kind": "Trunk", "metadata": {"name": "a"}, "spec": spec})


@given(values | st.fixed_dictionaries({"metadata": values, "data": values, "stringData": values}))
def test_any_secret(manifest: object) -> None:
    """Nothing that YAML can hold makes reading a Secret fail in another way."""
    try:
        found = read_secret(manifest, default_namespace="default")
    except FieldErrors as refused:
        assert str(refused).isprintable()  # noqa: PT017 - either outcome is right
    else:
        assert found.namespace
        assert found.name
        assert all(isinstance(each, Secret | ValueFault) for each in found.values.values())
        assert all(str(each).isprintable() for each in found.errors)
