"""Secure trunking with sound: SRTP towards the PBX, RTP towards the carrier, never else (S17-S20)."""

from __future__ import annotations

import ssl
import time
from contextlib import ExitStack

import pytest

from support.lab import PBX, Lab
from support.patience import PATIENCE
from support.relay import Relay
from support.sipua import UserAgent, client_context
from support.sound import audio_address, hears_nothing
from support.sound import talk as make_sound
from support.tables import make_carrier, make_gateway, make_target
from support.talking import Talk, talk
from trunkline.cli.call.sound.srtp import crypto_lines

SUITE_80, SUITE_32 = "AES_CM_128_HMAC_SHA1_80", "AES_CM_128_HMAC_SHA1_32"
KEY = "A" * 40


@pytest.fixture
def phone(relayed: Lab) -> UserAgent:
    """The PBX of a secure trunk, which calls."""
    serve(relayed)
    return relayed.agent(PBX, 0, "tls", tls=client_context())


@pytest.fixture
def called(relayed: Lab, server_context: ssl.SSLContext) -> UserAgent:
    """The PBX of a secure trunk, which is called."""
    pbx = relayed.agent(PBX, 5061, "tls", tls=server_context)
    serve(relayed, targets=(make_target(pbx.address, transport="tls"),))
    return pbx


def serve(lab: Lab, *, targets: tuple[object, ...] | None = None, **changes: object) -> None:
    trunk = {"secure": True} | ({} if targets is None else {"targets": targets})
    lab.serve(site_changes={"relay": "Always"}, trunk=trunk, **changes)


def termination(lab: Lab, ends: ExitStack, phone: UserAgent, telco: UserAgent, **near: object) -> Talk:
    return talk(lab, ends, phone, telco, near={"secure": True, **near})


def origination(lab: Lab, ends: ExitStack, telco: UserAgent, called: UserAgent, **far: object) -> Talk:
    return talk(lab, ends, telco, called, outgoing=False, far={"secure": True, **far})


def is_plain(sdp: str) -> bool:
    return " RTP/AVP " in sdp and "crypto" not in sdp and "SAVP" not in sdp


def test_srtp_of_the_pbx_is_rtp_for_the_carrier(
    relayed: Lab, ends: ExitStack, phone: UserAgent, telco: UserAgent
) -> None:
    call = termination(relayed, ends, phone, telco)
    assert is_plain(call.call().body)
    answer = call.answered().body
    assert " RTP/SAVP " in answer
    call.near_sound.connect(answer)
    call.acknowledged()
    call.heard_both_ways()
    call.hang_up(by_caller=False)


def test_rtp_of_the_carrier_is_srtp_for_the_pbx_with_one_suite(
    relayed: Lab, ends: ExitStack, telco: UserAgent, called: UserAgent
) -> None:
    """S17."""
    call = origination(relayed, ends, telco, called)
    offer = call.call().body
    assert " RTP/SAVP " in offer
    assert [each.suite for each in crypto_lines(offer)] == [SUITE_80]
    assert offer.count("a=crypto") == 1
    assert is_plain(call.answered().body)
    call.near_sound.connect(call.answer.body)
    call.acknowledged()
    call.heard_both_ways()
    call.hang_up()


@pytest.mark.parametrize(
    "suites", ((SUITE_80, SUITE_32), (SUITE_32, SUITE_80), (SUITE_32,)), ids=("80,32", "32,80", "32")
)
def test_either_suite_is_taken_in_any_order(
    relayed: Lab, ends: ExitStack, phone: UserAgent, telco: UserAgent, suites: tuple[str, ...]
) -> None:
    """S18: the first that the PBX names."""
    call = termination(relayed, ends, phone, telco, suites=suites)
    call.call()
    (taken,) = crypto_lines(call.answered().body)
    assert (taken.tag, taken.suite) == (1, suites[0])
    call.near_sound.connect(call.answer.body)
    call.acknowledged()
    call.heard_both_ways()
    call.hang_up()


@pytest.mark.parametrize(
    "line",
    (
        f"{SUITE_80} inline:{KEY}|2^20|1:4",
        f"AES_256_CM_HMAC_SHA1_80 inline:{KEY}",
        f"{SUITE_80} inline:{KEY[:-1]}",
        "F8_128_HMAC_SHA1_80 inline:" + KEY,
        f"{SUITE_80} inline:{KEY} UNENCRYPTED_SRTP",
    ),
    ids=("mki", "aes-256", "short-key", "f8", "session-parameter"),
)
def test_a_line_that_cannot_be_used_is_passed_over_and_alone_refused(
    relayed: Lab, ends: ExitStack, phone: UserAgent, telco: UserAgent, line: str
) -> None:
    """S19: the tag of the next one stays as it was."""
    call = termination(relayed, ends, phone, telco)
    good = str(call.near_sound.own[0])
    usual = call.near_sound.offer()
    alone = usual.replace(good, f"a=crypto:1 {line}")
    invite = relayed.call_out(phone, body=alone, contact=phone.contact)
    refused = invite.final()
    assert refused.status == 488
    assert refused.header("X-Trunkline-Error").startswith("32208")
    second = usual.replace(good, f"a=crypto:1 {line}\r\n{good.replace('crypto:1', 'crypto:2')}")
    call.call(body=second)
    (taken,) = crypto_lines(call.answered().body)
    assert taken.tag == 2
    call.near_sound.connect(call.answer.body)
    call.acknowledged()
    call.heard_both_ways()
    call.hang_up()


def test_a_secure_call_keeps_its_keys_over_later_offers(
    relayed: Lab, ends: ExitStack, phone: UserAgent, telco: UserAgent
) -> None:
    call = termination(relayed, ends, phone, telco).set_up()
    (before,) = crypto_lines(call.answer.body)
    call.offer_later(by_caller=False)
    call.heard_both_ways()
    answer = call.offer_later(by_caller=True)
    (after,) = crypto_lines(answer.body)
    assert (before.suite, before.key) == (after.suite, after.key)
    call.heard_both_ways()
    call.offer_refused(488, by_caller=False)
    call.heard_both_ways()
    call.hang_up()


def test_late_offers_are_bridged_as_well(
    relayed: Lab, ends: ExitStack, phone: UserAgent, telco: UserAgent
) -> None:
    """An INVITE without SDP: the carrier's plain offer comes in the 2xx, the SRTP answer in the ACK."""
    call = termination(relayed, ends, phone, telco)
    call.call(offer=False)
    offer = call.answered(call.far_sound.offer()).body
    assert " RTP/SAVP " in offer
    answer = call.acknowledged(call.near_sound.answer(offer)).body
    assert is_plain(answer)
    call.far_sound.connect(answer)
    call.heard_both_ways()
    call.hang_up()


def test_a_plain_answer_to_a_secure_offer_ends_the_call_and_nothing_is_heard(
    relayed: Lab, ends: ExitStack, telco: UserAgent, called: UserAgent
) -> None:
    """Nobody can refuse a 2xx: the carrier is shown no media, and both get the edge's BYE a second later."""
    call = talk(relayed, ends, telco, called, outgoing=False)
    call.call()
    assert "m=audio 0 " in call.answered(call.far_sound.offer()).body
    call.acknowledged()
    call.far_sound.towards = audio_address(call.received.body)
    make_sound(call.far_sound, seconds=0.1)
    hears_nothing(call.near_sound)
    for agent in (telco, called):
        agent.respond(agent.wait("BYE"), 200)
    # It says so once the BYEs have left.
    deadline = time.monotonic() + PATIENCE
    while "ended reason=MediaNotSecure" not in relayed.edge.log():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_a_plain_answer_in_an_ack_ends_the_call(
    relayed: Lab, ends: ExitStack, phone: UserAgent, telco: UserAgent
) -> None:
    call = termination(relayed, ends, phone, telco)
    call.call(offer=False)
    call.answered(call.far_sound.offer())
    plain = (
        call.near_sound.offer().replace("RTP/SAVP", "RTP/AVP").replace(f"{call.near_sound.own[0]}\r\n", "")
    )
    assert "m=audio 0 " in call.acknowledged(plain).body
    for agent in (phone, telco):
        agent.respond(agent.wait("BYE"), 200)


def test_a_carrier_that_is_secure_gets_srtp_too(
    relayed: Lab, ends: ExitStack, server_context: ssl.SSLContext, phone: UserAgent
) -> None:
    """The relay passes on what both sides can use as it is."""
    gateway = relayed.agent(31, 5061, "tls", tls=server_context)
    serve(
        relayed,
        carriers=[make_carrier(secure=True)],
        routes={"+": [make_gateway(gateway.address, 5061, transport="tls")]},
    )
    call = talk(relayed, ends, phone, gateway, near={"secure": True}, far={"secure": True})
    offer = call.call().body
    assert " RTP/SAVP " in offer
    assert [each.suite for each in crypto_lines(offer)] == [SUITE_80]
    call.near_sound.connect(call.answered().body)
    call.acknowledged()
    call.heard_both_ways()
    call.hang_up()


def test_a_plain_offer_is_refused_and_no_key_is_in_any_log(
    relayed: Lab, relay: Relay, ends: ExitStack, phone: UserAgent, telco: UserAgent
) -> None:
    """S20. Keys are secrets."""
    call = talk(relayed, ends, phone, telco)
    refused = relayed.call_out(phone, body=call.near_sound.offer(), contact=phone.contact).final()
    assert refused.status == 488
    assert refused.header("X-Trunkline-Error").startswith("32208")
    assert relay.sessions() == []
    call = termination(relayed, ends, phone, telco).set_up()
    key = str(call.near_sound.own[0]).rpartition("inline:")[2]
    call.hang_up()
    for log in (relayed.edge.log(), relay.log()):
        assert "inline:" not in log
        assert key not in log
