"""New calls a second and calls in progress, counted once and after all other checks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TypeVar

import pytest

from support.lab import FAR_NUMBER, OWN_NUMBER, Lab
from support.patience import PATIENCE, SHORT_CALL_SECONDS, until
from support.sipmessage import new_token, sdp
from support.sipua import Invite, Leg, UserAgent
from support.tables import Platform, make_account, make_carrier, make_gateway, make_target, make_trunk


def fresh(lab: Lab, pbx: UserAgent, telco: UserAgent, **limits: dict[str, int]) -> str:
    """A platform whose trunk, account and carrier have names of this test alone: nothing is counted yet.

    The account's and the carrier's name, and the first part of the trunk's.
    """
    name = new_token()
    trunk = make_trunk(
        f"{name}/hq",
        domain="acme-hq",
        access=(f"{pbx.address}/32",),
        targets=(make_target(pbx.address, 5060),),
        **limits.get("trunk", {}),
    )
    lab.edge.publish(
        Platform(
            addresses=[lab.edge.address],
            accounts=[make_account(name, **limits.get("account", {}))],
            trunks=[trunk],
            numbers={OWN_NUMBER: trunk.id, "+14155550101": trunk.id},
            carriers=[make_carrier(name, **limits.get("carrier", {})), make_carrier("other")],
            sources={f"{telco.address}/32": name},
            routes={
                "+": [
                    make_gateway(telco.address, 5060, carrier=name),
                    make_gateway(lab.block.address(31), 5060, carrier="other", priority=20),
                ],
                "emergency": [make_gateway(telco.address, 5060, carrier=name)],
            },
        ).table()
    )
    return name


Found = TypeVar("Found")


def begin_second() -> None:
    """Wait for the start of a whole second, so that a burst lies within one."""
    time.sleep(1.02 - time.time() % 1)


def burst(lab: Lab, pbx: UserAgent, telco: UserAgent, count: int) -> list[tuple[int, str]]:
    """So many calls at once; their answers, 486 where one got through."""
    invites = [lab.call_out(pbx) for _ in range(count)]
    answers = []
    for invite in invites:
        received = invite.reached(telco)
        if received is not None:
            telco.respond(received, 486)
        final = invite.final()
        answers.append((final.status, final.header("X-Trunkline-Error")))
    return answers


def within_a_second(act: Callable[[], Found]) -> Found:
    """What comes of this in one and the same second; where another begins meanwhile, it is done again."""
    for _ in range(20):
        begin_second()
        second = int(time.time())
        found = act()
        if int(time.time()) == second:
            return found
    raise AssertionError("it takes longer than a second")


def test_a_trunk_may_make_so_many_new_calls_in_a_second(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """S43 with 32001: 3 pass, 2 do not; the next second begins anew."""
    fresh(lab, pbx, telco, trunk={"calls_per_second": 3})
    for _ in range(2):
        answers = within_a_second(lambda: burst(lab, pbx, telco, 5))
        assert answers.count((486, "")) == 3
        assert answers.count((503, "32001 Trunk CPS limit exceeded")) == 2


def test_the_accounts_calls_are_pooled(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """32012: the second checkpoint."""
    fresh(lab, pbx, telco, trunk={"calls_per_second": 4}, account={"calls_per_second": 2})
    answers = within_a_second(lambda: burst(lab, pbx, telco, 4))
    assert answers.count((486, "")) == 2
    assert answers.count((503, "32012 Account CPS limit exceeded")) == 2


def test_refused_calls_and_retransmissions_are_not_counted(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """Counted once, after all other checks."""
    fresh(lab, pbx, telco, trunk={"calls_per_second": 1})
    begin_second()
    for _ in range(3):
        assert lab.call_out(pbx, caller="+15005550000").final().status == 403
    assert burst(lab, pbx, telco, 1) == [(486, "")]


def talk(lab: Lab, caller: UserAgent, callee: UserAgent, *, outgoing: bool, number: str = OWN_NUMBER) -> Leg:
    """A call in progress."""
    invite = lab.call_out(caller) if outgoing else lab.call_in(caller, number)
    received = callee.wait("INVITE", call_id=invite.call_id)
    callee.respond(received, 200, body=sdp(callee.address))
    leg = invite.leg(caller.wait("INVITE", status=200, call_id=invite.call_id))
    leg.send("ACK")
    callee.wait("ACK", call_id=invite.call_id)
    return leg


def hang_up(leg: Leg, other: UserAgent) -> None:
    leg.send("BYE")
    other.respond(other.wait("BYE", call_id=leg.call_id), 200)
    leg.agent.wait("BYE", status=200)


@pytest.mark.parametrize(
    ("limited", "text"),
    (
        ("trunk", "Trunk concurrent call limit exceeded"),
        ("account", "Account concurrent call limit exceeded"),
    ),
)
def test_so_many_calls_may_be_in_progress_in_both_directions_together(
    lab: Lab, pbx: UserAgent, telco: UserAgent, limited: str, text: str
) -> None:
    """503; a call that ends makes room at once."""
    fresh(lab, pbx, telco, **{limited: {"max_concurrent_calls": 2}})
    first = talk(lab, pbx, telco, outgoing=True)
    talk(lab, telco, pbx, outgoing=False)
    for invite in (lab.call_out(pbx), lab.call_in(telco)):
        final = invite.final()
        assert (final.status, final.reason) == (503, text)
    hang_up(first, telco)
    third = talk(lab, telco, pbx, outgoing=False, number="+14155550101")
    assert lab.call_out(pbx).final().status == 503
    hang_up(third, pbx)


def test_a_ringing_call_counts_and_a_failed_one_does_not(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """In progress = from the INVITE to its refusal, its CANCEL or its BYE."""
    fresh(lab, pbx, telco, trunk={"max_concurrent_calls": 1})
    ringing = lab.call_out(pbx)
    received = telco.wait("INVITE")
    telco.respond(received, 180)
    pbx.wait(status=180)
    assert lab.call_out(pbx).final().status == 503
    telco.respond(received, 486)
    assert ringing.final().status == 486
    cancelled = lab.call_out(pbx)
    received = telco.wait("INVITE", call_id=cancelled.call_id)
    telco.respond(received, 180)
    pbx.wait(status=180, call_id=cancelled.call_id)
    cancelled.cancel()
    telco.respond(telco.wait("CANCEL"), 200)
    telco.respond(received, 487)
    assert cancelled.final().status == 487
    hang_up(talk(lab, pbx, telco, outgoing=True), telco)


def test_many_calls_at_once_are_counted_exactly(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """Two workers that admit calls at the same time let no more in than allowed."""
    fresh(lab, pbx, telco, trunk={"max_concurrent_calls": 5})
    invites = [lab.call_out(pbx) for _ in range(40)]
    through = [received for invite in invites if (received := invite.reached(telco)) is not None]
    assert len(through) == 5
    for message in through:
        telco.respond(message, 486)
    assert sorted(invite.final().status for invite in invites) == [486] * 5 + [503] * 35


def counted(lab: Lab, keys: Iterable[str]) -> list[int]:
    """The counters of calls in progress of these limits."""
    dump = lab.edge.rpc("htable.dump", "calls")
    slots = {slot["name"]: int(slot["value"]) for entry in dump for slot in entry["slot"]}
    return [slots.get(key, 0) for key in keys]


def test_every_end_of_a_call_gives_its_places_back(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """Refused by a limit, by the callee, cancelled, hung up by either side, ended by the edge, unanswered."""
    limits = {"max_concurrent_calls": 2}
    account = limits | {"max_call_duration_seconds": SHORT_CALL_SECONDS}
    name = fresh(lab, pbx, telco, trunk=limits, account=account, carrier=limits)
    keys = (f"trunk:{name}/hq", f"account:{name}", f"carrier:{name}")
    hang_up(talk(lab, pbx, telco, outgoing=True), telco)
    busy = lab.call_out(pbx)
    telco.respond(telco.wait("INVITE", call_id=busy.call_id), 486)
    busy.final()
    cancelled = lab.call_in(telco)
    received = pbx.wait("INVITE", call_id=cancelled.call_id)
    pbx.respond(received, 180)
    telco.wait(status=180, call_id=cancelled.call_id)
    cancelled.cancel()
    pbx.respond(pbx.wait("CANCEL"), 200)
    pbx.respond(received, 487)
    cancelled.final()
    assert counted(lab, keys) == [0, 0, 0]
    for _ in range(2):
        talk(lab, telco, pbx, outgoing=False)
    assert counted(lab, keys) == [2, 2, 2]
    assert lab.call_out(pbx).final().status == 503
    for agent in (pbx, telco):
        for _ in range(2):
            agent.respond(agent.wait("BYE"), 200)
    deadline = time.monotonic() + PATIENCE
    while any(counted(lab, keys)) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert counted(lab, keys) == [0, 0, 0]


def test_a_counter_that_says_full_does_not_outweigh_the_dialogs(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """Kamailio forgets a dialog that was never confirmed after minutes, and tells nobody."""
    name = fresh(lab, pbx, telco, trunk={"max_concurrent_calls": 1})
    lab.edge.rpc("htable.seti", "calls", f"trunk:{name}/hq", 7)
    leg = talk(lab, pbx, telco, outgoing=True)
    assert lab.call_out(pbx).final().status == 503
    hang_up(leg, telco)
    hang_up(talk(lab, pbx, telco, outgoing=True), telco)


def test_a_full_carrier_is_passed_over(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """The next carrier's gateway takes the call; with none left the answer names the limit."""
    fresh(lab, pbx, telco, carrier={"max_concurrent_calls": 1})
    other = lab.agent(31)
    first = talk(lab, pbx, telco, outgoing=True)
    second = talk(lab, pbx, other, outgoing=True)
    hang_up(first, telco)
    third = talk(lab, pbx, telco, outgoing=True)
    for leg, agent in ((second, other), (third, telco)):
        hang_up(leg, agent)


def test_a_carrier_takes_so_many_new_calls_in_a_second(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """CPS of the carrier: what is over goes to the next."""
    fresh(lab, pbx, telco, carrier={"calls_per_second": 2})
    other = lab.agent(31)

    def taker(invite: Invite) -> UserAgent | None:
        """The carrier that has this call."""
        for agent in (telco, other):
            if any((each.method, each.call_id) == ("INVITE", invite.call_id) for each in agent.silence(0.01)):
                return agent
        return None

    def four_calls() -> list[UserAgent | None]:
        """Who takes them."""
        invites = [lab.call_out(pbx) for _ in range(4)]
        for invite in invites:
            until(lambda invite=invite: taker(invite))  # type: ignore[misc]
        takers = list(map(taker, invites))
        for invite, agent in zip(invites, takers, strict=True):
            assert agent is not None
            agent.respond(agent.wait("INVITE", call_id=invite.call_id), 486)
            assert invite.final().status == 486
        return takers

    takers = within_a_second(four_calls)
    assert (takers.count(telco), takers.count(other)) == (2, 2)


def test_a_carriers_failed_attempt_does_not_stay_counted(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """A call that went on to another carrier frees its place at the first."""
    fresh(lab, pbx, telco, carrier={"max_concurrent_calls": 1})
    other = lab.agent(31)
    invite = lab.call_out(pbx)
    telco.respond(telco.wait("INVITE"), 500)
    received = other.wait("INVITE")
    other.respond(received, 200, body=sdp(other.address))
    leg = invite.leg(pbx.wait(status=200))
    leg.send("ACK")
    other.wait("ACK")
    hang_up(talk(lab, pbx, telco, outgoing=True), telco)
    hang_up(leg, other)


def test_the_carriers_limit_counts_its_incoming_calls_too(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """A carrier that brings more calls than agreed gets 503."""
    fresh(lab, pbx, telco, carrier={"max_concurrent_calls": 1})
    leg = talk(lab, telco, pbx, outgoing=False)
    final = lab.call_in(telco).final()
    assert (final.status, final.reason) == (503, "Carrier concurrent call limit exceeded")
    hang_up(leg, pbx)


def test_emergency_calls_are_not_limited(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """Spec 2.9: neither CPS nor calls in progress."""
    fresh(lab, pbx, telco, trunk={"max_concurrent_calls": 1, "calls_per_second": 1})
    leg = talk(lab, pbx, telco, outgoing=True)
    for _ in range(2):
        invite = lab.call_out(pbx, "911")
        received = telco.wait("INVITE", call_id=invite.call_id)
        assert received.uri.startswith("sip:911@")
        telco.respond(received, 486)
        assert invite.final().status == 486
    hang_up(leg, telco)


def test_calls_from_the_pstn_have_no_rate_limit(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """Spec 2.3: origination CPS is unlimited."""
    fresh(lab, pbx, telco, trunk={"calls_per_second": 1})
    begin_second()
    invites = [lab.call_in(telco, caller=FAR_NUMBER) for _ in range(3)]
    for invite in invites:
        pbx.respond(pbx.wait("INVITE", call_id=invite.call_id), 486)
        assert invite.final().status == 486
