"""What can go wrong with a DNS server, in words for the condition of an Edge."""

from __future__ import annotations

from dataclasses import dataclass

from trunkline.status.conditions import Opinion, truth
from trunkline.status.reasons import StatusReason


class DnsFault(Exception):  # noqa: N818 - a condition shows it; not a mistake of the program
    """The DNS server did not do what it was asked. The text says what mends it and holds no secret."""

    def __init__(self, reason: StatusReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class DnsOutcome:
    """What `DNSReady` of one Edge says."""

    ready: bool | None
    """None = unknown."""
    reason: StatusReason
    message: str

    @property
    def opinion(self) -> Opinion:
        return Opinion("DNSReady", truth(self.ready), self.reason, self.message)
