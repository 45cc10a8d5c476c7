"""Calls whose sides are not where they say, or do not stay there: made, held, resumed and ended."""

from __future__ import annotations

import ssl

import pytest

from support.dialogs import end, established, hold, killed_and_restarted
from support.lab import Lab
from support.sipmessage import Message, sdp
from support.sipua import Leg, UserAgent, callee_leg, client_context
from support.tables import make_target

HIDDEN = "sip:pbx@192.0.2.77:5066"
TRANSPORTS = pytest.mark.parametrize("transport", ("udp", "tcp", "tls"))


def customer(lab: Lab, transport: str, port: int = 0) -> UserAgent:
    """A PBX at the address of the access list, at a port of its router's choice."""
    context: ssl.SSLContext | None = client_context() if transport == "tls" else None
    return lab.agent(20, port, transport, tls=context)


def behind_nat(lab: Lab, telco: UserAgent, transport: str) -> tuple[Leg, Leg, str]:
    """The PBX has called out; its Contact leads nowhere."""
    contact = HIDDEN if transport == "udp" else f"{HIDDEN};transport={transport}"
    near, far, _, _ = established(lab, customer(lab, transport), telco, outgoing=True, contact=contact)
    near.contact = contact
    return near, far, contact


@TRANSPORTS
def test_a_pbx_behind_a_nat_whose_port_changes(lab: Lab, telco: UserAgent, transport: str) -> None:
    """Held from the new port, resumed by the other side, held again from a third, ended by the other side."""
    near, far, contact = behind_nat(lab, telco, transport)
    near.agent = customer(lab, transport)
    hold(near, telco)
    assert hold(far, near.agent, contact=contact).uri == contact
    near.agent = customer(lab, transport)
    hold(near, telco)
    far.target = near.target  # whatever the carrier writes there
    end(far, near.agent)


@TRANSPORTS
def test_and_a_restart_in_between(own: Lab, telco: UserAgent, transport: str) -> None:
    """All that is left is the Record-Route: the PBX holds, resumes and ends from another port."""
    near, _, _ = behind_nat(own, telco, transport)
    killed_and_restarted(own)
    near.agent = customer(own, transport)
    hold(near, telco)
    hold(near, telco)
    end(near, telco)


def test_a_called_pbx_moves_as_well(lab: Lab, telco: UserAgent) -> None:
    """Origination: its 2xx and its re-INVITE come from ports that its router chose."""
    pbx = lab.agent(20)
    near, far, _, _ = established(lab, telco, pbx, outgoing=False, contact="sip:x@192.0.2.77")
    far.contact, far.agent = "sip:x@192.0.2.77", customer(lab, "udp")
    hold(far, telco)
    hold(near, far.agent, contact=far.contact)
    end(near, far.agent)
    assert pbx.silence(0.05) == []


def with_proxies(lab: Lab) -> tuple[UserAgent, UserAgent]:
    """Two more hosts of the carrier: who answers, and the proxy next to the edge."""
    names = (30, 31, 32)
    lab.serve(sources={f"{lab.block.address(each)}/32": "telco" for each in names})
    return lab.agent(31), lab.agent(32)


def test_a_carrier_that_answers_elsewhere_and_record_routes_twice(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """Its proxy next to the edge takes all that follows; held both ways, ended by it."""
    gateway, proxy = with_proxies(lab)
    invite = lab.call_out(pbx)
    received = telco.wait("INVITE")
    routes = [f"<sip:{gateway.address}:5099;lr>", f"<sip:{proxy.address};lr>"]
    received.headers[:0] = [("Record-Route", route) for route in routes]
    gateway.respond(received, 200, body=sdp(gateway.address))
    leg = invite.leg(pbx.wait("INVITE", status=200))
    leg.send("ACK")
    ack = proxy.wait("ACK")
    assert (ack.uri, ack.all("Route")) == (gateway.contact, routes[::-1])
    assert hold(leg, proxy).uri == gateway.contact
    far = callee_leg(proxy, received, received.path)
    far.routes = far.routes[2:]  # its own proxies have done their work
    hold(far, pbx)
    end(far, pbx)
    assert telco.silence(0.02) == []


def test_a_carrier_that_calls_through_a_proxy(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """Origination with two Record-Routes: requests for the caller pass the nearest, its first."""
    _, proxy = with_proxies(lab)
    routes = [f"<sip:{proxy.address};lr>", "<sip:p2.invalid;lr>"]
    invite = lab.call_in(telco, headers=[("Record-Route", route) for route in routes])
    received = pbx.wait("INVITE")
    pbx.respond(received, 200, body=sdp(pbx.address))
    leg = invite.leg(telco.wait("INVITE", status=200))
    leg.routes = leg.routes[2:]
    leg.send("ACK")
    pbx.wait("ACK")
    far = callee_leg(pbx, received, received.path)
    far.send("BYE")
    bye = proxy.wait("BYE")
    assert (bye.uri, bye.all("Route")) == (telco.contact, routes)
    proxy.respond(bye, 200)
    pbx.wait("BYE", status=200)


def early(invite_received: Message, agent: UserAgent, tag: str, number: str) -> None:
    headers = [("RSeq", number), ("Require", "100rel")]
    agent.respond(invite_received, 183, headers=headers, body=sdp(agent.address), tag=tag)


def test_early_dialogs_of_one_invite_are_reached_each_for_itself(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """Two phones behind the carrier ring reliably; PRACK and UPDATE go to the right one."""
    first, second = with_proxies(lab)
    invite = lab.call_out(pbx, headers=[("Supported", "100rel")])
    received = telco.wait("INVITE")
    early(received, first, "one", "1")
    one = invite.leg(pbx.wait("INVITE", status=183))
    early(received, second, "two", "7")
    two = invite.leg(pbx.wait("INVITE", status=183))
    for leg, phone, number in ((two, second, "7"), (one, first, "1")):
        leg.send("PRACK", [("RAck", f"{number} 1 INVITE")])
        prack = phone.wait("PRACK")
        assert prack.uri == phone.contact
        phone.respond(prack, 200)
        pbx.wait("PRACK", status=200)
        leg.send("UPDATE", body=sdp(pbx.address))
        phone.respond(phone.wait("UPDATE"), 200, body=sdp(phone.address))
        pbx.wait("UPDATE", status=200)
    second.respond(received, 200, body=sdp(second.address), tag="two")
    pbx.wait("INVITE", status=200)
    two.send("ACK", cseq=1)
    second.wait("ACK")
    end(two, second)
    assert telco.silence(0.02) == []
    assert first.silence(0.02) == []


def test_no_more_than_eight_early_dialogs_are_remembered(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """A ninth phone is reached where the INVITE went."""
    phone, _ = with_proxies(lab)
    invite = lab.call_out(pbx)
    received = telco.wait("INVITE")
    legs = []
    for number in range(9):
        phone.respond(received, 183, tag=f"t{number}")
        legs.append(invite.leg(pbx.wait("INVITE", status=183)))
    legs[8].send("UPDATE", body=sdp(pbx.address))
    telco.wait("UPDATE")
    legs[7].send("UPDATE", body=sdp(pbx.address))
    phone.wait("UPDATE")


def test_a_strict_router_before_the_edge(own: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """RFC 3261 16.12.1.2: our Record-Route is its Request-URI, the target its last Route."""
    leg, _, _, _ = established(own, pbx, telco, outgoing=True)
    target, ours = leg.target, leg.routes[0].strip("<>")
    leg.target, leg.routes = ours, [f"<{target}>"]
    leg.send("INFO")
    info = telco.wait("INFO")
    assert (info.uri, info.all("Route")) == (target, [])
    telco.respond(info, 200)
    pbx.wait("INFO", status=200)
    killed_and_restarted(own)
    hold(leg, telco)
    end(leg, telco)


def test_a_strict_router_after_the_edge(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """Its Record-Route has no `lr`: it gets its own URI, and the target as the last Route."""
    _, proxy = with_proxies(lab)
    invite = lab.call_out(pbx)
    received = telco.wait("INVITE")
    strict = f"sip:{proxy.address}"
    received.headers[:0] = [("Record-Route", f"<{strict}>")]
    telco.respond(received, 200, body=sdp(telco.address))
    leg = invite.leg(pbx.wait("INVITE", status=200))
    leg.send("ACK")
    ack = proxy.wait("ACK")
    assert (ack.uri, ack.all("Route")) == (strict, [f"<{telco.contact}>"])
    end(leg, proxy)


def test_a_contact_that_kamailio_cannot_read_is_a_name_like_any(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """`my_pbx`: held, resumed and ended by the carrier, to where the call came from."""
    contact = "sip:ua@my_pbx:5060"
    leg, far, _, _ = established(lab, pbx, telco, outgoing=True, contact=contact)
    assert hold(far, pbx, contact=contact).uri == contact
    leg.contact = contact
    hold(leg, telco)
    end(far, pbx)


def test_a_restart_leaves_each_of_them_where_it_was(own: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """Behind two proxies, one of two forks, with a name for its Contact: held, resumed and ended after it.

    Of the first, what is left leads to where its INVITE was sent, and its Routes on from there.
    """
    gateway, proxy = with_proxies(own)
    routed = own.call_out(pbx)
    received = telco.wait("INVITE", call_id=routed.call_id)
    routes = [f"<sip:{gateway.address}:5099;lr>", f"<sip:{proxy.address};lr>"]
    received.headers[:0] = [("Record-Route", route) for route in routes]
    gateway.respond(received, 200, body=sdp(gateway.address))
    one = routed.leg(pbx.wait("INVITE", status=200, call_id=routed.call_id))
    one.send("ACK")
    proxy.wait("ACK", call_id=routed.call_id)
    forked = own.call_out(pbx)
    received = telco.wait("INVITE", call_id=forked.call_id)
    gateway.respond(received, 183, tag="other", body=sdp(gateway.address))
    telco.respond(received, 200, tag="two", body=sdp(telco.address))
    two = forked.leg(pbx.wait("INVITE", status=200, call_id=forked.call_id))
    two.send("ACK")
    telco.wait("ACK", call_id=forked.call_id)
    contact = "sip:ua@my_pbx:5060"
    three, far, _, _ = established(own, pbx, telco, outgoing=True, contact=contact)
    three.contact = contact
    killed_and_restarted(own)
    assert hold(one, telco).all("Route") == routes[::-1]
    for leg in (two, three):
        assert hold(leg, telco).all("Route") == []
    for leg in (one, two, three):
        hold(leg, telco)
    assert hold(far, pbx, contact=contact).uri == contact
    for leg in (one, two, three):
        end(leg, telco)


def test_a_callee_whose_tag_is_the_callers_takes_no_call(lab: Lab, telco: UserAgent) -> None:
    """Nothing would tell its requests from the caller's: its answer is lost, the next one is called."""
    first, second = lab.agent(21), lab.agent(22)
    targets = (make_target(first.address, 5060, priority=1), make_target(second.address, 5060, priority=2))
    lab.serve(trunk={"targets": targets})
    call = lab.call_in(telco)
    received = first.wait("INVITE")
    first.respond(received, 180, tag=received.tag("From"))
    first.respond(received, 200, tag=received.tag("From"), body=sdp(first.address))
    second.wait("INVITE")
    heard = [message.status for message in telco.silence(0.05) if message.call_id == call.call_id]
    assert heard == [100]
