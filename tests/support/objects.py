"""Builders of decoded objects: `make_trunk("hq", termination={...})`; spec fields as manifests write them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TypeVar, cast

from sipedge.secret import Secret
from trunkline.api import (
    API_VERSION,
    Account,
    AnyResource,
    CallerId,
    Carrier,
    CredentialList,
    Edge,
    InvalidObject,
    IpAccessControlList,
    Number,
    OriginationUri,
    Platform,
    Resources,
    Trunk,
    decode,
)
from trunkline.api.header_manipulation_policy import HeaderManipulationPolicy

Kind = TypeVar("Kind", bound=AnyResource)


def manifest_of(
    kind: str,
    name: str,
    namespace: str | None,
    spec: Mapping[str, object],
    **metadata: object,
) -> dict[str, Any]:
    """A whole manifest; `metadata` in camelCase (`creationTimestamp=...`)."""
    place = {} if namespace is None else {"namespace": namespace}
    return {
        "apiVersion": API_VERSION,
        "kind": kind,
        "metadata": {"name": name, **place, **metadata},
        "spec": dict(spec),
    }


def _make(
    kind: type[Kind],
    name: str,
    namespace: str | None,
    spec: Mapping[str, object],
    created: str | None,
    generation: int,
) -> Kind:
    manifest = manifest_of(kind.kind, name, namespace, spec, creationTimestamp=created, generation=generation)
    return cast("Kind", decode(manifest))


def make_trunk(
    name: str = "hq",
    namespace: str = "acme",
    *,
    created: str | None = None,
    generation: int = 1,
    **spec: object,
) -> Trunk:
    return _make(Trunk, name, namespace, spec, created, generation)


def make_origination_uri(
    name: str = "hq-primary",
    namespace: str = "acme",
    *,
    created: str | None = None,
    generation: int = 1,
    **spec: object,
) -> OriginationUri:
    """Points at trunk `hq` and `sip:pbx.acme.example` unless told otherwise."""
    whole = {"trunkRef": {"name": "hq"}, "sipUri": "sip:pbx.acme.example", **spec}
    return _make(OriginationUri, name, namespace, whole, created, generation)


def make_number(
    name: str = "main-line",
    namespace: str = "acme",
    *,
    created: str | None = None,
    generation: int = 1,
    **spec: object,
) -> Number:
    """The number +14155550100 unless a number or range is given; without trunkRef it is held."""
    whole = spec if {"number", "range"} & spec.keys() else {"number": "+14155550100", **spec}
    return _make(Number, name, namespace, whole, created, generation)


def make_credential_list(
    name: str = "hq-users",
    namespace: str = "acme",
    *,
    created: str | None = None,
    generation: int = 1,
    **spec: object,
) -> CredentialList:
    """Has user `pbx`, whose password is key `password` of Secret `hq-pbx`, unless credentials are given."""
    user = {"username": "pbx", "passwordSecretRef": {"name": "hq-pbx", "key": "password"}}
    return _make(CredentialList, name, namespace, {"credentials": [user], **spec}, created, generation)


def make_ip_access_control_list(
    name: str = "hq-sbc",
    namespace: str = "acme",
    *,
    created: str | None = None,
    generation: int = 1,
    **spec: object,
) -> IpAccessControlList:
    """Admits 203.0.113.0/29 unless entries are given."""
    whole = {"entries": [{"cidr": "203.0.113.0/29"}], **spec}
    return _make(IpAccessControlList, name, namespace, whole, created, generation)


def make_header_manipulation_policy(
    name: str = "national",
    namespace: str = "acme",
    *,
    created: str | None = None,
    generation: int = 1,
    **spec: object,
) -> HeaderManipulationPolicy:
    """Puts `+1` before the called number unless rules are given."""
    rule = {"actions": [{"target": "ToNumber", "type": "AddPrefix", "value": "+1"}]}
    whole = {"rules": [rule], **spec}
    return _make(HeaderManipulationPolicy, name, namespace, whole, created, generation)


def make_caller_id(
    name: str = "acme-support-line", *, created: str | None = None, generation: int = 1, **spec: object
) -> CallerId:
    """+442079460000 of Account `acme` unless told otherwise."""
    whole = {"number": "+442079460000", "accountRef": {"name": "acme"}, **spec}
    return _make(CallerId, name, None, whole, created, generation)


def make_account(
    name: str = "acme", *, created: str | None = None, generation: int = 1, **spec: object
) -> Account:
    """Covers namespace `acme` and may claim everything unless told otherwise."""
    whole = {"namespaces": ["acme"], "numberPrefixes": ["+"], "domainNames": ["*"], **spec}
    return _make(Account, name, None, whole, created, generation)


def make_edge(
    name: str = "ashburn", *, created: str | None = None, generation: int = 1, **spec: object
) -> Edge:
    """Static at 127.0.11.1 unless advertise is given."""
    whole = {"advertise": {"type": "Static", "addresses": ["127.0.11.1"]}, **spec}
    return _make(Edge, name, None, whole, created, generation)


def make_carrier(
    name: str = "telco-a", *, created: str | None = None, generation: int = 1, **spec: object
) -> Carrier:
    """Brings calls from 127.0.9.0/24 and takes +1 at 127.0.9.1 unless told otherwise."""
    whole = {
        "sourceRanges": ["127.0.9.0/24"],
        "prefixes": ["+1"],
        "gateways": [{"host": "127.0.9.1"}],
        **spec,
    }
    return _make(Carrier, name, None, whole, created, generation)


def make_resources(
    *objects: AnyResource,
    secrets: Mapping[tuple[str, str], Mapping[str, str]] | None = None,
    invalid: Iterable[InvalidObject] = (),
    base_domain: str = "trunkline.test",
    open_account: bool = True,
    denied_target_cidrs: tuple[str, ...] = (),
) -> Resources:
    """Resources of these objects; Secrets as plain text by (namespace, name) and key."""
    hidden = {
        name: {key: Secret(text) for key, text in keys.items()} for name, keys in (secrets or {}).items()
    }
    platform = Platform(base_domain, denied_target_cidrs, open_account=open_account)
    return Resources.build(objects, hidden, invalid, platform)
