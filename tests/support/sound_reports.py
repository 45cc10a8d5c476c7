"""RTCP of a sound end: reports of what it has lost and how uneven packets came (RFC 3550 section 6.4).

A relay between two ends takes its numbers for loss, jitter and round trip from them.
"""

from __future__ import annotations

import struct
import time
from dataclasses import dataclass, field

_UNIX_TO_NTP = 2_208_988_800
_SENDER_REPORT = 200
_CLOCK = 8000


@dataclass
class Reports:
    """What one end knows of its own packets and of the other side's."""

    sent: int = 0
    octets: int = 0
    timestamp: int = 0
    """Of the packet that was sent last."""
    _of: int | None = None
    """The other side's SSRC."""
    _first: int = 0
    _highest: int = 0
    """Sequence numbers, counted on when they go round."""
    _received: int = 0
    _told: tuple[int, int] = (0, 0)
    """Expected and received when the last report was made."""
    _jitter: float = 0.0
    _transit: float | None = None
    _last_report: dict[int, tuple[int, float]] = field(default_factory=dict)
    """By SSRC: the middle of the last sender report's time, and when it came."""

    def note_sent(self, timestamp: int, octets: int) -> None:
        """A packet leaves."""
        self.sent, self.octets, self.timestamp = self.sent + 1, self.octets + octets, timestamp

    def note_packet(self, ssrc: int, sequence: int, timestamp: int) -> None:
        """A packet has come."""
        if ssrc != self._of:
            self._of, self._first, self._highest = ssrc, sequence, sequence
            self._received, self._told, self._jitter, self._transit = 0, (0, 0), 0.0, None
        self._received += 1
        ahead = (sequence - self._highest) & 0xFFFF
        self._highest += ahead if ahead < 0x8000 else 0
        transit = time.monotonic() * _CLOCK - timestamp
        if self._transit is not None:
            self._jitter += (abs(transit - self._transit) - self._jitter) / 16
        self._transit = transit

    def note_report(self, data: bytes) -> None:
        """RTCP has come; what is no sender report is passed over."""
        if len(data) >= 28 and data[1] == _SENDER_REPORT:
            ssrc, seconds, fraction = struct.unpack_from("!III", data, 4)
            middle = (seconds & 0xFFFF) << 16 | fraction >> 16
            self._last_report[ssrc] = (middle, time.monotonic())

    def report(self, ssrc: int) -> bytes:
        """A sender report of now, with one block about the other side if anything came from it."""
        block = self._block()
        now = time.time() + _UNIX_TO_NTP
        length = (28 + len(block)) // 4 - 1
        head = struct.pack("!BBH", 0x80 | bool(block), _SENDER_REPORT, length)
        fraction = int(now % 1 * 2**32)
        told = struct.pack(
            "!IIIIII", ssrc, int(now), fraction, self.timestamp & 0xFFFFFFFF, self.sent, self.octets
        )
        return head + told + block

    def _block(self) -> bytes:
        if self._of is None:
            return b""
        expected = self._highest - self._first + 1
        lost = max(0, expected - self._received)
        newly, came = expected - self._told[0], self._received - self._told[1]
        part = 0 if newly <= 0 else max(0, newly - came) * 256 // newly
        self._told = (expected, self._received)
        middle, at = self._last_report.get(self._of, (0, 0.0))
        since = int((time.monotonic() - at) * 65_536) if middle else 0
        return struct.pack(
            "!IIIIII",
            self._of,
            min(255, part) << 24 | min(lost, 0x7FFFFF),
            self._highest & 0xFFFFFFFF,
            int(self._jitter),
            middle,
            since,
        )
