"""An export of trunking resources against the manifests that are made of it, and what is told of the rest."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from trunkline.cli.findings import find, has_errors
from trunkline.cli.importing.command import new_password
from trunkline.cli.importing.export import Sort, export_of, sort_of
from trunkline.cli.importing.twilio import imported
from trunkline.cli.reading import read

EXPORT = Path(__file__).parents[2] / "examples" / "guides" / "twilio"
KEPT = Path(__file__).parent / "import"
FILES = {path.name: json.loads(path.read_text()) for path in sorted(EXPORT.glob("*.json"))}


def password_of(name: str, user: str) -> str:
    return f"Password-1-of-{name}-{user}"


def manifests(files: dict[str, Any]) -> str:
    made = imported(export_of(files.items()), "acme", password_of)
    return yaml.safe_dump_all(made.manifests, sort_keys=False, width=110)


def notes(files: dict[str, Any]) -> list[str]:
    return list(imported(export_of(files.items()), "acme", password_of).notes)


def test_the_export_becomes_these_manifests(golden: Callable[[Path, str], None]) -> None:
    golden(KEPT / "manifests.yaml", manifests(FILES))


def test_and_this_is_told(golden: Callable[[Path, str], None]) -> None:
    golden(KEPT / "notes.txt", "\n".join(notes(FILES)) + "\n")


def test_the_manifests_have_no_error(tmp_path: Path) -> None:
    (tmp_path / "acme.yaml").write_text(manifests(FILES))
    findings = find(read([str(tmp_path)], None))
    assert not has_errors(findings), findings


def test_every_sort_is_among_the_examples() -> None:
    assert set(export_of(FILES.items()).resources) == set(Sort)


def test_the_order_of_files_and_a_second_copy_change_nothing() -> None:
    """A resource may be in a list and in a file of its own."""
    turned = dict(reversed(FILES.items()))
    assert sorted(manifests(turned).split("---\n")) == sorted(manifests(FILES).split("---\n"))
    assert manifests(FILES | {"again.json": FILES["trunks.json"]["trunks"][0]}) == manifests(FILES)


def test_one_list_may_be_of_several_trunks() -> None:
    """Each mapping of it stands in a page of its trunk."""
    files = copy.deepcopy(FILES)
    trunk = files["trunks.json"]["trunks"][1]
    trunk["domain_name"] = "acme-fax.pstn.twilio.com"
    files["second.json"] = {**files["ip-access-control-list.json"], "trunk_sid": None}
    files["second.json"]["url"] = files["second.json"]["url"].replace(f"{1:032x}/Ip", f"{2:032x}/Ip")
    made = [each for each in yaml.safe_load_all(manifests(files)) if each["kind"] == "Trunk"]
    refs = [{"name": "hq-sites"}]
    assert [each["spec"]["termination"]["ipAccessControlListRefs"] for each in made] == [refs, refs]


@pytest.mark.parametrize(
    ("file", "change", "told"),
    (
        ("trunks.json", {"trunks": []}, "its trunk is not among the files: left out"),
        ("credential-lists.json", {}, "its CredentialLists are not among the files: export /v1/Trunks/TK"),
        ("ip-access-control-list.json", {}, "its IpAccessControlLists are not among the files"),
        ("ip-addresses.json", {}, "none of its addresses is among the files"),
        ("credentials.json", {}, "none of its users is among the files"),
        ("more.json", {"credentials": [], "next_page_uri": "/p2", "uri": "/p1"}, "export /p2 as well"),
        ("more.json", [{"sid": "XX1"}], "more.json: resource 1 is none of Trunk, OriginationUrl"),
        ("more.json", {"sid": "PN9", "phone_number": "911"}, "Number n911 is left out: spec.number"),
    ),
)
def test_what_is_missing_or_cannot_be_kept_is_told(file: str, change: Any, told: str) -> None:
    assert [note for note in notes(FILES | {file: change}) if told in note], notes(FILES | {file: change})


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@given(st.data())
def test_whatever_the_files_hold_it_ends_in_manifests_that_can_be_written(data: st.DataObject) -> None:
    """One field of one resource is anything, and one file more."""
    files = copy.deepcopy(FILES)
    resource = data.draw(st.sampled_from([each for found in files.values() for each in resources_of(found)]))
    resource[data.draw(st.sampled_from(sorted(resource)))] = data.draw(_JSON)
    made = imported(export_of([*files.items(), ("any.json", data.draw(_JSON))]), "acme", password_of)
    for manifest in made.manifests:
        assert yaml.safe_load(yaml.safe_dump(manifest)) == manifest


def resources_of(found: Any) -> list[dict[str, Any]]:
    """Those of a page, of an array, or the one."""
    if isinstance(found, list):
        return found
    pages = [value for value in found.values() if isinstance(value, list)]
    return pages[0] if pages else [found]


def test_what_has_no_id_is_of_no_sort() -> None:
    values: tuple[object, ...] = (None, 1, "TK1", [], {}, {"sid": 1}, {"sid": "XX"})
    for value in values:
        assert sort_of(value) is None


def test_new_passwords_are_good_ones() -> None:
    """As a CredentialList wants them, and none twice."""
    made = {new_password() for _ in range(100)}
    assert len(made) == 100
    assert all(any(map(test, each)) for each in made for test in (str.isdigit, str.isupper, str.islower))
