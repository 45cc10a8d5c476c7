"""Each attempt to set up a call leaves exactly one record, and a true one, whatever is killed meanwhile."""

from __future__ import annotations

import json
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from sipedge.call_questions import ANSWERED
from sipedge.calls.events import time_text
from sipedge.instance import process_environment
from support.addresses import Block
from support.dialogs import end, established
from support.lab import FAR_NUMBER, OWN_NUMBER, PBX, TELCO, Lab
from support.patience import PATIENCE, SHORT_CALL_SECONDS, until
from support.recorded import RecordedEdge, recorded_edge
from support.sipmessage import sdp
from support.sipua import Invite, UserAgent
from support.tables import make_account, make_target

SILENT = 99
"""Last byte of an address where nobody is."""


@pytest.fixture
def edge(block: Block, tmp_path: Path) -> Iterator[RecordedEdge]:
    with recorded_edge(block.address(2), tmp_path, ring_seconds=SHORT_CALL_SECONDS) as running:
        yield running


@pytest.fixture
def place(edge: RecordedEdge, block: Block) -> Iterator[Lab]:
    with ExitStack() as stack:
        lab = Lab(edge, block, stack)
        first, second = block.address(21), block.address(PBX)
        silent = block.address(SILENT)
        lab.serve(
            trunk={
                "targets": tuple(
                    make_target(each, 5060, priority=number)
                    for number, each in enumerate((first, silent, second))
                )
            }
        )
        yield lab


def answered(lab: Lab, pbx: UserAgent, telco: UserAgent, first: UserAgent) -> tuple[str, dict[str, Any]]:
    near, _, _, _ = established(lab, pbx, telco, outgoing=True)
    end(near, telco)
    return near.call_id, {
        "result": "answered", "sipStatus": 200, "endedBy": "caller", "endReason": "normal",
        "carrier": "telco", "direction": "termination", "trunk": "acme/hq",
        "from": OWN_NUMBER, "to": FAR_NUMBER,
    }  # fmt: skip


def ended_by_callee(
    lab: Lab, pbx: UserAgent, telco: UserAgent, first: UserAgent
) -> tuple[str, dict[str, Any]]:
    near, far, _, _ = established(lab, pbx, telco, outgoing=True)
    end(far, pbx)
    return near.call_id, {"result": "answered", "sipStatus": 200, "endedBy": "callee", "endReason": "normal"}


def ended_by_edge(lab: Lab, pbx: UserAgent, telco: UserAgent, first: UserAgent) -> tuple[str, dict[str, Any]]:
    near, far, _, answer = established(lab, pbx, telco, outgoing=True)
    assert isinstance(lab.edge, RecordedEdge)
    sid = answer.header("X-Trunkline-CallSid")
    over = threading.Event()
    asking = threading.Thread(target=lambda: _ask_to_end(lab.edge, sid, over))
    asking.start()
    try:
        for agent, leg in ((pbx, near), (telco, far)):
            agent.respond(agent.wait("BYE", call_id=leg.call_id), 200)
    finally:
        over.set()
        asking.join()
    return near.call_id, {"result": "answered", "endedBy": "edge", "endReason": "operator", "callSid": sid}


def _ask_to_end(edge: Any, sid: str, over: threading.Event) -> None:
    """Until an agent says that it has, or both sides have their BYE: one that was killed then cannot."""
    while not over.wait(0.05):
        try:
            if edge.ask(ask="end", callSid=sid) == [{"ended": True}]:
                return
        except (OSError, ValueError):
            pass  # the agent is being killed, maybe in the middle of its answer


def busy(lab: Lab, pbx: UserAgent, telco: UserAgent, first: UserAgent) -> tuple[str, dict[str, Any]]:
    invite = lab.call_out(pbx)
    telco.respond(telco.wait("INVITE", call_id=invite.call_id), 486, headers=[("Reason", "Q.850;cause=17")])
    invite.final()
    return invite.call_id, {"result": "busy", "sipStatus": 486, "endedBy": "callee", "q850Cause": 17}


def no_answer(lab: Lab, pbx: UserAgent, telco: UserAgent, first: UserAgent) -> tuple[str, dict[str, Any]]:
    invite = lab.call_out(pbx)
    received = telco.wait("INVITE", call_id=invite.call_id)
    telco.respond(received, 180)
    invite.final()
    telco.respond(telco.wait("CANCEL", call_id=invite.call_id), 200)
    telco.respond(received, 487)
    return invite.call_id, {
        "result": "noAnswer",
        "sipStatus": 480,
        "endedBy": "edge",
        "reason": "RingTimeout",
    }


def canceled(lab: Lab, pbx: UserAgent, telco: UserAgent, first: UserAgent) -> tuple[str, dict[str, Any]]:
    invite = lab.call_out(pbx)
    received = telco.wait("INVITE", call_id=invite.call_id)
    telco.respond(received, 180)
    pbx.wait(status=180, call_id=invite.call_id)
    invite.cancel()
    telco.respond(telco.wait("CANCEL", call_id=invite.call_id), 200)
    telco.respond(received, 487)
    invite.final()
    return invite.call_id, {"result": "canceled", "sipStatus": 487, "endedBy": "caller"}


def refused(lab: Lab, pbx: UserAgent, telco: UserAgent, first: UserAgent) -> tuple[str, dict[str, Any]]:
    invite = lab.call_out(pbx, caller="+19995550100")
    invite.final()
    return invite.call_id, {
        "result": "refused", "sipStatus": 403, "endedBy": "edge", "reason": "CallerIdNotAllowed",
        "rule": "S40", "errorCode": 32204, "trunk": "acme/hq",
    }  # fmt: skip


def failed(lab: Lab, pbx: UserAgent, telco: UserAgent, first: UserAgent) -> tuple[str, dict[str, Any]]:
    invite = lab.call_out(pbx)
    telco.respond(telco.wait("INVITE", call_id=invite.call_id), 404)
    invite.final()
    return invite.call_id, {"result": "failed", "sipStatus": 404, "endedBy": "callee", "target": "telco"}


def failed_over(lab: Lab, pbx: UserAgent, telco: UserAgent, first: UserAgent) -> tuple[str, dict[str, Any]]:
    """The first target is busy elsewhere, the second silent, the third answers; the carrier hangs up."""
    invite = lab.call_in(telco)
    first.respond(first.wait("INVITE", call_id=invite.call_id), 503)
    pbx.respond(pbx.wait("INVITE", call_id=invite.call_id), 200, body=sdp(pbx.address))
    leg = invite.leg(telco.wait("INVITE", status=200, call_id=invite.call_id))
    leg.send("ACK")
    pbx.wait("ACK", call_id=invite.call_id)
    end(leg, pbx)
    return invite.call_id, {
        "result": "answered", "endedBy": "caller", "direction": "origination", "carrier": "telco",
        "statuses": [503, None, 200],
    }  # fmt: skip


def redirected(lab: Lab, pbx: UserAgent, telco: UserAgent, first: UserAgent) -> tuple[str, dict[str, Any]]:
    invite = lab.call_in(telco)
    contact = f"sip:desk:secret@{pbx.address}:5060"
    first.respond(first.wait("INVITE", call_id=invite.call_id), 302, headers=[("Contact", f"<{contact}>")])
    pbx.respond(pbx.wait("INVITE", call_id=invite.call_id), 486)
    invite.final()
    return invite.call_id, {
        "result": "busy", "redirectedTo": f"sip:desk@{pbx.address}:5060", "statuses": [302, 486],
    }  # fmt: skip


Ending = Callable[[Lab, UserAgent, UserAgent, UserAgent], tuple[str, dict[str, Any]]]
ENDINGS: tuple[Ending, ...] = (
    answered, ended_by_callee, ended_by_edge, busy, no_answer, canceled, refused, failed, failed_over,
    redirected,
)  # fmt: skip


@contextmanager
def killing(edge: RecordedEdge, seconds: float) -> Iterator[None]:
    """The agent is killed again and again, and started again.

    Each time it lives half as long again: on a busy machine it would else never live to answer anything.
    """
    done = threading.Event()

    def kill() -> None:
        lives = seconds
        while not done.wait(lives):
            edge.kill_agent()
            lives *= 1.5

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@pytest.mark.parametrize("killed", (False, True), ids=("calm", "agent killed"))
def test_ten_kinds_of_end_leave_one_true_record_each(place: Lab, edge: RecordedEdge, killed: bool) -> None:
    """Also where the agent is killed again and again: it finds what it had written, and what it had not."""
    pbx, telco, first = place.agent(PBX), place.agent(TELCO), place.agent(21)
    with killing(edge, 0.6) if killed else ExitStack():
        played = [ending(place, pbx, telco, first) for ending in ENDINGS]
    for record, (_, expected) in zip(edge.records(*(each for each, _ in played)), played, strict=True):
        statuses = expected.pop("statuses", None)
        assert expected.items() <= record.items(), record
        if statuses is not None:
            assert [each.get("status") for each in record["attempts"]] == statuses
        assert_is_whole(record)
    assert len(edge.all_records()) == len(ENDINGS)


def assert_is_whole(record: dict[str, Any]) -> None:
    """What every finished record tells, and that its times fit."""
    assert {"schema", "callSid", "startedAt", "endedAt", "tableSequence", "edge", "address"} <= record.keys()
    times = [record[key] for key in ("startedAt", "ringingAt", "answeredAt", "endedAt") if key in record]
    assert times == sorted(times)
    if record["result"] == "answered":
        up, over = (datetime.fromisoformat(record[key]) for key in ("answeredAt", "endedAt"))
        assert record["durationSeconds"] == round((over - up).total_seconds(), 3)
    else:
        assert "durationSeconds" not in record


def test_kamailio_killed_leaves_true_records_of_what_was_up(place: Lab, edge: RecordedEdge) -> None:
    """No end is made up: neither of a call that was up, nor of one that rang; their ends come too late."""
    pbx, telco = place.agent(PBX), place.agent(TELCO)
    near, far, _, _ = established(place, pbx, telco, outgoing=True)
    ringing = place.call_out(pbx)
    telco.respond(telco.wait("INVITE", call_id=ringing.call_id), 180)
    pbx.wait(status=180, call_id=ringing.call_id)
    # What Kamailio has not written yet is lost with it.
    told = [{"answeredAt"}, {"ringingAt"}]
    until(
        lambda: (
            [each.keys() & {"answeredAt", "ringingAt"} for each in by_start(active_calls(edge, 2))] == told
        )
    )
    edge.kill_kamailio()
    up, rang = edge.records(near.call_id, ringing.call_id)
    assert (up["result"], up["endedBy"], up["endReason"]) == ("answered", "unknown", "crash")
    assert (rang["result"], rang["endedBy"], rang["endReason"]) == ("failed", "unknown", "crash")
    assert "answeredAt" in up
    assert "ringingAt" in rang
    for record in (up, rang):
        assert not {"endedAt", "durationSeconds"} & record.keys()
    end(far, pbx)
    edge.kill_agent()
    after, _, _, _ = established(place, pbx, telco, outgoing=True)
    end(after, telco)
    assert edge.records(after.call_id)[0]["endedBy"] == "caller"
    assert len(edge.all_records()) == 3


def test_an_agent_that_ends_writes_what_is_still_up(place: Lab, edge: RecordedEdge) -> None:
    """After its drain; once, though another one is started beside the same Kamailio."""
    pbx, telco = place.agent(PBX), place.agent(TELCO)
    near, _, _, _ = established(place, pbx, telco, outgoing=True)
    until(lambda: "answeredAt" in active_calls(edge, 1)[0])
    (active,) = active_calls(edge, 1)
    assert (active["sipCallId"], "result" in active) == (near.call_id, False)
    asked = subprocess.run(
        ["/usr/bin/python3", "-m", "sipedge.agent.ask", '{"ask": "calls"}'],
        env=process_environment(edge.settings), capture_output=True, text=True, check=True,
    )  # fmt: skip
    told, answered = asked.stdout.splitlines()
    assert (json.loads(told), answered) == (active, ANSWERED), "as it is asked in a pod"
    edge.agent.end(signal.SIGTERM)
    (record,) = edge.records(near.call_id)
    assert (record["endedBy"], record["endReason"]) == ("unknown", "drain")
    edge.agent.start()
    end(near, telco)
    time.sleep(1)
    edge.records(near.call_id)


def by_start(calls: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The oldest first."""
    return sorted(calls, key=lambda each: str(each["startedAt"]))


def active_calls(edge: RecordedEdge, count: int) -> list[dict[str, Any]]:
    """The calls in progress, once there are so many."""
    deadline = time.monotonic() + PATIENCE
    while len(found := edge.ask(ask="calls")) != count:
        assert time.monotonic() < deadline, found
        time.sleep(0.05)
    return found


def test_an_account_that_has_used_its_minutes_of_today_makes_no_further_call(
    block: Block, tmp_path: Path
) -> None:
    """By its records of today, also those of before this agent began; an emergency call goes on."""
    address = block.address(3)
    time.sleep(max(0.0, 70 - time.time() % 86_400))  # the day has begun a minute ago at least
    used = {
        "schema": 1, "callSid": "CA" + "0" * 32, "account": "acme", "direction": "termination",
        "startedAt": time_text(time.time() - 61), "answeredAt": time_text(time.time() - 61),
        "endedAt": time_text(time.time()), "result": "answered",
    }  # fmt: skip
    earlier = tmp_path / "i" / "calls" / f"ashburn-{address}.jsonl"
    earlier.parent.mkdir(parents=True)
    earlier.write_text(json.dumps(used) + "\n")
    with recorded_edge(address, tmp_path) as edge, ExitStack() as stack:
        lab = Lab(edge, block, stack)
        lab.serve(accounts=[make_account(daily_minutes=1)])
        pbx = lab.agent(PBX)
        until(lambda: "has used 1 of 1 minutes" in edge.agent.log(), "it is told")
        calls: list[Invite] = []

        def is_refused() -> bool:
            """The edge is told a moment later than the log."""
            calls.append(lab.call_out(pbx))
            return calls[-1].final().status == 403

        until(is_refused, "a further call is refused")
        (record,) = edge.records(calls[-1].call_id)
        assert (record["result"], record["reason"]) == ("refused", "DailyMinutesReached")
        emergency = lab.call_out(pbx, called="112")
        assert emergency.final().status != 403
        lab.serve(accounts=[make_account(daily_minutes=100)])
        telco = lab.agent(TELCO)
        again = lab.call_out(pbx)
        telco.respond(telco.wait("INVITE", call_id=again.call_id), 486)
        assert again.final().status == 486


def test_a_call_that_is_none_is_not_ended(place: Lab, edge: RecordedEdge) -> None:
    """The answer says why."""
    active_calls(edge, 0)
    assert edge.ask(ask="end", callSid="CA0") == [{"fault": "no such call is in progress here"}]
    assert edge.ask(ask="what") == [{"fault": "this is no question"}]
