"""A carrier with a voice: it answers with a tone. And what tones a recording has."""

from __future__ import annotations

import socket
import threading
import wave
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from peers import PeerError

from trunkline.cli.call.sound.end import ToneEnd
from trunkline.cli.call.sound.talk import talking
from trunkline.cli.call.sound.tone import PACKET_SAMPLES, PACKET_SECONDS, tone_of

TONE = 700
"""Hz."""


class TalkingPeer:
    """A carrier's gateway at `address`:5060 that answers every call with a tone, and hears."""

    def __init__(self, name: str, address: str) -> None:
        self.name, self.address = name, address
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        self._heard: list[int | None] = []

    @property
    def heard(self) -> int | None:
        """The tone of the last call, in Hz; None if there was none."""
        return self._heard[-1] if self._heard else None

    def start(self) -> None:
        """Begins to answer. Raises PeerError."""
        sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        try:
            sock.bind((self.address, 5060))
        except OSError as error:
            sock.close()
            raise PeerError(f"{self.address}:5060 (UDP): {error.strerror or error}") from error
        sock.settimeout(0.1)
        self._thread = threading.Thread(target=self._serve, args=(sock,), name=self.name, daemon=True)
        self._thread.start()

    def stop(self) -> None:
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()

    def _note(self, end: ToneEnd) -> None:
        self._heard.append(end.heard.tone)

    def _serve(self, sock: socket.socket) -> None:
        calls: dict[str, ExitStack] = {}
        with sock, ExitStack() as every:
            while not self._stopping.is_set():
                try:
                    data, source = sock.recvfrom(65_535)
                except TimeoutError:
                    continue
                request = parse_request(data)
                if request.method == "INVITE" and request.call_id not in calls:
                    end = ToneEnd(self.address, TONE)
                    calls[request.call_id] = call = every.enter_context(ExitStack())
                    call.enter_context(talking(end))
                    end.connect(request.body)
                    call.callback(self._note, end)
                    sock.sendto(request.answer("180 Ringing", self.address), source)
                    sock.sendto(request.answer("200 OK", self.address, end.offer()), source)
                elif request.method == "BYE":
                    sock.sendto(request.answer("200 OK", self.address), source)
                    if request.call_id in calls:
                        calls[request.call_id].close()


@dataclass(frozen=True, slots=True)
class Request:
    """A SIP request."""

    method: str
    call_id: str
    headers: tuple[str, ...]
    body: str

    def answer(self, status: str, address: str, sdp: str = "") -> bytes:
        """The answer with this status from a peer at `address`."""
        kept = ("via", "record-route", "from", "to", "call-id", "cseq")
        lines = [line for line in self.headers if line.partition(":")[0].strip().lower() in kept]
        tagged = [
            f"{line};tag=peer" if line.lower().startswith("to") and ";tag=" not in line else line
            for line in lines
        ]
        more = [f"Contact: <sip:{address}:5060>", f"Content-Length: {len(sdp)}"]
        if sdp:
            more.append("Content-Type: application/sdp")
        return "\r\n".join((f"SIP/2.0 {status}", *tagged, *more, "", sdp)).encode()


def parse_request(data: bytes) -> Request:
    """The request in a packet of the edge, which writes headers by their long names, one a line."""
    head, _, body = data.decode("utf-8", "replace").partition("\r\n\r\n")
    first, *headers = head.split("\r\n")
    call_id = next((line.partition(":")[2].strip() for line in headers if line.startswith("Call-ID:")), "")
    return Request(first.partition(" ")[0], call_id, tuple(headers), body)


def tones_of_channels(file: Path) -> list[dict[int, float]]:
    """Of each channel of a WAV file, 16 bit and 8 kHz: seconds of each tone, by Hz."""
    with wave.open(str(file)) as audio:
        samples = memoryview(audio.readframes(audio.getnframes())).cast("h")
        count = audio.getnchannels()
    return [_tones_in(samples[channel::count].tolist()) for channel in range(count)]


def _tones_in(samples: list[int]) -> dict[int, float]:
    starts = range(0, len(samples), PACKET_SAMPLES)
    found = Counter(tone_of(samples[start : start + PACKET_SAMPLES]) for start in starts)
    return {hertz: packets * PACKET_SECONDS for hertz, packets in found.items() if hertz is not None}


def longest_tone(tones: dict[int, float]) -> int | None:
    """In Hz; None where there is none."""
    return max(tones, key=tones.__getitem__, default=None)


def tones_told(tones: dict[int, float], whose: str) -> str:
    """`2.0 s of 700 Hz on the caller's channel`."""
    found = " and ".join(f"{seconds:.1f} s of {hertz} Hz" for hertz, seconds in tones.items())
    return f"{found or 'silence'} on the {whose} channel"
