"""Who is told by what follows the first INVITE: later requests, answers, after a restart as well."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from sipedge.routing.message.privacy import ANONYMOUS
from support.edge import restart, running_edge
from support.identities import FOREIGN, JUDGED, telling, told
from support.lab import Lab
from support.patience import SHORT_CALL_SECONDS
from support.sipmessage import Message, sdp
from support.sipua import Headers, Leg, UserAgent, callee_leg
from support.tables import make_account

FORGED = [
    *telling(FOREIGN),
    ("Diversion", f"<sip:{FOREIGN}@trunkline.test>;reason=unconditional"),
    ("X-Kept", "yes"),
]
FORGED_FROM, FORGED_TO = f'"Bank" <sip:{FOREIGN}@bank.example>', f'"{FOREIGN}" <sip:{FOREIGN}@x>'
SHOWN = ("INVITE", "UPDATE")


@dataclass(frozen=True)
class Call:
    """An answered call, and the From and To that each side knows of it."""

    caller: UserAgent
    callee: UserAgent
    invite: Message
    from_caller: Leg
    from_callee: Leg

    @property
    def legs(self) -> tuple[tuple[Leg, UserAgent], ...]:
        """Each side's leg, with the agent of the other side."""
        return (self.from_caller, self.callee), (self.from_callee, self.caller)

    def knows(self, agent: UserAgent) -> tuple[str, str]:
        """Own and remote address, with their tags, as this side has them from the first INVITE."""
        leg = self.from_caller if agent is self.caller else self.from_callee
        return leg.local, leg.remote

    def send(self, leg: Leg, method: str, headers: Headers = (), body: str = "") -> Message:
        """A request with forged addresses, the tags alone being right; as the other side gets it."""
        other = self.callee if leg is self.from_caller else self.caller
        own_tag, other_tag = (value.rpartition(";tag=")[2] for value in (leg.local, leg.remote))
        forged = replace(leg, local=f"{FORGED_FROM};tag={own_tag}", remote=f"{FORGED_TO};tag={other_tag}")
        forged.send(method, headers, body)
        leg.cseq = forged.cseq
        return other.wait(method)


def answered(lab: Lab, caller: UserAgent, callee: UserAgent, *, out: bool, **options: Any) -> Call:
    """A call from the PBX (`out`) or from the carrier, answered and acknowledged."""
    call = (lab.call_out if out else lab.call_in)(caller, **options)
    invite = callee.wait("INVITE")
    callee.respond(invite, 200, body=sdp(callee.address), tag="uas")
    leg = call.leg(caller.wait("INVITE", status=200))
    leg.send("ACK")
    callee.wait("ACK")
    return Call(caller, callee, invite, leg, callee_leg(callee, invite, lab.edge_at))


METHODS = ("INVITE", "UPDATE", "INFO", "NOTIFY", "BYE")
EVENT = [("Event", "x"), ("Subscription-State", "active"), ("Info-Package", "x")]


def answer_and_end(
    agent: UserAgent, request: Message, asker: UserAgent, leg: Leg, headers: Headers
) -> Message:
    """The agent takes the request with an answer of these headers; the answer as the asker gets it."""
    body = sdp(agent.address) if request.method in SHOWN else ""
    agent.respond(request, 200, headers=headers, body=body)
    answer = asker.final(request.call_id, request.method)
    if request.method == "INVITE":
        leg.send("ACK", cseq=leg.cseq)
        agent.wait("ACK")
    return answer


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("by_caller", (True, False), ids=("by the caller", "by the callee"))
@pytest.mark.parametrize("out", (True, False), ids=("termination", "origination"))
def test_each_side_sees_the_addresses_that_it_knows(
    lab: Lab, pbx: UserAgent, telco: UserAgent, method: str, by_caller: bool, out: bool
) -> None:
    """Whatever the other side writes into From and To of a request or of an answer (RFC 4916 as well)."""
    caller, callee = (pbx, telco) if out else (telco, pbx)
    call = answered(lab, caller, callee, out=out)
    leg, other = call.legs[not by_caller]
    request = call.send(leg, method, EVENT, sdp(leg.agent.address) if method in SHOWN else "")
    own, remote = call.knows(other)
    assert (request.all("From"), request.all("To")) == ([remote], [own])
    answer = answer_and_end(other, request, leg.agent, leg, ())
    assert (answer.all("From"), answer.all("To")) == ([leg.local], [leg.remote])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("out", (True, False), ids=("termination", "origination"))
def test_a_customer_asserts_nothing_later_either(
    lab: Lab, pbx: UserAgent, telco: UserAgent, method: str, out: bool
) -> None:
    """Of a call that it made itself the judged number goes with what may show it, as in the first INVITE."""
    caller, callee = (pbx, telco) if out else (telco, pbx)
    call = answered(lab, caller, callee, out=out)
    leg, _ = call.legs[not out]
    request = call.send(leg, method, [*FORGED, *EVENT], sdp(pbx.address) if method in SHOWN else "")
    assert told(request) == ([JUDGED] if out and method in SHOWN else [])
    assert (request.all("Diversion"), request.all("X-Kept")) == ([], ["yes"])
    assert FOREIGN not in request.header("From")
    answer_and_end(telco, request, pbx, leg, ())


@pytest.mark.parametrize("status", (180, 200, 486))
def test_a_customer_asserts_nothing_in_an_answer(
    lab: Lab, pbx: UserAgent, telco: UserAgent, status: int
) -> None:
    lab.call_in(telco)
    pbx.respond(pbx.wait("INVITE"), status, headers=FORGED, body=sdp(pbx.address) if status == 200 else "")
    answer = telco.wait(status=status)
    assert (told(answer), answer.all("Diversion")) == ([], [])


def test_a_customer_asserts_nothing_in_an_answer_to_a_later_request(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    call = answered(lab, pbx, telco, out=True)
    request = call.send(call.from_callee, "UPDATE", body=sdp(telco.address))
    answer = answer_and_end(pbx, request, telco, call.from_callee, FORGED)
    assert (told(answer), answer.all("Diversion")) == ([], [])


@pytest.mark.parametrize("asked", (("Privacy", "user"), ("Remote-Party-ID", "<sip:x@y>;privacy=full")))
def test_a_customer_may_become_unknown(
    lab: Lab, pbx: UserAgent, telco: UserAgent, asked: tuple[str, str]
) -> None:
    call = answered(lab, pbx, telco, out=True)
    request = call.send(call.from_caller, "UPDATE", [asked], sdp(pbx.address))
    assert (told(request), request.all("Privacy")) == ([JUDGED], ["id"])


@pytest.mark.parametrize("method", METHODS)
def test_a_hidden_caller_stays_hidden(lab: Lab, pbx: UserAgent, telco: UserAgent, method: str) -> None:
    """Also in requests that do not ask for it again, and the calls to its Contact arrive."""
    contact = f"sip:{FOREIGN}@{telco.address}:{telco.port}"
    options = {"headers": [("Privacy", "id")], "from_header": f"<sip:{FOREIGN}@telco>;tag=own"}
    call = answered(lab, telco, pbx, out=False, contact=contact, **options)
    body = sdp(telco.address) if method in SHOWN else ""
    request = call.send(call.from_caller, method, [*telling(FOREIGN), *EVENT], body)
    assert FOREIGN[1:] not in request.raw.decode()
    answer_and_end(pbx, request, telco, call.from_caller, ())
    if method != "BYE":
        call.from_callee.send("BYE")
        assert telco.wait("BYE").uri.startswith("sip:")


def test_the_contact_of_a_hidden_caller_is_reached(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    contact = f"sip:{FOREIGN};x=1@{telco.address}:{telco.port};y=2"
    call = answered(lab, telco, pbx, out=False, contact=contact, headers=[("Privacy", "id")])
    assert call.from_callee.target == f"sip:anonymous@{telco.address}:{telco.port};y=2"
    call.from_callee.send("BYE")
    assert telco.wait("BYE").uri == contact


@pytest.mark.parametrize("asked", (("Privacy", "id"), ("Remote-Party-ID", "<sip:x@y>;privacy=name")))
def test_a_carrier_s_callee_may_stay_unknown(
    lab: Lab, pbx: UserAgent, telco: UserAgent, asked: tuple[str, str]
) -> None:
    """By the answer that shows it, and by a later request."""
    lab.call_out(pbx)
    invite = telco.wait("INVITE")
    telco.respond(invite, 180, headers=telling(FOREIGN), tag="uas")
    assert told(pbx.wait(status=180)) == [value for _, value in telling(FOREIGN)]
    telco.respond(invite, 183, headers=[*telling(FOREIGN), asked], tag="uas")
    assert told(pbx.wait(status=183)) == []


def test_an_update_of_a_carrier_may_ask_to_hide_its_sender(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    call = answered(lab, pbx, telco, out=True)
    headers = [("P-Asserted-Identity", f"<sip:{FOREIGN}@telco.example>"), ("Privacy", "id")]
    request = call.send(call.from_callee, "UPDATE", headers, sdp(telco.address))
    assert (told(request), request.all("Privacy")) == ([], ["id"])


@pytest.mark.parametrize("by_caller", (True, False), ids=("termination", "origination"))
def test_the_edge_s_own_bye_names_both_as_each_side_knows_them(
    lab: Lab, pbx: UserAgent, telco: UserAgent, by_caller: bool
) -> None:
    """S11."""
    lab.serve(accounts=[make_account(max_call_duration_seconds=SHORT_CALL_SECONDS)])
    caller, callee = (pbx, telco) if by_caller else (telco, pbx)
    headers = [] if by_caller else [("Privacy", "id")]
    call = answered(lab, caller, callee, out=by_caller, headers=headers)
    for agent in (caller, callee):
        bye = agent.wait("BYE")
        # Kamailio leaves names out of requests of its own.
        own, remote = (value.removeprefix('"Anonymous" ') for value in call.knows(agent))
        assert (bye.all("From"), bye.all("To")) == ([remote], [own])
        agent.respond(bye, 200)


@pytest.fixture
def own(lab: Lab, tmp_path: Path) -> Lab:
    """An edge of this test alone, with the default platform."""
    edge = lab.stack.enter_context(running_edge(None, lab.block.address(2), tmp_path))
    one = Lab(edge, lab.block, lab.stack)
    one.serve()
    return one


@pytest.mark.parametrize("out", (True, False), ids=("termination", "origination"))
def test_after_a_restart_nobody_is_shown_who_calls(
    own: Lab, pbx: UserAgent, telco: UserAgent, out: bool
) -> None:
    """Nothing was judged then: customers assert nothing, carriers may as the token says; calls go on."""
    caller, callee = (pbx, telco) if out else (telco, pbx)
    call = answered(own, caller, callee, out=out)
    os.killpg(own.edge.process.pid, signal.SIGKILL)
    restart(own.edge)
    for leg, other in call.legs:
        for method in ("INVITE", "UPDATE", "INFO"):
            body = sdp(leg.agent.address) if method in SHOWN else ""
            request = call.send(leg, method, [*FORGED, *EVENT], body)
            assert request.header("From").startswith(ANONYMOUS)
            shown = [value for name, value in telling(FOREIGN) if name != "P-Charge-Info"]
            assert set(told(request)) <= set(shown)
            assert bool(told(request)) is (leg.agent is telco)
            assert request.all("X-Kept") == ["yes"]
            answer_and_end(other, request, leg.agent, leg, ())
    call.from_caller.send("BYE")
    callee.respond(callee.wait("BYE"), 200)
    caller.wait("BYE", status=200)
