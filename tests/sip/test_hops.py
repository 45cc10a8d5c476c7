"""Requests and answers in a dialog go to its two sides as they were seen, and nowhere else."""

from __future__ import annotations

import pytest

from support.dialogs import end, established, killed_and_restarted
from support.lab import Lab
from support.patience import SHORT_CALL_SECONDS, until
from support.sipmessage import Message, new_token, render, sdp
from support.sipua import UserAgent
from support.tables import make_account

DIRECTIONS = pytest.mark.parametrize("outgoing", (True, False), ids=("termination", "origination"))
SIDES = pytest.mark.parametrize("by", ("caller", "callee"))


ELSEWHERE = (
    "sip:any@{sink}:5060",
    "sip:any@{sink}:5060;transport=tcp",
    "sip:any@silent.invalid",
    "sip:any@127.0.0.1:5060",
    "sip:any@10.0.0.1;alias={sink}~5060~1",
    "sip:any@10.0.0.1;maddr={sink}",
    "sip:any@silent.invalid;maddr=silent2.invalid",
)


@DIRECTIONS
@SIDES
@pytest.mark.parametrize("uri", ELSEWHERE)
def test_no_request_uri_leads_to_a_third_place(
    lab: Lab, pbx: UserAgent, telco: UserAgent, outgoing: bool, by: str, uri: str
) -> None:
    """Another address, a name, the edge, an alias, a maddr: the other side gets it, by its own Contact."""
    sink = lab.agent(67)
    caller, callee = (pbx, telco) if outgoing else (telco, pbx)
    near, far, _, _ = established(lab, caller, callee, outgoing=outgoing)
    leg, other = (near, callee) if by == "caller" else (far, caller)
    leg.target = uri.format(sink=sink.address, edge=lab.edge.address)
    leg.send("INFO")
    info = other.wait("INFO")
    assert info.uri == other.contact
    other.respond(info, 200)
    leg.agent.wait("INFO", status=200)
    assert sink.silence(0.02) == []


@DIRECTIONS
@SIDES
def test_a_request_for_the_edge_itself_goes_to_the_other_side(
    lab: Lab, pbx: UserAgent, telco: UserAgent, outgoing: bool, by: str
) -> None:
    """As from a strict router (RFC 3261 section 16.4): its last Route becomes its Request-URI; no loop."""
    caller, callee = (pbx, telco) if outgoing else (telco, pbx)
    near, far, _, _ = established(lab, caller, callee, outgoing=outgoing)
    leg, other = (near, callee) if by == "caller" else (far, caller)
    leg.target = f"sip:any@{lab.edge.address}:5060"
    leg.send("INFO")
    other.respond(other.wait("INFO"), 200)
    leg.agent.wait("INFO", status=200)


@pytest.mark.parametrize("route", ("<sip:{sink};lr>", "<sip:silent.invalid;lr>", "<sip:{sink}>"))
def test_further_routes_are_passed_on_and_lead_nowhere(
    lab: Lab, pbx: UserAgent, telco: UserAgent, route: str
) -> None:
    """Loose, named, strict: they are for whoever comes next."""
    sink = lab.agent(67)
    leg, _, _, _ = established(lab, pbx, telco, outgoing=True)
    leg.routes.append(route.format(sink=sink.address))
    leg.send("INFO")
    telco.respond(telco.wait("INFO"), 200)
    pbx.wait("INFO", status=200)
    assert sink.silence(0.02) == []


def test_a_token_of_a_call_that_is_over_leads_to_its_sides_alone(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """It reaches no other carrier; a stranger who has it reaches nobody, nor who forges it."""
    other_carrier, stranger = lab.agent(31), lab.agent(66)
    lab.serve(accounts=[make_account(max_call_duration_seconds=60)])
    leg, _, _, _ = established(lab, pbx, telco, outgoing=True)
    end(leg, telco)
    leg.target = f"sip:+37255550000@{other_carrier.address}"
    leg.send("OPTIONS")
    telco.wait("OPTIONS")
    leg.agent = stranger
    for method in ("OPTIONS", "BYE", "INFO"):
        leg.send(method)
        stranger.wait(method, status=481)
    for method in ("INVITE", "ACK"):
        leg.send(method)
    assert stranger.silence(0.1) == []
    assert telco.silence(0.05) == []
    assert other_carrier.silence(0.05) == []
    assert "tk=" in leg.routes[0]
    leg.agent = pbx
    leg.routes[0] = leg.routes[0].replace("tk=", "tk=0")
    leg.send("OPTIONS")
    pbx.wait("OPTIONS", status=481)


def test_a_customer_behind_a_nat_is_reached_at_the_port_it_was_last_seen_at(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """Its router gave it another port during the call."""
    leg, far, _, _ = established(lab, pbx, telco, outgoing=True, contact="sip:pbx@192.0.2.77:5066")
    moved = lab.agent(20, 5071)
    leg.agent = moved
    leg.send("INFO")
    telco.respond(telco.wait("INFO"), 200)
    moved.wait("INFO", status=200)
    end(far, moved)


def test_a_carrier_may_answer_from_another_address_and_record_route_twice(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """Its proxies are named in Record-Route; requests go where its answer came from, and none is resolved."""
    other = lab.agent(31)
    invite = lab.call_out(pbx)
    received = telco.wait("INVITE")
    proxies = [("Record-Route", "<sip:p2.invalid;lr>"), ("Record-Route", "<sip:p1.invalid;lr>")]
    received.headers[:0] = proxies
    other.respond(received, 200, headers=[("Contact", "<sip:gw@media.invalid>")], body=sdp(other.address))
    leg = invite.leg(pbx.wait("INVITE", status=200))
    leg.send("ACK")
    ack = other.wait("ACK")
    assert ack.uri == "sip:gw@media.invalid"
    assert ack.all("Route") == ["<sip:p1.invalid;lr>", "<sip:p2.invalid;lr>"]
    end(leg, other)
    assert telco.silence(0.02) == []


def test_an_answer_from_a_denied_network_opens_no_way_into_it(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """The address was judged by nobody: requests go where the INVITE went."""
    inside = lab.agent(31)
    lab.serve(site_changes={"denied_targets": (f"{inside.address}/32",)})
    invite = lab.call_out(pbx)
    received = telco.wait("INVITE")
    inside.respond(received, 200, body=sdp(inside.address))
    leg = invite.leg(pbx.wait("INVITE", status=200))
    assert leg.target == inside.contact
    leg.send("ACK")
    telco.wait("ACK")
    end(leg, telco)
    assert inside.silence(0.05) == []


@pytest.mark.parametrize("contact", ("sip:pbx@192.0.2.77;transport=tcp", "sip:pbx@silent.invalid"))
def test_over_a_stream_the_living_connection_is_used(lab: Lab, telco: UserAgent, contact: str) -> None:
    """A PBX behind a NAT cannot be connected to."""
    pbx = lab.agent(20, 0, "tcp")
    leg, far, _, _ = established(lab, pbx, telco, outgoing=True, contact=contact)
    end(far, pbx)
    assert pbx.connections == 1
    assert leg.call_id == far.call_id


def test_what_leads_to_the_sides_survives_a_restart_and_fits_no_other_edge(
    own: Lab, pbx: UserAgent, telco: UserAgent, lab: Lab
) -> None:
    """Named and private Contacts, both ways round; the same Route at another address of the platform: 481."""
    out = established(own, pbx, telco, outgoing=True, contact="sip:x@silent.invalid")
    back = established(own, telco, pbx, outgoing=False, contact="sip:x@192.0.2.77")
    killed_and_restarted(own)
    for (near, far, _, _), (caller, callee) in ((out, (pbx, telco)), (back, (telco, pbx))):
        near.send("INVITE", body=sdp(caller.address))
        callee.respond(callee.wait("INVITE"), 200, body=sdp(callee.address))
        caller.wait("INVITE", status=200)
        near.send("ACK")
        callee.wait("ACK")
        near.to = lab.edge_at
        near.send("BYE")
        caller.wait("BYE", status=481)
        end(far, caller)
    assert names_looked_up(own) == 0


def names_looked_up(lab: Lab) -> int:
    found = lab.edge.rpc("stats.get_statistics", "dns:")
    return sum(int(each.rpartition("=")[2]) for each in found)


FAR_CONTACTS = ("sip:x@silent.invalid", "sip:x@192.0.2.77:5066", "sip:x@" + "y" * 1100)


def test_the_edges_own_byes_go_to_the_sides_as_well(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """S11 with a name, a private address or 1.1 kB in the Contacts, and a named proxy before either side."""
    lab.serve(accounts=[make_account(max_call_duration_seconds=SHORT_CALL_SECONDS)])
    calls = []
    for contact in FAR_CONTACTS:
        for caller, callee, call in ((pbx, telco, lab.call_out), (telco, pbx, lab.call_in)):
            invite = call(caller, contact=contact, headers=[("Record-Route", "<sip:near.invalid;lr>")])
            received = callee.wait("INVITE")
            received.headers[:0] = [("Record-Route", "<sip:far.invalid;lr>")]
            callee.respond(received, 200, headers=[("Contact", f"<{contact}>")], body=sdp(callee.address))
            leg = invite.leg(caller.wait("INVITE", status=200, call_id=invite.call_id))
            del leg.routes[0]  # the caller's own proxy has done its work
            leg.send("ACK")
            callee.wait("ACK", call_id=invite.call_id)
            calls.append((contact, invite.call_id, caller, callee))
    for contact, call_id, caller, callee in calls:
        for agent, proxy in ((caller, "<sip:near.invalid;lr>"), (callee, "<sip:far.invalid;lr>")):
            bye = agent.wait("BYE", call_id=call_id)
            assert (bye.uri, bye.all("Route")) == (contact, [proxy])
            agent.respond(bye, 200)
    assert "a BYE could not be sent" not in lab.edge.log()


def test_the_edges_own_bye_uses_the_connection_of_a_customer(lab: Lab, telco: UserAgent) -> None:
    """S11 over TCP from behind a NAT."""
    pbx = lab.agent(20, 0, "tcp")
    lab.serve(accounts=[make_account(max_call_duration_seconds=SHORT_CALL_SECONDS)])
    leg, _, _, answer = established(
        lab, pbx, telco, outgoing=True, contact="sip:pbx@192.0.2.77;transport=tcp"
    )
    for agent, own_tag, other_tag in (
        (pbx, answer.tag("From"), answer.tag("To")),
        (telco, answer.tag("To"), answer.tag("From")),
    ):
        bye = agent.wait("BYE")
        assert (bye.tag("To"), bye.tag("From")) == (own_tag, other_tag)
        assert bye.cseq > leg.cseq
        agent.respond(bye, 200)
    assert pbx.connections == 1


def answer_again(received: Message, telco: UserAgent, second_via: str, status: str = "200 OK") -> bytes:
    """The 2xx of a call once more, its second Via another."""
    copied = [
        (name, value)
        for name, value in received.headers
        if name.lower() in ("from", "call-id", "cseq", "record-route")
    ]
    vias = received.all("Via")
    fields = [("Via", vias[0]), ("Via", second_via), *copied, ("To", received.header("To") + ";tag=uas")]
    return render(f"SIP/2.0 {status}", [*fields, ("Contact", f"<{telco.contact}>")])


def test_a_stray_answer_goes_to_who_asked_alone(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """With the token of the very call: no third address, no name, no other port, no other status."""
    victim = lab.agent(67)
    _, _, received, _ = established(lab, pbx, telco, outgoing=True)
    until(lambda: received.call_id not in lab.edge.transactions())
    pbx.inbox.clear()
    genuine = received.all("Via")[1]
    branch = f"branch=z9hG4bK{new_token()}"
    for via, status in (
        (f"SIP/2.0/UDP {victim.address}:5060;{branch};rport=5060", "200 OK"),
        (f"SIP/2.0/UDP {pbx.address}:5060;{branch};rport=5060;received={victim.address}", "200 OK"),
        (f"SIP/2.0/UDP silent.invalid;{branch};rport=5060", "200 OK"),
        (genuine.replace("rport=5060", "rport=5061"), "200 OK"),
        (genuine, "404 Not Found"),
        (genuine, "180 Ringing"),
    ):
        telco.send(answer_again(received, telco, via, status), lab.edge_at)
    assert victim.silence(0.2) == []
    assert pbx.silence(0.05) == []
    telco.send(answer_again(received, telco, genuine), lab.edge_at)
    assert pbx.wait("INVITE", status=200).call_id == received.call_id


def test_requests_in_one_call_are_counted(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """More than 100 in 10 s: 503, and other calls go on."""
    first, _, _, _ = established(lab, pbx, telco, outgoing=True)
    second, _, _, _ = established(lab, pbx, telco, outgoing=True)
    for _ in range(220):
        first.send("INFO")
    pbx.wait("INFO", status=503)
    telco.silence(0.1)
    end(second, telco)
