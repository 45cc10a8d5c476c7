"""What decode says: the place, the fault and the mend, in words that its author understands."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from api.whole_objects import CARRIER, CREDENTIALS, EDGE, NUMBER, TRUNK, URI, changed
from support.objects import make_edge, make_number, manifest_of
from trunkline.api import API_VERSION, FieldError, FieldErrors, ObjectRef, Trunk, decode


def refusal(manifest: object, default_namespace: str | None = None) -> FieldErrors:
    with pytest.raises(FieldErrors) as caught:
        decode(manifest, default_namespace=default_namespace)
    return caught.value


def only_error(manifest: object) -> FieldError:
    (error,) = refusal(manifest).errors
    return error


@pytest.mark.parametrize(
    ("manifest", "path", "reason", "message"),
    (
        (
            None,
            "",
            "InvalidType",
            "must be a mapping, not nothing (write apiVersion, kind, metadata and spec)",
        ),
        (
            ["x"],
            "",
            "InvalidType",
            "must be a mapping, not a list (write apiVersion, kind, metadata and spec)",
        ),
        ({}, "apiVersion", "Required", f"is required but missing (write {API_VERSION})"),
        (
            {"apiVersion": "trunkline.dev/v1", "kind": "Trunk"},
            "apiVersion",
            "UnknownKind",
            f'"trunkline.dev/v1" is not a version that Trunkline knows (write {API_VERSION})',
        ),
        (
            {"apiVersion": "v1", "kind": "Secret"},
            "apiVersion",
            "UnknownKind",
            f'"v1" is not in the group trunkline.dev (write {API_VERSION})',
        ),
        (
            {"apiVersion": API_VERSION, "kind": "OriginationUrl"},
            "kind",
            "UnknownKind",
            'trunkline.dev has no kind "OriginationUrl" (did you mean OriginationUri?)',
        ),
    ),
)
def test_what_is_no_object_of_ours_is_refused_as_such(
    manifest: object, path: str, reason: str, message: str
) -> None:
    """The frame of a manifest is judged before its content, and then nothing has a name yet."""
    error = refusal(manifest)
    assert error.ref is None
    assert error.errors == (FieldError(path, reason, message),)


@pytest.mark.parametrize(
    ("manifest", "message"),
    (
        (
            changed(NUMBER, "spec.number", 14155550100),
            'must be text; YAML reads +14155550100 as a number (write it in quotes: "+14155550100")',
        ),
        (
            changed(TRUNK, "spec.friendlyName", False),
            "must be text; YAML reads y, n, yes, no, on, off as true or false (write it in quotes)",
        ),
        (
            changed(TRUNK, "spec.friendlyName", 1.5),
            "must be text; YAML reads 1.5 as a number (write it in quotes)",
        ),
        (
            changed(TRUNK, "spec.secure", "yes"),
            'must be true or false, not the text "yes" (write true or false without quotes)',
        ),
        (
            changed(URI, "spec.weight", "10"),
            'must be a whole number, not the text "10" (write a whole number from 1 to 65535)',
        ),
        (
            changed(URI, "spec.weight", True),
            "must be a whole number, not the value true (write a whole number from 1 to 65535)",
        ),
        (changed(URI, "spec.weight", 0), "0 is out of bounds (write a whole number from 1 to 65535)"),
        (
            changed(URI, "spec.weight", 10**5000),
            "a very large number is out of bounds (write a whole number from 1 to 65535)",
        ),
        (
            changed(NUMBER, "spec.number", "4155550100"),
            '"4155550100" is not a valid E.164 number (write +, then 2 to 15 digits: "+14155550100")',
        ),
        (
            changed(TRUNK, "spec.codecs[0]", "Pcmu"),
            '"Pcmu" is not allowed here (did you mean PCMU? Possible values: PCMU, PCMA, OPUS, G729, AMR-NB)',
        ),
        (
            changed(TRUNK, "spec.friendly_name", "x"),
            "is not a field of this kind (did you mean friendlyName?)",
        ),
        (
            changed(TRUNK, "spec.termination.domain", "x"),
            "is not a field of this kind (did you mean domainName?)",
        ),
        (
            changed(TRUNK, "spec.callsPerSecond", 5),
            "is not a field here (it belongs at spec.termination.callsPerSecond)",
        ),
        (changed(TRUNK, "spec.termination.secure", True), "is not a field here (it belongs at spec.secure)"),
        (
            changed(NUMBER, "spec.trunkRef.namespace", "x"),
            "is not a field of this kind (fields here: name)",
        ),
        (
            changed(EDGE, "spec.tls", {"selfSigned": {"x": 1}}),
            "is not a field of this kind (no field is allowed here)",
        ),
        (
            changed(NUMBER, "spec.trunkRef", "hq"),
            "must be a mapping, not text (write {name: ...})",
        ),
        (
            changed(TRUNK, "spec.codecs", "PCMU"),
            "must be a list, not text (begin each member with -)",
        ),
        (
            changed(TRUNK, "spec.friendlyName", "x" * 65),
            "is 65 characters long (at most 64 are allowed)",
        ),
        (
            changed(NUMBER, "metadata.creationTimestamp", "yesterday"),
            'the text "yesterday" is not an RFC 3339 time (write 2026-01-31T12:00:00Z)',
        ),
    ),
)
def test_a_message_names_the_fault_and_the_mend(manifest: dict[str, Any], message: str) -> None:
    """Messages are for people who write YAML, not for those who know pydantic."""
    assert only_error(manifest).message == message


def test_a_number_without_quotes_in_a_list_is_shown_with_its_plus() -> None:
    """YAML drops the plus sign, so the message puts it back."""
    manifest = manifest_of("Account", "acme", None, {"numberPrefixes": [1415]})
    error = only_error(manifest)
    assert (error.path, '"+1415"' in error.message) == ("spec.numberPrefixes[0]", True)


def test_every_fault_is_reported_at_once() -> None:
    """Nobody has to mend one field after the other."""
    manifest = changed(changed(changed(TRUNK, "spec.secure", 1), "spec.codecs[1]", "x"), "spec.unheard", 2)
    assert [error.path for error in refusal(manifest).errors] == [
        "spec.secure",
        "spec.codecs[1]",
        "spec.unheard",
    ]


@pytest.mark.parametrize(
    ("manifest", "path"),
    (
        (changed(EDGE, "spec.placement.nodeSelector", {"kubernetes.io/os": 1}), '["kubernetes.io/os"]'),
        (changed(EDGE, "spec.placement.nodeSelector", {"line\nbreak": 1}), r'["line\nbreak"]'),
        (changed(EDGE, "spec.placement.nodeSelector", {"plain-name": 1}), ".plain-name"),
    ),
)
def test_a_path_quotes_names_that_could_be_taken_for_several(manifest: dict[str, Any], path: str) -> None:
    """A path stays one line, and its parts can be told apart."""
    assert only_error(manifest).path == f"spec.placement.nodeSelector{path}"


@pytest.mark.parametrize(
    ("manifest", "path"),
    (
        (CREDENTIALS, "spec.credentials[0].password"),
        (CREDENTIALS, "spec.credentials[0].passwordSecretRef"),
        (CREDENTIALS, "spec.credentials[0].passwordSecretRef.name"),
        (CREDENTIALS, "spec.credentials[0].passwordSecretRef.key"),
        (CREDENTIALS, "spec.credentials[0]"),
        (CARRIER, "spec.credentialSecretRef"),
        (CARRIER, "spec.credentialSecretRef.name"),
        (CARRIER, "spec.credentialSecretRef.password"),
        (URI, "spec.sipUri"),
        (TRUNK, "spec.origination.disasterRecovery.url"),
    ),
)
@pytest.mark.parametrize("password", ("Correct Horse 80877087", 80877087, "sip:a:80877087@pbx"))
def test_a_password_in_the_wrong_place_is_not_shown(
    manifest: dict[str, Any], path: str, password: object
) -> None:
    """Who writes the password itself is told the place and the mend, and nobody else sees the password."""
    error = refusal(changed(manifest, path, password))
    assert {each.path for each in error.errors} == {path}
    assert "80877087" not in f"{error} {error.errors!r}"


def test_a_broken_object_keeps_its_name_and_generation() -> None:
    """Its status must be written somewhere."""
    manifest = changed(changed(TRUNK, "spec.secure", 1), "metadata.generation", 7)
    error = refusal(manifest)
    assert (error.ref, error.generation) == (ObjectRef("Trunk", "acme", "hq"), 7)


def test_a_tenant_kind_without_a_namespace_takes_the_default_one() -> None:
    """As kubectl does; without a default it is an error."""
    manifest = manifest_of("Trunk", "hq", None, {})
    assert decode(manifest, default_namespace="default").ref == ObjectRef("Trunk", "default", "hq")
    assert refusal(manifest).errors[0].path == "metadata.namespace"


def test_a_cluster_kind_has_no_namespace_whatever_its_manifest_says() -> None:
    """The API server ignores it, and so do files."""
    decoded = decode(changed(EDGE, "metadata.namespace", "acme"), default_namespace="default")
    assert decoded.ref == ObjectRef("Edge", None, "ashburn")


def test_a_missing_spec_is_one_error() -> None:
    """A manifest that ends too early says where."""
    manifest = {"apiVersion": API_VERSION, "kind": "Edge", "metadata": {"name": "x"}, "spec": None}
    assert only_error(manifest) == FieldError("spec", "Required", "is required but missing (add it)")


def test_status_and_foreign_metadata_are_left_unread() -> None:
    """What other writers put there may have any shape."""
    manifest = changed(TRUNK, "metadata.labels", {"a": 1})
    manifest = changed(manifest, "metadata.managedFields", [{"x": None}])
    assert isinstance(decode({**manifest, "status": "nonsense"}), Trunk)


@pytest.mark.parametrize(
    ("written", "read"),
    (
        ("2026-01-31T12:00:00Z", "2026-01-31T12:00:00Z"),
        ("2026-01-31T12:00:00.999+02:00", "2026-01-31T10:00:00Z"),
        (datetime(2026, 1, 31, 12, tzinfo=UTC), "2026-01-31T12:00:00Z"),
        (datetime(2026, 1, 31, 12), "2026-01-31T12:00:00Z"),
        (None, None),
    ),
)
def test_creation_times_sort_as_text(written: object, read: str | None) -> None:
    """Whatever the zone, the oldest claim has the smallest text."""
    decoded = decode(changed(TRUNK, "metadata.creationTimestamp", written))
    assert decoded.metadata.creation_timestamp == read


def test_defaults_are_those_of_the_api() -> None:
    """An absent field means what the documentation says."""
    trunk = decode(manifest_of("Trunk", "hq", "acme", {}))
    assert isinstance(trunk, Trunk)
    assert trunk.spec.codecs == ("PCMU", "PCMA")
    assert (trunk.spec.secure, trunk.spec.termination, trunk.spec.max_concurrent_calls) == (False, None, None)
    assert (trunk.spec.recording.mode, trunk.spec.transfer.mode) == ("DoNotRecord", "DisableAll")
    edge = make_edge().spec
    assert (edge.ports.udp, edge.ports.tls, edge.dns.ttl_seconds, edge.drain.max_seconds) == (
        5060,
        5061,
        600,
        3600,
    )
    assert edge.tls.self_signed is not None
    assert edge.replicas == 1


def test_the_ends_of_a_number_and_of_a_block() -> None:
    """A single number is a block of one."""
    single, block = make_number(number="+14155550100"), make_number(range={"first": "+1410", "last": "+1419"})
    assert (single.first, single.last) == ("+14155550100", "+14155550100")
    assert (block.first, block.last) == ("+1410", "+1419")


def test_objects_are_frozen() -> None:
    """Nothing that was decoded changes under the compiler."""
    trunk = decode(TRUNK)
    with pytest.raises(ValueError, match="frozen"):
        trunk.spec.friendly_name = "other"  # type: ignore[attr-defined]


def test_references_read_as_people_write_them() -> None:
    """Messages name an object as kubectl users do."""
    trunk, edge = ObjectRef("Trunk", "acme", "hq"), ObjectRef("Edge", None, "ashburn")
    assert (str(trunk), trunk.id, str(edge), edge.id) == (
        "Trunk acme/hq",
        "acme/hq",
        "Edge ashburn",
        "ashburn",
    )
    assert sorted([trunk, edge]) == [edge, trunk]
