"""What one instance tells another of its parts: one datagram, sealed with the platform's edge secret.

A seal is a MAC over the whole message. Whoever cannot make one is not heard. A message holds what is so,
never by how much it has changed: heard twice, or too late, it changes nothing. One that is older than
SKEW_SECONDS is not taken at all, so a recorded one is worth nothing.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import Final

import msgpack

from sipedge.secret import Secret
from sipedge.tallies.parts import PART_BYTES, Part, pack_parts, unpack_parts

LARGEST: Final = 1_400
"""Bytes of a message: it must not be cut into fragments."""
MOST_PARTS: Final = 60
"""Of one message; the rest of it is at most 380 bytes."""
SKEW_SECONDS: Final = 3.0
"""By how much the clocks of two instances may differ, with the way between them."""
_VERSION: Final = 1
_MAC_BYTES: Final = 16
_LONGEST_NAME: Final = 128
_HIGHEST_PORT: Final = 65_535

assert _MAC_BYTES + MOST_PARTS * PART_BYTES < LARGEST  # noqa: S101 - of constants


class State(IntEnum):
    """What its sender does with new calls."""

    SERVING = 0
    DRAINING = 1
    """It takes no new calls."""
    GONE = 2
    """It is about to end, and has no calls any more."""


class Unheard(StrEnum):
    """Why a datagram is not taken."""

    FORGED = "its seal is not of this platform's edge secret"
    MALFORMED = "it is no message of this version"


@dataclass(frozen=True, slots=True)
class Skewed:
    """A message was sent too long ago, or its sender's clock is wrong: nothing of it counts."""

    edge: str
    sender: str
    sent: int


@dataclass(frozen=True, slots=True)
class Message:
    """Parts, and who tells them."""

    edge: str
    sender: str
    """The instance's name among those of its edge."""
    address: str
    port: int
    """Where its sender hears others."""
    sent: int
    """Nanoseconds since the epoch, by its sender's clock."""
    state: State = State.SERVING
    parts: tuple[Part, ...] = ()


def sealing_key(edge_secret: Secret) -> Secret:
    """The key of all seals, 64 hex digits."""
    key = edge_secret.reveal().encode()
    return Secret(hashlib.blake2b(b"tallies", key=key, digest_size=32).hexdigest())


def seal(message: Message, key: Secret) -> bytes:
    """The datagram. Raises ValueError for more than MOST_PARTS, or a name too long."""
    fields = (
        _VERSION,
        message.edge,
        message.sender,
        message.address,
        message.port,
        message.sent,
        int(message.state),
        pack_parts(message.parts),
    )
    text: bytes = msgpack.packb(fields)
    if len(message.parts) > MOST_PARTS or len(text) + _MAC_BYTES > LARGEST:
        raise ValueError(f"a message of {len(message.parts)} parts and {len(text)} bytes is too large")
    return _mac(text, key) + text


def unseal(data: bytes, key: Secret, now: float) -> Message | Skewed | Unheard:
    """The message of a datagram, or why it is none. `now` in seconds since the epoch. Total."""
    if not _MAC_BYTES < len(data) <= LARGEST:
        return Unheard.MALFORMED
    mac, text = data[:_MAC_BYTES], data[_MAC_BYTES:]
    # Before anything reads it: what is behind the seal is written by this platform's own.
    if not hmac.compare_digest(mac, _mac(text, key)):
        return Unheard.FORGED
    message = _message_of(text)
    if message is None:
        return Unheard.MALFORMED
    if abs(now - message.sent / 1e9) > SKEW_SECONDS:
        return Skewed(message.edge, message.sender, message.sent)
    return message


def _mac(text: bytes, key: Secret) -> bytes:
    # Keyed BLAKE2b is a MAC by itself (RFC 7693).
    return hashlib.blake2b(text, key=key.reveal().encode(), digest_size=_MAC_BYTES).digest()


def _message_of(text: bytes) -> Message | None:
    try:
        version, edge, sender, address, port, sent, state, packed = msgpack.unpackb(text, use_list=False)
        ipaddress.ip_address(address)
        parts = unpack_parts(packed) if isinstance(packed, bytes) else None
        whole = (port, sent, state)
        names = (edge, sender)
        if (
            version != _VERSION
            or parts is None
            or not all(isinstance(each, str) and 0 < len(each) <= _LONGEST_NAME for each in names)
            or not all(type(each) is int for each in whole)
            or not 0 < port <= _HIGHEST_PORT
        ):
            return None
        return Message(edge, sender, address, port, sent, State(state), parts)
    except (ValueError, TypeError, msgpack.UnpackException):
        return None
