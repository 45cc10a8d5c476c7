"""The sound of a test call: a tone that goes out with it, what came back, and how that is told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

from sipedge.counted import counted
from sipedge.printable import printable
from trunkline.cli.call.request import Sound
from trunkline.cli.call.sound.end import Heard, ToneEnd
from trunkline.cli.call.sound.g711 import PCMA, PCMU
from trunkline.cli.call.sound.sdp import EVENT
from trunkline.cli.call.sound.srtp import SUITES
from trunkline.cli.call.sound.talk import Talk, talking
from trunkline.cli.call.trace import SipMessage

TONE: Final = 1000
"""Hz."""
MOST_ECHO: Final = 0.5
"""Less than this share of what was heard being the tone, it did not come back."""


@dataclass(frozen=True, slots=True)
class SoundResult:
    """What was sent and heard."""

    kind: Sound
    sent: int
    """Packets."""
    heard: Heard
    suite: str = ""
    """Of SRTP, as agreed."""
    fault: str = ""
    """Why nothing could be sent; "" = it could, or nobody answered."""

    @property
    def comes_back(self) -> bool:
        """The tone that was sent is what was heard."""
        return self.heard.tones[TONE] > MOST_ECHO * max(1, self.heard.packets)


class ToneCall:
    """Of one call: follows its messages, and talks to where its answers say."""

    def __init__(self, kind: Sound, end: ToneEnd, talk: Talk) -> None:
        self._kind, self._end, self._talk = kind, end, talk
        self._fault = ""

    @property
    def offer(self) -> str:
        """The call's session description."""
        return self._end.offer((PCMU, PCMA, EVENT))

    def note(self, message: SipMessage) -> None:
        """A message has passed: an answer with SDP says where to talk, also of a call that only rings."""
        status = message.status or 0
        if message.sent or message.method != "INVITE" or not 100 < status < 300 or "m=" not in message.body:
            return
        try:
            self._end.connect(message.body)
        except LookupError as error:
            self._fault = str(error).partition(":\n")[0]
        else:
            self._fault = ""

    def result(self) -> SoundResult:
        """To be asked when the call is over."""
        suite = next(iter(self._end.agreed_suites), "")
        return SoundResult(self._kind, self._talk.sent, self._end.heard, suite, self._fault)


@contextmanager
def tone_call(kind: Sound, source: str) -> Iterator[ToneCall]:
    """A tone from this address of the machine. Raises OSError where it has no two free ports."""
    end = ToneEnd(source, TONE, secure=kind is Sound.SRTP, suites=SUITES)
    with talking(end) as talk:
        yield ToneCall(kind, end, talk)


def told(sound: SoundResult) -> str:
    """One sentence or two of what was heard."""
    by = f"SRTP ({sound.suite})" if sound.suite else str(sound.kind).upper()
    heard = sound.heard
    if sound.fault:
        return f"No sound could be sent: the answer's SDP cannot be used ({printable(sound.fault)})."
    sent = f"Sent {TONE} Hz in {counted(sound.sent, 'packet')} by {by}"
    where = ", ".join(f"{address}:{port}" for address, port in sorted(heard.sources))
    if not heard.sources:
        return f"{sent}; heard nothing."
    if sound.comes_back:
        return f"{sent}; it came back in {counted(heard.tones[TONE], 'packet')} from {where}."
    if not heard.packets:
        return f"{sent}; {counted(heard.broken, 'packet')} came from {where}, of which none could be read."
    what = f"{heard.tone} Hz" if heard.tone else "no tone"
    return f"{sent}; it did not come back: {counted(heard.packets, 'packet')} of {what} came from {where}."


def sound_document(sound: SoundResult) -> dict[str, object]:
    """Of `call -o json`."""
    return {
        "by": str(sound.kind),
        "suite": sound.suite or None,
        "tone": TONE,
        "packetsSent": sound.sent,
        "packetsHeard": sound.heard.packets,
        "packetsUnreadable": sound.heard.broken,
        "toneHeard": sound.heard.tone,
        "cameBack": sound.comes_back,
        "from": [f"{address}:{port}" for address, port in sorted(sound.heard.sources)],
        "fault": sound.fault or None,
    }
