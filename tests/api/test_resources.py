"""All objects as one value: found by name, the oldest claim first, whatever the order they came in."""

from __future__ import annotations

import base64
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.secret import Secret
from support.objects import (
    make_account,
    make_caller_id,
    make_carrier,
    make_credential_list,
    make_edge,
    make_header_manipulation_policy,
    make_ip_access_control_list,
    make_number,
    make_origination_uri,
    make_resources,
    make_trunk,
)
from trunkline.api import (
    ALL_KINDS,
    Edge,
    FieldError,
    FieldErrors,
    InvalidObject,
    ObjectRef,
    Trunk,
    ValueFault,
    read_secret,
)

ONE_OF_EACH = (
    make_trunk(),
    make_origination_uri(),
    make_number(),
    make_credential_list(),
    make_ip_access_control_list(),
    make_header_manipulation_policy(),
    make_caller_id(),
    make_account(),
    make_edge(),
    make_carrier(),
)
CLAIMS = (
    make_trunk("z", "b", created="2020-01-01T00:00:00Z"),
    make_trunk("b", "a", created="2021-01-01T00:00:00Z"),
    make_trunk("a", "b", created="2021-01-01T00:00:00Z"),
    make_trunk("c", "a", created="2021-01-01T00:00:00Z"),
)


def test_objects_are_found_by_kind_and_by_name() -> None:
    """Each kind has its own, and a missing one is None."""
    resources = make_resources(*ONE_OF_EACH)
    assert [len(resources.of(kind)) for kind in ALL_KINDS] == [1] * 10
    assert resources.get(Trunk, "acme", "hq") == make_trunk()
    assert resources.get(Edge, None, "ashburn") == make_edge()
    assert resources.get(Trunk, "acme", "ashburn") is None
    assert resources.get(Trunk, "other", "hq") is None


@given(st.permutations(CLAIMS))
def test_the_oldest_claim_is_first(claims: list[Trunk]) -> None:
    """By time, then namespace, then name, whatever the order they were read in."""
    resources = make_resources(*claims)
    assert [each.ref.id for each in resources.of(Trunk)] == ["b/z", "a/b", "a/c", "b/a"]
    assert resources == make_resources(*CLAIMS)


def test_objects_without_a_time_are_older_than_all_others() -> None:
    """Files need not have creation times; then the names decide."""
    resources = make_resources(*CLAIMS, make_trunk("q", "q"), make_trunk("p", "q"))
    assert [each.ref.id for each in resources.of(Trunk)][:2] == ["q/p", "q/q"]


def test_of_two_objects_with_one_name_the_last_counts() -> None:
    """As with two writes of one object."""
    resources = make_resources(make_trunk(secure=True), make_trunk(secure=False))
    assert [each.spec.secure for each in resources.of(Trunk)] == [False]


def test_invalid_objects_are_kept_in_order() -> None:
    """They take no part, but their status must be written."""
    broken = [
        InvalidObject(ObjectRef("Trunk", "acme", name), 1, (FieldError("spec", "Required", "x"),))
        for name in ("b", "a")
    ]
    assert [each.ref.name for each in make_resources(invalid=broken).invalid] == ["a", "b"]


def secret_manifest(**fields: object) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "hq-pbx", "namespace": "acme"},
        **fields,
    }


def test_secrets_are_read_as_the_api_server_reads_them() -> None:
    """data is base64, stringData is plain and wins."""
    encoded = base64.b64encode(b"Correct-Horse-7").decode()
    manifest = secret_manifest(data={"a": encoded, "b": encoded, "raw": "/w=="}, stringData={"b": "plain"})
    found = read_secret(manifest)
    assert (found.namespace, found.name, found.errors) == ("acme", "hq-pbx", ())
    assert found.values == {"a": Secret("Correct-Horse-7"), "b": Secret("plain"), "raw": ValueFault.NOT_UTF8}


def test_a_secret_takes_the_default_namespace() -> None:
    """As every tenant object in a file."""
    manifest = {"metadata": {"name": "x"}, "stringData": {"a": "b"}}
    assert read_secret(manifest, default_namespace="default").namespace == "default"


@pytest.mark.parametrize(
    ("fields", "path"),
    (
        ({"data": {"password": "hunter2-hunter2!"}}, "data.password"),
        ({"stringData": {"password": 80877087}}, "stringData.password"),
        ({"data": "hunter2"}, "data"),
        ({"stringData": ["hunter2"]}, "stringData"),
        ({"stringData": {80877087: "hunter2"}}, "stringData"),
        ({"metadata": {"namespace": "acme"}, "stringData": {"a": "hunter2"}}, "metadata.name"),
    ),
)
def test_a_broken_secret_is_refused_without_showing_it(fields: dict[str, Any], path: str) -> None:
    """The message names the place and the mend; nothing of the value is in it."""
    try:
        errors = read_secret(secret_manifest(**fields)).errors
    except FieldErrors as refused:
        errors = refused.errors
    assert [error.path for error in errors] == [path]
    said = repr(errors)
    assert "hunter2" not in said
    assert "80877087" not in said


def test_secrets_do_not_show_in_resources() -> None:
    """Printing everything the compiler sees prints no password."""
    resources = make_resources(make_trunk(), secrets={("acme", "hq-pbx"): {"password": "Correct-Horse-7"}})
    keys = resources.secret("acme", "hq-pbx")
    assert keys is not None
    assert keys == {"password": Secret("Correct-Horse-7")}
    assert "Correct-Horse-7" not in repr(resources)
    assert resources.secret("acme", "other") is None
