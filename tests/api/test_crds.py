"""The CRDs themselves: structural, bounded, small, complete, and those in crds/ are what the models say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import celpy
import pytest
import yaml

from trunkline.api import ALL_KINDS
from trunkline.api.crd import crd_manifest, crd_manifests, main, outdated, rendered, write
from trunkline.api.patterns import PRINTABLE

CRDS = Path(__file__).parents[2] / "crds"
MANIFESTS = crd_manifests()

ALLOWED = {
    "additionalProperties",
    "default",
    "description",
    "enum",
    "format",
    "items",
    "maximum",
    "maxItems",
    "maxLength",
    "maxProperties",
    "minimum",
    "minItems",
    "minLength",
    "pattern",
    "properties",
    "required",
    "type",
    "x-kubernetes-list-map-keys",
    "x-kubernetes-list-type",
    "x-kubernetes-map-type",
    "x-kubernetes-validations",
}
"""The words of a schema that these CRDs need; another one is a decision."""

Schema = Mapping[str, Any]
each_crd = pytest.mark.parametrize("name", sorted(MANIFESTS))


def schema_of(name: str) -> Schema:
    found: Schema = MANIFESTS[name]["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
    return found


def parts(schema: Schema, path: str, *, in_list: bool = False) -> Iterator[tuple[str, Schema, bool]]:
    """Every schema within `schema` with its path, and whether it is within a list."""
    yield path, schema, in_list
    for name, part in schema.get("properties", {}).items():
        yield from parts(part, f"{path}.{name}", in_list=in_list)
    if "items" in schema:
        yield from parts(schema["items"], f"{path}[]", in_list=True)
    if "additionalProperties" in schema:
        yield from parts(schema["additionalProperties"], f"{path}.*", in_list=True)


@each_crd
def test_schemas_are_structural(name: str) -> None:
    """Every part has a type, only known words, and only those that its type has."""
    for path, part, _ in parts(schema_of(name), ""):
        assert set(part) <= ALLOWED, path
        assert part.get("type") in {"object", "array", "string", "integer", "boolean"}, path
        assert ("items" in part) == (part["type"] == "array"), path
        assert not {"properties", "additionalProperties"} <= set(part), path
        assert set(part.get("required", ())) <= set(part.get("properties", ())), path


@each_crd
def test_everything_is_bounded(name: str) -> None:
    """No list, text, number or mapping of a spec or status is without a bound (CEL's cost depends on it)."""
    for path, part, _ in parts(schema_of(name), ""):
        if path in (".apiVersion", ".kind", ".metadata"):
            continue
        if part["type"] == "string":
            assert "maxLength" in part or "enum" in part, path
        if part["type"] == "array":
            assert "maxItems" in part, path
        if part["type"] == "integer":
            assert "minimum" in part, path
            assert "maximum" in part or part.get("format") == "int64", path
        if "additionalProperties" in part:
            assert "maxProperties" in part, path


@each_crd
def test_lists_say_how_they_merge(name: str) -> None:
    """Server-side apply must know members apart: by their keys, by themselves, or not at all."""
    for path, part, _ in parts(schema_of(name), ""):
        if part["type"] != "array":
            continue
        keys = part.get("x-kubernetes-list-map-keys", [])
        assert part["x-kubernetes-list-type"] == _merge_of(path), path
        assert (part["x-kubernetes-list-type"] == "map") == bool(keys), path
        assert set(keys) <= set(part["items"].get("required", ())), path


def _merge_of(path: str) -> str:
    maps = (
        "Refs",
        ".countries",
        ".credentials",
        ".entries",
        ".conditions",
        ".status.addresses",
        ".status.dnsRecords",
    )
    if path.endswith(maps):
        return "map"
    atomic = (".codecs", ".gateways", ".tolerations", ".rules", ".when", ".actions")
    return "atomic" if path.endswith(atomic) else "set"


@each_crd
def test_defaults_stand_at_scalar_leaves_outside_lists_alone(name: str) -> None:
    """Other defaults would be an endless difference to what the user wrote; the one of status is meant."""
    for path, part, in_list in parts(schema_of(name), ""):
        if "default" in part and path != ".status":
            assert part["type"] in {"string", "integer", "boolean"}, path
            assert not in_list, path


@each_crd
def test_rules_are_cel_with_a_message_and_an_existing_field(name: str) -> None:
    """Every rule compiles, speaks in words, and points at a field that there is."""
    for path, part, _ in parts(schema_of(name), ""):
        for rule in part.get("x-kubernetes-validations", []):
            celpy.Environment().compile(rule["rule"])
            assert rule["message"], path
            assert "\n" not in rule["message"], path
            assert set(rule) <= {"rule", "message", "fieldPath", "reason"}
            place = part
            for step in rule.get("fieldPath", "").split(".")[1:]:
                place = place["properties"][step]


def _rules() -> list[str]:
    return [
        rule["rule"]
        for name in MANIFESTS
        for _, part, _ in parts(schema_of(name), "")
        for rule in part.get("x-kubernetes-validations", [])
    ]


def test_no_rule_compares_what_an_old_api_server_cannot_weigh() -> None:
    """Kubernetes 1.31 refuses a CRD with `==` of two networks: it reckons with any length of theirs."""
    opaque = re.compile(r"\b(?:cidr|ip)\([^=]*[=!]=|[=!]= *(?:cidr|ip)\(")
    assert opaque.search("!isCIDR(self) || cidr(self) == cidr(self).masked()")
    assert [each for each in _rules() if opaque.search(each)] == []


def test_functions_of_newer_api_servers_are_not_used() -> None:
    """The oldest API server is 1.31, which has those of addresses and networks; these here are not needed."""
    rules = _rules()
    assert len(rules) > 20
    text = re.sub(r"'(?:\\.|[^'\\])*'", "''", "\n".join(rules))
    for function in ("isSemver(", "isQuantity(", "format.", "optional", ".?"):
        assert function not in text


@each_crd
def test_every_field_is_explained(name: str) -> None:
    """`kubectl explain` has a sentence for each field of the spec and the status."""
    for path, part, _ in parts(schema_of(name), ""):
        if path.startswith((".spec", ".status")) and not path.endswith(("[]", ".*")):
            assert part.get("description", "").endswith((".", "...", "}")), path


@each_crd
def test_status_waits_for_a_controller(name: str) -> None:
    """A new object is not Ready, and says so before anyone has looked at it."""
    status = schema_of(name)["properties"]["status"]
    assert {each["type"]: each["status"] for each in status["default"]["conditions"]} == {
        "Accepted": "Unknown",
        "Ready": "Unknown",
    }
    for condition in status["default"]["conditions"]:
        assert condition["reason"] == "Pending"
        assert condition["lastTransitionTime"] == "1970-01-01T00:00:00Z"
        assert "observedGeneration" not in condition
        assert set(status["properties"]["conditions"]["items"]["required"]) <= condition.keys()


def test_kinds_have_the_names_that_users_know() -> None:
    """Scope, short names and category, as documented."""
    found = {
        names["kind"]: (spec["scope"], names.get("shortNames", [names["singular"]]))
        for spec in (manifest["spec"] for manifest in MANIFESTS.values())
        for names in (spec["names"],)
    }
    assert found == {
        "Trunk": ("Namespaced", ["trk"]),
        "OriginationUri": ("Namespaced", ["ouri"]),
        "Number": ("Namespaced", ["num"]),
        "CredentialList": ("Namespaced", ["cl"]),
        "IpAccessControlList": ("Namespaced", ["acl"]),
        "HeaderManipulationPolicy": ("Namespaced", ["hmp"]),
        "CallerId": ("Cluster", ["cid"]),
        "Account": ("Cluster", ["acct"]),
        "Edge": ("Cluster", ["edg"]),
        "Carrier": ("Cluster", ["carr"]),
    }
    assert {tuple(manifest["spec"]["names"]["categories"]) for manifest in MANIFESTS.values()} == {
        ("trunkline",)
    }


@pytest.mark.parametrize(
    ("kind", "narrow", "wide"),
    (
        ("Trunk", "TERMINATION-URI NUMBERS READY AGE", "SID AUTH EDGES REASON"),
        ("OriginationUri", "TRUNK URI PRIORITY WEIGHT ENABLED READY AGE", "REASON"),
        ("Number", "NUMBER FIRST LAST TRUNK READY AGE", "REASON"),
        ("CredentialList", "READY AGE", "REASON"),
        ("Edge", "ADDRESSES PODS PROGRAMMED DNS CERT READY AGE", "REASON"),
        ("Carrier", "PREFIXES SOURCES REGISTERED PROGRAMMED READY AGE", "REASON"),
    ),
)
def test_kubectl_get_shows_the_columns(kind: str, narrow: str, wide: str) -> None:
    """As documented, in this order."""
    (manifest,) = (crd_manifest(each) for each in ALL_KINDS if each.kind == kind)
    columns = manifest["spec"]["versions"][0]["additionalPrinterColumns"]
    shown = [[], []]  # type: list[list[str]]
    for column in columns:
        shown[column.get("priority", 0)].append(column["name"].upper())
    assert [" ".join(names) for names in shown] == [narrow, wide]


@each_crd
def test_no_format_is_told_as_a_pattern(name: str) -> None:
    """An API server shows the pattern itself: of free text it is short, all else has a sentence."""
    for path, part, _ in parts(schema_of(name), ""):
        assert part.get("pattern", PRINTABLE) == PRINTABLE, path


@each_crd
def test_no_rule_is_told_by_its_number(name: str) -> None:
    """`kubectl explain` is read where docs/rules.md is not at hand."""
    for path, part, _ in parts(schema_of(name), ""):
        assert not re.search(r"\bS[0-9]+\b", part.get("description", "")), path


@each_crd
def test_fields_to_select_by_are_single_values_of_the_schema(name: str) -> None:
    """As `kubectl get numbers --field-selector spec.trunkRef.name=hq`."""
    single = {
        path for path, part, in_list in parts(schema_of(name), "") if part["type"] == "string" and not in_list
    }
    fields = MANIFESTS[name]["spec"]["versions"][0].get("selectableFields", [])
    assert {each["jsonPath"] for each in fields} <= single
    assert all(each["jsonPath"].startswith(".spec.") for each in fields)


@each_crd
def test_columns_point_at_fields_of_the_schema(name: str) -> None:
    """A column of a field that is not there stays empty for ever."""
    fields = {path for path, _, _ in parts(schema_of(name), "")}
    for column in MANIFESTS[name]["spec"]["versions"][0]["additionalPrinterColumns"]:
        path = column["jsonPath"]
        if not path.startswith((".metadata", ".status.conditions[?(@.type==")):
            assert path in fields, path


def _largest(schema: Schema) -> int:
    """Bytes of the largest JSON that the schema admits, four bytes a character where it admits any."""
    match schema["type"]:
        case "string":
            if "enum" in schema:
                return max(len(each) for each in schema["enum"]) + 2
            width = 4 if schema.get("pattern") == PRINTABLE else 1
            return int(schema["maxLength"]) * width + 2
        case "array":
            return int(schema["maxItems"]) * (_largest(schema["items"]) + 1) + 2
        case "object" if "additionalProperties" in schema:
            return int(schema["maxProperties"]) * (4 * 316 + 4 + _largest(schema["additionalProperties"])) + 2
        case "object":
            return (
                sum(len(name) + 4 + _largest(part) for name, part in schema.get("properties", {}).items()) + 2
            )
    return 20


@pytest.mark.parametrize("name", sorted(MANIFESTS.keys() - {"credentiallists.trunkline.dev.yaml"}))
def test_no_spec_can_grow_beyond_128_kib(name: str) -> None:
    """Whatever users write fits into what watchers can hold; 1000 credentials alone may be more, and a little
    more 32 gateways of 64 edges each."""
    most = 160 if name.startswith("carriers.") else 128
    assert _largest(schema_of(name)["properties"]["spec"]) < most * 1024


def test_crds_are_small() -> None:
    """All of them together stay below a fifth of what Helm can store in one release."""
    assert sum(len(rendered(manifest)) for manifest in MANIFESTS.values()) < 200_000


def test_rendered_crds_are_plain_yaml() -> None:
    """No anchors, and what is read is what was meant."""
    for manifest in MANIFESTS.values():
        text = rendered(manifest)
        assert "&id" not in text
        assert yaml.safe_load(text) == manifest


def test_checked_in_crds_are_current() -> None:
    """crds/ holds what the models say; `make crds` makes it so."""
    assert outdated(CRDS) == []
    assert main(["--check", str(CRDS)]) == 0


def test_check_sees_changed_missing_and_left_over_files(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """And write mends all three."""
    directory = tmp_path / "crds"
    assert sorted(write(directory)) == sorted(MANIFESTS)
    assert write(directory) == []
    first, second, *_ = sorted(MANIFESTS)
    (directory / first).write_text("changed")
    (directory / second).unlink()
    (directory / "old.yaml").write_text("left over")
    assert main(["--check", str(directory)]) == 1
    said = capsys.readouterr().err
    assert all(name in said for name in (first, second, "old.yaml"))
    assert outdated(directory) == sorted([first, second, "old.yaml"])
    assert main(["--write", str(directory)]) == 0
    assert outdated(directory) == []
