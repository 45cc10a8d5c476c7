"""Calls that are alike, as a telephone or a carrier writes them, and calls that only look so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from sipedge.routing.message.messages import SipRequest
from sipedge.table.rows import NumberFormatRow
from support.calls import CARRIER, OWN_NUMBER, PBX, PSTN_NUMBER, make_platform, make_request
from support.sipmessage import sdp
from support.tables import Platform, make_carrier, make_gateway, make_target

OTHER_OWN = "+14155550177"
HOST = "acme-hq.pstn.trunkline.test"
_ODD_NUMBERS = ("+1415555010", "+39112", "+999999999", "911", "", OWN_NUMBER[1:])


def mostly(usual: tuple[Any, ...], odd: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    """Each odd value spoils a call, and there are many that may."""
    return st.sampled_from(usual * (1 + 12 * len(odd) // len(usual)) + odd)


_far = mostly((PSTN_NUMBER, "+442079460001", "+493012345678", "2079460001", "123456789012345"), _ODD_NUMBERS)
_own = mostly((OWN_NUMBER, OTHER_OWN), (*_ODD_NUMBERS, PSTN_NUMBER))
_bodies = mostly((None, 40_000, 40_002, 9), (0,))
WARMING: tuple[dict[str, Any], ...] = ({}, {}, {"port": 4_000}, {"port": 4_002})
"""Calls that every telephone here has made before."""


def platform_with_numbers() -> Platform:
    """Where two numbers are a trunk's."""
    return replace(make_platform(), numbers={OWN_NUMBER: "acme/hq", OTHER_OWN: "acme/hq"})


def platform_with_formats() -> Platform:
    """Where one carrier writes numbers in a form of its own, and takes one country's calls."""
    form = NumberFormatRow("National", "National", "44")
    return replace(
        platform_with_numbers(),
        carriers=(make_carrier(), make_carrier("british", number_format=form)),
        routes={
            "+": (make_gateway("192.0.2.129"),),
            "+44": (make_gateway("192.0.2.130", carrier="british"),),
        },
        sources={"192.0.2.64/26": "british"},
    )


def secure_platform() -> Platform:
    return make_platform(
        {"secure": True, "targets": (make_target("192.0.2.10", transport="tls"),)},
        routes={"+": (make_gateway("192.0.2.129", transport="tls"),)},
    )


def invite(
    *,
    far: str = PSTN_NUMBER,
    own: str = OWN_NUMBER,
    by_carrier: bool = False,
    tag: str = "1",
    call_id: str = "call",
    cseq: int = 1,
    name: str = "",
    to_name: str = "",
    more: Mapping[str, str] = {},
    port: int | None = None,
    username: str | None = None,
    profile: str = "RTP/AVP",
    transport: str = "udp",
    host: str = "pbx.acme.example",
    entry: str = HOST,
) -> SipRequest:
    """An INVITE as telephones write them, or a carrier."""
    called, calling = (own, far) if by_carrier else (far, own)
    entry = "192.0.2.1" if by_carrier else entry
    headers = {
        "To": f"{to_name}<sip:{called}@{entry}>",
        "Call-ID": call_id,
        "CSeq": f"{cseq} INVITE",
        "User-Agent": "a telephone",
        "X-Call": call_id,
        "Date": tag,
        **more,
    }
    if username is not None:
        headers["Proxy-Authorization"] = f'Digest username="{username}", nonce="{call_id}"'
    body = ""
    if port is not None:
        key = f"{port:05}AAAAA" * 4
        body = sdp(PBX, port, profile=profile) + f"a=rtcp:{port + 1}\r\na=ssrc:{port}7 cname:x\r\n"
        body += f"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:{key}\r\n"
    request = make_request(
        f"sip:{called}@{entry}",
        source=CARRIER if by_carrier else PBX,
        caller=f"{name}<sip:{calling}@{host}>;tag={tag}",
        headers=headers,
        body=body,
        transport=transport,
        username=username,
    )
    return replace(request, call_id=call_id, from_tag=tag)


SHAPES = st.fixed_dictionaries(
    {
        "by_carrier": st.booleans(),
        "name": st.sampled_from(
            ("", "", "", '"Reception" ', '"Reception" ', '"Room 12" ', '"Anonymous" ', "Bob ")
        ),
        "to_name": st.sampled_from(("", "", '"Jo" ')),
        "more": st.sampled_from(
            (
                *({},) * 8,
                {"Privacy": "id"},
                {"P-Asserted-Identity": f"<sip:{OWN_NUMBER}@pbx>"},
                {"Diversion": f"<sip:{OWN_NUMBER}@pbx>"},
                {"Max-Forwards": "0"},
                {"Proxy-Require": "x"},
                {"X-Branded-CallReason": "a" * 51},
                {"X-Branded-CallReason": "short"},
                {"X-Trunkline-CallSid": "CA1"},
                {"Content-Type": "text/plain"},
            )
        ),
        "profile": mostly(("RTP/AVP",), ("RTP/SAVP",)),
        "transport": st.sampled_from(("udp", "udp", "udp", "tcp", "tls")),
        "host": mostly(("pbx.acme.example",), ("14155550100.example", "one@another", "a;phone-context=b")),
    }
)
CALLS = st.fixed_dictionaries(
    {
        "far": _far,
        "own": _own,
        "tag": mostly(("1", "a-b", "2"), ("t<g", "")),
        "call_id": mostly(("call", "other@host", "third"), ("",)),
        "cseq": mostly((0, 1, 2, 2**31 - 1), (2**31, 2**31 - 2)),
        "port": _bodies,
        "username": st.sampled_from((None, None, "pbx", "nobody")),
    }
)
