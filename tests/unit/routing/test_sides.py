"""Where a call's sides are reached, and who may speak for them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.routing.dialog.hops import Hop
from sipedge.routing.dialog.memory import SideKind, SideMemory
from sipedge.routing.dialog.sides import (
    Surroundings,
    callee_of,
    caller_of,
    next_hop,
    refreshed,
    source_of,
    speaks_for,
)
from sipedge.routing.dialog.tokens import is_ours
from sipedge.routing.message.messages import SipAnswer, SipRequest
from sipedge.table import MemoryRows, Table
from support.memories import make_facts
from support.strategies import hostile_text
from support.tables import Platform, make_account, make_carrier, make_trunk

OWN, SIBLING = "198.51.100.1", "198.51.100.2"
PBX = "8.8.4.4"
PLATFORM = Platform(
    addresses=[OWN, SIBLING],
    site_changes={"denied_targets": ("10.0.0.0/8", "9.9.9.0/24")},
    accounts=[make_account(allowed_targets=("9.9.9.9/32",))],
    trunks=[make_trunk(access=(f"{PBX}/32", "192.168.7.0/24"))],
    carriers=[make_carrier(), make_carrier("other")],
    sources={"172.16.5.0/24": "telco", "172.16.6.0/24": "other"},
)
TABLE = Table(MemoryRows(PLATFORM.table()))
FACTS = make_facts()
CUSTOMER = Surroundings(TABLE, (OWN,), SideKind.CUSTOMER, FACTS, secure=False)
CARRIER = Surroundings(TABLE, (OWN,), SideKind.CARRIER, FACTS, secure=False)
GATEWAY = Hop("8.8.8.8", 5060, "udp")
OURS = f"<sip:{OWN};lr;tk=1>"


def invite(
    contact: str, *routes: str, source: str = PBX, port: int = 40_000, transport: str = "udp"
) -> SipRequest:
    headers = {"contact": (f"<{contact}>",)} | ({"record-route": routes} if routes else {})
    return SipRequest(
        method="INVITE",
        request_uri="sip:x@y",
        source=source,
        source_port=port,
        transport=transport,
        connection=None if transport == "udp" else 7,
        received_on=OWN,
        headers=headers,
    )


def answer(
    contact: str,
    *routes: str,
    source: str = GATEWAY.address,
    port: int = 5060,
    transport: str = "udp",
    method: str = "INVITE",
) -> SipAnswer:
    return SipAnswer(
        status=200,
        phrase="OK",
        method=method,
        source=source,
        source_port=port,
        transport=transport,
        connection=None if transport == "udp" else 9,
        headers={"contact": (f"<{contact}>",), "record-route": (*routes, OURS)},
    )


def caller(around: Surroundings, message: SipRequest) -> SideMemory:
    source = source_of(message)
    assert source is not None
    return caller_of(around, message, source)


SEEN = Hop(PBX, 40_000, "udp")
CONTACTS = (
    # the Contact is where it is
    (f"sip:pbx@{PBX}", Hop(PBX, 5060, "udp")),
    (f"sip:pbx@{PBX}:5070;transport=tcp", Hop(PBX, 5070, "tcp")),
    ("sip:pbx@1.1.1.1", Hop("1.1.1.1", 5060, "udp")),
    ("sip:pbx@192.168.7.8", Hop("192.168.7.8", 5060, "udp")),
    ("sip:pbx@9.9.9.9", Hop("9.9.9.9", 5060, "udp")),
    # where the INVITE came from
    ("sip:pbx@name.example", SEEN),
    ("sip:ua@my_pbx:5060", SEEN),
    ("sip:pbx@192.168.8.8", SEEN),
    ("sip:pbx@10.1.1.1", SEEN),
    ("sip:pbx@9.9.9.8", SEEN),
    ("sip:pbx@127.0.0.1", SEEN),
    (f"sip:pbx@{OWN}", SEEN),
    (f"sip:pbx@{SIBLING}", SEEN),
    (f"sip:pbx@{PBX};transport=sctp", SEEN),
    ("tel:+14155550100", SEEN),
    ("", SEEN),
)


@pytest.mark.parametrize(("contact", "hop"), CONTACTS)
def test_a_caller_is_reached_at_a_contact_that_may_be_used(contact: str, hop: Hop) -> None:
    assert caller(CUSTOMER, invite(contact)).hop == hop


def test_a_proxy_before_the_caller_takes_its_requests() -> None:
    """The first Record-Route, which is the nearest; a name there: where the INVITE came from."""
    routes = ("<sip:1.1.1.1:5080;lr>, <sip:2.2.2.2;lr>", "<sip:name.example;lr>")
    side = caller(CUSTOMER, invite("sip:pbx@3.3.3.3", *routes))
    assert (side.hop, side.contact, side.behind_proxy) == (
        Hop("1.1.1.1", 5080, "udp"),
        "sip:pbx@3.3.3.3",
        True,
    )
    assert caller(CUSTOMER, invite("sip:pbx@3.3.3.3", "<sip:name.example;lr>")).hop == SEEN


def test_over_a_stream_the_hop_is_a_port_that_listens() -> None:
    """A connection's own port takes no other connection."""
    side = caller(CUSTOMER, invite("sip:pbx@192.168.8.8:5070;transport=tcp", transport="tcp"))
    assert (side.hop, side.connection) == (Hop(PBX, 5070, "tcp"), 7)
    assert caller(CUSTOMER, invite("sip:pbx@name.example", transport="tls")).hop == Hop(PBX, 5061, "tls")


def test_a_secure_customer_is_reached_over_tls_alone() -> None:
    secure = replace(CUSTOMER, secure=True)
    assert caller(secure, invite(f"sip:pbx@{PBX}", transport="tls")).hop == Hop(PBX, 5061, "tls")
    assert caller(secure, invite(f"sip:pbx@{PBX};transport=tls", transport="tls")).hop.port == 5061


@pytest.mark.parametrize(
    ("message", "hop"),
    (
        (answer("sip:gw@8.8.8.8:5080"), Hop("8.8.8.8", 5080, "udp")),
        (answer("sip:gw@172.16.5.9"), Hop("172.16.5.9", 5060, "udp")),
        (answer("sip:gw@172.16.6.9"), GATEWAY),
        (answer("sip:gw@name.example"), GATEWAY),
        (answer("sip:gw@name.example", port=40_001), GATEWAY),
        (answer("sip:gw@name.example", source="8.8.8.9", port=5062), Hop("8.8.8.9", 5062, "udp")),
        (answer("sip:gw@8.8.8.9", source="8.8.8.9"), Hop("8.8.8.9", 5060, "udp")),
        (answer("sip:gw@10.0.0.9", source="10.0.0.9"), GATEWAY),
        (answer(f"sip:gw@{OWN}", source=SIBLING), GATEWAY),
        (answer("sip:gw@3.3.3.3", "<sip:2.2.2.2;lr>", "<sip:1.1.1.1;lr>"), Hop("1.1.1.1", 5060, "udp")),
        (answer("sip:gw@3.3.3.3", "<sip:1.1.1.1;lr>, <sip:name.example;lr>"), GATEWAY),
    ),
)
def test_a_callee_is_reached_as_its_answer_shows(message: SipAnswer, hop: Hop) -> None:
    """Its proxy next to us, its Contact, where the answer came from, where the INVITE went."""
    assert callee_of(CARRIER, GATEWAY, message, is_ours).hop == hop


def test_only_what_a_mac_proves_stands_at_the_platforms_own_addresses() -> None:
    """A sibling edge and the edge's own B2BUA; nobody else, whatever is signed."""
    for address in (OWN, SIBLING):
        side = SideMemory(SideKind.CUSTOMER, Hop(address, 5060, "udp"))
        assert next_hop(CUSTOMER, side, connected=False) is None
        assert not speaks_for(CUSTOMER, SideMemory(SideKind.CUSTOMER, SEEN), address)
        for kind in (SideKind.SIBLING, SideKind.B2BUA):
            around, known = replace(CUSTOMER, kind=kind), replace(side, kind=kind)
            assert next_hop(around, known, connected=False) == known.hop
            assert speaks_for(around, known, OWN)
            # Of a sibling's message Contact is the far end's.
            port = 5099 if kind is SideKind.B2BUA else SEEN.port
            assert caller(around, invite(f"sip:x@{address}:5099", source=address)).hop.port == port


def test_a_sibling_is_reached_where_it_stands() -> None:
    """By its Record-Route, else where the INVITE came from or went; never at the far end, however public."""
    around = replace(CARRIER, kind=SideKind.SIBLING)
    route = f"<sip:{SIBLING}:5061;transport=tls;lr;tk=abc>"
    far = "sip:pbx@8.8.8.8:5070"
    came = invite(far, route, source=SIBLING)
    assert caller(around, came).hop == Hop(SIBLING, 5061, "tls")
    assert caller(around, came).behind_proxy
    assert caller(around, invite(far, "<sip:8.8.8.8;lr>", source=SIBLING)).hop.address == SIBLING
    there = Hop(SIBLING, 5060, "udp")
    for message in (answer(far, source=SIBLING), answer(far, source="8.8.8.8")):
        side = callee_of(around, there, message, is_ours)
        assert (side.hop, side.contact, side.behind_proxy) == (there, far, True)
        assert next_hop(around, side, connected=False) == there
    moved = refreshed(around, side, answer("sip:pbx@8.8.4.4", source=SIBLING), is_caller=False)
    assert (moved.hop, moved.contact) == (there, "sip:pbx@8.8.4.4")


def test_the_living_connection_comes_first() -> None:
    side = caller(CUSTOMER, invite(f"sip:pbx@{PBX}:5070;transport=tcp", transport="tcp"))
    assert next_hop(CUSTOMER, side, connected=True) == Hop(PBX, 40_000, "tcp")
    assert next_hop(CUSTOMER, side, connected=False) == Hop(PBX, 5070, "tcp")


def later(method: str, contact: str = "", *, source: str = PBX, port: int = 40_000) -> SipRequest:
    message = replace(invite(contact, source=source, port=port), method=method)
    return message if contact else replace(message, headers={})


def test_a_side_behind_a_nat_moves_with_its_port() -> None:
    """Any message tells it; a Contact that can be used stays where it is."""
    hidden = caller(CUSTOMER, invite("sip:pbx@192.168.8.8"))
    assert refreshed(CUSTOMER, hidden, later("INFO", port=41_000), is_caller=True).hop.port == 41_000
    known = caller(CUSTOMER, invite(f"sip:pbx@{PBX}:5070"))
    moved = refreshed(CUSTOMER, known, later("INFO", port=41_000), is_caller=True)
    assert (moved.hop.port, moved.source) == (5070, Hop(PBX, 41_000, "udp"))


def test_a_refresh_moves_the_target_and_nothing_else_does() -> None:
    """INVITE and UPDATE; INFO's Contact is none. Behind a proxy the hop stays the proxy's."""
    side = caller(CUSTOMER, invite(f"sip:pbx@{PBX}:5070"))
    for method, port in (("INVITE", 5099), ("UPDATE", 5099), ("INFO", 5070), ("BYE", 5070)):
        assert refreshed(CUSTOMER, side, later(method, f"sip:p@{PBX}:5099"), is_caller=True).hop.port == port
    behind = caller(CUSTOMER, invite(f"sip:pbx@{PBX}", "<sip:1.1.1.1;lr>"))
    moved = refreshed(CUSTOMER, behind, later("INVITE", "sip:p@3.3.3.3"), is_caller=True)
    assert (moved.hop, moved.contact) == (Hop("1.1.1.1", 5060, "udp"), "sip:p@3.3.3.3")
    hidden = refreshed(CUSTOMER, side, later("INVITE", "sip:p@name.example", port=41_000), is_caller=True)
    assert hidden.hop == Hop(PBX, 41_000, "udp")


def test_a_message_from_a_denied_network_teaches_nothing() -> None:
    side = caller(CUSTOMER, invite("sip:pbx@192.168.8.8"))
    for source in ("10.0.0.9", OWN):
        message = later("INVITE", f"sip:x@{source}", source=source)
        assert refreshed(CUSTOMER, side, message, is_caller=True) == side


@pytest.mark.parametrize(
    ("around", "source", "known"),
    (
        (CUSTOMER, PBX, True),
        (CUSTOMER, "192.168.7.200", True),
        (CUSTOMER, "172.16.5.1", False),
        (CUSTOMER, "1.1.1.1", False),
        (CARRIER, "172.16.5.1", True),
        (CARRIER, "172.16.6.1", False),
        (replace(CARRIER, facts=None), "172.16.6.1", True),
        (replace(CUSTOMER, facts=None), "192.168.7.200", False),
        (CUSTOMER, "no address", False),
    ),
)
def test_a_side_speaks_from_its_addresses_and_its_networks(
    around: Surroundings, source: str, known: bool
) -> None:
    """After a restart, which trunk it was is not known, and a carrier is any carrier."""
    side = SideMemory(around.kind, SEEN if around.kind is SideKind.CUSTOMER else GATEWAY)
    assert speaks_for(around, side, source) is known


@given(hostile_text, hostile_text, hostile_text, st.sampled_from(SideKind), st.booleans())
def test_any_text_gives_a_hop_that_is_no_edge_and_not_denied(
    contact: str, route: str, source: str, kind: SideKind, secure: bool
) -> None:
    """Total, and never a place that a side may not be sent to."""
    around = replace(CUSTOMER, kind=kind, secure=secure)
    message = replace(
        invite("x"), headers={"contact": (contact,), "record-route": (route,)}, source=source or PBX
    )
    side = caller_of(around, message, SEEN)
    assert side == SideMemory.from_text(side.to_text())
    assert refreshed(around, side, message, is_caller=True).hop is not None
    assert callee_of(around, GATEWAY, answer(contact, route), is_ours).hop.address not in (OWN, "10.0.0.1")
