"""What every object has beside its spec, and how objects point at each other."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from functools import lru_cache
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, ConfigDict

from trunkline.api.faults import FieldError, FieldReason, kind_of
from trunkline.api.fields import NamespaceName, ObjectName, SecretKey, SecretName, Text, Whole, refuse
from trunkline.api.model import Model
from trunkline.api.reference import ObjectRef

__all__ = ["LocalRef", "ObjectMeta", "ObjectRef", "SecretKeyRef", "SecretRef"]

_RFC3339: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]+)?([Zz]|[+-][0-9]{2}:[0-9]{2})",
    re.ASCII,
)


def in_utc(value: Any) -> str:
    """The time in UTC to the second, as the API server writes it, so that text order is time order."""
    return _text_in_utc(value) if type(value) is str else _in_utc(value)


@lru_cache(maxsize=1024)
def _text_in_utc(text: str) -> str:
    """Objects that were made together were made at the same second."""
    return _in_utc(text)


def _in_utc(value: Any) -> str:
    try:
        if isinstance(value, datetime):
            moment = value
        elif isinstance(value, str) and _RFC3339.fullmatch(value):
            moment = datetime.fromisoformat(re.sub(r"\.[0-9]+", "", value.upper()))
        else:
            raise ValueError
        moment = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
        return moment.strftime("%Y-%m-%dT%H:%M:%SZ").zfill(20)
    except (ValueError, OverflowError):
        message = f"{kind_of(value)} is not an RFC 3339 time (write 2026-01-31T12:00:00Z)"
        raise refuse(FieldError("", FieldReason.InvalidValue, message)) from None


class ObjectMeta(Model):
    """The metadata that Trunkline reads; labels, annotations and the rest are other people's."""

    model_config = ConfigDict(extra="ignore")

    name: ObjectName
    namespace: NamespaceName | None = None
    """None for cluster kinds."""
    uid: Annotated[str, Text("uid", "leave it out", 128, min_length=0)] = ""
    generation: Annotated[int, Whole(0, 2**63 - 1)] = 0
    creation_timestamp: Annotated[str, BeforeValidator(in_utc)] | None = None
    """In UTC, `2026-01-31T12:00:00Z`: the order of texts is the order of times."""


class Probe(Model):
    """Whether a place takes calls is asked by OPTIONS, between calls."""

    seconds: Annotated[int, Whole(10, 120)] = 30
    """How often it is asked, about. Absent: 30."""


class LocalRef(Model):
    """An object of a kind that the field knows, in the same namespace (or a cluster kind)."""

    name: ObjectName
    """Name of the object."""


class SecretRef(Model):
    """A Secret."""

    name: SecretName
    """Name of the Secret."""


class SecretKeyRef(Model):
    """One key of a Secret in the same namespace."""

    name: SecretName
    """Name of the Secret."""
    key: SecretKey
    """Key within the Secret."""
