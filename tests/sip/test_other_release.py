"""The other Kamailio, that of the edge's image: each entry into Python, look-ups, and one of each kind."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from sipedge.instance import read_edge_secret
from sipedge.registrations.errand import HEADER, Errand, ErrandKeeper
from sipedge.routing.brakes import CHALLENGES, OPTIONS_AT_ONCE, WRONG_DIGESTS
from sipedge.routing.dialog.hops import make_hop
from support.addresses import reserved_block
from support.asked_to_end import are_right, ask_to_end, byes, place_of
from support.asking import HOST, PASSWORD, answered, goes_on, is_silent, refused, serve_users, shown
from support.dialogs import end, established, hold
from support.edge import ROOT, Edge, options
from support.entered import entries, telling_edge
from support.events import all_events_of_sid
from support.lab import EDGE, PBX, TELCO, Lab
from support.lookups import NAME, agent_of
from support.other_release import image_prefix
from support.patience import PATIENCE, SHORT_CALL_SECONDS
from support.sipmessage import new_token, render, sdp
from support.sipua import Leg, UserAgent, user_agent
from support.tables import make_carrier, make_gateway, make_ha1, make_target

REALM = "telco.example"
CHALLENGE = ("Proxy-Authenticate", f'Digest realm="{REALM}", nonce="n", qop="auth"')
PROBE_SECONDS = SHORT_CALL_SECONDS
"""Twice that, and no call here is silent for so long."""
CREDENTIALS = make_carrier(realm=REALM, username="us", ha1=make_ha1("us", "Carrier-1", REALM))
NOT_TOLD = {"ksr_empty_events", "ksr_probe", "ksr_captured"}
"""Entered all the time, what they write and send is looked at instead; and what test_capture is about."""


@pytest.fixture(scope="module")
def other(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """One edge for all of this file."""
    place = tmp_path_factory.mktemp("other")
    prefix = image_prefix(place)
    with (
        reserved_block() as block,
        telling_edge(block.address(EDGE), place, prefix=prefix, probe_seconds=PROBE_SECONDS) as edge,
        ExitStack() as stack,
    ):
        yield Lab(edge, block, stack)
        assert not complaints(edge)


def complaints(edge: Edge) -> list[str]:
    """But for those of the parser at what cannot be parsed."""
    return [
        line
        for line in edge.log().splitlines()
        if re.search(r"\b(ERROR|CRITICAL|ALERT|BUG)\b|fault in|bogus ref", line) and "pars" not in line
    ]


@pytest.fixture(scope="module")
def sides(other: Lab) -> tuple[UserAgent, UserAgent]:
    """The PBX and the carrier."""
    return other.agent(PBX), other.agent(TELCO)


def entered(edge: Edge, call_id: str, since: int) -> set[str]:
    return {each.split()[0] for each in entries(edge, call_id, since)}


def an_unreadable_request(lab: Lab, pbx: UserAgent, telco: UserAgent) -> str:
    """400 by what remains of it."""
    sent: list[bytes] = []
    real, pbx.send = pbx.send, lambda data, to: sent.append(data)  # type: ignore[method-assign]
    invite = lab.call_out(pbx)
    pbx.send = real  # type: ignore[method-assign]
    pbx.send(sent[0].replace(b"To: ", b"Junk\r\nTo: "), lab.edge_at)
    pbx.wait(status=400, call_id=invite.call_id)
    return ""  # Kamailio knows no Call-ID of it


def a_call_of_each_direction(lab: Lab, pbx: UserAgent, telco: UserAgent) -> str:
    """Held by either side and ended."""
    for outgoing in (True, False):
        caller, callee = (pbx, telco) if outgoing else (telco, pbx)
        near, far, _, _ = established(lab, caller, callee, outgoing=outgoing)
        hold(near, callee)
        hold(far, caller)
        end(far, caller)
    return near.call_id


def a_stray_answer(lab: Lab, pbx: UserAgent, telco: UserAgent) -> str:
    """Dropped, whoever its Via names."""
    call_id = new_token()
    vias = [("Via", f"SIP/2.0/UDP {lab.edge.address};branch=z9hG4bKno.body"), pbx.via()]
    fields = [
        ("From", "<sip:a@b>;tag=1"),
        ("To", "<sip:c@d>;tag=2"),
        ("Call-ID", call_id),
        ("CSeq", "1 INVITE"),
    ]
    telco.send(render("SIP/2.0 200 OK", [*vias, *fields]), lab.edge_at)
    assert not [each for each in pbx.silence(0.3) if each.call_id == call_id]
    return call_id


def an_answer_that_asserts_somebody(lab: Lab, pbx: UserAgent, telco: UserAgent) -> str:
    """Python judges it; then the caller gives up."""
    invite = lab.call_in(telco)
    received = pbx.wait("INVITE", call_id=invite.call_id)
    pbx.respond(received, 183, headers=[("P-Asserted-Identity", "<sip:+19998887777@x>")])
    assert telco.wait("INVITE", status=183).all("P-Asserted-Identity") == []
    invite.cancel()
    pbx.respond(pbx.wait("CANCEL"), 200)
    pbx.respond(received, 487)
    assert invite.final().status == 487
    return invite.call_id


def a_failover(lab: Lab, pbx: UserAgent, telco: UserAgent) -> str:
    """The second gateway is busy."""
    second = lab.block.address(TELCO + 1)
    gateways = [make_gateway(telco.address, 5060), make_gateway(second, 5060, priority=99)]
    lab.serve(routes={"+": gateways})
    backup = lab.agent(TELCO + 1)
    invite = lab.call_out(pbx)
    telco.respond(telco.wait("INVITE", call_id=invite.call_id), 503)
    backup.respond(backup.wait("INVITE", call_id=invite.call_id), 486)
    assert invite.final().status == 486
    return invite.call_id


def challenges(lab: Lab, pbx: UserAgent, telco: UserAgent) -> str:
    """Of the INVITE, of a re-INVITE, and of the BYE: each is answered by the edge."""
    lab.serve(carriers=[CREDENTIALS])
    invite = lab.call_out(pbx)

    def challenged(method: str, cseq: int) -> None:
        first = telco.wait(method, call_id=invite.call_id)
        telco.respond(first, 407, headers=[CHALLENGE])
        again = telco.wait(method, call_id=invite.call_id)
        while again.cseq == first.cseq:
            again = telco.wait(method, call_id=invite.call_id)
        assert (first.cseq, again.cseq) == (cseq, cseq + 1)
        telco.respond(again, 200, body="" if method == "BYE" else sdp(telco.address))

    challenged("INVITE", 1)
    leg: Leg = invite.leg(pbx.wait("INVITE", status=200, call_id=invite.call_id))
    leg.send("ACK")
    leg.send("INVITE", body=sdp(pbx.address))
    challenged("INVITE", 3)
    pbx.wait("INVITE", status=200)
    leg.send("ACK", cseq=leg.cseq)
    leg.send("BYE")
    challenged("BYE", 5)
    pbx.wait("BYE", status=200)
    return invite.call_id


def counted_calls(lab: Lab, pbx: UserAgent, telco: UserAgent) -> str:
    """One is up, one too many; over UDP and TCP."""
    lab.serve(trunk={"access": (f"{pbx.address}/32",), "max_concurrent_calls": 1})
    for caller in (pbx, lab.agent(PBX, 0, "tcp")):
        near, _, _, _ = established(lab, caller, telco, outgoing=True)
        assert lab.call_out(caller).final().status == 503
        end(near, telco)
        time.sleep(0.1)
    return near.call_id


def a_redirect_and_a_new_target_are_looked_up(lab: Lab, pbx: UserAgent, telco: UserAgent) -> str:
    """Found; not found; given up."""
    with agent_of(lab) as agent:
        lab.serve(trunk={"targets": (make_target(pbx.address, 5060),)})
        invite = lab.call_in(telco)
        received = pbx.wait("INVITE", call_id=invite.call_id)
        pbx.respond(received, 302, headers=[("Contact", f"<sip:desk@{NAME}>")])
        agent.answer(agent.question(), pbx.address)
        pbx.wait("ACK", call_id=invite.call_id)
        pbx.respond(pbx.wait("INVITE", call_id=invite.call_id), 486)
        assert invite.final().status == 486
        for found in ((pbx.address,), (), None):
            lab.serve(trunk={"targets": (make_target(NAME),)})
            invite = lab.call_in(telco)
            asked = agent.question()
            if found is None:
                invite.cancel()
            else:
                agent.answer(asked, *found)
            if found:
                pbx.respond(pbx.wait("INVITE", call_id=invite.call_id), 486)
            assert invite.final().status == (487 if found is None else 486 if found else 480)
    return invite.call_id


def a_call_that_is_asked_to_end(lab: Lab, pbx: UserAgent, telco: UserAgent) -> str:
    """Both sides get the edge's own BYE, and the event tells why."""
    near, far, received, answer = established(lab, pbx, telco, outgoing=True)
    sid = answer.header("X-Trunkline-CallSid")
    assert ask_to_end(lab, place_of(lab, sid)) == "SIP/2.0 200 OK"
    assert are_right(byes(near, far), (near, 0), (far, received.cseq))
    ended = all_events_of_sid(lab.edge, sid)[-1:]
    assert (ended[0]["endedBy"], ended[0]["endReason"]) == ("edge", "requested")
    return near.call_id


def a_call_that_a_side_has_lost(lab: Lab, pbx: UserAgent, telco: UserAgent) -> str:
    """Asked in its dialog it says so; the other side is asked as well."""
    near, far, received, answer = established(lab, pbx, telco, outgoing=True)
    asked = [leg.agent.wait("OPTIONS", call_id=leg.call_id) for leg in (near, far)]
    assert [each.cseq for each in asked] == [0, received.cseq]
    for leg, message, status in zip((near, far), asked, (200, 481), strict=True):
        leg.agent.respond(message, status)
    assert are_right(byes(near, far), (near, 0), (far, received.cseq))
    ended = all_events_of_sid(lab.edge, answer.header("X-Trunkline-CallSid"))[-1:]
    assert (ended[0]["endedBy"], ended[0]["endReason"]) == ("edge", "probe")
    return near.call_id


def too_many_of_one_source(lab: Lab, pbx: UserAgent, telco: UserAgent) -> str:
    """OPTIONS, wrong digests, challenges: silence, and a right digest goes on."""
    serve_users(lab)
    guesser = lab.agent(PBX, 5098)
    assert [answered(lab, guesser, 1) for _ in range(OPTIONS_AT_ONCE + 1)] == [1] * OPTIONS_AT_ONCE + [0]
    for _ in range(WRONG_DIGESTS):
        assert shown(lab, guesser, "wrong").final().status == 403
    for password in ("wrong", PASSWORD):
        assert is_silent(lab, guesser, password)
    before = refused(lab, "CredentialsRequired")
    for _ in range(CHALLENGES):
        assert lab.call_out(guesser, host=HOST).final().status == 407
    assert refused(lab, "CredentialsRequired") > before
    assert goes_on(lab, telco, pbx)
    return shown(lab, pbx, "wrong").call_id


def a_registration_of_the_agents(lab: Lab, pbx: UserAgent, telco: UserAgent) -> str:
    """It goes where its errand says, and nowhere without one; the answer comes back to the agent."""
    settings, call_id = lab.edge.settings, new_token()
    hop = make_hop(telco.address, 5060, "udp")
    assert hop is not None
    keeper = ErrandKeeper(read_edge_secret(settings.edge_secret_file))
    proven = keeper.value(Errand(hop, ""), call_id, 1, time.time())
    with user_agent(lab.edge.address) as agent:
        for errand in (proven.replace(";", "x", 1), proven):
            fields = [
                agent.via(),
                ("Max-Forwards", "70"),
                ("From", "<sip:us@telco.example>;tag=1"),
                ("To", "<sip:us@telco.example>"),
                ("Call-ID", call_id),
                ("CSeq", "1 REGISTER"),
                ("Contact", f"<sip:telco@{lab.edge.address}:5060>"),
                (HEADER, errand),
            ]
            agent.send(render("REGISTER sip:telco.example SIP/2.0", fields), lab.edge_at)
        received = telco.wait("REGISTER", call_id=call_id)
        assert received.all(HEADER) == []
        assert len(received.all("Via")) == 2
        telco.respond(received, 200, tag="r")
        agent.wait("REGISTER", status=200, call_id=call_id)
        assert not [each for each in telco.silence(0.1) if each.method == "REGISTER"]
    return call_id


def a_call_that_is_ended_before_its_answer(lab: Lab, pbx: UserAgent, telco: UserAgent) -> str:
    """The callee is cancelled, and the caller gets the edge's own answer."""
    invite = lab.call_in(telco)
    received = pbx.wait("INVITE", call_id=invite.call_id)
    pbx.respond(received, 180, tag="uas")
    [found] = lab.edge.rpc("dlg.profile_list", "sids", received.header("X-Trunkline-CallSid"))
    place = f"X-Trunkline-Dialog: {found['h_entry']}:{found['h_id']}"
    asked = f"X-Trunkline-Invite: {found['caller']['cseq']} {found['call-id']}"
    assert options(lab.edge, "end-call", place, asked).startswith("SIP/2.0 200 ")
    pbx.respond(pbx.wait("CANCEL", call_id=invite.call_id), 200)
    pbx.respond(received, 487, tag="uas")
    assert invite.final().status == 480
    return invite.call_id


KINDS: dict[Callable[[Lab, UserAgent, UserAgent], str], set[str]] = {
    an_unreadable_request: {"ksr_unreadable"},
    a_call_of_each_direction: {"ksr_request_route", "ksr_onreply_dialog"},
    a_stray_answer: {"ksr_reply_route"},
    an_answer_that_asserts_somebody: {"ksr_onreply_call", "ksr_dialog_event"},
    a_failover: {"ksr_request_route", "ksr_failure_call"},
    challenges: {"ksr_failure_call", "ksr_failure_dialog", "ksr_branch_dialog"},
    counted_calls: {"ksr_request_route"},
    a_redirect_and_a_new_target_are_looked_up: {"ksr_request_route"},
    a_call_that_is_asked_to_end: {"ksr_request_route"},
    a_call_that_is_ended_before_its_answer: {"ksr_request_route", "ksr_failure_call"},
    a_call_that_a_side_has_lost: {"ksr_request_route"},
    a_registration_of_the_agents: {"ksr_register"},
    too_many_of_one_source: {"ksr_request_route"},
}


@pytest.mark.parametrize("play", KINDS, ids=lambda play: play.__name__)
def test_it_does_as_this_machines_does(
    other: Lab,
    sides: tuple[UserAgent, UserAgent],
    play: Callable[[Lab, UserAgent, UserAgent], str],
) -> None:
    """And enters Python where it should."""
    other.serve()
    start = len(other.edge.log())
    for side in sides:
        side.silence(0.05)
        side.forget()
    call_id = play(other, *sides)
    deadline = time.monotonic() + PATIENCE
    while not KINDS[play] <= entered(other.edge, call_id, start):
        assert time.monotonic() < deadline, entered(other.edge, call_id, start)
        time.sleep(0.05)


def test_nothing_enters_python_that_is_not_tried() -> None:
    """Each `python_exec` stands in a kind above."""
    texts = [path.read_text() for path in (ROOT / "edge" / "kamailio").glob("*.cfg")]
    named = {name for text in texts for name in re.findall(r'python_exec\("(\w+)"', text)}
    assert named == set().union(*KINDS.values()) | NOT_TOLD
