"""One dialog of a user agent, as a value: the requests it sends, and which it takes (RFC 3261 section 12).
Pure."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Final

from sipedge.b2bua.session import Origin, with_origin
from sipedge.b2bua.sip.message import Message, request
from sipedge.routing.message.sdp import SDP_TYPE, media_type
from sipedge.uri import without_tag

_MAX_FORWARDS: Final = ("max-forwards", "70")
AFTER_RESTART: Final = 100
"""Added to a CSeq that was read from a journal: what was sent after it was written is not in it."""


@dataclass(frozen=True, slots=True)
class Party:
    """One end of a dialog."""

    address: str
    """As From and To write it, without a tag."""
    tag: str
    """"" of a callee that has not answered."""
    cseq: int = 0
    """Of its last request."""


@dataclass(frozen=True, slots=True)
class Dialog:
    """A dialog as one of its ends sees it."""

    call_id: str
    local: Party
    remote: Party
    target: str
    """Where requests go: the URI of the other end's Contact."""
    routes: tuple[str, ...] = ()
    contact: str = ""
    """Our own Contact, a URI."""
    origin: Origin | None = None
    """The `o=` line of what this dialog was last sent (RFC 3264 section 8)."""
    sdp: str = field(default="", repr=False)
    """What the other end said last of its media, as it came from it."""

    @property
    def key(self) -> tuple[str, str, str]:
        """By what a request of the other end finds the dialog: Call-ID, our tag, its tag."""
        return self.call_id, self.local.tag, self.remote.tag

    def request(
        self, method: str, headers: Iterable[tuple[str, str]] = (), *, body: str = "", kind: str = SDP_TYPE
    ) -> tuple[Dialog, Message]:
        """The next request, and the dialog after it."""
        cseq = self.local.cseq + 1
        moved = replace(self, local=replace(self.local, cseq=cseq))
        dressed, written = moved._dressed(body, kind)
        return dressed, dressed._written(method, cseq, headers, written, kind)

    def ack(self, answered: Message, *, body: str = "") -> tuple[Dialog, Message]:
        """The ACK to a 2xx, which may move the target; the dialog after it."""
        moved = self.refreshed(answered)
        dressed, written = moved._dressed(body, SDP_TYPE)
        return dressed, dressed._written("ACK", answered.cseq[0], (), written, SDP_TYPE)

    def accepted(self, asked: Message) -> Dialog | None:
        """The dialog after a request of the other end; None where it is out of order (section 12.2.2:
        500)."""
        cseq, method = asked.cseq
        if method == "ACK":
            return self
        if cseq <= self.remote.cseq:
            return None
        moved = replace(self, remote=replace(self.remote, cseq=cseq))
        return moved.refreshed(asked) if method in ("INVITE", "UPDATE") else moved

    def refreshed(self, message: Message) -> Dialog:
        """The dialog after a message that says anew where the other end is, and what its media is."""
        sdp = message.body if message.body and is_sdp(message) else self.sdp
        return replace(self, target=message.contact or self.target, sdp=sdp)

    def answer_body(self, body: str) -> tuple[Dialog, str]:
        """A session description for an answer to the other end, with the dialog's own `o=`."""
        return self._dressed(body, SDP_TYPE)

    def _dressed(self, body: str, kind: str) -> tuple[Dialog, str]:
        if not body or kind != SDP_TYPE:
            return self, body
        origin, written = with_origin(body, self.origin)
        return replace(self, origin=origin), written

    def _written(
        self, method: str, cseq: int, headers: Iterable[tuple[str, str]], body: str, kind: str
    ) -> Message:
        remote = self.remote
        to = f"{remote.address};tag={remote.tag}" if remote.tag else remote.address
        content = (("content-type", kind),) if body else ()
        own = (("contact", f"<{self.contact}>"),) if method in ("INVITE", "UPDATE", "NOTIFY") else ()
        return request(
            method,
            self.target,
            (
                *(("route", route) for route in self.routes),
                _MAX_FORWARDS,
                ("from", f"{self.local.address};tag={self.local.tag}"),
                ("to", to),
                ("call-id", self.call_id),
                *own,
                *headers,
                *content,
            ),
            cseq=cseq,
            body=body,
        )

    def to_plain(self) -> dict[str, Any]:
        """For a journal: JSON's own types."""
        return {
            "callId": self.call_id,
            "local": [self.local.address, self.local.tag, self.local.cseq],
            "remote": [self.remote.address, self.remote.tag, self.remote.cseq],
            "target": self.target,
            "routes": list(self.routes),
            "contact": self.contact,
            "origin": self.origin.to_plain() if self.origin is not None else None,
            "sdp": self.sdp,
        }

    @staticmethod
    def from_plain(plain: dict[str, Any]) -> Dialog:
        """The dialog of `to_plain`, its CSeq raised by `AFTER_RESTART`.

        Raises:
            KeyError, TypeError, ValueError: it is no such dialog.
        """
        local, remote = plain["local"], plain["remote"]
        return Dialog(
            call_id=str(plain["callId"]),
            local=Party(str(local[0]), str(local[1]), int(local[2]) + AFTER_RESTART),
            remote=Party(str(remote[0]), str(remote[1]), int(remote[2])),
            target=str(plain["target"]),
            routes=tuple(map(str, plain["routes"])),
            contact=str(plain["contact"]),
            origin=Origin.from_plain(plain["origin"]) if plain["origin"] is not None else None,
            sdp=str(plain["sdp"]),
        )


def is_sdp(message: Message) -> bool:
    """True if the body is a session description."""
    return media_type(message.get("content-type")) == SDP_TYPE


def established(sent: Message, answered: Message, dialog: Dialog) -> Dialog:
    """The dialog of an INVITE that we sent, once it is answered 2xx (section 12.1.2)."""
    named = replace(
        dialog,
        remote=Party(without_tag(answered.get("to")), answered.to_tag),
        local=replace(dialog.local, cseq=sent.cseq[0]),
        routes=tuple(reversed(answered.all("record-route"))),
    )
    return named.refreshed(answered)


def opened(invite: Message, *, tag: str, contact: str) -> Dialog:
    """The dialog of an INVITE that we answer (section 12.1.1)."""
    dialog = Dialog(
        call_id=invite.call_id,
        local=Party(without_tag(invite.get("to")), tag),
        remote=Party(without_tag(invite.get("from")), invite.from_tag, invite.cseq[0]),
        target=invite.contact,
        routes=invite.all("record-route"),
        contact=contact,
    )
    return dialog.refreshed(invite)
