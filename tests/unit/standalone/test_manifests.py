"""What two readings of files differ in, as the compiler is told."""

from __future__ import annotations

from pathlib import Path

from support.objects import make_number, make_resources, make_trunk
from trunkline.api import API_VERSION, InvalidObject, ObjectRef
from trunkline.compiler.delta import InputChanges
from trunkline.standalone.load import load
from trunkline.standalone.manifests import changes_between

TRUNK, NUMBER = make_trunk(), make_number()
PASSWORD = {("acme", "pass"): {"password": "Correct-Horse-2026"}}


def test_the_first_reading_is_told_whole() -> None:
    first = make_resources(TRUNK, NUMBER, secrets=PASSWORD)
    assert changes_between(None, first) == InputChanges({TRUNK.ref: TRUNK, NUMBER.ref: NUMBER}, first.secrets)


def test_what_is_new_other_or_gone_is_told_and_nothing_else() -> None:
    other, bad = (
        make_number(generation=2, number="+14155550199"),
        InvalidObject(ObjectRef("Trunk", "acme", "x"), 1, ()),
    )
    before = make_resources(TRUNK, NUMBER, secrets=PASSWORD)
    found = changes_between(before, make_resources(TRUNK, other, invalid=[bad]))
    assert found == InputChanges({NUMBER.ref: other, bad.ref: bad}, {("acme", "pass"): None})
    assert changes_between(before, make_resources(other)).objects == {TRUNK.ref: None, NUMBER.ref: other}


def test_what_is_named_counts_as_different() -> None:
    """Its newest content is refused, and the last good one is told again: its status is of the newest."""
    same = make_resources(TRUNK)
    assert changes_between(same, same, [TRUNK.ref]).objects == {TRUNK.ref: TRUNK}


def test_an_edit_of_one_file_tells_of_its_objects_alone(tmp_path: Path) -> None:
    for name in ("a", "b"):
        write(tmp_path, name, "one")
    before = load([tmp_path])
    write(tmp_path, "b", "two")
    now = load([tmp_path], previous=before)
    assert list(changes_between(before.resources, now.resources).objects) == [ObjectRef("Trunk", "acme", "b")]


def write(folder: Path, name: str, words: str) -> None:
    metadata = f"{{name: {name}, namespace: acme}}"
    text = f"apiVersion: {API_VERSION}\nkind: Trunk\nmetadata: {metadata}\nspec: {{friendlyName: {words}}}\n"
    (folder / f"{name}.yaml").write_text(text)
