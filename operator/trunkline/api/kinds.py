"""All kinds: a new one is entered here, and nowhere else in a list of kinds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from trunkline.api.account import Account
from trunkline.api.caller_id import CallerId
from trunkline.api.carrier import Carrier
from trunkline.api.credential_list import CredentialList
from trunkline.api.edge import Edge
from trunkline.api.header_manipulation_policy import HeaderManipulationPolicy
from trunkline.api.ip_access_control_list import IpAccessControlList
from trunkline.api.number import Number
from trunkline.api.origination_uri import OriginationUri
from trunkline.api.resource import Resource
from trunkline.api.trunk import Trunk

AnyResource = Resource
"""An object of any of the kinds."""

ALL_KINDS: Final[tuple[type[AnyResource], ...]] = (
    Trunk,
    OriginationUri,
    Number,
    CredentialList,
    IpAccessControlList,
    HeaderManipulationPolicy,
    CallerId,
    Account,
    Edge,
    Carrier,
)
"""Tenant kinds first, each before those that point at it less often."""

KINDS: Final[Mapping[str, type[AnyResource]]] = {each.kind: each for each in ALL_KINDS}
"""Every kind by its name."""
