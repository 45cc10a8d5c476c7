"""A fault in our own code while an answer is judged: nothing that nobody has judged goes on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from support.addresses import reserved_block
from support.dialogs import established
from support.edge import ROOT, running_edge
from support.lab import EDGE, OWN_NUMBER, PBX, TELCO, Lab
from support.sipmessage import Message, new_token, sdp
from support.sipua import Leg, UserAgent

MAIN = """
import importlib
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
routes = importlib.import_module("edge_main").mod_init()


def mod_init():
    from sipedge.kemi import answers, calls, dialogs
    from sipedge.kemi.ksr import KSR

    def failing(module, name):
        judge = getattr(module, name)

        def faulty(*arguments, **named):
            if "X-Test-Fault" in KSR.pv.gete("$mb"):
                raise RuntimeError("a fault of ours")
            return judge(*arguments, **named)

        setattr(module, name, faulty)

    failing(calls, "judge_answer")
    failing(answers, "judge_answer")
    failing(dialogs, "number_branch")
    return routes
"""
FAULT = ("X-Test-Fault", "1")
TOLD = [
    FAULT,
    ("P-Asserted-Identity", "<sip:+19998887777@x>"),
    ("X-Trunkline-CallSid", "forged"),
    ("X-Other", "+19998887777"),
    ("Session-Expires", "90"),
    ("Contact", "<sip:+19998887777@192.0.2.1>"),
]


@pytest.fixture(scope="module")
def faulty(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """An edge whose judges fail at any answer that bears X-Test-Fault."""
    place = tmp_path_factory.mktemp("faulty")
    loaded, own = place / "kamailio", ROOT / "edge" / "kamailio"
    loaded.mkdir()
    for name in ("kamailio.cfg", "carried.cfg", "brakes.cfg", "probes.cfg", "registrations.cfg"):
        (loaded / name).symlink_to(own / name)
    (loaded / "edge_main.py").symlink_to(own / "kemi_main.py")
    (loaded / "kemi_main.py").write_text(MAIN)
    with (
        reserved_block() as block,
        running_edge(None, block.address(EDGE), place, kamailio_dir=loaded) as edge,
        ExitStack() as stack,
    ):
        lab = Lab(edge, block, stack)
        lab.serve()
        yield lab


@pytest.fixture(scope="module")
def sides(faulty: Lab) -> tuple[UserAgent, UserAgent]:
    return faulty.agent(PBX), faulty.agent(TELCO)


def tells_nothing(answer: Message, asked_from: str, asked_to: str) -> bool:
    """True if it has what an answer must have, as its receiver knows it, and not a word more."""
    names = {name for name, _ in answer.headers}
    wanted = {"Via", "From", "To", "Call-ID", "CSeq", "Content-Length"}
    return (
        wanted <= names <= wanted | {"Record-Route", "Contact"}
        and answer.header("From") == asked_from
        and answer.header("To").partition(";tag=")[0] == asked_to.partition(";tag=")[0]
        and answer.body == ""
        and "9998887777" not in answer.raw.decode()
    )


def both_ended(*legs: Leg) -> bool:
    for leg in legs:
        leg.agent.respond(leg.agent.wait("BYE", call_id=leg.call_id), 200)
    return True


@pytest.mark.parametrize("outgoing", (True, False), ids=("termination", "origination"))
def test_a_new_call_gets_no_unjudged_answer(
    faulty: Lab, sides: tuple[UserAgent, UserAgent], outgoing: bool
) -> None:
    """What rings is not heard of; what answers is bare, and its call is ended on both sides."""
    caller, callee = sides if outgoing else reversed(sides)
    call_out = faulty.call_out if outgoing else faulty.call_in
    shown = f'"Caller" <sip:{OWN_NUMBER}@pbx.example>;tag={new_token()}'
    invite = call_out(caller, from_header=shown, cseq=7)
    received = callee.wait("INVITE", call_id=invite.call_id)
    callee.respond(received, 183, headers=TOLD, body=sdp(callee.address))
    assert not [each for each in caller.silence(0.3) if each.status == 183]
    callee.respond(received, 200, headers=TOLD, body=sdp(callee.address))
    answer = caller.wait("INVITE", status=200, call_id=invite.call_id)
    assert tells_nothing(answer, shown, f"<{invite.uri}>")
    assert (answer.tag("To"), answer.cseq) == ("uas", 7)
    leg = invite.leg(answer)
    leg.send("ACK")
    callee.wait("ACK", call_id=invite.call_id)
    for agent in (caller, callee):
        agent.respond(agent.wait("BYE", call_id=invite.call_id), 200)


def test_a_refusal_is_bare_too(faulty: Lab, sides: tuple[UserAgent, UserAgent]) -> None:
    """And its call is over."""
    pbx, telco = sides
    invite = faulty.call_out(pbx)
    telco.respond(telco.wait("INVITE", call_id=invite.call_id), 486, headers=TOLD)
    answer = invite.final()
    assert answer.status == 486
    assert tells_nothing(answer, invite.local, f"<{invite.uri}>")


@pytest.mark.parametrize("method", ("INVITE", "UPDATE", "INFO", "BYE"))
@pytest.mark.parametrize("by", ("caller", "callee"))
def test_an_answer_in_a_call_is_bare(
    faulty: Lab, sides: tuple[UserAgent, UserAgent], method: str, by: str
) -> None:
    """Where media would be other than what was judged, the call is ended."""
    pbx, telco = sides
    near, far, _, _ = established(faulty, pbx, telco, outgoing=True)
    leg, other = (near, telco) if by == "caller" else (far, pbx)
    leg.send(method, body=sdp(leg.agent.address) if method in ("INVITE", "UPDATE") else "")
    request = other.wait(method, call_id=leg.call_id)
    other.respond(request, 200, headers=TOLD, body=sdp(other.address) if method != "BYE" else "")
    answer = leg.agent.wait(method, status=200, call_id=leg.call_id)
    assert tells_nothing(answer, leg.local, leg.remote)
    assert (answer.tag("To"), answer.cseq) == (leg.remote.partition("tag=")[2], leg.cseq)
    if method in ("INVITE", "UPDATE"):
        if method == "INVITE":
            leg.send("ACK", cseq=leg.cseq)
        assert both_ended(near, far)
    elif method == "INFO":
        near.send("BYE")
        telco.respond(telco.wait("BYE", call_id=near.call_id), 200)
        pbx.wait("BYE", status=200)


def test_each_fault_is_in_the_log(faulty: Lab) -> None:
    """Where it was; no other complaint."""
    said = faulty.edge.log()
    assert "fault in" in said
    assert not re.findall(r"CRITICAL|BUG|bogus ref", said)
