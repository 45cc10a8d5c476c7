"""A manifest as YAML or JSON has it -> an object of a kind, or everything that is wrong with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final, TypeGuard

from pydantic import ValidationError

from trunkline.api.faults import FieldError, FieldErrors, FieldReason, internal_error, shown, sort_of
from trunkline.api.group import API_VERSION, GROUP
from trunkline.api.kinds import KINDS, AnyResource
from trunkline.api.object_metadata import metadata_faults
from trunkline.api.quick import quickly
from trunkline.api.reference import ObjectRef
from trunkline.api.translation import field_errors, nearest, no_text_key, path_of, unknown_field

__all__ = ["FieldError", "FieldErrors", "decode"]

_TOP: Final = frozenset({"apiVersion", "kind", "metadata", "spec", "status"})
_MAX_GENERATION: Final = 2**63 - 1


def decode(manifest: object, *, default_namespace: str | None = None, stored: bool = True) -> AnyResource:
    """The object that `manifest` describes; `default_namespace` is that of tenant kinds that name none.

    `stored` says that an API server holds it, and has judged what of its metadata is not read here.
    `status` is left unread, unknown fields are refused. Raises FieldErrors and nothing else, whatever the
    input. What is not foreseen is an InternalError.
    """
    try:
        return _decode(manifest, default_namespace, stored)
    except (FieldErrors, MemoryError):
        raise
    except Exception as error:
        ref, generation = _name_of(manifest)
        raise FieldErrors(ref, generation, [internal_error(error)]) from None


def _is_mapping(value: object) -> TypeGuard[Mapping[object, object]]:
    # Nearly all are dicts; the question to the abstract class costs a twentieth of a decoding.
    return type(value) is dict or isinstance(value, Mapping)


def _name_of(manifest: object) -> tuple[ObjectRef | None, int]:
    """Name and generation of what decode fails at; it may be the reading of these that fails."""
    try:
        assert _is_mapping(manifest)  # noqa: S101 - anything else was refused
        kind = _kind(manifest)
        metadata = _metadata(manifest, kind, None)
        return _ref(kind, metadata), _generation(metadata)
    except Exception:
        return None, 0


def _decode(manifest: object, default_namespace: str | None, stored: bool) -> AnyResource:
    if not _is_mapping(manifest):
        message = f"must be a mapping, not {sort_of(manifest)} (write apiVersion, kind, metadata and spec)"
        raise FieldErrors(None, 0, [FieldError("", FieldReason.InvalidType, message)])
    kind = _kind(manifest, default_namespace)
    metadata = _metadata(manifest, kind, default_namespace)
    faults = [] if _TOP.issuperset(manifest) else list(_faults_of_the_frame(manifest))
    if not stored and _is_mapping(metadata):
        faults.extend(metadata_faults(metadata))
    spec = manifest.get("spec")
    content = {} if metadata is None else {"metadata": metadata}
    if spec is not None:
        content["spec"] = spec
    if _is_mapping(metadata) and metadata.get("namespace") is None and kind.scope == "Namespaced":
        faults.append(
            FieldError("metadata.namespace", FieldReason.Required, "is required but missing (add it)")
        )
    resource = None if faults else quickly(kind, content)
    if resource is not None:
        return resource
    try:
        resource = kind.model_validate(content)
    except ValidationError as error:
        faults = [*field_errors(error, kind), *faults]
    else:
        if not faults:
            return resource
    raise FieldErrors(_ref(kind, metadata), _generation(metadata), faults) from None


def _kind(manifest: Mapping[object, object], default_namespace: str | None = None) -> type[AnyResource]:
    """The class of the manifest's kind. Raises FieldErrors if there is none, of what was probably meant."""
    version, name = manifest.get("apiVersion"), manifest.get("kind")
    found = KINDS.get(name) if isinstance(name, str) else None
    if version != API_VERSION:
        raise FieldErrors(_meant(manifest, found, default_namespace), 0, [_wrong_version(version)])
    if found is not None:
        return found
    near = nearest(name, list(KINDS)) if isinstance(name, str) else None
    if name is None:
        fault = FieldError(
            "kind", FieldReason.Required, f"is required but missing (write one of {', '.join(KINDS)})"
        )
    else:
        mend = f"did you mean {near}?" if near else f"write one of {', '.join(KINDS)}"
        fault = FieldError("kind", FieldReason.UnknownKind, f"{GROUP} has no kind {shown(name)} ({mend})")
    meant = None if near is None else KINDS[near]
    raise FieldErrors(_meant(manifest, meant, default_namespace), 0, [fault])


def _meant(
    manifest: Mapping[object, object], kind: type[AnyResource] | None, default_namespace: str | None
) -> ObjectRef | None:
    """The object that a manifest with a wrong kind or version means, so that others know it is there."""
    return None if kind is None else _ref(kind, _metadata(manifest, kind, default_namespace))


def _wrong_version(version: object) -> FieldError:
    if version is None:
        return FieldError(
            "apiVersion", FieldReason.Required, f"is required but missing (write {API_VERSION})"
        )
    if isinstance(version, str) and version.startswith(f"{GROUP}/"):
        message = f"{shown(version)} is not a version that Trunkline knows (write {API_VERSION})"
    else:
        message = f"{shown(version)} is not in the group {GROUP} (write {API_VERSION})"
    return FieldError("apiVersion", FieldReason.UnknownKind, message)


def _metadata(
    manifest: Mapping[object, object], kind: type[AnyResource], default_namespace: str | None
) -> object:
    """The metadata with the namespace that counts: none for cluster kinds, as the API server has it."""
    metadata = manifest.get("metadata")
    if not _is_mapping(metadata):
        return metadata
    if kind.scope == "Cluster":
        return {name: value for name, value in metadata.items() if name != "namespace"}
    if metadata.get("namespace") is None and default_namespace is not None:
        return {**metadata, "namespace": default_namespace}
    return metadata


def _ref(kind: type[AnyResource], metadata: object) -> ObjectRef | None:
    """The object's name as far as it can be read, so that even a broken object has one."""
    if not _is_mapping(metadata):
        return None
    name, namespace = metadata.get("name"), metadata.get("namespace")
    if not isinstance(name, str) or not name:
        return None
    return ObjectRef(kind.kind, namespace if isinstance(namespace, str) else None, name)


def _generation(metadata: object) -> int:
    generation = metadata.get("generation") if _is_mapping(metadata) else None
    usable = (
        isinstance(generation, int)
        and not isinstance(generation, bool)
        and 0 <= generation <= _MAX_GENERATION
    )
    return generation if usable and isinstance(generation, int) else 0


def _faults_of_the_frame(manifest: Mapping[object, object]) -> Iterator[FieldError]:
    for name in manifest:
        if not isinstance(name, str):
            yield no_text_key("", name)
        elif name not in _TOP:
            yield unknown_field(path_of([name]), name, sorted(_TOP))
