"""Plain Kubernetes Secrets: the one foreign kind that Trunkline reads. No message ever shows a value."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from pydantic import ValidationError

from trunkline.api.faults import FieldError, FieldErrors, FieldReason, internal_error, sort_of
from trunkline.api.meta import ObjectMeta
from trunkline.api.object_metadata import metadata_faults
from trunkline.api.reference import ObjectRef
from trunkline.api.secret_value import SecretValue, SecretValues, ValueFault, decoded, written
from trunkline.api.translation import field_errors, joined, path_of

_KIND: Final = "Secret"


@dataclass(frozen=True, slots=True)
class SecretManifest:
    """A Secret as far as it can be read."""

    namespace: str
    name: str
    values: SecretValues
    """Every key; one whose value cannot be used has the reason in place of its text."""
    errors: tuple[FieldError, ...] = ()
    """What an API server would refuse the whole Secret for. Empty in a cluster."""


def read_secret(
    manifest: object, *, default_namespace: str | None = None, stored: bool = True
) -> SecretManifest:
    """A `v1` Secret; `stringData` wins over `data`, as in the API server. `stored` as for `decode`.

    Raises FieldErrors, and nothing else, for what has no name or is no mapping.
    """
    try:
        return _read(manifest, default_namespace, stored)
    except (FieldErrors, MemoryError):
        raise
    except Exception as error:
        raise FieldErrors(None, 0, [internal_error(error)]) from None


def _read(manifest: object, default_namespace: str | None, stored: bool) -> SecretManifest:
    if not isinstance(manifest, Mapping):
        message = (
            f"must be a mapping, not {sort_of(manifest)} (write apiVersion, kind, metadata and stringData)"
        )
        raise FieldErrors(None, 0, [FieldError("", FieldReason.InvalidType, message)])
    faults: list[FieldError] = []
    namespace, name = _named(manifest, faults, default_namespace)
    nameless = bool(faults)
    metadata = manifest.get("metadata")
    if not stored and isinstance(metadata, Mapping):
        faults.extend(() if nameless else _faults_of_names(metadata))
        faults.extend(metadata_faults(metadata))
    values: dict[str, SecretValue] = {}
    for key, text in _entries(manifest, "data", faults).items():
        values[key] = ValueFault.NOT_TEXT if text is None else decoded(text)
        if values[key] is ValueFault.NOT_BASE64:
            message = "is not base64 (encode it, or write the plain text under stringData)"
            faults.append(FieldError(joined("data", path_of([key])), FieldReason.InvalidValue, message))
    for key, text in _entries(manifest, "stringData", faults).items():
        values[key] = ValueFault.NOT_TEXT if text is None else written(text)
    if nameless:
        raise FieldErrors(ObjectRef(_KIND, namespace, name) if name else None, 0, faults)
    return SecretManifest(namespace, name, values, tuple(faults))


def _named(
    manifest: Mapping[object, object], faults: list[FieldError], default_namespace: str | None
) -> tuple[str, str]:
    metadata = manifest.get("metadata")
    if not isinstance(metadata, Mapping):
        faults.append(FieldError("metadata", FieldReason.Required, "is required but missing (add it)"))
        return "", ""
    found = {"namespace": metadata.get("namespace") or default_namespace, "name": metadata.get("name")}
    for field, value in found.items():
        if not isinstance(value, str) or not value:
            reason = FieldReason.Required if value is None else FieldReason.InvalidType
            message = (
                "is required but missing (add it)" if value is None else "must be text (write it in quotes)"
            )
            faults.append(FieldError(f"metadata.{field}", reason, message))
    namespace, name = (value if isinstance(value, str) else "" for value in found.values())
    return namespace, name


def _faults_of_names(metadata: Mapping[object, object]) -> tuple[FieldError, ...]:
    try:
        ObjectMeta.model_validate({name: value for name, value in metadata.items() if isinstance(name, str)})
    except ValidationError as error:
        found = field_errors(error, ObjectMeta)
        return tuple(replace(each, path=joined("metadata", each.path)) for each in found)
    return ()


def _entries(
    manifest: Mapping[object, object], field: str, faults: list[FieldError]
) -> dict[str, str | None]:
    """The texts of `data` or `stringData`; what is none (None) becomes a fault that does not show it."""
    entries = manifest.get(field)
    if entries is None:
        return {}
    if not isinstance(entries, Mapping):
        faults.append(
            FieldError(field, FieldReason.InvalidType, "must be a mapping (write key: value lines below it)")
        )
        return {}
    texts: dict[str, str | None] = {}
    for key, value in entries.items():
        if not isinstance(key, str):
            message = "has a key that is not text (write the key in quotes)"
            faults.append(FieldError(field, FieldReason.InvalidType, message))
        elif not isinstance(value, str):
            message = "must be text; YAML reads it as another type (write it in quotes)"
            faults.append(FieldError(joined(field, path_of([key])), FieldReason.InvalidType, message))
            texts[key] = None
        else:
            texts[key] = value
    return texts
