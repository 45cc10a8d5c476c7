"""What properties are tried on: hostile text, requests, rows, and whole sets of objects."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from sipedge.routing.message.messages import SipRequest
from sipedge.secret import Secret
from support.calls import CARRIER, EDGE_ADDRESS, OWN_NUMBER, PBX, PSTN_NUMBER, make_platform
from support.tables import Platform, make_account, make_carrier, make_gateway, make_target, make_trunk
from support.whole_request import completed

# ------------------------------------------------------------------------------ text of the wire

FRAGMENTS = (
    "sip:", "sips:", "tel:", "SIP:", "<", ">", '"', "'", "\\", ";", ",", "@", ":", "?", "&", "=", "%", "[",
    "]", ".", "-", "+", "*", "/", " ", "\t", "\r\n", "\n", "\x00", "\x7f", "%0d%0a", "%00", "%2B", "%", "%zz",
    "+14155550100", "14155551500", "+4420", "911", "0", "anonymous", "trunkline.test", "acme-hq",
    ".pstn.trunkline.test", "acme-hq.pstn.trunkline.test", "sip.ashburn.trunkline.test", "198.51.100.1",
    "203.0.113.1", "::1", "::ffff:203.0.113.1", "[2001:db8::1]", ":5060", ":0", ":99999", ";transport=tcp",
    ";user=phone", ";lr", "tag=1", "id", "none", "m=audio 4 RTP/AVP 0\r\n", "m=audio 4 RTP/SAVP 0\r\n",
    "\u0661\u0662", "\u00e9", "\ud800", "\udcff", "\U0001f4de", "\u2028",
)  # fmt: skip
"""Pieces that a parser may stumble over, the lone surrogates of undecodable bytes included."""

hostile_text = st.one_of(
    st.lists(st.sampled_from(FRAGMENTS), max_size=12).map("".join),
    st.text(st.characters(), max_size=30),
)


def _near(*good: str) -> st.SearchStrategy[str]:
    return st.one_of(st.sampled_from(good), hostile_text)


HEADER_NAMES = (
    "from", "to", "remote-party-id", "p-asserted-identity", "p-preferred-identity", "p-charge-info",
    "privacy", "diversion", "contact", "x-any",
)  # fmt: skip

header_values = _near(
    f"<sip:{OWN_NUMBER}@pbx.acme.example>;tag=1",
    '"Anonymous" <sip:anonymous@anonymous.invalid>;tag=1',
    f"<tel:{OWN_NUMBER}>",
    f"<sip:{OWN_NUMBER}@trunkline.test>",
    "id",
)


def _mostly_whole(request: SipRequest) -> SipRequest:
    once = {name: values[:1] for name, values in request.headers.items() if values and name != "contact"}
    return completed(replace(request, headers=once))


_any_requests = st.builds(
    SipRequest,
    method=st.one_of(st.just("INVITE"), st.sampled_from(("OPTIONS", "REGISTER", "BYE", "")), hostile_text),
    request_uri=_near(
        f"sip:{PSTN_NUMBER}@acme-hq.pstn.trunkline.test",
        "sip:911@acme-hq.pstn.us1.trunkline.test",
        f"sip:{OWN_NUMBER}@{EDGE_ADDRESS}",
        f"sip:{EDGE_ADDRESS}",
    ),
    source=_near(PBX, PBX, CARRIER, CARRIER, "198.51.100.99"),
    source_port=st.integers(-1, 70_000),
    transport=_near("udp", "tcp", "tls"),
    received_on=_near(EDGE_ADDRESS),
    headers=st.dictionaries(
        st.sampled_from(HEADER_NAMES), st.lists(header_values, max_size=3).map(tuple), max_size=5
    ).map(lambda headers: {"from": (f"<sip:{OWN_NUMBER}@pbx>",), **headers}),
    body=_near("", "m=audio 4 RTP/AVP 0\r\n", "m=audio 4 RTP/SAVP 0\r\n"),
    username=st.one_of(st.none(), st.just("pbx"), hostile_text),
    tls_version=st.one_of(st.none(), st.sampled_from(("TLSv1.3", "TLSv1.1")), hostile_text),
)
requests = st.one_of(*(_any_requests.map(_mostly_whole) for _ in range(7)), _any_requests)
"""Most of them well-formed: any other gets no further than that."""

# ---------------------------------------------------------------------------------- edge tables

_access = st.one_of(
    st.none(),
    st.just(()),
    st.just(("203.0.113.0/29",)),
    st.just(("0.0.0.0/0", "::/0")),
    st.just(("10.0.0.0/8",)),
)
_targets = st.lists(
    st.builds(
        make_target,
        st.sampled_from(
            ("192.0.2.10", "192.0.2.11", "pbx.acme.example", EDGE_ADDRESS, "10.0.0.1", "2001:db8::5")
        ),
        st.sampled_from((None, 5060, 5080)),
        id=st.integers(0, 99).map(lambda number: f"acme/uri-{number}"),
        priority=st.integers(0, 3),
        weight=st.integers(1, 100),
        transport=st.sampled_from((None, "udp", "tcp", "tls")),
        edge=st.none(),
        egress=st.sampled_from(((), (), ("ashburn",), ("dublin",), ("dublin", "nowhere"))),
    ),
    max_size=5,
).map(tuple)
_gateways = st.lists(
    st.builds(
        make_gateway,
        st.sampled_from(("192.0.2.129", "192.0.2.130", EDGE_ADDRESS, "gw.telco.example")),
        priority=st.integers(0, 3),
        weight=st.integers(0, 100),
        transport=st.sampled_from(("udp", "tcp", "tls")),
    ),
    max_size=3,
)


@st.composite
def platforms(draw: st.DrawFn) -> Platform:
    """Small platforms around trunk acme/hq, some of which let nobody in."""
    secure = draw(st.booleans())
    targets = draw(_targets)
    if secure:
        targets = tuple(replace(target, transport="tls") for target in targets)  # as the compiler does (S21)
    hq = make_trunk(
        secure=secure,
        access=draw(_access),
        credential_lists=draw(st.sampled_from((None, (), ("acme/users",)))),
        targets=targets,
        max_concurrent_calls=draw(st.sampled_from((None, 1))),
    )
    account = make_account(suspended=draw(st.integers(0, 9)) == 0)
    return make_platform(
        trunks=(hq,),
        accounts=draw(st.sampled_from(((account,), (account,), (account,), ()))),
        credentials={("acme/users", "pbx"): "Correct-Horse-1"},
        carriers=(make_carrier(calls_per_second=draw(st.sampled_from((None, 5)))),),
        routes={"+": draw(_gateways), "+44": draw(_gateways), "emergency": draw(_gateways)},
        site_changes={"denied_targets": draw(st.sampled_from(((), ("10.0.0.0/8",))))},
    )


# -------------------------------------------------------------------------------- rows of tables

_SCALARS: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=12),
    int: st.integers(-(2**63), 2**64 - 1),
    bool: st.booleans(),
    Secret: st.text(max_size=32).map(Secret),
}


def values_of(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of an annotated type of a row: scalars, tuples, optionals, rows."""
    if kind in _SCALARS:
        return _SCALARS[kind]
    if isinstance(kind, type) and dataclasses.is_dataclass(kind):
        hints = typing.get_type_hints(kind)
        return st.builds(
            kind, **{field.name: values_of(hints[field.name]) for field in dataclasses.fields(kind)}
        )
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin is tuple and arguments[-1] is Ellipsis:
        return st.lists(values_of(arguments[0]), max_size=3).map(tuple)
    if origin is tuple:
        return st.tuples(*(values_of(each) for each in arguments))
    if origin in (types.UnionType, typing.Union):
        return st.one_of(*(st.none() if each is types.NoneType else values_of(each) for each in arguments))
    raise AssertionError(f"no strategy for {kind}")


def subsets(values: Sequence[Any], most: int) -> st.SearchStrategy[list[Any]]:
    """Up to `most` different ones of `values`, in any order."""
    return st.lists(st.sampled_from(values), max_size=most, unique_by=repr)
