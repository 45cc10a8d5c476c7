"""Hundreds of broken objects and Secrets of one tenant change nothing of another's, and nothing raises."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from api.whole_objects import WHOLE
from sipedge.table import Section
from sipedge.table.publication import pack_parts, rows_of
from support.garbage import NAMESPACE, TENANT_KINDS, garbage_manifests, garbage_secrets
from support.objects import manifest_of
from trunkline.api import (
    AnyResource,
    FieldErrors,
    InvalidObject,
    Platform,
    Resources,
    SecretValues,
    decode,
    read_secret,
)
from trunkline.compiler import Compilation, compile_resources
from trunkline.standalone.load import load

SEEDS = range(6)
TENANT_OBJECTS = [each for each in WHOLE if each["kind"] in TENANT_KINDS]
PLATFORM_OBJECTS = [each for each in WHOLE if each["kind"] not in TENANT_KINDS]

GOOD: tuple[dict[str, Any], ...] = (
    manifest_of(
        "Account", "acme", None, {"namespaces": ["acme"], "numberPrefixes": ["+"], "domainNames": ["*"]}
    ),
    manifest_of("Edge", "ashburn", None, {"advertise": {"type": "Static", "addresses": ["198.51.100.1"]}}),
    manifest_of(
        "Trunk",
        "hq",
        "acme",
        {"termination": {"domainName": "acme", "credentialListRefs": [{"name": "users"}]}},
    ),
    manifest_of(
        "CredentialList",
        "users",
        "acme",
        {"credentials": [{"username": "pbx", "passwordSecretRef": {"name": "hq-pbx", "key": "password"}}]},
    ),
    manifest_of("Number", "main", "acme", {"number": "+442079460000", "trunkRef": {"name": "hq"}}),
    manifest_of("OriginationUri", "hq", "acme", {"trunkRef": {"name": "hq"}, "sipUri": "sip:192.0.2.1"}),
)
GOOD_SECRET = {
    "apiVersion": "v1",
    "kind": "Secret",
    "metadata": {"name": "hq-pbx", "namespace": "acme"},
    "stringData": {"password": "Correct-Horse-1"},
}


def secrets_for(seed: int) -> list[dict[str, Any]]:
    """Garbage under every name that a whole object uses, so that it is looked at."""
    return garbage_secrets(seed, ("acme-hq-pbx", "hq-pbx", "users", "s", "pw"), ("password", "p", "username"))


def compiled(manifests: Sequence[object], secrets: Sequence[object]) -> Compilation:
    """As the operator does it: what cannot be decoded is kept with its faults."""
    good: list[AnyResource] = []
    bad: list[InvalidObject] = []
    values: dict[tuple[str, str], SecretValues] = {}
    for manifest in manifests:
        try:
            good.append(decode(manifest, default_namespace=NAMESPACE))
        except FieldErrors as error:
            if error.ref is not None:
                bad.append(InvalidObject(error.ref, error.generation, error.errors))
    for secret in secrets:
        try:
            found = read_secret(secret)
        except FieldErrors:
            continue
        values[(found.namespace, found.name)] = found.values
    compilation = compile_resources(
        Resources.build(good, values, bad, Platform("trunkline.test", open_account=True))
    )
    assert compilation.faults == (), "nothing of it was unforeseen"
    return compilation


def rows(compilation: Compilation) -> dict[tuple[Section, bytes], bytes]:
    """Every row of the one edge, packed as it is published."""
    packed = rows_of(pack_parts(compilation.tables["ashburn"]).values())
    return {(section, key): data for section, found in packed.items() for key, data in found.items()}


def assert_others_are_untouched(found: Compilation) -> None:
    before = compiled(GOOD, [GOOD_SECRET])
    now = rows(found)
    assert {key: now.get(key) for key in rows(before)} == rows(before)
    strangers = [key for _, key in now.keys() - rows(before).keys() if b"acme/" in key]
    assert not strangers, "nor is anything added to theirs"
    theirs = [each for each in found.verdicts if each.ref.namespace != NAMESPACE]
    assert [each for each in theirs if each.ref in {one.ref for one in before.verdicts}] == list(
        before.verdicts
    )


@pytest.mark.parametrize("seed", SEEDS)
def test_three_hundred_broken_objects_of_a_tenant_change_no_row_of_another(seed: int) -> None:
    garbage = garbage_manifests(seed, TENANT_OBJECTS, 300)
    found = compiled([*GOOD, *garbage], [GOOD_SECRET, *secrets_for(seed)])
    assert_others_are_untouched(found)
    assert not [part for part in ("Field", "2026x") if part in repr(found)], "no part of a password is shown"


@pytest.mark.parametrize("seed", SEEDS)
def test_broken_objects_of_the_platform_are_judged_as_well(seed: int) -> None:
    """What they do to tenants is the platform's to say; each is served or refused, and packs."""
    garbage = garbage_manifests(seed, PLATFORM_OBJECTS, 100)
    assert rows(compiled([*GOOD, *garbage], [GOOD_SECRET, *secrets_for(seed)]))


@pytest.mark.parametrize("seed", SEEDS)
def test_broken_files_beside_good_ones_change_no_row_of_another(seed: int, tmp_path: Path) -> None:
    """The same as text, and beside it what is no text at all."""
    (tmp_path / "good.yaml").write_text(
        "\n---\n".join(json.dumps(each) for each in (*GOOD, GOOD_SECRET)), encoding="utf-8"
    )
    garbage = garbage_manifests(seed, TENANT_OBJECTS, 60)
    documents = [json.dumps(each, default=repr, skipkeys=True) for each in (*garbage, *secrets_for(seed))]
    (tmp_path / "garbage.yaml").write_text("\n---\n".join(documents), encoding="utf-8")
    (tmp_path / "latin-1.yaml").write_bytes("kind: Trünk".encode("latin-1"))
    (tmp_path / "nul.yaml").write_bytes(b"kind: \x00\n")
    (tmp_path / "cycle.yaml").write_text("&a {kind: List, items: [*a]}\n")
    (tmp_path / "bomb.yaml").write_text(
        "a: &a {kind: List, items: [{}, {}]}\n"
        + "".join(
            f"{name}: &{name} {{kind: List, items: [{', '.join([f'*{last}'] * 9)}]}}\n"
            for last, name in zip("abcdefgh", "bcdefghi", strict=True)
        )
        + "kind: List\nitems: [*i]\n"
    )
    loaded = load([tmp_path])
    found = compile_resources(loaded.resources)
    assert_others_are_untouched(found)
    assert {Path(each.position.file).name for each in loaded.problems} >= {
        "latin-1.yaml", "nul.yaml", "cycle.yaml", "bomb.yaml",
    }  # fmt: skip
    said = [str(each) for each in loaded.problems] + [each.message for each in found.verdicts]
    assert [each for each in said if not each.isprintable()] == []
