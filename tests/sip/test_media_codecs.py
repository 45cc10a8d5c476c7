"""Codecs of a trunk, with sound: filtered, in order, refused where none is common, transcoded if asked."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from contextlib import ExitStack

import numpy as np
import pytest

from sipedge.routing.media.sides import CODECS
from sipedge.table.media import TrunkMediaRow
from siprecorder.sound.decoders import decoder_of
from siprecorder.sound.g711 import Samples
from support.lab import Lab
from support.patience import until
from support.pcaps import loudest
from support.relay import Relay
from support.sipua import UserAgent
from support.sound import SoundEnd, formats_of, sound_end, wait_for_packets
from support.tables import make_carrier
from support.talking import CALLEE_TONE, Talk, talk

PCMU, PCMA, G722, G729, OPUS, AMR, EVENT = 0, 8, 9, 18, 96, 97, 101
MANY = (G729, G722, PCMU, PCMA, EVENT)
both_directions = pytest.mark.parametrize("outgoing", (True, False), ids=("termination", "origination"))


def serve(lab: Lab, *, carrier: tuple[str, ...] = (), **media: object) -> None:
    row = TrunkMediaRow(**media)  # type: ignore[arg-type]
    carriers = (make_carrier(codecs=carrier),)
    lab.serve(site_changes={"relay": "Always"}, trunk={"media": row}, carriers=carriers)


def new_call(lab: Lab, ends: ExitStack, pbx: UserAgent, telco: UserAgent, outgoing: bool) -> Talk:
    caller, callee = (pbx, telco) if outgoing else (telco, pbx)
    return talk(lab, ends, caller, callee, outgoing=outgoing)


@pytest.mark.parametrize(
    ("outgoing", "offered"),
    ((True, (PCMU, PCMA, EVENT)), (False, (PCMA, PCMU, EVENT))),
    ids=("in the order of the PBX", "in the order of the trunk"),
)
def test_codecs_of_the_trunk_are_offered(
    relayed: Lab, ends: ExitStack, pbx: UserAgent, telco: UserAgent, outgoing: bool, offered: tuple[int, ...]
) -> None:
    """Spec 2.2, with `telephone-event` and the length of packets as they were."""
    serve(relayed, codecs=("PCMA", "PCMU"))
    call = new_call(relayed, ends, pbx, telco, outgoing)
    body = call.call(body=call.near_sound.offer(MANY)).body
    assert tuple(formats_of(body)) == offered
    assert "a=rtpmap:101 telephone-event/8000" in body
    assert "a=ptime:20" in body
    assert "rtpmap:18 " not in body
    call.near_sound.connect(call.answered().body)
    call.acknowledged()
    call.heard_both_ways()
    call.hang_up()


def test_an_answer_has_the_profile_of_its_offer(
    relayed: Lab, ends: ExitStack, pbx: UserAgent, telco: UserAgent
) -> None:
    """RFC 3264 section 6.1; the other side, which may not know feedback (RFC 4585), is offered none."""
    call = talk(relayed, ends, pbx, telco)
    body = call.call(body=call.near_sound.offer().replace(" RTP/AVP ", " RTP/AVPF ")).body
    assert " RTP/AVP " in body
    answer = call.answered().body
    assert " RTP/AVPF " in answer
    call.near_sound.connect(answer)
    call.acknowledged()
    call.heard_both_ways()
    call.hang_up()


@pytest.mark.parametrize(
    ("number", "size"),
    ((PCMU, 160), (PCMA, 160), (OPUS, 71), (G729, 20), (AMR, 32)),
    ids=("PCMU", "PCMA", "OPUS", "G729", "AMR-NB"),
)
@both_directions
def test_what_is_said_in_each_codec_passes_byte_by_byte(
    relayed: Lab, ends: ExitStack, pbx: UserAgent, telco: UserAgent, outgoing: bool, number: int, size: int
) -> None:
    """All five: none is looked into, so that any payload is one of theirs."""
    serve(relayed, codecs=CODECS)
    call = new_call(relayed, ends, pbx, telco, outgoing)
    body = call.call(body=call.near_sound.offer((number, EVENT))).body
    assert formats_of(body) == [number, EVENT]
    answer = call.answered(call.far_sound.answer(body, (number, EVENT))).body
    assert formats_of(answer) == [number, EVENT]
    call.near_sound.connect(answer)
    call.acknowledged()
    passes_unchanged(call.near_sound, call.far_sound, number, size)
    passes_unchanged(call.far_sound, call.near_sound, number, size)
    call.hang_up()


def passes_unchanged(speaker: SoundEnd, hearer: SoundEnd, number: int, size: int) -> None:
    """Each of some payloads is heard as it was sent, before the next one is."""
    hearer.forget()
    said = [os.urandom(size) for _ in range(5)]
    for count, payload in enumerate(said, 1):
        speaker.send(payload, number)
        wait_for_packets(hearer, count)
    assert hearer.heard.payloads == said
    assert hearer.heard.payload_types == {number: len(said)}


@both_directions
def test_where_no_codec_is_common_the_call_is_refused_and_leaves_nothing(
    relayed: Lab, relay: Relay, pbx: UserAgent, telco: UserAgent, ends: ExitStack, outgoing: bool
) -> None:
    serve(relayed, carrier=(), codecs=("PCMU",))
    call = new_call(relayed, ends, pbx, telco, outgoing)
    send = relayed.call_out if outgoing else relayed.call_in
    invite = send(call.caller, body=call.near_sound.offer((PCMA, G729, EVENT)))
    refused = call.caller.wait("INVITE", status=415 if outgoing else 488, call_id=invite.call_id)
    assert "Unsupported Media Type" in refused.first_line or not outgoing
    assert relay.sessions() == []


def test_a_carrier_that_has_none_of_the_offered_codecs_is_not_called(
    relayed: Lab, relay: Relay, pbx: UserAgent, telco: UserAgent, ends: ExitStack
) -> None:
    """Of several carriers another may have one; here none is left."""
    serve(relayed, carrier=("G729",), codecs=("PCMU", "G729"))
    call = talk(relayed, ends, pbx, telco)
    invite = relayed.call_out(pbx, body=call.near_sound.offer((PCMU, EVENT)))
    pbx.wait("INVITE", status=415, call_id=invite.call_id)
    assert relay.sessions() == []


@both_directions
def test_what_both_do_not_have_in_common_is_transcoded_also_when_the_other_offers_later(
    relayed: Lab, ends: ExitStack, pbx: UserAgent, telco: UserAgent, outgoing: bool
) -> None:
    """The PBX has PCMA alone, the carrier PCMU alone: each hears the other's tone in its own."""
    serve(relayed, carrier=("PCMU",), codecs=("PCMA",), transcoding=True)
    call = new_call(relayed, ends, pbx, telco, outgoing)
    own, other = (PCMA, PCMU) if outgoing else (PCMU, PCMA)
    body = call.call(body=call.near_sound.offer((own, EVENT))).body
    assert tuple(formats_of(body)) == (other, EVENT)
    answer = call.answered().body
    assert formats_of(answer)[0] == own
    call.near_sound.connect(answer)
    call.acknowledged()
    call.heard_both_ways()
    assert call.near_sound.heard.payload_types.most_common(1)[0][0] == own
    assert call.far_sound.heard.payload_types.most_common(1)[0][0] == other
    offered = call.far_sound.offer((other, EVENT), version=2)
    call.far.send("INVITE", body=offered)
    received = call.caller.wait("INVITE", call_id=call.far.call_id)
    assert formats_of(received.body)[0] == own
    call.caller.respond(received, 200, body=call.near_sound.answer(received.body, version=2))
    call.far_sound.connect(call.callee.wait("INVITE", status=200, call_id=call.far.call_id).body)
    call.far.send("ACK", cseq=call.far.cseq)
    call.caller.wait("ACK", call_id=call.far.call_id)
    call.heard_both_ways()
    call.hang_up()


@pytest.mark.parametrize(("number", "name"), ((G729, "G729"), (OPUS, "OPUS")))
def test_what_is_transcoded_to_a_codec_and_back_is_the_same_sound(
    relayed: Lab, ends: ExitStack, pbx: UserAgent, telco: UserAgent, number: int, name: str
) -> None:
    """The PBX hears the carrier's tone in its codec, as the recorder decodes it, and sends just that back."""
    serve(relayed, carrier=("PCMU",), codecs=(name,), transcoding=True)
    call = new_call(relayed, ends, pbx, telco, True)
    call.call(body=call.near_sound.offer((number,)))
    call.near_sound.connect(call.answered().body)
    call.acknowledged()
    until(lambda: said_by(call.far_sound, call.near_sound) > 60, "the carrier's sound")
    payloads = call.near_sound.heard.payloads
    assert set(call.near_sound.heard.payload_types) == {number}
    assert loudest(decoded(payloads, name)) == CALLEE_TONE
    call.far_sound.forget()
    for each in payloads:
        call.near_sound.send(each, number)
        time.sleep(0.02)
    wait_for_packets(call.far_sound, 40)
    assert set(call.far_sound.heard.payload_types) == {PCMU}
    assert loudest(decoded(call.far_sound.heard.payloads, "PCMU")) == CALLEE_TONE
    call.hang_up()


def decoded(payloads: Sequence[bytes], name: str) -> Samples:
    """As the recorder decodes them."""
    decode = decoder_of(name)
    assert decode is not None
    return np.concatenate([decode(each) for each in payloads])


def test_one_transcoded_too_many_is_refused_and_others_are_served(
    relayed: Lab, relay: Relay, ends: ExitStack, pbx: UserAgent, telco: UserAgent
) -> None:
    """What one trunk asks of the relay is bounded; a call that ends makes room."""
    media = TrunkMediaRow(codecs=("G729", "PCMU"), transcoding=True)
    site = {"relay": "Always", "transcoded_calls": 1}
    relayed.serve(site_changes=site, trunk={"media": media}, carriers=(make_carrier(codecs=("PCMU",)),))
    first = new_call(relayed, ends, pbx, telco, True)
    first.call(body=first.near_sound.offer((G729,)))
    first.near_sound.connect(first.answered().body)
    first.acknowledged()
    for _ in range(2):
        second = new_call(relayed, ends, pbx, telco, True)
        logged = len(relayed.edge.log())
        assert relayed.call_out(pbx, body=second.near_sound.offer((G729,))).final().status == 503
        assert relayed.edge.logs("reason=MediaFull", logged)
    assert len(relay.sessions()) == 1
    new_call(relayed, ends, pbx, telco, True).set_up().hang_up()
    first.hang_up()
    until(lambda: not relay.sessions())
    third = new_call(relayed, ends, pbx, telco, True)
    third.call(body=third.near_sound.offer((G729,)))
    third.near_sound.connect(third.answered().body)
    third.acknowledged()
    third.hang_up()


def test_who_needs_transcoding_later_on_is_counted_as_well(
    relayed: Lab, relay: Relay, ends: ExitStack, pbx: UserAgent, telco: UserAgent
) -> None:
    """By a re-INVITE, whose refusal leaves the call as it was, or by an offer in an answer, which ends it."""
    media = TrunkMediaRow(codecs=("G729", "PCMU"), transcoding=True)
    site = {"relay": "Always", "transcoded_calls": 0}
    relayed.serve(site_changes=site, trunk={"media": media}, carriers=(make_carrier(codecs=("PCMU",)),))
    call = new_call(relayed, ends, pbx, telco, True)
    call.set_up()
    for version in (2, 3):
        call.near.send("INVITE", body=call.near_sound.offer((G729,), version=version))
        assert pbx.final(call.near.call_id).status == 503
    call.heard_both_ways()
    call.hang_up()
    late = relayed.call_in(telco, body="")
    sound = ends.enter_context(sound_end(pbx.address, CALLEE_TONE))
    invite = pbx.wait("INVITE", call_id=late.call_id)
    pbx.respond(invite, 200, body=sound.offer((G729,)))
    answer = late.final()
    assert answer.status == 200
    assert "m=audio 0 " in answer.body
    late.leg(answer).send("ACK")
    telco.respond(telco.wait("BYE", call_id=late.call_id), 200)
    until(lambda: not relay.sessions())


def said_by(speaker: SoundEnd, hearer: SoundEnd) -> int:
    """After one more packet, how many packets are heard."""
    speaker.send()
    time.sleep(0.02)
    hearer.listen()
    return hearer.heard.packets


def test_where_the_edge_relays_when_needed_a_call_that_asks_for_nothing_passes_as_it_came(
    relayed: Lab, relay: Relay, ends: ExitStack, pbx: UserAgent, telco: UserAgent
) -> None:
    """Parties that send each other their media may have any codec; a trunk that asks for more is relayed."""
    relayed.serve(site_changes={"relay": "WhenNeeded"})
    call = talk(relayed, ends, pbx, telco)
    offered = call.near_sound.offer(MANY)
    assert call.call(body=offered).body == offered
    call.near_sound.connect(call.answered().body)
    call.acknowledged()
    assert relay.sessions() == []
    call.heard_both_ways()
    call.hang_up()
    relayed.serve(site_changes={"relay": "WhenNeeded"}, trunk={"media": TrunkMediaRow(symmetric=True)})
    asking = talk(relayed, ends, pbx, telco).set_up()
    assert len(relay.sessions()) == 1
    asking.heard_both_ways()
    asking.hang_up()
