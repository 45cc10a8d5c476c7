"""What one instance knows of all tallies: its own parts, and those of the others as far as they are known.

The parts of those that serve the same edge are heard from themselves, at once. Those of other edges, and of
who cannot be heard, are as the control plane's records had them (`Neighbour`), some seconds ago.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from sipedge.table.rows import NeighboursRow, TallyRow
from sipedge.tallies.messages import Message, State
from sipedge.tallies.parts import DAY_SECONDS, Part, Span

HEARD_SECONDS: Final = 1.5
"""Whoever was not heard for so long cannot be heard. Everybody speaks four times a second."""
KEPT_SECONDS: Final = 8
"""So many seconds of new calls are remembered, the current one included."""
MOST_TALLIES: Final = 50_000
"""Of one instance. What comes beyond is not counted together, by anybody."""
MOST_SENDERS: Final = 256
SWEEP_SECONDS: Final = 5.0
"""How often what counts nothing any more is forgotten; twice as old it must be, so that no old message
brings it back."""
Changed = frozenset[bytes]
"""The tallies of which something has changed."""


@dataclass(frozen=True, slots=True)
class Neighbour:
    """Another instance of this platform that is alive, as the control plane's records have it."""

    edge: str
    name: str
    address: str = ""
    port: int = 0
    """Where it hears others; "" and 0 = not known."""
    parts: tuple[Part, ...] = ()
    """All that it counts now."""


@dataclass(frozen=True, slots=True)
class Told:
    """A part, and when its instance said so, by its own clock."""

    part: Part
    stamp: int


@dataclass(slots=True)
class Sender:
    """One other instance of the same edge."""

    address: str = ""
    port: int = 0
    heard: float = 0.0
    spoke: int = 0
    """The second in which its newest message was sent."""
    state: State = State.SERVING
    told: dict[tuple[bytes, Span], Told] = field(default_factory=dict)
    """What it has said itself, but for seconds."""
    is_recorded: bool = False
    """True while the control plane's records say that it is alive."""
    is_silent: bool = False
    """True: was heard, and is not any more."""


class TallyBook:
    """All parts. `now` is in seconds since the epoch everywhere."""

    def __init__(self, edge: str, name: str) -> None:
        """`name` is that of this instance among those of its edge."""
        self._edge, self._name = edge, name
        self._own: dict[tuple[bytes, Span], Told] = {}
        self._before: Mapping[bytes, int] = {}
        self._senders: dict[str, Sender] = {}
        self._recorded: dict[bytes, dict[str, Part]] = {}
        """By tally, then by instance: what the control plane's records have."""
        self._is_alone = True
        self._swept = 0.0
        self._seconds: defaultdict[bytes, dict[int, dict[str, int]]] = defaultdict(dict)
        """New calls by tally, second and instance; this one's by its own name."""

    # --------------------------------------------------------------------------- what is told

    def note_own(self, part: Part, stamp: int) -> bool:
        """This instance's part; `stamp` as in `Told`. False if nothing changes by it."""
        known = self._own.get(part.place)
        if known is None and len(self._own) >= MOST_TALLIES:
            return False
        if known is not None and (stamp < known.stamp or part == known.part):
            return False
        if part.span is Span.SECOND:
            self._note_second(part, self._name)
        elif known is not None and part.span is Span.DAY and _is_less(part, known.part):
            return False
        self._own[part.place] = Told(part, stamp)
        return True

    def note_before(self, calls: Mapping[bytes, int]) -> Changed:
        """The calls in progress that were set up before Kamailio was started anew: it does not count them."""
        changed = frozenset(
            each for each in {*self._before, *calls} if self._before.get(each) != calls.get(each)
        )
        self._before = calls
        return changed

    def hear(self, message: Message, now: float) -> Changed:
        """What another instance of this edge tells."""
        if message.edge != self._edge or message.sender == self._name:
            return frozenset()
        sender = self._senders.get(message.sender)
        if sender is None:
            if len(self._senders) >= MOST_SENDERS:
                return frozenset()
            sender = self._senders[message.sender] = Sender()
        returned = self._told_by(sender) if sender.is_silent else frozenset[bytes]()
        sender.heard, sender.state, sender.is_silent = now, message.state, False
        sender.spoke = max(sender.spoke, message.sent // 1_000_000_000)
        sender.address, sender.port = message.address, message.port
        changed = {part.tally for part in message.parts if self._take(message, sender, part)}
        if message.state is State.GONE:
            changed |= self._let_go(sender)
        return returned | changed

    def meet(self, neighbours: Iterable[Neighbour]) -> Changed:
        """Whom the control plane's records have now; whoever is not among them any more is gone."""
        found = {(each.edge, each.name): each for each in neighbours}
        found.pop((self._edge, self._name), None)
        self._is_alone = not found
        before, self._recorded = self._recorded, {}
        for (edge, name), neighbour in found.items():
            for part in neighbour.parts:
                if part.span is not Span.SECOND:
                    self._recorded.setdefault(part.tally, {})[f"{edge}/{name}"] = part
        self._keep_days(before)
        siblings = {name: each for (edge, name), each in found.items() if edge == self._edge}
        for name, neighbour in siblings.items():
            sender = self._senders.setdefault(name, Sender())
            if not sender.heard:
                sender.address, sender.port = neighbour.address, neighbour.port
        for name, sender in self._senders.items():
            sender.is_recorded = name in siblings
        return frozenset(
            each for each in {*before, *self._recorded} if before.get(each) != self._recorded.get(each)
        )

    def pass_time(self, now: float) -> Changed:
        """What changes by nothing but time: who has fallen silent, which seconds and days are over."""
        changed: set[bytes] = set()
        for name, sender in list(self._senders.items()):
            if sender.heard and not sender.is_silent and now - sender.heard > HEARD_SECONDS:
                sender.is_silent = True
                changed |= self._told_by(sender)
            if not sender.is_recorded and not self._is_heard(sender, now) and not _has_days(sender, now):
                del self._senders[name]
        for tally, seconds in list(self._seconds.items()):
            for second in [each for each in seconds if each <= now - KEPT_SECONDS]:
                del seconds[second]
            if not seconds:
                del self._seconds[tally]
                self._own.pop((tally, Span.SECOND), None)
                changed.add(tally)
        if now - self._swept >= SWEEP_SECONDS:
            self._swept = now
            for known in (self._own, *(sender.told for sender in self._senders.values())):
                for place in [place for place, told in known.items() if _is_idle(told, now)]:
                    del known[place]
                    changed.add(place[0])
        return frozenset(changed)

    # ------------------------------------------------------------------------------- questions

    def row(self, tally: bytes, now: float) -> TallyRow | None:
        """What calls are told of a tally; None = nothing is counted."""
        if seconds := self._seconds.get(tally):
            newest = max(seconds)
            own, others = [], []
            for second in range(newest, newest - KEPT_SECONDS, -1):
                parts = seconds.get(second, {})
                own.append(parts.get(self._name, 0))
                others.append(sum(parts.values()) - own[-1])
            return TallyRow(newest, tuple(own), tuple(others))
        own_part, others_part = self.own(tally, now), self.others(tally, now)
        return TallyRow(0, (own_part,), (others_part,)) if own_part or others_part else None

    def own(self, tally: bytes, now: float) -> int:
        """This instance's part of a tally that is of no second."""
        told = self._own.get((tally, Span.NOW)) or self._own.get((tally, Span.DAY))
        return told.part.value if told is not None and not _is_over(told.part, now) else 0

    def others(self, tally: bytes, now: float) -> int:
        """The parts of all others of a tally that is of no second."""
        total = self._before.get(tally, 0)
        recorded = self._recorded.get(tally, {})
        heard: set[str] = set()
        for name, sender in self._senders.items():
            told = sender.told.get((tally, Span.DAY))
            if told is None and self._is_heard(sender, now):
                # What it says now is newer than any record, also that it has none.
                heard.add(f"{self._edge}/{name}")
                told = sender.told.get((tally, Span.NOW))
            elif told is not None:
                heard.add(f"{self._edge}/{name}")
            if told is not None and not _is_over(told.part, now):
                total += told.part.value
        return total + sum(
            part.value for place, part in recorded.items() if place not in heard and not _is_over(part, now)
        )

    def neighbours(self, now: float) -> NeighboursRow:
        """Who counts together with this instance."""
        there = {
            name: each
            for name, each in self._senders.items()
            if each.state is State.SERVING and (each.is_recorded or self._is_heard(each, now))
        }
        heard = sum(self._is_heard(each, now) for each in there.values())
        alone = self._is_alone and not self._before and not self._senders
        heard_now = sum(each.spoke >= int(now) for each in there.values())
        place = sorted([*there, self._name]).index(self._name)
        return NeighboursRow(heard, len(there), alone, int(now), heard_now, place)

    def hearers(self) -> frozenset[tuple[str, int]]:
        """Where the other instances of this edge hear."""
        return frozenset(
            (each.address, each.port)
            for each in self._senders.values()
            if each.address and each.port and each.state is not State.GONE
        )

    def counting(self) -> Changed:
        """The tallies of calls in progress of which this instance's Kamailio counts some."""
        return frozenset(
            tally for (tally, span), told in self._own.items() if span is Span.NOW and told.part.value
        )

    def own_parts(self, *spans: Span) -> tuple[Part, ...]:
        """All parts of this instance of these spans, calls from before a restart among those of NOW."""
        found = {place: told.part for place, told in self._own.items() if place[1] in spans}
        if Span.NOW in spans:
            for tally, calls in self._before.items():
                known = found.get((tally, Span.NOW))
                found[tally, Span.NOW] = Part(tally, calls + (known.value if known else 0))
        return tuple(found.values())

    # ------------------------------------------------------------------------------------------

    def _take(self, message: Message, sender: Sender, part: Part) -> bool:
        known = sender.told.get(part.place)
        if known is None and len(sender.told) >= MOST_TALLIES:
            return False
        if part.span is Span.SECOND:
            return self._note_second(part, message.sender)
        if known is not None:
            if message.sent <= known.stamp or (part.span is Span.DAY and _is_less(part, known.part)):
                return False
            if part == known.part:
                sender.told[part.place] = Told(part, message.sent)
                return False
        sender.told[part.place] = Told(part, message.sent)
        return True

    def _note_second(self, part: Part, name: str) -> bool:
        if part.tally not in self._seconds and len(self._seconds) >= MOST_TALLIES:
            return False
        seconds = self._seconds[part.tally]
        if seconds and part.period <= max(seconds) - KEPT_SECONDS:
            return False
        parts = seconds.setdefault(part.period, {})
        if part.value <= parts.get(name, 0):
            return False
        parts[name] = part.value
        return True

    def _is_heard(self, sender: Sender, now: float) -> bool:
        return sender.state is not State.GONE and now - sender.heard <= HEARD_SECONDS

    def _told_by(self, sender: Sender) -> frozenset[bytes]:
        return frozenset(tally for tally, _ in sender.told)

    def _let_go(self, sender: Sender) -> frozenset[bytes]:
        """Forget the calls in progress of one that is gone; what it has counted today stays."""
        gone = [place for place in sender.told if place[1] is not Span.DAY]
        for place in gone:
            del sender.told[place]
        return frozenset(tally for tally, _ in gone)

    def _keep_days(self, before: Mapping[bytes, Mapping[str, Part]]) -> None:
        """Who is gone has counted what it has counted; and a record may be older than one before it."""
        for tally, parts in before.items():
            for place, part in parts.items():
                if part.span is Span.DAY:
                    now = self._recorded.setdefault(tally, {})
                    if place not in now or _is_less(now[place], part):
                        now[place] = part


def _is_less(part: Part, other: Part) -> bool:
    return (part.period, part.value) < (other.period, other.value)


def _is_over(part: Part, now: float) -> bool:
    return part.span is Span.DAY and part.period < int(now) // DAY_SECONDS


def _is_idle(told: Told, now: float) -> bool:
    part = told.part
    if part.span is Span.NOW:
        return part.value == 0 and now - told.stamp / 1e9 > 2 * SWEEP_SECONDS
    return _is_over(part, now)


def _has_days(sender: Sender, now: float) -> bool:
    return any(span is Span.DAY and not _is_over(told.part, now) for (_, span), told in sender.told.items())
