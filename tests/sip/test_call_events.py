"""What each call leaves in the file of call events."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from support.edge import ROOT, running_edge
from support.lab import FAR_NUMBER, OWN_NUMBER, PBX, TELCO, Lab
from support.sipmessage import sdp
from support.sipua import Invite, UserAgent
from support.tables import make_target

Line = dict[str, Any]
SHORT_QUEUE = """

def _shorten():
    sys.path.insert(0, json.load(open(os.environ["TRUNKLINE_INSTANCE"]))["python_path"])
    from sipedge.kemi import events

    events.LONGEST_QUEUE, events._BATCH = 4, 4

_shorten()
"""


def events_of(lab: Lab, invite: Invite) -> list[Line]:
    """The events of this call, once it has ended, without what differs from run to run."""
    deadline = time.monotonic() + 5
    while True:
        file = lab.edge.settings.events_file
        lines = [json.loads(line) for line in file.read_text().splitlines()] if file.exists() else []
        sids = {line["callSid"] for line in lines if line.get("sipCallId") == invite.call_id}
        mine = [line for line in lines if line["callSid"] in sids]
        if any(line["event"] == "ended" for line in mine):
            break
        assert time.monotonic() < deadline, mine
        time.sleep(0.05)
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
    }
    assert answered == {"event": "answered", "target": "telco", "address": f"udp:{telco.address}:5060"}
    assert ended == {"event": "ended", "endedBy": "caller", "endReason": "normal"}
    text = lab.edge.settings.events_file.read_text()
    assert answer.header("X-Trunkline-CallSid") in text


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
    assert events_of(lab, invite)[1:] == [{"event": "ended", "endedBy": "caller", "sipStatus": 487}]


def test_no_room_for_events_costs_no_call(lab: Lab, tmp_path: Path) -> None:
    """While the file cannot be written the queue fills; what finds it full is counted, and calls go on."""
    directory = tmp_path / "kamailio"
    directory.mkdir()
    for name in ("kamailio.cfg", "carried.cfg", "kemi_main.py"):
        (directory / name).write_text((ROOT / "edge" / "kamailio" / name).read_text())
    with open(directory / "kemi_main.py", "a") as file:
        file.write(SHORT_QUEUE)
    (tmp_path / "i" / "events.jsonl").mkdir(parents=True)
    with running_edge(None, lab.block.address(2), tmp_path, kamailio_dir=directory) as edge:
        own = Lab(edge, lab.block, lab.stack)
        own.serve()
        pbx, telco = own.agent(PBX), own.agent(TELCO)
        invites = []
        for _ in range(3):
            invites.append(own.call_out(pbx))
            telco.respond(telco.wait("INVITE", call_id=invites[-1].call_id), 486)
            assert invites[-1].final().status == 486
        assert edge.rpc("htable.get", "count", "events|lost")["item"]["value"] > 0
        deadline = time.monotonic() + 5
        while "call events cannot be written" not in edge.log():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(0.6)
        assert edge.log().count("call events cannot be written") == 1, "said once"
        edge.settings.events_file.rmdir()
        assert events_of(own, invites[0])[0]["event"] == "begun", "what had its place is written in the end"
