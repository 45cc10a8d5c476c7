"""Whole sets of objects: names from small pools, so that they refer to each other, clash and dangle."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from support import objects as make
from support.strategies import subsets
from trunkline.api import AnyResource, FieldError, FieldReason, InvalidObject, ObjectRef

NAMESPACES = ("acme", "beta", "gamma")
NAMES = ("a", "b", "c")
ACCOUNTS = ("acme", "beta", "default")
EDGES = ("ashburn", "dublin")
NUMBERS = (
    "+14155550100",
    "+14155551000",
    "+14155551005",
    "+14155551009",
    "+442079460000",
    "+15555550100",
    "+9990001",
)
RANGES = (
    ("+14155551000", "+14155551009"),
    ("+14155551005", "+14155551020"),
    ("+14155550000", "+14155551099"),
    ("+442079460000", "+442079460099"),
    ("+447700900000", "+447700900001"),
)
DOMAINS = ("acme", "beta", "lab.acme", "x.lab.acme", "a.beta", "lost.nowhere")
CIDRS = ("203.0.113.0/29", "203.0.113.0/24", "192.0.2.1", "2001:db8::/32")
TIMES = (None, None, "2026-01-01T00:00:00Z", "2026-01-02T00:00:00Z")
SECRETS = {
    ("acme", "a"): {"password": "Correct-Horse-1", "weak": "horse"},
    ("beta", "a"): {"password": "Correct-Horse-2"},
    ("trunkline-system", "a"): {"username": "u", "password": "p", "realm": "r"},
    ("trunkline-system", "b"): {"username": "u"},
}

Draw = st.DrawFn


def _ref(draw: Draw) -> dict[str, str]:
    return {"name": draw(st.sampled_from(NAMES))}


def _refs(draw: Draw) -> list[dict[str, str]]:
    return [{"name": name} for name in draw(subsets(NAMES, 2))]


def _tenant(draw: Draw) -> dict[str, Any]:
    return {"name": draw(st.sampled_from(NAMES)), "namespace": draw(st.sampled_from(NAMESPACES))}


@st.composite
def trunks(draw: Draw) -> AnyResource:
    spec: dict[str, Any] = {"secure": draw(st.booleans())}
    if draw(st.booleans()):
        spec["termination"] = {
            "domainName": draw(st.sampled_from(DOMAINS)),
            "ipAccessControlListRefs": _refs(draw),
            "credentialListRefs": _refs(draw),
        }
        if draw(st.booleans()):
            spec["termination"]["headerManipulationPolicyRef"] = _ref(draw)
    if draw(st.booleans()):
        spec["origination"] = {"headerManipulationPolicyRef": _ref(draw)}
    if draw(st.booleans()):
        spec["transfer"] = {"mode": "EnableAll"}
    return make.make_trunk(**_tenant(draw), created=draw(st.sampled_from(TIMES)), **spec)


@st.composite
def origination_uris(draw: Draw) -> AnyResource:
    host = draw(st.sampled_from(("192.0.2.1", "pbx.example:5070", "[2001:db8::1]")))
    rest = draw(st.sampled_from(("", ";transport=tcp", ";edge=dublin", "?X-A=b")))
    scheme = draw(st.sampled_from(("sip:", "sips:", "sip:user@"))) if "transport" not in rest else "sip:"
    return make.make_origination_uri(
        **_tenant(draw),
        created=draw(st.sampled_from(TIMES)),
        trunkRef=_ref(draw),
        sipUri=scheme + host + rest,
        enabled=draw(st.booleans()),
        priority=draw(st.integers(0, 2)),
    )


@st.composite
def numbers(draw: Draw) -> AnyResource:
    spec: dict[str, Any] = {}
    if draw(st.booleans()):
        spec["number"] = draw(st.sampled_from(NUMBERS))
    else:
        first, last = draw(st.sampled_from(RANGES))
        spec["range"] = {"first": first, "last": last}
    if draw(st.booleans()):
        spec["trunkRef"] = _ref(draw)
    return make.make_number(**_tenant(draw), created=draw(st.sampled_from(TIMES)), **spec)


@st.composite
def credential_lists(draw: Draw) -> AnyResource:
    credentials = [
        {"username": name, "passwordSecretRef": {"name": draw(st.sampled_from(NAMES)), "key": key}}
        for name, key in zip(
            draw(subsets(("pbx", "sbc"), 2)), draw(st.permutations(("password", "weak"))), strict=False
        )
    ]
    return make.make_credential_list(**_tenant(draw), credentials=credentials)


@st.composite
def access_lists(draw: Draw) -> AnyResource:
    return make.make_ip_access_control_list(
        **_tenant(draw), entries=[{"cidr": cidr} for cidr in draw(subsets(CIDRS, 3))]
    )


@st.composite
def header_policies(draw: Draw) -> AnyResource:
    value = draw(st.sampled_from(("+1", "9")))
    rule = {"actions": [{"target": "ToNumber", "type": "RemovePrefix", "value": value}]}
    return make.make_header_manipulation_policy(**_tenant(draw), rules=[rule])


@st.composite
def caller_ids(draw: Draw) -> AnyResource:
    return make.make_caller_id(
        draw(st.sampled_from(NAMES)),
        number=draw(st.sampled_from(NUMBERS)),
        accountRef={"name": draw(st.sampled_from(ACCOUNTS))},
    )


@st.composite
def accounts(draw: Draw) -> AnyResource:
    name = draw(st.sampled_from(ACCOUNTS))
    spec: dict[str, Any] = {
        "namespaces": draw(subsets(NAMESPACES, 2)),
        "numberPrefixes": draw(st.sampled_from((["+"], ["+1415"], ["+44", "+1"], []))),
        "domainNames": draw(st.sampled_from((["*"], ["acme"], ["beta", "lab.acme"], []))),
        "allowDeprecatedTls": draw(st.booleans()),
        "suspended": draw(st.booleans()),
    }
    if name != "acme" and draw(st.booleans()):
        spec["parent"] = {"name": "acme"}
    return make.make_account(name, created=draw(st.sampled_from(TIMES)), **spec)


@st.composite
def edges(draw: Draw) -> AnyResource:
    return make.make_edge(
        draw(st.sampled_from(EDGES)),
        created=draw(st.sampled_from(TIMES)),
        region=draw(st.sampled_from(("us1", "ie1"))),
        advertise={
            "type": "Static",
            "addresses": draw(subsets(("127.0.11.1", "127.0.11.2"), 2)) or ["127.0.12.1"],
        },
        tls=draw(st.sampled_from(({"selfSigned": {}}, {"issuerRef": {"name": "ca"}}))),
    )


@st.composite
def carriers(draw: Draw) -> AnyResource:
    gateways = [
        {
            "host": host,
            "priority": draw(st.integers(0, 2)),
            "edges": draw(subsets((*EDGES, "paris"), 2)),
            "enabled": draw(st.booleans()),
        }
        for host in draw(subsets(("192.0.2.9", "gw.example", "2001:db8::9"), 3))
    ]
    spec: dict[str, Any] = {"credentialSecretRef": _ref(draw)} if draw(st.booleans()) else {}
    return make.make_carrier(
        draw(st.sampled_from(NAMES)),
        created=draw(st.sampled_from(TIMES)),
        sourceRanges=draw(subsets(CIDRS, 2)),
        prefixes=draw(subsets(("+", "+1", "+1415", "+44"), 3)) if gateways else [],
        gateways=gateways,
        emergencyCapable=bool(gateways) and draw(st.booleans()),
        **spec,
    )


KINDS: tuple[Callable[[], st.SearchStrategy[AnyResource]], ...] = (
    trunks, trunks, origination_uris, numbers, numbers, credential_lists, access_lists, header_policies,
    caller_ids, accounts, edges, carriers,
)  # fmt: skip

any_object = st.one_of(*(kind() for kind in KINDS))


def object_sets(most: int = 16) -> st.SearchStrategy[list[AnyResource]]:
    """Different objects of all kinds, in any order."""
    return st.lists(any_object, max_size=most, unique_by=lambda thing: thing.ref)


invalid_objects = st.builds(
    lambda kind, name, generation: InvalidObject(
        ObjectRef(kind, "acme", f"invalid-{name}"),
        generation,
        (FieldError("spec", FieldReason.Required, "is required but missing"),),
    ),
    st.sampled_from(("Trunk", "Number")),
    st.sampled_from(NAMES),
    st.integers(0, 3),
)
