"""What can go wrong with a DNS server, in words for the condition of an Edge."""

from __future__ import annotations

from dataclasses import dataclass
from logging import Logger

from trunkline.status.conditions import Opinion, truth
from trunkline.status.reasons import StatusReason


class DnsFault(Exception):  # noqa: N818 - a condition shows it; not a mistake of the program
    """The DNS server did not do what it was asked. The text says what mends it and holds no secret."""

    def __init__(self, reason: StatusReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class ToldFault:
    """The fault that a provider has told last: each is logged once, and its end."""

    def __init__(self, log: Logger, mended: str) -> None:
        """`mended` is what is logged at the end of a fault."""
        self._log, self._mended = log, mended
        self.text = ""
        """"" while there is none."""

    def tell(self, fault: DnsFault | None) -> None:
        """None: there is none."""
        text = str(fault) if fault else ""
        if text == self.text:
            return
        if text:
            self._log.warning("DNS records are not as wanted: %s", text)
        else:
            self._log.info(self._mended)
        self.text = text


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
