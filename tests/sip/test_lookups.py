"""Calls that wait while a redirect's name is looked up: found, not found, given up, forgotten."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.edge import restart, running_edge
from support.events import events
from support.lab import TELCO, Lab
from support.lookups import NAME, Agent, agent_of
from support.patience import until
from support.sipmessage import sdp
from support.sipua import Invite, UserAgent
from support.tables import make_target


@pytest.fixture
def agent(lab: Lab) -> Iterator[Agent]:
    with agent_of(lab) as one:
        yield one


@pytest.fixture
def targets(lab: Lab) -> tuple[UserAgent, UserAgent]:
    """Who redirects, and the backup behind it."""
    first, second = lab.agent(21), lab.agent(22)
    serve(lab, first, second)
    return first, second


def serve(lab: Lab, *agents: UserAgent) -> None:
    lab.serve(
        trunk={"targets": tuple(make_target(each.address, 5060, priority=n) for n, each in enumerate(agents))}
    )


def redirected(lab: Lab, telco: UserAgent, first: UserAgent) -> Invite:
    """A call that its first target has sent to a name."""
    invite = lab.call_in(telco)
    received = first.wait("INVITE", call_id=invite.call_id)
    first.respond(received, 302, headers=[("Contact", f"<sip:desk@{NAME}>")])
    return invite


def test_a_name_in_a_redirect_is_asked_for_and_called(
    lab: Lab, telco: UserAgent, agent: Agent, targets: tuple[UserAgent, UserAgent]
) -> None:
    """S72: the call waits, and goes on to what was found; the next one need not ask."""
    desk = lab.agent(25)
    for asks in (True, False):
        invite = redirected(lab, telco, targets[0])
        if asks:
            asked = agent.question()
            assert asked[1:] == ["acme", [["name", NAME, None, None]]]
            agent.answer(asked, desk.address)
        received = desk.wait("INVITE", call_id=invite.call_id)
        assert received.uri == f"sip:desk@{NAME}"
        desk.respond(received, 200, body=sdp(desk.address))
        leg = invite.leg(telco.wait(status=200, call_id=invite.call_id))
        leg.send("ACK")
        desk.wait("ACK")
        leg.send("BYE")
        desk.respond(desk.wait("BYE"), 200)
        telco.wait("BYE", status=200)
    assert targets[1].silence(0.05) == []


def test_what_is_not_found_or_denied_lets_the_next_uri_try(
    lab: Lab, telco: UserAgent, agent: Agent, targets: tuple[UserAgent, UserAgent]
) -> None:
    """No address, an address of this edge, no answer of the agent within two seconds, no agent."""
    first, second = targets
    for addresses in ((), (lab.edge.address,)):
        invite = redirected(lab, telco, first)
        agent.answer(agent.question(), *addresses)
        second.respond(second.wait("INVITE", call_id=invite.call_id), 486)
        assert invite.final().status == 486
        serve(lab, first, second)  # what was learned is forgotten
    invite = redirected(lab, telco, first)
    asked = agent.question()
    second.respond(second.wait("INVITE", call_id=invite.call_id), 486)
    agent.answer(asked)  # too late: nothing waits any more
    assert invite.final().status == 486
    lab.edge.settings.lookups_socket.rename(lab.edge.settings.directory / "away")
    invite = redirected(lab, telco, first)
    second.respond(second.wait("INVITE", call_id=invite.call_id), 486)
    assert invite.final().status == 486
    (lab.edge.settings.directory / "away").rename(lab.edge.settings.lookups_socket)


def test_a_caller_that_gives_up_meanwhile_gets_its_487(
    lab: Lab, telco: UserAgent, agent: Agent, targets: tuple[UserAgent, UserAgent]
) -> None:
    """Whether the agent answers afterwards or not, nobody is called."""
    desk = lab.agent(25)
    for answers in (True, False):
        invite = redirected(lab, telco, targets[0])
        asked = agent.question()
        invite.cancel()
        assert invite.final().status == 487
        if answers:
            agent.answer(asked, desk.address)
        assert not [each for each in desk.silence(0.2) if each.method == "INVITE"]
        serve(lab, *targets)
    assert not [each for each in targets[1].silence(2.2) if each.method == "INVITE"]


def test_many_calls_wait_at_once(
    lab: Lab, telco: UserAgent, agent: Agent, targets: tuple[UserAgent, UserAgent]
) -> None:
    """Each goes on by itself, in any order."""
    desk = lab.agent(25)
    waiting = []
    for _ in range(20):
        invite = redirected(lab, telco, targets[0])
        waiting.append((invite, agent.question()))
    for invite, asked in reversed(waiting):
        agent.answer(asked, desk.address)
        desk.respond(desk.wait("INVITE", call_id=invite.call_id), 486)
        assert invite.final().status == 486


def test_the_images_kamailio_waits_goes_on_and_gives_up(
    lab: Lab, tmp_path: Path, in_image: list[str], telco: UserAgent
) -> None:
    """Found, nobody answers, given up; what is said of a call's silences and events is as here."""
    first, second, desk = lab.agent(21), lab.agent(22), lab.agent(25)
    with running_edge(None, lab.block.address(2), tmp_path, prefix=in_image) as edge:
        own = Lab(edge, lab.block, lab.stack)
        serve(own, first, second)
        with agent_of(own) as agent:
            for found in ((desk.address,), None):
                invite = redirected(own, telco, first)
                asked = agent.question()
                if found:
                    agent.answer(asked, *found)
                taker = desk if found else second
                taker.respond(taker.wait("INVITE", call_id=invite.call_id), 486)
                assert invite.final().status == 486
                serve(own, first, second)
            invite = redirected(own, telco, first)
            agent.question()
            invite.cancel()
            assert invite.final().status == 487
        attempts = ["begun", "attemptFailed", "attemptFailed", "ended"]
        wanted = ["started", *attempts, *attempts, "begun", "ended"]
        until(lambda: len(events(edge)) >= len(wanted))
        assert [each["event"] for each in events(edge)] == wanted
        assert not re.findall(r"ERROR|CRITICAL|BUG|fault in", edge.log())


def test_a_kamailio_that_was_restarted_meanwhile_does_not_mind(lab: Lab) -> None:
    """The answer is for a transaction that it does not know; calls go on."""
    with running_edge(None, lab.block.address(2)) as edge:
        own = Lab(edge, lab.block, lab.stack)
        telco, first, second = own.agent(TELCO), own.agent(21), own.agent(22)
        serve(own, first, second)
        with agent_of(own) as agent:
            redirected(own, telco, first)
            asked = agent.question()
            restart(edge)
            agent.answer(asked, second.address)
            invite = own.call_in(telco)
            first.respond(first.wait("INVITE", call_id=invite.call_id), 486)
            assert invite.final().status == 486
            assert edge.process.poll() is None
