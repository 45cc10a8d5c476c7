"""CredentialList: users that may call, by digest."""

from __future__ import annotations

from typing import Annotated, ClassVar

from trunkline.api import patterns
from trunkline.api.fields import FriendlyName, Items, Text
from trunkline.api.meta import SecretKeyRef
from trunkline.api.model import Model
from trunkline.api.resource import Column, Resource, Scope


class Credential(Model):
    """One user; the password stays in a Secret."""

    username: Annotated[
        str,
        Text("user name", 'use printable ASCII without spaces, ", : and \\', 32, patterns.USERNAME),
    ]
    """Name the PBX authenticates with."""
    password_secret_ref: SecretKeyRef
    """Where the password is: 12 to 255 characters, one a digit, one upper and one lower case, on one line."""


class CredentialListSpec(Model):
    """The users of the list."""

    friendly_name: FriendlyName = ""
    """Free text for people."""
    credentials: Annotated[tuple[Credential, ...], Items(1000, key="username")] = ()
    """Users that may call."""


class CredentialList(Resource):
    """CredentialList holds users that may call through the trunks that name it (S37)."""

    kind: ClassVar[str] = "CredentialList"
    plural: ClassVar[str] = "credentiallists"
    short_names: ClassVar[tuple[str, ...]] = ("cl",)
    scope: ClassVar[Scope] = "Namespaced"
    columns: ClassVar[tuple[Column, ...]] = ()

    spec: CredentialListSpec
