"""What an instance's media relay, one rtpengine beside its Kamailio, is started with."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

PORTS_PER_CALL: Final = 4
"""RTP and RTCP, towards each party."""
FILES_PER_CALL: Final = PORTS_PER_CALL + 2
"""A port each; of a recorded call also what was said, and what is known of it."""


@dataclass(frozen=True)
class MediaSettings:
    """Of one rtpengine. It relays on the addresses of its instance."""

    spool: Path
    """rtpengine's recording directory. It holds what was said, and keys of calls: for its owner alone."""
    ng_port: int = 2223
    """UDP port at `control` where rtpengine takes commands (its "ng" protocol), which know no password."""
    http_port: int = 2224
    """TCP port at `control` with rtpengine's own metrics."""
    control: str = "127.0.0.1"
    """A loopback address: whoever reaches it commands every call."""
    first_port: int = 10_000
    last_port: int = 60_000
    """These two: the range of UDP ports for media, both included; `first_port` is even."""
    most_calls: int | None = None
    """More sessions are refused; None = as many as the range has ports for."""
    silence_seconds: int = 3600
    """A session without a packet ends after so long, though its call may be up: dialogs end calls."""
    hold_seconds: int = 86_400
    """The same for one that both parties hold."""
    redis: str | None = None
    """`ADDR:PORT/DATABASE` where sessions are kept for a restart, keys included; None = nowhere."""
    spool_bytes: int | None = None
    """The most that the spool may hold; None = its disk's bytes."""

    @property
    def calls(self) -> int:
        """How many calls the relay may have at a time."""
        ports = (self.last_port - self.first_port + 1) // PORTS_PER_CALL
        return ports if self.most_calls is None else min(ports, self.most_calls)


def told_media(media: MediaSettings) -> dict[str, Any]:
    """The fields that are not as by default, for JSON: an older version refuses one that it does not know."""
    fields = dataclasses.fields(media)
    told = {field.name: getattr(media, field.name) for field in fields}
    defaults = {field.name: field.default for field in fields}
    return {name: value for name, value in told.items() if value != defaults[name]} | {
        "spool": str(media.spool)
    }


def media_of(told: Mapping[str, Any]) -> MediaSettings:
    """The settings that `told_media` has told. Raises TypeError or KeyError for others."""
    return MediaSettings(**{**told, "spool": Path(told["spool"])})
