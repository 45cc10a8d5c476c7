"""A status finds its file whatever its object is called, and never leaves its directory."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.garbage import TEXTS
from trunkline.api import ObjectRef
from trunkline.standalone.generations import Generation
from trunkline.standalone.status_files import FileStatus, _path, read_statuses, remove_status, write_status
from trunkline.status.report import Status

STATUS = Status(1, ())


@pytest.mark.parametrize("name", (*TEXTS, "../../outside", "/etc/passwd", "a/b", "x" * 300, "hq"))
def test_an_object_of_any_name_is_written_read_and_removed(
    name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """One such object kept the statuses of all others from the disk."""
    directory = tmp_path_factory.mktemp("status")
    stored = FileStatus(ObjectRef("Trunk", "acme", name), Generation(1, "content"), STATUS)
    write_status(directory, stored)
    assert list(read_statuses(directory)) == [stored]
    assert [path.parent for path in directory.rglob("*.json")] == [directory / "trunk"]
    remove_status(directory, stored.ref)
    assert list(read_statuses(directory)) == []


@given(st.text(), st.text(), st.text(), st.text())
def test_no_two_objects_share_a_file(one: str, first: str, other: str, second: str) -> None:
    """But where a namespace is none: then both are refused."""
    if "." in one + other or (one, first) == (other, second):
        return
    paths = [_path(Path("/s"), ObjectRef("Trunk", *each)) for each in ((one, first), (other, second))]
    assert paths[0] != paths[1]
    assert all(path.parent == Path("/s/trunk") for path in paths)
