"""CallerId: a number that an account may show though it does not own it."""

from __future__ import annotations

from typing import ClassVar

from trunkline.api.fields import E164Number, FriendlyName
from trunkline.api.meta import LocalRef
from trunkline.api.model import Model
from trunkline.api.resource import Column, Resource, Scope


class CallerIdSpec(Model):
    """Which number, and whose."""

    number: E164Number
    """The verified number."""
    account_ref: LocalRef
    """The Account whose trunks may show it."""
    friendly_name: FriendlyName = ""
    """Free text for people."""


class CallerId(Resource):
    """CallerId is a verified outgoing caller id of an Account: who may write it has verified it (S40)."""

    kind: ClassVar[str] = "CallerId"
    plural: ClassVar[str] = "callerids"
    short_names: ClassVar[tuple[str, ...]] = ("cid",)
    scope: ClassVar[Scope] = "Cluster"
    selectable: ClassVar[tuple[str, ...]] = (".spec.accountRef.name",)
    columns: ClassVar[tuple[Column, ...]] = (
        Column("Number", ".spec.number"),
        Column("Account", ".spec.accountRef.name"),
    )

    spec: CallerIdSpec
