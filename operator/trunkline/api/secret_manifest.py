"""Plain Kubernetes Secrets: the one foreign kind that Trunkline reads. No message ever shows a value."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Final

from sipedge.secret import Secret
from trunkline.api.faults import FieldError, FieldErrors, FieldReason, sort_of
from trunkline.api.reference import ObjectRef
from trunkline.api.translation import joined, path_of

_KIND: Final = "Secret"


def secret_from_manifest(
    manifest: object, *, default_namespace: str | None = None
) -> tuple[tuple[str, str], dict[str, Secret]]:
    """Namespace and name of a `v1` Secret, and its keys; `stringData` wins over `data`, as in the API server.

    Bytes that are no UTF-8 are kept by surrogate escapes. Raises FieldErrors.
    """
    if not isinstance(manifest, Mapping):
        message = (
            f"must be a mapping, not {sort_of(manifest)} (write apiVersion, kind, metadata and stringData)"
        )
        raise FieldErrors(None, 0, [FieldError("", FieldReason.InvalidType, message)])
    faults: list[FieldError] = []
    name = _named(manifest, faults, default_namespace)
    keys = {**_data(manifest, faults), **_string_data(manifest, faults)}
    if faults:
        raise FieldErrors(ObjectRef(_KIND, *name) if name[1] else None, 0, faults)
    return name, keys


def _named(
    manifest: Mapping[object, object], faults: list[FieldError], default_namespace: str | None
) -> tuple[str, str]:
    metadata = manifest.get("metadata")
    if not isinstance(metadata, Mapping):
        faults.append(FieldError("metadata", FieldReason.Required, "is required and missing (add it)"))
        return "", ""
    found = {"namespace": metadata.get("namespace") or default_namespace, "name": metadata.get("name")}
    for field, value in found.items():
        if not isinstance(value, str) or not value:
            reason = FieldReason.Required if value is None else FieldReason.InvalidType
            message = (
                "is required and missing (add it)" if value is None else "must be text (write it in quotes)"
            )
            faults.append(FieldError(f"metadata.{field}", reason, message))
    namespace, name = (value if isinstance(value, str) else "" for value in found.values())
    return namespace, name


def _entries(manifest: Mapping[object, object], field: str, faults: list[FieldError]) -> dict[str, str]:
    """The texts of `data` or `stringData`; anything else becomes a fault that does not show it."""
    entries = manifest.get(field)
    if entries is None:
        return {}
    if not isinstance(entries, Mapping):
        faults.append(
            FieldError(field, FieldReason.InvalidType, "must be a mapping (write key: value lines below it)")
        )
        return {}
    texts = {}
    for key, value in entries.items():
        if not isinstance(key, str):
            message = "has a key that is no text (write the key in quotes)"
            faults.append(FieldError(field, FieldReason.InvalidType, message))
        elif not isinstance(value, str):
            message = "must be text; YAML reads it as something else (write it in quotes)"
            faults.append(FieldError(joined(field, path_of([key])), FieldReason.InvalidType, message))
        else:
            texts[key] = value
    return texts


def _data(manifest: Mapping[object, object], faults: list[FieldError]) -> dict[str, Secret]:
    decoded = {}
    for key, text in _entries(manifest, "data", faults).items():
        try:
            raw = base64.b64decode("".join(text.split()), validate=True)
            decoded[key] = Secret(raw.decode("utf-8", "surrogateescape"))
        except (binascii.Error, ValueError):
            message = "is no base64 (encode it, or write the plain text under stringData)"
            faults.append(FieldError(joined("data", path_of([key])), FieldReason.InvalidValue, message))
    return decoded


def _string_data(manifest: Mapping[object, object], faults: list[FieldError]) -> dict[str, Secret]:
    return {key: Secret(text) for key, text in _entries(manifest, "stringData", faults).items()}
