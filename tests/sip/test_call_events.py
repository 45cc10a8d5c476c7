"""What each call leaves in the file of call events."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from support.edge import ROOT, running_edge
from support.events import all_events_of_caller, events, events_of_sid
from support.lab import FAR_NUMBER, OWN_NUMBER, PBX, TELCO, Lab
from support.patience import until
from support.sipmessage import sdp
from support.sipua import Invite, UserAgent
from support.tables import make_target

Line = dict[str, Any]
UNWRITTEN = "call events cannot be written"
SHORT_QUEUE = """

def _shorten():
    sys.path.insert(0, json.load(open(os.environ["TRUNKLINE_INSTANCE"]))["python_path"])
    from sipedge.kemi import events

    events.LONGEST_QUEUE, events._BATCH = 4, 4

_shorten()
"""


def events_of(lab: Lab, invite: Invite) -> list[Line]:
    """The events of this call, once it has ended, without what differs from run to run."""
    mine = all_events_of_caller(lab.edge, invite.call_id)
    assert [line["at"] for line in mine] == sorted(line["at"] for line in mine)
    varying = ("at", "callSid", "sipCallId", "schema", "milliseconds")
    return [{key: value for key, value in line.items() if key not in varying} for line in mine]


def test_a_call_that_was_up(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """Begun, answered once though the answer is repeated, ended by who hung up; the id is the customer's."""
    invite = lab.call_out(pbx, headers=[("User-Agent", "PBX\t9")])
    received = telco.wait("INVITE")
    telco.respond(received, 200, body=sdp(telco.address))
    answer = pbx.wait(status=200)
    telco.respond(received, 200, body=sdp(telco.address))
    leg = invite.leg(answer)
    leg.send("ACK")
    telco.wait("ACK")
    leg.send("BYE")
    telco.respond(telco.wait("BYE"), 200)
    begun, answered, ended = events_of(lab, invite)
    table = lab.platform()
    assert begun == {
        "event": "begun",
        "direction": "termination",
        "trunk": "acme/hq",
        "trunkSid": table.trunks[0].sid,
        "account": "acme",
        "accountSid": table.accounts[0].sid,
        "from": OWN_NUMBER,
        "to": FAR_NUMBER,
        "edge": "ashburn",
        "address": lab.edge.address,
        "sourceAddress": pbx.address,
        "transport": "udp",
        "userAgent": "PBX 9",
        "origin": "dialled",
        "secure": False,
        "tableSequence": begun["tableSequence"],
        "maxDurationSeconds": 14_400,
    }
    assert begun["tableSequence"] > 0
    assert answered == {"event": "answered", "target": "telco", "address": f"udp:{telco.address}:5060"}
    assert ended == {"event": "ended", "endedBy": "caller", "endReason": "normal"}
    assert events_of_sid(lab.edge, answer.header("X-Trunkline-CallSid"))


def test_a_call_whose_targets_fail(lab: Lab, telco: UserAgent) -> None:
    """Each attempt with its end; a target's own answer is the callee's, ours has its reason."""
    first, second = lab.agent(21), lab.agent(22)
    targets = tuple(
        make_target(each.address, 5060, priority=place) for place, each in enumerate((first, second))
    )
    lab.serve(trunk={"targets": targets})
    busy = lab.call_in(telco)
    first.respond(first.wait("INVITE"), 503)
    second.respond(second.wait("INVITE", call_id=busy.call_id), 486)
    busy.final()
    begun, one, two, ended = events_of(lab, busy)
    assert (begun["direction"], begun["carrier"], begun["from"]) == ("origination", "telco", FAR_NUMBER)
    assert one == {
        "event": "attemptFailed",
        "target": targets[0].id,
        "uri": f"sip:{OWN_NUMBER}@{first.address}:5060",
        "address": f"udp:{first.address}:5060",
        "kind": "response",
        "status": 503,
    }
    assert (two["target"], two["status"]) == (targets[1].id, 486)
    assert ended == {"event": "ended", "endedBy": "callee", "sipStatus": 486}
    lab.serve(trunk={"targets": targets[:1]})
    redirected = lab.call_in(telco)
    first.respond(first.wait("INVITE", call_id=redirected.call_id), 302, headers=[("Contact", "<tel:+1>")])
    redirected.final()
    *_, ended = events_of(lab, redirected)
    assert (ended["endedBy"], ended["sipStatus"], ended["reason"]) == ("edge", 480, "RedirectFailed")


def test_a_call_that_its_caller_gives_up(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """It ends with 487, by the caller."""
    invite = lab.call_out(pbx)
    received = telco.wait("INVITE")
    telco.respond(received, 180)
    pbx.wait(status=180)
    invite.cancel()
    telco.respond(telco.wait("CANCEL"), 200)
    telco.respond(received, 487)
    invite.final()
    assert events_of(lab, invite)[1:] == [
        {"event": "ringing", "target": "telco", "address": f"udp:{telco.address}:5060"},
        {"event": "ended", "endedBy": "caller", "sipStatus": 487},
    ]


@pytest.mark.parametrize("carried", (True, False), ids=("plain", "Python"))
@pytest.mark.parametrize("why", ('Q.850;cause=16;text="cause=3, Normal"', "SIP;cause=200, Q.850;cause=16"))
def test_who_hangs_up_may_say_why(
    lab: Lab, pbx: UserAgent, telco: UserAgent, carried: bool, why: str
) -> None:
    """The cause of Q.850 in a Reason header (RFC 3326), whoever carries the BYE; an 18x is told once."""
    invite = lab.call_out(pbx, headers=[] if carried else [("Privacy", "id")])
    received = telco.wait("INVITE")
    telco.respond(received, 180)
    telco.respond(received, 183)
    telco.respond(received, 200, body=sdp(telco.address))
    leg = invite.leg(pbx.wait(status=200))
    leg.send("ACK")
    telco.wait("ACK")
    leg.send("BYE", headers=[("Reason", why)])
    telco.respond(telco.wait("BYE"), 200)
    _, ringing, _, ended = events_of(lab, invite)
    assert ringing == {"event": "ringing", "target": "telco", "address": f"udp:{telco.address}:5060"}
    assert ended == {"event": "ended", "endedBy": "caller", "endReason": "normal", "q850Cause": 16}


def test_a_refused_call_leaves_one_event(lab: Lab, pbx: UserAgent) -> None:
    """With all that a call that begins leaves, and why it was refused; a challenge leaves none."""
    invite = lab.call_out(pbx, caller="+19995550100", headers=[("Diversion", "<sip:+15550001@x>")])
    assert invite.final().status == 403
    (refused,) = events_of(lab, invite)
    assert (refused["trunk"], refused["from"], refused["to"]) == ("acme/hq", "+19995550100", FAR_NUMBER)
    assert (refused["sipStatus"], refused["reason"]) == (403, "CallerIdNotAllowed")
    assert (refused["rule"], refused["errorCode"], refused["forwardedFrom"]) == ("S40", 32204, "+15550001")
    assert refused["trunkSid"] == lab.platform().trunks[0].sid


def test_no_room_for_events_costs_no_call(lab: Lab, tmp_path: Path) -> None:
    """While the file cannot be written the queue fills; what finds it full is counted, and calls go on."""
    directory = tmp_path / "kamailio"
    directory.mkdir()
    for name in (
        "kamailio.cfg",
        "carried.cfg",
        "brakes.cfg",
        "probes.cfg",
        "registrations.cfg",
        "kemi_main.py",
    ):
        (directory / name).write_text((ROOT / "edge" / "kamailio" / name).read_text())
    with open(directory / "kemi_main.py", "a") as file:
        file.write(SHORT_QUEUE)
    (tmp_path / "i" / "events.jsonl").mkdir(parents=True)
    with running_edge(None, lab.block.address(2), tmp_path, kamailio_dir=directory) as edge:
        until(lambda: UNWRITTEN in edge.log(), "the first line finds no file")
        edge.settings.events_file.rmdir()
        until(lambda: bool(events(edge)), "it waits, though nothing else comes")
        edge.settings.events_file.unlink()
        edge.settings.events_file.mkdir()
        own = Lab(edge, lab.block, lab.stack)
        own.serve()
        pbx, telco = own.agent(PBX), own.agent(TELCO)
        invites = []
        for _ in range(3):
            invites.append(own.call_out(pbx))
            telco.respond(telco.wait("INVITE", call_id=invites[-1].call_id), 486)
            assert invites[-1].final().status == 486
        until(lambda: edge.counted("events|lost") > 0, "what finds no place is counted")
        until(lambda: edge.log().count(UNWRITTEN) == 2, "calls find none again")
        time.sleep(0.6)
        assert edge.log().count(UNWRITTEN) == 2, "said once each time"
        edge.settings.events_file.rmdir()
        assert events_of(own, invites[0])[0]["event"] == "begun", "what had its place is written in the end"
