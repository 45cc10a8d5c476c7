"""What a user agent gets again, where an answer was late or lost: no test means that by a message."""

from __future__ import annotations

from support.sipmessage import Message


class Repetitions:
    """What one agent has got, and which INVITEs it has accepted."""

    def __init__(self) -> None:
        self._seen: set[bytes] = set()
        self._accepted: dict[tuple[str, int], bytes] = {}
        """INVITEs that were answered by 2xx, by Call-ID and CSeq."""
        self._acknowledged: set[tuple[str, int]] = set()
        """Those of them whose ACK has come."""

    def forget(self) -> None:
        """What comes again from here on is new."""
        self._seen.clear()
        self._acknowledged.clear()

    def accept(self, invite: Message) -> None:
        """It is answered by 2xx, for the first time or once more."""
        key = (invite.call_id, invite.cseq)
        if self._accepted.get(key) != invite.raw:
            self._accepted[key] = invite.raw
            self._acknowledged.discard(key)

    def take(self, message: Message) -> bool:
        """True if this one is new; from here on it is not.

        Whoever gets a 2xx again sends the ACK anew, in another transaction: it has a branch of its own
        (RFC 3261 section 13.2.2.4). All else is repeated byte by byte.
        """
        if message.raw in self._seen:
            return False
        self._seen.add(message.raw)
        if message.method != "ACK" or (message.call_id, message.cseq) not in self._accepted:
            return True
        is_new = (message.call_id, message.cseq) not in self._acknowledged
        self._acknowledged.add((message.call_id, message.cseq))
        return is_new
