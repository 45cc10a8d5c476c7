"""Keys that a caller presses, from RTP's named events (RFC 4733). Pure.

All packets of one event bear the timestamp of its beginning; its last one is sent three times, and any of
them may be lost. So a key is heard with the first packet of its event that comes, once.
"""

from __future__ import annotations

from typing import Final

from sipedge.recording.rtp import Packet

PAYLOAD_TYPE: Final = 101
"""Of telephone-event/8000, as a rule."""
_KEYS: Final = "0123456789*#ABCD"
_BYTES: Final = 4
_HALF: Final = 1 << 31
_RESTART_SAMPLES: Final = 8_000 * 30
"""An event that seems older than that is one of a stream that began anew."""


class Digits:
    """The keys of one call."""

    def __init__(self) -> None:
        self.payload_type = PAYLOAD_TYPE
        """Of this call's events."""
        self._last: tuple[int, int] | None = None
        """SSRC and timestamp of the event that was heard last."""

    def heard(self, packet: Packet) -> str | None:
        """The key that is heard with this packet for the first time; None: none is, or it is no event."""
        payload = packet.payload
        if packet.payload_type != self.payload_type or len(payload) < _BYTES or payload[0] >= len(_KEYS):
            return None
        if self._last is not None:
            ssrc, begun = self._last
            if ssrc == packet.ssrc and not _is_later(packet.timestamp, begun):
                return None
        self._last = packet.ssrc, packet.timestamp
        return _KEYS[payload[0]]


def _is_later(timestamp: int, begun: int) -> bool:
    """False for the event that began then, and for a packet of one before it that comes late."""
    ahead = (timestamp - begun) % (1 << 32)
    if ahead >= _HALF:
        return (1 << 32) - ahead > _RESTART_SAMPLES
    return ahead > 0
