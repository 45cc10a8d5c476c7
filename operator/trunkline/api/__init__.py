"""What users write: the kinds, how a manifest becomes one of them, and all of them together.

A new kind need not be exported here: whoever knows of it imports it from its module.
"""

from trunkline.api.account import Account
from trunkline.api.caller_id import CallerId
from trunkline.api.carrier import Carrier, Gateway
from trunkline.api.credential_list import Credential, CredentialList
from trunkline.api.decode import decode
from trunkline.api.edge import Edge
from trunkline.api.faults import FieldError, FieldErrors, FieldReason
from trunkline.api.group import API_VERSION, GROUP, VERSION
from trunkline.api.ip_access_control_list import IpAccessControlEntry, IpAccessControlList
from trunkline.api.kinds import ALL_KINDS, KINDS, AnyResource
from trunkline.api.meta import LocalRef, ObjectMeta, ObjectRef, SecretKeyRef, SecretRef
from trunkline.api.number import Number
from trunkline.api.origination_uri import OriginationUri
from trunkline.api.resources import (
    InvalidObject,
    Platform,
    Resources,
    oldest_first,
)
from trunkline.api.secret_manifest import SecretManifest, read_secret
from trunkline.api.secret_value import SecretValues, ValueFault
from trunkline.api.trunk import Termination, Trunk

__all__ = [
    "ALL_KINDS",
    "API_VERSION",
    "GROUP",
    "KINDS",
    "VERSION",
    "Account",
    "AnyResource",
    "CallerId",
    "Carrier",
    "Credential",
    "CredentialList",
    "Edge",
    "FieldError",
    "FieldErrors",
    "FieldReason",
    "Gateway",
    "InvalidObject",
    "IpAccessControlEntry",
    "IpAccessControlList",
    "LocalRef",
    "Number",
    "ObjectMeta",
    "ObjectRef",
    "OriginationUri",
    "Platform",
    "Resources",
    "SecretKeyRef",
    "SecretManifest",
    "SecretRef",
    "SecretValues",
    "Termination",
    "Trunk",
    "ValueFault",
    "decode",
    "oldest_first",
    "read_secret",
]
