"""What an application is told of a call, and what the next process is told of one that was left."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any, Final

import pytest

from sipedge.b2bua.instructed_calls import parameters_of
from sipedge.b2bua.left import KIND, Left
from sipedge.b2bua.sip.dialog import opened
from sipedge.b2bua.sip.message import Message, request
from sipedge.b2bua.stack import Stack
from sipedge.routing.handover import Instructed, Placed
from sipedge.routing.sealed import Seal
from sipedge.secret import Secret

PLACED: Final = Placed("disasterRecovery", "acme/hq", "CA1", "+442079460000", False, "+14155550100", "telco")
FACTS: Final = Instructed(PLACED, "acme", "AC1", "+14155550100", "<sip:+442079460000@t.test>")


def invite(*headers: tuple[str, str]) -> Message:
    return request(
        "INVITE",
        "sip:192.0.2.1:5090",
        (
            ("via", "SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK1"),
            ("from", '"Ann" <sip:+442079460000@192.0.2.9>;tag=a'),
            ("to", "<sip:+14155550100@192.0.2.1>"),
            ("call-id", "x@y"),
            ("contact", "<sip:192.0.2.9>"),
            *headers,
        ),
        cseq=7,
    )


def test_the_application_is_told_who_calls_whom() -> None:
    diverted = ("diversion", "<sip:+14155550155@192.0.2.9>;reason=no-answer")
    passed = ("x-trunkline-verstat", "TN-Validation-Passed-A")
    told = dict(parameters_of(FACTS, invite(diverted, passed)).fields("ringing"))
    assert told == {
        "CallSid": "CA1",
        "AccountSid": "AC1",
        "From": "+442079460000",
        "To": "+14155550100",
        "Caller": "+442079460000",
        "Called": "+14155550100",
        "CallStatus": "ringing",
        "ApiVersion": "2010-04-01",
        "Direction": "inbound",
        "ForwardedFrom": "+14155550155",
        "CallerName": "Ann",
        "StirVerstat": "TN-Validation-Passed-A",
    }


@pytest.mark.parametrize("changes", ({"is_anonymous": True}, {"calling": ""}), ids=("hidden", "not-known"))
def test_a_caller_who_is_hidden_is_told_to_nobody(changes: dict[str, Any]) -> None:
    facts = replace(FACTS, placed=replace(PLACED, **changes))
    told = dict(parameters_of(facts, invite()).fields("ringing"))
    assert told["From"] == "anonymous"
    assert "CallerName" not in told


class Wire(Stack):
    """A stack that keeps what it sends."""

    def __init__(self) -> None:
        seal = Seal(Secret("0" * 64), "speak")
        super().__init__("192.0.2.1", 5090, ("192.0.2.1", 5060), seal, lambda server: None)
        self.sent: list[bytes] = []

    def send(self, data: bytes) -> None:
        self.sent.append(data)


async def ended(left: Left) -> list[bytes]:
    wire = Wire()
    Left.from_plain(left.to_plain()).end(wire)
    return wire.sent


def test_a_call_that_rang_is_refused_and_one_that_was_up_gets_a_bye() -> None:
    ringing = Left("x@y", invite().to_bytes().decode(), (), "")
    (sent,) = asyncio.run(ended(ringing))
    assert sent.startswith(b"SIP/2.0 503 ")
    dialog = opened(invite(), tag="t", contact="sip:192.0.2.1:5090")
    (bye,) = asyncio.run(ended(Left("x@y", None, (dialog,), "CA1.i1")))
    assert bye.startswith(b"BYE sip:192.0.2.9 ")
    assert Left("x@y", None, (), "").to_plain()["kind"] == KIND
