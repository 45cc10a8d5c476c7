"""What follows a failed attempt, on the wire (S58-S66, S72-S79, wire rules of carriers)."""

from __future__ import annotations

import time
from collections import Counter

import pytest

from sipedge.table import ResolvedAddress, ResolvedRow
from support.lab import FAR_NUMBER, OWN_NUMBER, Lab
from support.patience import LATE_TICK_SECONDS, PATIENCE
from support.sipmessage import Message, sdp
from support.sipua import Invite, UserAgent
from support.tables import make_carrier, make_gateway, make_ha1, make_target

FINAL_AT_CUSTOMER = (400, 404, 405, 410, 416, 482, 484, 486, 600, 603, 604, 606)
TRIES_NEXT_AT_CUSTOMER = (
    403,
    407,
    408,
    415,
    480,
    481,
    483,
    485,
    487,
    488,
    491,
    500,
    501,
    502,
    503,
    504,
    505,
    513,
    580,
    300,
    305,
    380,
    401,
)
FINAL_AT_CARRIER = (400, 403, 404, 410, 480, 484, 486, 487, 488, 600, 603)
TRIES_NEXT_AT_CARRIER = (408, 500, 502, 503, 504)


def two_uris(lab: Lab) -> tuple[UserAgent, UserAgent]:
    """A PBX and its backup behind two origination URIs of rising priority."""
    first, second = lab.agent(21), lab.agent(22)
    targets = (
        make_target(first.address, 5060, priority=1, headers=(("X-Try", "one"),)),
        make_target(second.address, 5060, priority=2, headers=(("X-Try", "two"),)),
    )
    lab.serve(trunk={"targets": targets})
    return first, second


def answer(agent: UserAgent, status: int, headers: list[tuple[str, str]] | None = None) -> Message:
    """Refuse the next INVITE."""
    received = agent.wait("INVITE")
    agent.respond(received, status, headers=headers or [])
    return received


def take(lab: Lab, agent: UserAgent, caller: UserAgent, invite: Invite) -> Message:
    """Answer the next INVITE, and end the call."""
    received = agent.wait("INVITE")
    agent.respond(received, 200, body=sdp(agent.address))
    leg = invite.leg(caller.wait(status=200))
    leg.send("ACK")
    agent.wait("ACK")
    leg.send("BYE")
    agent.respond(agent.wait("BYE"), 200)
    caller.wait("BYE", status=200)
    return received


@pytest.mark.parametrize("status", FINAL_AT_CUSTOMER)
def test_the_customers_own_answer_is_final(lab: Lab, telco: UserAgent, status: int) -> None:
    """S64: the PBX did answer; its answer reaches the carrier, with its headers."""
    first, second = two_uris(lab)
    invite = lab.call_in(telco)
    answer(first, status, [("Reason", "Q.850;cause=17"), ("X-Trunkline-Error", "1 forged")])
    final = invite.final()
    assert final.status == status
    assert final.header("Reason") == "Q.850;cause=17"
    assert final.all("X-Trunkline-Error") == []
    assert second.silence(0.1) == []


@pytest.mark.parametrize("status", TRIES_NEXT_AT_CUSTOMER)
def test_any_other_answer_lets_the_next_uri_try(lab: Lab, telco: UserAgent, status: int) -> None:
    """S66: and headers of the first URI do not travel to the second."""
    first, second = two_uris(lab)
    invite = lab.call_in(telco)
    assert answer(first, status).all("X-Try") == ["one"]
    received = take(lab, second, telco, invite)
    assert received.all("X-Try") == ["two"]
    assert len(received.all("X-Trunkline-CallSid")) == 1
    assert len(received.all("Diversion")) == 1
    assert received.uri == f"sip:{OWN_NUMBER}@{second.address}:5060"


@pytest.mark.parametrize(
    ("status", "seen"), ((480, 480), (403, 403), (500, 500), (503, 503), (301, 480), (401, 480), (407, 480))
)
def test_when_all_have_failed_the_last_status_is_the_answer(
    lab: Lab, telco: UserAgent, status: int, seen: int
) -> None:
    """Redirects and challenges become 480; 503 stays 503."""
    first, second = two_uris(lab)
    invite = lab.call_in(telco)
    answer(first, 488)
    answer(second, status)
    assert invite.final().status == seen


def test_silence_of_4_seconds_lets_the_next_try_and_silence_of_all_is_408(lab: Lab, telco: UserAgent) -> None:
    """S65: 4 s each, then 408 with 32011."""
    two_uris(lab)
    begun = time.monotonic()
    final = lab.call_in(telco).final()
    assert (final.status, final.header("X-Trunkline-Error")) == (408, "32011 Request Timeout")
    assert 2 * (4 - LATE_TICK_SECONDS) < time.monotonic() - begun < 25


def test_a_100_alone_stops_the_4_second_timer(lab: Lab, telco: UserAgent) -> None:
    """S65 as decided: any answer, even 100, means that the PBX is there."""
    first, second = two_uris(lab)
    invite = lab.call_in(telco)
    received = first.wait("INVITE")
    first.respond(received, 100, "Trying")
    assert second.silence(4.8) == []
    first.respond(received, 486)
    assert invite.final().status == 486


def test_a_refused_tcp_connection_lets_the_next_try(lab: Lab, telco: UserAgent, pbx: UserAgent) -> None:
    """S66: the caller gets no 477; also when several in a row refuse."""
    targets = (
        make_target(lab.block.address(23), 5060, transport="tcp", priority=1),
        make_target(lab.block.address(24), 5061, transport="tls", priority=2),
        make_target(pbx.address, 5060, priority=3),
    )
    lab.serve(trunk={"targets": targets})
    invite = lab.call_in(telco)
    take(lab, pbx, telco, invite)


def test_when_no_connection_can_be_made_the_answer_is_408(lab: Lab, telco: UserAgent) -> None:
    """No response at all, from anybody."""
    targets = tuple(
        make_target(lab.block.address(number), 5060, transport="tcp", priority=number) for number in (23, 24)
    )
    lab.serve(trunk={"targets": targets})
    assert lab.call_in(telco).final().status == 408


def test_a_refused_connection_after_a_refusal_lets_the_third_try(
    lab: Lab, telco: UserAgent, pbx: UserAgent
) -> None:
    """The send error happens in the failure route this time."""
    first = lab.agent(21)
    targets = (
        make_target(first.address, 5060, priority=1),
        make_target(lab.block.address(23), 5060, transport="tcp", priority=2),
        make_target(pbx.address, 5060, priority=3),
    )
    lab.serve(trunk={"targets": targets})
    invite = lab.call_in(telco)
    answer(first, 500)
    take(lab, pbx, telco, invite)


def test_thirty_addresses_are_tried_and_no_more(lab: Lab, telco: UserAgent, pbx: UserAgent) -> None:
    """One call has at most 30 attempts, at most 4 of them for one URI."""
    addresses = tuple(ResolvedAddress(pbx.address, 5060, "udp") for _ in range(6))
    targets = tuple(make_target(f"pbx{number}.example", priority=number) for number in range(10))
    lab.serve(
        trunk={"targets": targets},
        resolved={f"{target.host}||": ResolvedRow(addresses) for target in targets},
    )
    invite = lab.call_in(telco)
    hosts = [answer(pbx, 503).uri.partition("@")[2] for _ in range(30)]
    assert invite.final().status == 503
    assert pbx.has_only(*["ACK"] * 30)
    assert max(Counter(hosts).values()) == 4


def test_equal_priorities_share_by_weight_and_the_rest_waits(lab: Lab, telco: UserAgent) -> None:
    """S59, S60, S62, S63: 80/10/10 before a backup; the spread is checked loosely, the order strictly."""
    agents = {number: lab.agent(number) for number in (21, 22, 23, 24)}
    targets = tuple(
        make_target(agents[number].address, 5060, priority=priority, weight=weight)
        for number, priority, weight in ((21, 10, 80), (22, 10, 10), (23, 10, 10), (24, 20, 50))
    )
    lab.serve(trunk={"targets": targets})
    firsts: Counter[int] = Counter()
    for _ in range(60):
        invite = lab.call_in(telco)
        order = []
        for _ in range(4):
            number = _next_asked(agents)
            answer(agents[number], 500)
            order.append(number)
        assert invite.final().status == 500
        assert order[3] == 24
        assert sorted(order[:3]) == [21, 22, 23]
        firsts[order[0]] += 1
    # 48 are meant, with equal weights 20: both ends are as far off as one run in a million.
    assert 30 <= firsts[21] < 60


def _next_asked(agents: dict[int, UserAgent]) -> int:
    """Which agent has an INVITE to answer."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for number, agent in agents.items():
            if any(message.method == "INVITE" for message in agent.silence(0.002)):
                return number
    raise TimeoutError("no agent was asked")


def test_a_redirect_is_followed_once_to_its_first_contact(lab: Lab, telco: UserAgent, pbx: UserAgent) -> None:
    """S72, S74, S77: the first URI of the first Contact; the platform's own parameters are dropped."""
    target = lab.agent(25, 5070)
    invite = lab.call_in(telco)
    desk = f"sip:desk@{target.address}:5070;edge=dublin;user=phone"
    contact = f"<{desk}?X-Desk=7>;q=0.5, <sip:other@{pbx.address}>"
    asked = pbx.wait("INVITE", call_id=invite.call_id)
    assert asked.header("X-Trunkline-AccountSid")
    assert asked.header("X-Trunkline-CallSid")
    pbx.respond(asked, 302, headers=[("Contact", contact)])
    received = take(lab, target, telco, invite)
    assert received.uri == f"sip:desk@{target.address}:5070;user=phone"
    assert received.header("X-Desk") == "7"
    # Whom a PBX names may be anybody: whose call it is goes to the customer alone.
    assert [name for name, _ in received.headers if name.lower().startswith("x-trunkline-")] == []


def test_a_second_redirect_ends_the_call(lab: Lab, telco: UserAgent) -> None:
    """S73: 480 with 32219, no failover."""
    first, second = two_uris(lab)
    target = lab.agent(25)
    invite = lab.call_in(telco)
    answer(first, 302, [("Contact", f"<sip:desk@{target.address}>")])
    answer(target, 302, [("Contact", f"<sip:again@{target.address}>")])
    final = invite.final()
    assert (final.status, final.header("X-Trunkline-Error")) == (480, "32219 Redirect Failed")
    assert second.silence(0.1) == []


def test_a_redirect_target_that_fails_counts_as_the_failure_of_its_uri(lab: Lab, telco: UserAgent) -> None:
    """The next URI is tried."""
    first, second = two_uris(lab)
    target = lab.agent(25)
    invite = lab.call_in(telco)
    answer(first, 302, [("Contact", f"<sip:desk@{target.address}>")])
    answer(target, 500)
    take(lab, second, telco, invite)


@pytest.mark.parametrize(
    "contact", ("<sip:x@acme-hq.pstn.trunkline.test>", "<sip:x@{edge}>", "<tel:+1415>", "", "<>")
)
def test_a_redirect_into_the_platform_or_to_nowhere_is_not_followed(
    lab: Lab, telco: UserAgent, contact: str
) -> None:
    """S75, 32219's other cases: the URI has failed."""
    first, second = two_uris(lab)
    invite = lab.call_in(telco)
    answer(first, 302, [("Contact", contact.format(edge=lab.edge.address))])
    take(lab, second, telco, invite)


def test_denied_networks_and_our_own_edges_are_no_targets(lab: Lab, telco: UserAgent, pbx: UserAgent) -> None:
    """Judged on the resolved address, at each attempt; the account's exception opens one."""
    denied = lab.agent(23)
    targets = (
        make_target(lab.edge.address, 5060, priority=1),
        make_target("inner.example", priority=2),
        make_target(pbx.address, 5060, priority=3),
    )
    resolved = {"inner.example||": ResolvedRow((ResolvedAddress(denied.address, 5060, "udp"),))}
    site = {"denied_targets": (f"{denied.address}/32",)}
    lab.serve(trunk={"targets": targets}, resolved=resolved, site_changes=site)
    take(lab, pbx, telco, lab.call_in(telco))
    assert denied.silence(0.1) == []


def two_gateways(lab: Lab, **changes: object) -> tuple[UserAgent, UserAgent]:
    first, second = lab.agent(31), lab.agent(32)
    lab.serve(
        carriers=[make_carrier("one", **changes), make_carrier("two")],
        sources={},
        routes={
            "+": [
                make_gateway(first.address, 5060, carrier="one", priority=1),
                make_gateway(second.address, 5060, carrier="two", priority=2),
            ]
        },
    )
    return first, second


@pytest.mark.parametrize("status", TRIES_NEXT_AT_CARRIER)
def test_a_carriers_fault_lets_the_next_gateway_try(lab: Lab, pbx: UserAgent, status: int) -> None:
    """Towards the PSTN: 408 and 5xx."""
    first, second = two_gateways(lab)
    invite = lab.call_out(pbx)
    answer(first, status)
    take(lab, second, pbx, invite)


@pytest.mark.parametrize("status", FINAL_AT_CARRIER)
def test_any_other_answer_of_a_carrier_is_final(lab: Lab, pbx: UserAgent, status: int) -> None:
    """The PSTN has answered."""
    first, second = two_gateways(lab)
    invite = lab.call_out(pbx)
    answer(first, status)
    assert invite.final().status == status
    assert second.silence(0.1) == []


@pytest.mark.parametrize("status", (302, 401, 407))
def test_redirects_and_challenges_of_a_carrier_are_not_for_the_caller(
    lab: Lab, pbx: UserAgent, status: int
) -> None:
    """They become 480."""
    first, _ = two_gateways(lab)
    invite = lab.call_out(pbx)
    answer(first, status, [("Contact", "<sip:x@192.0.2.1>")])
    assert invite.final().status == 480


def test_a_silent_gateway_is_left_after_4_seconds(lab: Lab, pbx: UserAgent) -> None:
    """S65 towards the PSTN."""
    _, second = two_gateways(lab)
    begun = time.monotonic()
    take(lab, second, pbx, lab.call_out(pbx))
    assert 4 - LATE_TICK_SECONDS < time.monotonic() - begun < 25


CHALLENGE = 'Digest realm="{realm}", nonce="abc", qop="auth"'


@pytest.mark.parametrize(("status", "name"), ((401, "WWW-Authenticate"), (407, "Proxy-Authenticate")))
def test_a_carriers_challenge_is_answered_for_its_realm_and_once(
    lab: Lab, pbx: UserAgent, status: int, name: str
) -> None:
    """With a higher CSeq, as RFC 3261 section 22.2 wants; a second challenge ends the attempt."""
    ha1 = make_ha1("us", "Carrier-Password-1", "telco.example")
    first, _ = two_gateways(lab, realm="telco.example", username="us", ha1=ha1)
    invite = lab.call_out(pbx)
    challenge = [(name, CHALLENGE.format(realm="telco.example"))]
    plain = answer(first, status, challenge)
    again = answer(first, status, challenge)
    credentials = again.header("Authorization" if status == 401 else "Proxy-Authorization")
    assert 'username="us"' in credentials
    assert again.cseq == plain.cseq + 1
    assert invite.final().status == 480
    assert first.has_only("ACK", "ACK")


def test_a_call_set_up_by_an_answered_challenge_can_be_ended(lab: Lab, pbx: UserAgent) -> None:
    """The carrier's CSeq runs ahead of the PBX's for the rest of the dialog."""
    ha1 = make_ha1("us", "Carrier-Password-1", "telco.example")
    first, _ = two_gateways(lab, realm="telco.example", username="us", ha1=ha1)
    invite = lab.call_out(pbx)
    answer(first, 407, [("Proxy-Authenticate", CHALLENGE.format(realm="telco.example"))])
    received = first.wait("INVITE")
    first.respond(received, 200, body=sdp(first.address))
    ok = pbx.wait(status=200)
    assert ok.cseq == 1
    leg = invite.leg(ok)
    leg.send("ACK")
    while (ack := first.wait("ACK")).cseq != received.cseq:
        pass
    leg.send("BYE")
    bye = first.wait("BYE")
    assert bye.cseq == received.cseq + 1
    assert ack.header("Proxy-Authorization") == ""
    first.respond(bye, 200)
    assert pbx.wait("BYE", status=200).cseq == 2


def test_after_an_answered_challenge_a_failover_starts_clean(lab: Lab, pbx: UserAgent) -> None:
    """The next carrier sees no credentials of the first."""
    ha1 = make_ha1("us", "Carrier-Password-1", "telco.example")
    first, second = two_gateways(lab, realm="telco.example", username="us", ha1=ha1)
    invite = lab.call_out(pbx)
    answer(first, 407, [("Proxy-Authenticate", CHALLENGE.format(realm="telco.example"))])
    answer(first, 503)
    received = take(lab, second, pbx, invite)
    assert received.all("Proxy-Authorization") == []
    assert received.all("P-Asserted-Identity") == [f"<sip:{OWN_NUMBER}@trunkline.test>"]


@pytest.mark.parametrize("realm", ("evil.example", "", "TELCO.example"))
def test_a_challenge_for_another_realm_is_not_answered(lab: Lab, pbx: UserAgent, realm: str) -> None:
    """A carrier's password is for that carrier's realm alone."""
    ha1 = make_ha1("us", "Carrier-Password-1", "telco.example")
    first, _ = two_gateways(lab, realm="telco.example", username="us", ha1=ha1)
    invite = lab.call_out(pbx)
    answer(first, 407, [("Proxy-Authenticate", CHALLENGE.format(realm=realm))])
    assert invite.final().status == 480
    assert first.has_only("ACK")


def test_a_challenge_of_the_customers_pbx_is_never_answered(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """Spec 2.6: no digest is ever offered to the customer."""
    ha1 = make_ha1("us", "Carrier-Password-1", "telco.example")
    lab.serve(carriers=[make_carrier(realm="telco.example", username="us", ha1=ha1)])
    invite = lab.call_in(telco, caller=FAR_NUMBER)
    answer(pbx, 407, [("Proxy-Authenticate", CHALLENGE.format(realm="telco.example"))])
    assert invite.final().status == 480
    assert pbx.has_only("ACK")
