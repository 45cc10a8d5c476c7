"""A small platform that works, and calls to it: what tests of the operator write and ask."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from sipedge.routing.message.messages import SipRequest
from support.calls import make_request
from trunkline.api import API_VERSION

Manifest = dict[str, Any]

PASSWORD: Final = "Correct-Horse-2026"
EDGE: Final = "ashburn"
ADDRESSES: Final = ("127.60.1.1", "127.60.1.2")


def custom(kind: str, name: str, spec: Mapping[str, Any]) -> Manifest:
    """A manifest of ours."""
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": dict(spec)}


def secret(name: str, **values: str) -> Manifest:
    """A Secret with these keys."""
    return {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": values}


def quickstart(tenant: str) -> tuple[Manifest, ...]:
    """A small platform that works: one edge, one carrier, one trunk with a number and a URI."""
    return (
        custom(
            "Account",
            "acme",
            {"namespaces": [tenant], "numberPrefixes": ["+1415"], "domainNames": ["acme-hq", "acme-lab"]},
        ),
        custom(
            "Edge", EDGE, {"region": "us1", "advertise": {"type": "Static", "addresses": list(ADDRESSES)}}
        ),
        custom(
            "Carrier",
            "telco",
            {"sourceRanges": ["127.60.9.0/24"], "prefixes": ["+"], "gateways": [{"host": "127.60.9.1"}]},
        ),
        custom("IpAccessControlList", "hq", {"entries": [{"cidr": "127.60.10.0/24"}]}),
        custom(
            "Trunk",
            "hq",
            {"termination": {"domainName": "acme-hq", "ipAccessControlListRefs": [{"name": "hq"}]}},
        ),
        custom("OriginationUri", "hq", {"trunkRef": {"name": "hq"}, "sipUri": "sip:pbx.acme.example"}),
        custom("Number", "main", {"number": "+14155550100", "trunkRef": {"name": "hq"}}),
    )


def origination(number: str = "+14155550100") -> SipRequest:
    """A call from the PSTN."""
    caller = "<sip:+12125550111@127.60.9.1>;tag=1"
    return make_request(f"sip:{number}@{ADDRESSES[0]}", source="127.60.9.1", caller=caller)


def termination(number: str = "+12125550111", domain: str = "acme-hq", **changes: Any) -> SipRequest:
    """A call from the PBX."""
    return make_request(f"sip:{number}@{domain}.pstn.trunkline.test", source="127.60.10.1", **changes)
