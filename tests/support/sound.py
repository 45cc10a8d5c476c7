"""Ends of a call that make sound: each sends a tone by RTP or SRTP and tells what it hears.

Nothing happens in the background: ends send and listen while `talk` runs. A test reads:

    with sound_end(pbx.address, 400) as caller, sound_end(telco.address, 700, secure=True) as callee:
        invite = lab.call_out(pbx, body=caller.offer())
        received = telco.wait("INVITE")
        telco.respond(received, 200, body=callee.answer(received.body))
        caller.connect(invite.final().body)
        hear_each_other(caller, callee)
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from support.patience import PATIENCE, until
from support.sound_reports import Reports
from trunkline.cli.call.sound.end import Heard, ToneEnd, received
from trunkline.cli.call.sound.g711 import LAWS
from trunkline.cli.call.sound.rtp import Packet, event_payload
from trunkline.cli.call.sound.sdp import EVENT, Address, audio_address, formats_of, without_keys
from trunkline.cli.call.sound.srtp import SUITES, Crypto
from trunkline.cli.call.sound.tone import PACKET_SAMPLES, PACKET_SECONDS

__all__ = [
    "EVENT",
    "SUITES",
    "Address",
    "Heard",
    "SoundEnd",
    "audio_address",
    "formats_of",
    "hear_each_other",
    "hears_nothing",
    "intruder",
    "sound_end",
    "talk",
    "talk_until_heard",
    "wait_for_packets",
    "without_keys",
]


class SoundEnd(ToneEnd):
    """An end that also answers, presses keys, loses packets and reports what it has lost."""

    def __init__(self, address: str, tone: int, **options: object) -> None:
        """Options as of ToneEnd: `secure`, `suites`, `port`."""
        super().__init__(address, tone, **options)  # type: ignore[arg-type]
        self.silent = False
        """Sends nothing, and still listens."""
        self.reports = Reports()

    def answer(self, offer: str, formats: Sequence[int] | None = None, **more: object) -> str:
        """Its SDP to this offer, where it sends from here on. `formats`: None = those offered that it has.

        It takes the first offered key of a suite that is its own. Raises LookupError if there is none.
        """
        common = [each for each in formats_of(offer) if each in (*LAWS, EVENT)]
        if self.own:
            theirs = self._usable(offer)
            mine = next(each for each in self.own if each.suite == theirs.suite)
            self.own = [Crypto(theirs.tag, mine.suite, mine.key)]
        self.connect(offer)
        return self.offer(common if formats is None else formats, **more)  # type: ignore[arg-type]

    def _on_sent(self, packet: Packet) -> None:
        self.reports.note_sent(packet.timestamp, len(packet.payload))

    def _on_heard(self, packet: Packet) -> None:
        self.reports.note_packet(packet.ssrc, packet.sequence, packet.timestamp)

    def lose(self) -> None:
        """One packet that the network loses."""
        self._advance(PACKET_SAMPLES)

    def report(self) -> None:
        """A sender report by RTCP, to the port after that of RTP (RFC 3550 section 11)."""
        if self.towards is None or not self.reports.sent:
            return
        data = self.reports.report(self.ssrc)
        protected = self._ciphers[0].protected_control(data) if self._ciphers else data
        try:
            self._sockets[1].sendto(protected, (self.towards[0], self.towards[1] + 1))
        except ConnectionRefusedError:
            pass  # as for `send_bytes`

    def listen(self) -> None:
        super().listen()
        for data, _ in received(self._sockets[1]):
            opened = self._ciphers[1].opened_control(data) if self._ciphers else data
            self.reports.note_report(opened or b"")

    def press(self, digits: str) -> None:
        """DTMF by telephone events (RFC 4733): 60 ms each, its end three times."""
        for digit in digits:
            for number in range(3):
                self.send(event_payload(digit, (number + 1) * 160), EVENT, marker=number == 0)
                time.sleep(PACKET_SECONDS)
            for _ in range(3):
                self.send(event_payload(digit, 480, end=True), EVENT)
            self._advance(4 * PACKET_SAMPLES)
            time.sleep(PACKET_SECONDS)


@contextmanager
def sound_end(address: str, tone: int, **options: object) -> Iterator[SoundEnd]:
    """An end that closes with its test; options as of SoundEnd."""
    end = SoundEnd(address, tone, **options)
    try:
        yield end
    finally:
        end.close()


@contextmanager
def intruder(address: str, towards: Address, tone: int = 3000) -> Iterator[SoundEnd]:
    """A stranger with a tone of its own who knows a port of the call; `heard` is what leaks to it."""
    with sound_end(address, tone) as end:
        end.towards = towards
        yield end


# ------------------------------------------------------------------------------------------ talking


_ROUNDS_A_REPORT = 10


def talk(*ends: SoundEnd, seconds: float = 0.4, each: Callable[[int], None] | None = None) -> None:
    """All send a packet every 20 ms for this long, and hear what comes; `each` is called after each round."""
    start, rounds = time.monotonic(), max(1, round(seconds / PACKET_SECONDS))
    for number in range(rounds):
        for end in ends:
            if not end.silent:
                end.send()
                if number % _ROUNDS_A_REPORT == 0:
                    end.report()
            end.listen()
        if each is not None:
            each(number)
        time.sleep(max(0.0, start + (number + 1) * PACKET_SECONDS - time.monotonic()))
    time.sleep(2 * PACKET_SECONDS)
    for end in ends:
        end.listen()


def talk_until_heard(hearers: Sequence[SoundEnd], *ends: SoundEnd, packets: int = 1) -> None:
    """All talk until each of the hearers has heard so many packets, or patience is over."""
    deadline = time.monotonic() + PATIENCE
    while any(each.heard.packets < packets for each in hearers) and time.monotonic() < deadline:
        talk(*ends, seconds=0.1)


def wait_for_packets(end: SoundEnd, packets: int) -> None:
    """Nobody talks; what is under way comes, so many packets since `forget`."""

    def have_come() -> bool:
        end.listen()
        return end.heard.packets >= packets

    until(have_come, f"{end.at} waits for {packets} packets")


def hear_each_other(one: SoundEnd, other: SoundEnd, seconds: float = 0.4) -> None:
    """Both talk, and each hears the other's tone and nothing else. What came before does not count."""
    one.forget()
    other.forget()
    talk(one, other, seconds=seconds)
    talk_until_heard((one, other), one, other)
    for hearer, speaker in ((one, other), (other, one)):
        heard = hearer.heard
        assert heard.tone == speaker.tone, f"{hearer.at} wants {speaker.tone} Hz and hears {heard}"
        assert heard.broken == 0, f"{hearer.at} hears {heard}"


def hears_nothing(end: SoundEnd) -> None:
    """Since `forget` not a packet came."""
    end.listen()
    assert not end.heard.sources, f"{end.at} hears {end.heard}"
