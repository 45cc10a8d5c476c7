"""Calls that no target takes, for tests of call instructions: their caller, and the application that is
asked."""

from __future__ import annotations

import io
import math
import struct
import time
import wave
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any, Final

from sipedge.table.recovery import RecoveryRow
from support.lab import Lab
from support.patience import PATIENCE
from support.sipmessage import Message
from support.sipua import Invite, Leg, UserAgent
from support.sound import SoundEnd, sound_end, talk
from support.talking import CALLER_TONE
from support.web_app import WebApp

APP: Final = 50
"""Last byte of the application's address."""
TARGET: Final = 40
"""Of whoever is dialled by URI."""
PLAYED: Final = 1000
"""Hz of the file that the application has at `/tone.wav`."""
OTHER_PLAYED: Final = 1500
"""The same, at `/other.wav`."""
SOME: Final = 6
ENOUGH: Final = 12
"""Packets by which a sound is known."""


def tone(hertz: int, seconds: float) -> bytes:
    """A WAV file of 8 kHz; `hertz` is a multiple of 50."""
    once = [round(12_000 * math.sin(2 * math.pi * hertz * each / 8_000)) for each in range(160)]
    samples = struct.pack("<160h", *once) * round(50 * seconds)
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(8_000)
        out.writeframes(samples)
    return file.getvalue()


SOUNDS: Final[dict[str, bytes | int]] = {
    "/tone.wav": tone(PLAYED, 120.0),
    "/short.wav": tone(PLAYED, 0.2),
    "/other.wav": tone(OTHER_PLAYED, 120.0),
}


@dataclass
class Recovery:
    """A trunk with instructions, its PBX, and who calls from the PSTN."""

    lab: Lab
    app: WebApp
    pbx: UserAgent
    telco: UserAgent
    sound: SoundEnd
    invite: Invite | None = None
    leg: Leg | None = None

    def serve(self, verbs: str = "", method: str = "POST", **changes: Any) -> None:
        """The instructions begin with these verbs. `changes`: of the trunk, and of the platform."""
        row = RecoveryRow(self.app.say("/start", verbs), method)
        trunk = {"disaster_recovery": row} | changes.pop("trunk", {})
        self.lab.serve(**{"site_changes": {"relay": "Always"}, "trunk": trunk} | changes)

    def call(self, *, refused: int | None = 503) -> Invite:
        """A call from the PSTN; the PBX refuses it so, or never gets it."""
        contact = {"contact": self.telco.contact} if self.telco.transport != "udp" else {}
        self.invite = self.lab.call_in(self.telco, body=self.sound.offer(), **contact)
        if refused is not None:
            self.pbx.respond(self.pbx.wait("INVITE", call_id=self.invite.call_id, seconds=PATIENCE), refused)
        return self.invite

    def answered(self) -> Leg:
        """The instructions have answered it; it is acknowledged."""
        assert self.invite is not None
        answer = self.invite.final(PATIENCE)
        assert answer.status == 200, answer
        self.sound.connect(answer.body)
        self.leg = self.invite.leg(answer)
        if self.telco.transport == "tls":
            self.leg.to = (self.lab.edge.address, 5061)
        self.leg.send("ACK")
        return self.leg

    def instructed(self, verbs: str, **changes: Any) -> Leg:
        """A call that follows these verbs, answered."""
        self.serve(verbs, **changes)
        self.call()
        return self.answered()

    def hears(self, hertz: int = PLAYED) -> None:
        """From now on this tone."""
        hears(self.sound, hertz)

    def hears_some(self, hertz: int | None = None) -> None:
        """Since the last `hears` some of this tone has come, whatever else; None: any packets."""
        deadline = time.monotonic() + PATIENCE
        while self._heard(hertz) < SOME:
            assert time.monotonic() < deadline, self.sound.heard
            talk(self.sound, seconds=0.2)

    def _heard(self, hertz: int | None) -> int:
        heard = self.sound.heard
        return heard.packets if hertz is None else heard.tones[hertz]

    def hung_up(self) -> None:
        """The caller gets a BYE."""
        assert self.leg is not None
        bye = self.telco.wait("BYE", call_id=self.leg.call_id, seconds=PATIENCE)
        self.telco.respond(bye, 200)

    def hangs_up(self) -> None:
        """The caller sends one."""
        assert self.leg is not None
        self.leg.send("BYE")
        self.telco.wait("BYE", status=200, call_id=self.leg.call_id, seconds=PATIENCE)

    def moved(self) -> Message:
        """The caller takes a re-INVITE, and sends where it says."""
        assert self.leg is not None
        invite = self.telco.wait("INVITE", status=None, call_id=self.leg.call_id, seconds=PATIENCE)
        self.telco.respond(invite, 200, body=self.sound.answer(invite.body, version=self.leg.cseq + 5))
        self.telco.wait("ACK", call_id=self.leg.call_id, seconds=PATIENCE)
        self.sound.connect(invite.body)
        return invite


def hears(end: SoundEnd, hertz: int, *others: SoundEnd) -> None:
    """The end talks until it hears this tone alone; `others` talk meanwhile."""
    deadline = time.monotonic() + PATIENCE
    while True:
        end.forget()
        talk(end, *others, seconds=0.4)
        if end.heard.tones.total() >= ENOUGH and end.heard.tone == hertz:
            return
        assert time.monotonic() < deadline, f"wants {hertz} Hz and hears {end.heard}"


def make_recovery(
    lab: Lab, app: WebApp, pbx: UserAgent, telco: UserAgent, stack: ExitStack, **sound: object
) -> Recovery:
    """Nothing is served or called yet; `sound`: options of the caller's end."""
    return Recovery(lab, app, pbx, telco, stack.enter_context(sound_end(telco.address, CALLER_TONE, **sound)))
