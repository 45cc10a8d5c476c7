"""IpAccessControlList: addresses that may call."""

from __future__ import annotations

from typing import Annotated, ClassVar

from trunkline.api.fields import Cidr, Items, LongFriendlyName
from trunkline.api.marks import NotYet, is_ipv6
from trunkline.api.model import Model
from trunkline.api.resource import Column, Resource, Scope


class IpAccessControlEntry(Model):
    """One address or network."""

    cidr: Annotated[
        Cidr, NotYet("edges do not listen on IPv6 yet: no call comes from", asks=is_ipv6, tells=True)
    ]
    """IPv4 or IPv6 network; an address alone means just this one."""
    friendly_name: LongFriendlyName = ""
    """Free text for people."""


class IpAccessControlListSpec(Model):
    """The addresses of the list."""

    friendly_name: LongFriendlyName = ""
    """Free text for people."""
    entries: Annotated[tuple[IpAccessControlEntry, ...], Items(100, key="cidr")] = ()
    """Addresses and networks that may call."""


class IpAccessControlList(Resource):
    """IpAccessControlList holds addresses that may call through the trunks that name it (S36)."""

    kind: ClassVar[str] = "IpAccessControlList"
    plural: ClassVar[str] = "ipaccesscontrollists"
    short_names: ClassVar[tuple[str, ...]] = ("acl",)
    scope: ClassVar[Scope] = "Namespaced"
    columns: ClassVar[tuple[Column, ...]] = ()

    spec: IpAccessControlListSpec
