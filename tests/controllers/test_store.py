"""The store holds the newest state of each object, in whatever order it is told."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.contents import Contents
from support.objects import manifest_of
from support.undecodable import fail_at
from trunkline.api import FieldReason, InvalidObject, ObjectRef, Trunk
from trunkline.controllers.store import Store
from trunkline.status.stored import stored_status

METADATA = {"uid": "n", "generation": 1, "resourceVersion": "9"}
HQ = ObjectRef("Trunk", "acme", "hq")


def trunk(version: int, *, generation: int = 1, uid: str = "a", **spec: object) -> dict[str, Any]:
    metadata = {
        "uid": uid,
        "generation": generation,
        "resourceVersion": str(version),
        "creationTimestamp": "2026-01-01T00:00:00Z",
    }
    return manifest_of("Trunk", "hq", "acme", spec, **metadata)


def test_an_object_is_decoded_once_for_each_version_of_its_spec() -> None:
    """And handed on once: of its status a digest is kept, of its spec nothing."""
    store = Store()
    store.note(None, trunk(1))
    assert [type(each) for each in store.take_contents().values()] == [Trunk]
    store.note("MODIFIED", {**trunk(2), "status": {"observedGeneration": 1}})
    assert store.take_contents() == {}
    seen = store.get(HQ)
    assert seen is not None
    assert seen.stored == stored_status({"observedGeneration": 1})
    store.note("DELETED", trunk(3))
    assert store.take_contents() == {HQ: None}


def test_what_changed_is_told_once() -> None:
    store = Store()
    store.note(None, trunk(1))
    assert store.take_changed() == ([store.get(HQ)], [])
    assert store.take_changed() == ([], [])
    store.note("DELETED", trunk(2))
    assert store.take_changed() == ([], [HQ])


def test_a_changed_status_is_no_reason_to_compile_and_a_changed_spec_is() -> None:
    store = Store()
    store.note(None, trunk(1))
    revision = store.revision
    store.note("MODIFIED", {**trunk(2), "status": {"observedGeneration": 1}})
    assert store.revision == revision
    store.note("MODIFIED", trunk(3, generation=2, friendlyName="new"))
    assert store.revision > revision


def test_an_object_of_the_same_name_is_another_one() -> None:
    """Deleted and made anew, its generation is 1 again."""
    store = Store()
    store.note(None, trunk(1, friendlyName="old"))
    store.note("ADDED", trunk(5, uid="b", friendlyName="new"))
    found = store.take_contents()[HQ]
    assert isinstance(found, Trunk)
    assert found.spec.friendly_name == "new"


def test_what_cannot_be_used_is_kept_with_its_faults() -> None:
    store = Store()
    store.note(None, trunk(1, colour="red"))
    good, bad = Contents(store).all()
    assert good == []
    assert [each.ref for each in bad] == [HQ]
    assert isinstance(bad[0], InvalidObject)
    assert "colour" in bad[0].errors[0].path


def test_an_object_whose_deletion_waits_for_a_finalizer_is_served_no_more() -> None:
    store = Store()
    manifest = trunk(1)
    manifest["metadata"]["deletionTimestamp"] = "2026-01-02T00:00:00Z"
    store.note("MODIFIED", manifest)
    assert Contents(store).all() == ([], [])


def test_kinds_that_lost_an_object_are_told_once() -> None:
    """Deleted, forgotten, or waiting for a finalizer: each may have gone with its CRD."""
    store = Store()
    store.note(None, trunk(1))
    assert store.take_lost_kinds() == frozenset()
    store.note("MODIFIED", {**trunk(2), "metadata": {**trunk(2)["metadata"], "deletionTimestamp": "2026"}})
    assert store.take_lost_kinds() == {"Trunk"}
    store.note("DELETED", trunk(3))
    assert store.take_lost_kinds() == {"Trunk"}
    store.put_lost_kinds({"Number"})
    store.note("ADDED", trunk(4, uid="b"))
    store.forget(HQ)
    assert store.take_lost_kinds() == {"Number", "Trunk"}
    assert store.take_lost_kinds() == frozenset()


@given(st.permutations([("ADDED", 1), ("MODIFIED", 2), ("MODIFIED", 3), ("DELETED", 4)]))
def test_stale_events_change_nothing(events: list[tuple[str, int]]) -> None:
    """A list, a watch and the answer to a write race with each other: versions decide."""
    store = Store()
    for event, version in events:
        store.note(event, trunk(version, generation=version))
    assert store.get(HQ) is None
    assert store.knows(HQ, 4)
    assert not store.knows(HQ, 5)


def test_an_object_that_decode_fails_at_costs_itself_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever is raised becomes that object's InternalError; its text is kept nowhere."""

    store = Store()
    with monkeypatch.context() as patch:
        fail_at(patch, Trunk, "Planted-Pass-2026x")
        store.note(None, trunk(1))
    store.note(None, manifest_of("Number", "main", "acme", {"number": "+14155550100"}, **METADATA))
    good, bad = Contents(store).all()
    assert [each.kind for each in good] == ["Number"]
    assert [(each.ref, each.errors[0].reason) for each in bad] == [(HQ, FieldReason.InternalError)]
    assert "RuntimeError at api/decode.py" in bad[0].errors[0].message
    assert "Planted" not in repr(bad)
