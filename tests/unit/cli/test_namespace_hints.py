"""Which listed namespaces are taken for misspelt ones."""

from __future__ import annotations

import pytest

from trunkline.api import ObjectRef
from trunkline.cli.cause_index import Texts
from trunkline.cli.namespace_hints import misspelt_namespaces
from trunkline.standalone.loaded import SourcePosition
from trunkline.standalone.yaml_documents import Document

ACCOUNT = ObjectRef("Account", None, "acme")


def texts(listed: object, inhabited: tuple[str, ...]) -> Texts:
    """Of an Account, and of a Trunk in each namespace."""
    manifests: dict[ObjectRef, object] = {ACCOUNT: {"spec": {"namespaces": listed}}}
    manifests.update({ObjectRef("Trunk", namespace, "hq"): {} for namespace in inhabited})
    return Texts(
        {ref: Document(manifest, {"": 1}) for ref, manifest in manifests.items()},
        {ref: SourcePosition("platform.yaml", 1) for ref in manifests},
    )


@pytest.mark.parametrize(
    ("listed", "inhabited", "meant"),
    (
        (["acmee"], ("acme",), ["acme"]),
        (["acme-crop"], ("acme-corp",), ["acme-corp"]),
        (["acme"], ("acme", "acmee"), []),
        (["acmee", "acme"], ("acme",), []),
        (["acme"], (), []),
        (["acme"], ("other",), []),
        (["team-a"], ("team-b",), []),
        (["site1"], ("site2",), []),
        (["customer-7-eu"], ("customer-7-us",), []),
        ([7, None, {"a": 1}], ("acme",), []),
        ("acmee", ("acme",), []),
        (None, ("acme",), []),
    ),
)
def test_a_name_that_is_nearly_right_is_told(
    listed: object, inhabited: tuple[str, ...], meant: list[str]
) -> None:
    """Where the one that was meant has objects, and no Account; never for names that are a series."""
    assert list(misspelt_namespaces(texts(listed, inhabited), frozenset())) == meant


def test_it_is_an_error_where_objects_are_refused_for_it() -> None:
    found = misspelt_namespaces(texts(["acmee"], ("acme",)), frozenset({"acme"}))
    assert found["acme"].severity == "error"
    assert misspelt_namespaces(texts(["acmee"], ("acme",)), frozenset())["acme"].severity == "warning"
