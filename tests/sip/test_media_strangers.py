"""Whose RTP is heard, and where it goes: S24 where a trunk is not symmetric, S25 where it is; strangers."""

from __future__ import annotations

import pytest

from sipedge.table.media import TrunkMediaRow
from support.lab import PBX, Lab
from support.sipua import UserAgent, client_context
from support.sound import (
    SoundEnd,
    hear_each_other,
    hears_nothing,
    intruder,
    sound_end,
    talk,
    talk_until_heard,
)
from support.sound_calls import CALLEE_TONE, CALLER_TONE, SoundCall, negotiate, sound_call

STRANGER = 66
LEARNING_SECONDS = 4.1
"""Of a symmetric side rtpengine follows whoever sends for three to four seconds, then nobody else."""
SYMMETRIC = TrunkMediaRow(symmetric=True)
BOTH_DIRECTIONS = pytest.mark.parametrize("outgoing", (True, False), ids=("termination", "origination"))
BOTH_SIDES = pytest.mark.parametrize("side", ("caller", "callee"))


def serve(lab: Lab, media: TrunkMediaRow | None = None, *, secure: bool = False) -> None:
    lab.serve(site_changes={"relay": "Always"}, trunk={"media": media, "secure": secure})


def parties(pbx: UserAgent, telco: UserAgent, outgoing: bool) -> tuple[UserAgent, UserAgent]:
    return (pbx, telco) if outgoing else (telco, pbx)


def attack(lab: Lab, call: SoundCall, victim: SoundEnd, seconds: float = 0.4) -> None:
    """A stranger sends to the port where the victim's packets go, while both talk: it is not heard there, and
    hears nothing."""
    assert victim.towards is not None
    call.caller.forget()
    call.callee.forget()
    with intruder(lab.block.address(STRANGER), victim.towards) as stranger:
        talk(stranger, call.caller, call.callee, seconds=seconds)
        talk_until_heard((call.caller, call.callee), stranger, call.caller, call.callee)
        assert call.caller.heard.tone == CALLEE_TONE, call.caller.heard
        assert call.callee.heard.tone == CALLER_TONE, call.callee.heard
        assert not call.caller.heard.tones[stranger.tone]
        assert not call.callee.heard.tones[stranger.tone]
        hears_nothing(stranger)


@BOTH_DIRECTIONS
@BOTH_SIDES
def test_a_stranger_is_not_heard_and_hears_nothing(
    relayed: Lab, pbx: UserAgent, telco: UserAgent, outgoing: bool, side: str
) -> None:
    """From the first packet on, whichever port it has found out."""
    with sound_call(relayed, *parties(pbx, telco, outgoing), outgoing=outgoing) as call:
        attack(relayed, call, call.caller if side == "caller" else call.callee)


@BOTH_DIRECTIONS
def test_a_party_that_sends_from_elsewhere_is_not_heard(
    relayed: Lab, pbx: UserAgent, telco: UserAgent, outgoing: bool
) -> None:
    """S24: from the address of its SDP, another port; what it is sent goes where its SDP says."""
    with (
        sound_call(relayed, *parties(pbx, telco, outgoing), outgoing=outgoing) as call,
        sound_end(call.caller.address, 1500) as elsewhere,
    ):
        elsewhere.towards = call.caller.towards
        call.caller.silent = True
        talk(elsewhere, call.caller, call.callee)
        talk_until_heard((call.caller,), elsewhere, call.caller, call.callee)
        hears_nothing(call.callee)
        hears_nothing(elsewhere)
        assert call.caller.heard.tone == CALLEE_TONE


@BOTH_DIRECTIONS
@pytest.mark.parametrize("secure", (False, True), ids=("rtp", "srtp"))
def test_a_pbx_behind_nat_is_heard_and_hears(
    relayed: Lab, pbx: UserAgent, telco: UserAgent, outgoing: bool, secure: bool
) -> None:
    """S25: its SDP has an address of its own network, media goes to where its packets come from; when that is
    known, a stranger is not heard any more. The carrier's side stays strict from the first packet on."""
    serve(relayed, SYMMETRIC, secure=secure)
    if secure and outgoing:
        pbx = relayed.agent(PBX, 5061, "tls", tls=client_context())
    with sound_call(
        relayed, *parties(pbx, telco, outgoing), outgoing=outgoing, secure=secure, shown=("10.11.12.13", 4000)
    ) as call:
        at_pbx, at_telco = (call.caller, call.callee) if outgoing else (call.callee, call.caller)
        attack_carrier_side(relayed, call, at_telco)
        talk(call.caller, call.callee, seconds=LEARNING_SECONDS)
        attack(relayed, call, at_pbx)


def attack_carrier_side(lab: Lab, call: SoundCall, at_telco: SoundEnd) -> None:
    """Before anything is learned of the PBX's side: the first packets open its port."""
    talk(call.caller, call.callee, seconds=0.1)
    attack(lab, call, at_telco)


def test_a_pbx_whose_router_forgets_is_heard_again_after_a_re_invite(
    relayed: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """S25: another port of its router is another sender, until it asks anew."""
    serve(relayed, SYMMETRIC)
    with sound_call(relayed, pbx, telco, shown=("10.11.12.13", 4000)) as call:
        talk(call.caller, call.callee, seconds=LEARNING_SECONDS)
        with sound_end(pbx.address, 1500) as moved:
            moved.towards = call.caller.towards
            call.callee.forget()
            talk(moved, call.callee)
            assert not call.callee.heard.tones[moved.tone]
            hears_nothing(moved)
            offer = moved.offer(shown=("10.11.12.13", 4000), version=2)
            negotiate(call.near, call.far, moved, call.callee, offer)
            talk(moved, call.callee, seconds=0.2)
            hear_each_other(moved, call.callee)


def test_who_draws_encrypted_sound_to_himself_is_not_heard_and_understands_nothing(
    relayed: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """While a symmetric side is learned, which anybody can disturb (S25)."""
    serve(relayed, SYMMETRIC, secure=True)
    phone = relayed.agent(PBX, 5061, "tls", tls=client_context())
    with sound_call(relayed, phone, telco, secure=True, shown=("10.11.12.13", 4000)) as call:
        assert call.caller.towards is not None
        talk(call.caller, call.callee, seconds=0.1)
        call.callee.forget()
        with intruder(relayed.block.address(STRANGER), call.caller.towards) as stranger:
            talk(stranger, call.callee)
            assert not call.callee.heard.tones[stranger.tone]
            assert stranger.heard.tone is None
