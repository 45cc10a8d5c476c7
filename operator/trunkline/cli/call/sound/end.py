"""One end of a call's sound: it sends a tone by RTP or SRTP, and tells what it hears. It has no thread."""

from __future__ import annotations

import errno
import os
import secrets
import socket
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from sipedge.counted import counted
from trunkline.cli.call.sound.g711 import LAWS, PCMU, decoded
from trunkline.cli.call.sound.rtp import Packet, event_digit, parsed, rendered
from trunkline.cli.call.sound.sdp import EVENT, Address, audio_address, description, formats_of, without_keys
from trunkline.cli.call.sound.srtp import KEY_BYTES, SUITES, Cipher, Crypto, crypto_lines
from trunkline.cli.call.sound.tone import PACKET_SAMPLES, tone_of, tone_payload


@dataclass
class Heard:
    """What came to an end since it began, or since `forget`."""

    tones: Counter[int | None] = field(default_factory=Counter)
    """Packets of each tone, Hz; None = of G.711, but of no tone."""
    sources: Counter[Address] = field(default_factory=Counter)
    """Packets by where they came from, those that could not be read among them."""
    streams: Counter[int] = field(default_factory=Counter)
    """Packets by SSRC."""
    payload_types: Counter[int] = field(default_factory=Counter)
    payloads: list[bytes] = field(default_factory=list)
    """Of every packet, in order."""
    digits: list[str] = field(default_factory=list)
    """DTMF by telephone events; an event's repeated ends count once."""
    broken: int = 0
    """Packets that are no RTP, or no SRTP of the other side's key."""

    @property
    def packets(self) -> int:
        return len(self.payloads)

    @property
    def tone(self) -> int | None:
        """The tone that nine of ten packets of sound have, Hz; None where there is none."""
        if not self.tones:
            return None
        tone, packets = self.tones.most_common(1)[0]
        return tone if packets >= 0.9 * self.tones.total() else None

    def __str__(self) -> str:
        tones, sources = dict(self.tones), dict(self.sources)
        return f"{counted(self.packets, 'packet')}, {self.broken} broken, tones {tones} from {sources}"


class ToneEnd:
    """One port of a phone. It hears whatever comes to it and judges nobody: `heard` tells who that was."""

    def __init__(
        self,
        address: str,
        tone: int,
        *,
        secure: bool = False,
        suites: Sequence[str] = SUITES[:1],
        port: int = 0,
    ) -> None:
        """`tone` in Hz, a multiple of 50. `secure`: SRTP by the keys of the SDP, of these suites in this
        order. Port 0 = a free one, even as RTP's are. Raises OSError for an address that is not here."""
        self.tone = tone
        self.address = address
        self.own = (
            [Crypto(n + 1, each, os.urandom(KEY_BYTES)) for n, each in enumerate(suites)] if secure else []
        )
        """Its keys as it would offer them; after `answer` the one that it chose, with the offer's tag."""
        self.towards: Address | None = None
        """Where it sends; None = nowhere yet."""
        self.law = PCMU
        """Payload type of the tone; the other side's first of PCMU and PCMA."""
        self.heard = Heard()
        self._sockets = _pair_of_sockets(address, port)
        self._ciphers: tuple[Cipher, Cipher] | None = None
        self._next = Packet(0, secrets.randbits(15), secrets.randbits(31), secrets.randbits(31), b"")
        self._ended_event: int | None = None

    @property
    def port(self) -> int:
        return int(self._sockets[0].getsockname()[1])

    @property
    def at(self) -> Address:
        return (self.address, self.port)

    @property
    def ssrc(self) -> int:
        return self._next.ssrc

    @property
    def agreed_suites(self) -> tuple[str, ...]:
        """Of what it sends and of what it hears; () = by RTP, or nothing is agreed yet."""
        return tuple(each.crypto.suite for each in self._ciphers or ())

    def close(self) -> None:
        for each in self._sockets:
            each.close()

    # ---------------------------------------------------------------------------------------- SDP

    def offer(
        self,
        formats: Sequence[int] = (PCMU, EVENT),
        *,
        extra: str = "",
        shown: Address | None = None,
        version: int = 1,
    ) -> str:
        """Its SDP. `extra`: lines at the end. `shown`: what it takes for its own address, as behind a NAT."""
        return description(shown or self.at, formats, self.own, version=version, extra=extra)

    def connect(self, sdp: str) -> None:
        """Send where this SDP of the other side says, by its keys if this end is secure.

        Raises LookupError for an SDP without audio, or without a key that can be used."""
        towards = audio_address(sdp)
        self.law = next((each for each in formats_of(sdp) if each in LAWS), self.law)
        if self.own:
            theirs = self._usable(sdp)
            mine = next(each for each in self.own if each.suite == theirs.suite)
            self._secure(mine, theirs)
        self.towards = towards

    def _usable(self, sdp: str) -> Crypto:
        """The first key of the other side whose suite is one of this end's. Raises LookupError."""
        suites = {each.suite for each in self.own}
        for each in crypto_lines(sdp):
            if each.suite in suites:
                return each
        raise LookupError(f"no crypto line can be used:\n{without_keys(sdp)}")

    def _secure(self, mine: Crypto, theirs: Crypto) -> None:
        """A cipher of an unchanged key goes on: it knows how often the sequence numbers went round."""
        before = self._ciphers and tuple((each.crypto.suite, each.crypto.key) for each in self._ciphers)
        if before != ((mine.suite, mine.key), (theirs.suite, theirs.key)):
            self._ciphers = (Cipher(mine, sending=True), Cipher(theirs, sending=False))

    # -------------------------------------------------------------------------------------- sound

    def send(
        self, payload: bytes | None = None, payload_type: int | None = None, marker: bool = False
    ) -> bool:
        """One packet of 20 ms, of its tone unless `payload` is given. False: it knows no address yet."""
        if self.towards is None:
            return False
        packet = Packet(
            self.law if payload_type is None else payload_type,
            self._next.sequence,
            self._next.timestamp,
            self._next.ssrc,
            tone_payload(self.tone, self.law) if payload is None else payload,
            marker,
        )
        self._advance(0 if payload_type == EVENT else PACKET_SAMPLES)
        self._on_sent(packet)
        self.send_bytes(rendered(packet))
        return True

    def _on_sent(self, packet: Packet) -> None:
        """For who counts."""

    def _on_heard(self, packet: Packet) -> None:
        """For who counts."""

    def _advance(self, samples: int) -> None:
        now = self._next
        self._next = Packet(0, now.sequence + 1 & 0xFFFF, now.timestamp + samples & 0xFFFFFFFF, now.ssrc, b"")

    def send_bytes(self, data: bytes) -> None:
        """Anything, protected if this end is secure."""
        assert self.towards is not None  # noqa: S101 - `send` asks before
        protected = self._ciphers[0].protected(data) if self._ciphers else data
        try:
            self._sockets[0].sendto(protected, self.towards)
        except OSError:
            pass  # nobody there any more, as an ICMP message to an earlier packet says; or no way there

    def listen(self) -> None:
        """Take what has come."""
        for data, source in received(self._sockets[0]):
            self._take(data, source)

    def _take(self, data: bytes, source: Address) -> None:
        self.heard.sources[source] += 1
        opened = self._ciphers[1].opened(data) if self._ciphers else data
        packet = None if opened is None or (self.own and not self._ciphers) else parsed(opened)
        if packet is None:
            self.heard.broken += 1
            return
        self._on_heard(packet)
        self.heard.streams[packet.ssrc] += 1
        self.heard.payload_types[packet.payload_type] += 1
        self.heard.payloads.append(packet.payload)
        if packet.payload_type in LAWS:
            self.heard.tones[tone_of(decoded(packet.payload, packet.payload_type))] += 1
        if packet.payload_type == EVENT:
            self._take_event(packet)

    def _take_event(self, packet: Packet) -> None:
        digit = event_digit(packet.payload)
        if digit is not None and packet.timestamp != self._ended_event:
            self._ended_event = packet.timestamp
            self.heard.digits.append(digit)

    def forget(self) -> None:
        """Take what has come, and begin a new `heard`."""
        self.listen()
        self.heard = Heard()


def received(sock: socket.socket) -> Iterator[tuple[bytes, Address]]:
    """What has come to a socket that does not block, and where from."""
    while True:
        try:
            data, source = sock.recvfrom(4096)
        except BlockingIOError:
            return
        except ConnectionRefusedError:
            continue  # of a packet that was sent: nobody is there
        yield data, source[:2]


def _pair_of_sockets(address: str, port: int) -> tuple[socket.socket, socket.socket]:
    """Of RTP on an even port and of RTCP on the next (RFC 3550 section 11). Raises OSError where taken."""
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    for _ in range(100):
        rtp, rtcp = (socket.socket(family, socket.SOCK_DGRAM) for _ in range(2))
        try:
            rtp.bind((address, port))
            found = int(rtp.getsockname()[1])
            if found % 2 == 0:
                rtcp.bind((address, found + 1))
                rtp.setblocking(False)
                rtcp.setblocking(False)
                return rtp, rtcp
        except OSError as error:
            if port or error.errno == errno.EADDRNOTAVAIL:
                rtp.close()
                rtcp.close()
                raise
        rtp.close()
        rtcp.close()
    raise OSError(f"no two free ports at {address}")
