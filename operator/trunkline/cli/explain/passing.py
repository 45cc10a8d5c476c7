"""Follows a message through the changes that an edge makes to it, and notes each. Pure.

What is told is what was done: the changes and the message that leaves come out of the same pass.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sipedge.routing.decision import HeaderChanges, Outcome, Step
from sipedge.routing.message.bounds import MOST_HEADERS, Excess
from sipedge.routing.message.headers import OPTION_LISTS, passes, without_timer
from sipedge.routing.message.wellformed import MAXIMUM_HOPS
from sipedge.routing.reasons import Reason
from trunkline.cli.explain.message import SipText
from trunkline.cli.explain.stages import Change, Circumstances, Kind, Stage, cause_of

_SPELT = {
    "call-id": "Call-ID", "cseq": "CSeq", "min-se": "Min-SE", "mime-version": "MIME-Version", "rack": "RAck",
    "rseq": "RSeq", "www-authenticate": "WWW-Authenticate", "p-charge-info": "P-Charge-Info",
}  # fmt: skip


Travels = Callable[[str], bool]
"""Does a header with this (long, lower-case) name go on?"""


def request_travels(method: str) -> Travels:
    """What a request with this method keeps."""
    return lambda name: passes(method, name, is_answer=False)


def reply_travels(method: str) -> Travels:
    """What an answer to this method keeps."""
    return lambda name: passes(method, name, is_answer=True)


def spelt(name: str) -> str:
    """A header's lower-case name as one writes it."""
    return _SPELT.get(name) or "-".join(part.capitalize() for part in name.split("-"))


@dataclass(frozen=True, slots=True)
class Sent:
    """A message as it leaves the edge, but for Via, Record-Route and Content-Length, which are its own."""

    request_uri: str
    address: str
    port: int
    transport: str
    headers: Mapping[str, tuple[str, ...]]
    """Long lower-case names to values."""
    body: str
    by_relay: bool = False
    """True: the body is what the media relay is given; it puts its own addresses, ports and keys in."""


def bound_step(message: SipText, excess: Excess | None) -> Step:
    """The question of lengths, which comes before all others."""
    if excess is not None:
        return Step("bound", Outcome.FAIL, excess.detail, excess.reason.value.rule)
    size = f"{message.size} bytes, " if message.size else ""
    detail = f"{size}{len(message.headers)} of {MOST_HEADERS} headers, no URI or tag too long"
    return Step("bound", Outcome.PASS, detail, Reason.BoundExceeded.value.rule)


def unread_step(message: SipText) -> Step:
    """Of a message that Kamailio's parser gives up."""
    return Step("readable", Outcome.FAIL, message.unreadable, Reason.MalformedRequest.value.rule)


class Passing:
    """One message on its way. `values` is what it says by now: long lower-case names to values."""

    def __init__(self, headers: Mapping[str, tuple[str, ...]], facts: Circumstances) -> None:
        self.values = {name: list(values) for name, values in headers.items()}
        self.changes: list[Change] = []
        self._facts = facts

    def note(self, change: Change) -> None:
        self.changes.append(change)

    def keep(self, travels: Travels, why: str) -> None:
        """Take out what does not travel, and `timer` of the option tags."""
        rewritten: list[tuple[str, str]] = []
        for name in list(self.values):
            if not travels(name):
                self._remove(name, Stage.ALLOW, "RFC 3261 16.6", why)
            elif name in OPTION_LISTS:
                rewritten += self._without_timer(name)
        for name, value in rewritten:
            self.values.setdefault(name, []).append(value)

    def _without_timer(self, name: str) -> list[tuple[str, str]]:
        listing = [value for value in self.values[name] if "timer" in value.lower()]
        if not listing:
            return []
        self.values[name] = [value for value in self.values[name] if value not in listing]
        left = [(name, shorter) for value in listing if (shorter := without_timer(value))]
        for value in listing:
            shorter = without_timer(value)
            kind = Kind.REPLACE if shorter else Kind.REMOVE
            because = "the edge keeps no session timers"
            self.note(Change(Stage.ALLOW, kind, spelt(name), shorter or value, "RFC 4028", because))
        return left

    def apply(self, changes: HeaderChanges) -> None:
        """The decision's own changes, in the order in which the edge makes them."""
        for name in changes.remove:
            self._remove(name.lower(), *cause_of(name.lower(), Kind.REMOVE, self._facts))
        for name, value in changes.insert:
            kind = Kind.INSERT if self.values.get(name.lower()) else Kind.APPEND
            self.values.setdefault(name.lower(), []).insert(0, value)
            self._note(kind, name, value)
        for name, value in changes.append:
            self.append(name, value)
        for name, value in changes.replace:
            if self.values.get(name.lower()) != [value]:
                self.values[name.lower()] = [value]
                self._note(Kind.REPLACE, name, value)

    def append(self, name: str, value: str) -> None:
        self.values.setdefault(name.lower(), []).append(value)
        self._note(Kind.APPEND, name, value)

    def remove_route(self) -> None:
        """A preloaded Route: the edge's own has done its work, a foreign one is never followed."""
        because = "a foreign one is never followed" if self.values.get("route") else ""
        self._remove("route", Stage.PROXY, "RFC 3261 16.4", because)

    def count_hop(self) -> None:
        """One hop less; a message without the header gets the most that there may be (RFC 3261 16.6)."""
        given = next(iter(self.values.get("max-forwards", ())), "")
        left = MAXIMUM_HOPS
        if given.isascii() and given.isdecimal():
            left = min(int(given) - 1, MAXIMUM_HOPS)
        self.values["max-forwards"] = [str(left)]
        self.note(
            Change(Stage.PROXY, Kind.REPLACE, "Max-Forwards", str(left), "RFC 3261 16.6", "one hop less")
        )

    def _remove(self, name: str, stage: Stage, rule: str, because: str) -> None:
        for value in self.values.pop(name, ()):
            self.note(Change(stage, Kind.REMOVE, spelt(name), value, rule, because))

    def _note(self, kind: Kind, name: str, value: str) -> None:
        stage, rule, because = cause_of(name.lower(), kind, self._facts)
        self.note(Change(stage, kind, name, value, rule, because))
