"""`case(seed, number)`: what one case is. Pure: the same two numbers give the same case on every machine.

A case is one conversation in which one message is broken. Its text names it whole, so that it can be kept
and repeated however the dice fall later: `trunkline call, moment, sender, transport, ..., operators, dice`.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Final, Literal, get_args

from fuzz import torture
from fuzz.draft import CANARY, Draft, World
from fuzz.hand import Hand
from fuzz.operators import OPERATORS, apply

Moment = Literal[
    "invite",
    "outside",
    "cancel",
    "ack",
    "answer",
    "in-dialog",
    "in-dialog-answer",
    "stray-answer",
    "ended",
    "torture",
]
"""Which message of a call is broken: `stray-answer` has no transaction, `ended` comes after the BYE."""
Party = Literal["customer", "carrier", "stranger"]
Transport = Literal["udp", "tcp"]
Direction = Literal["termination", "origination"]

TORTURE_EVERY: Final = 16
"""Every so many cases one of RFC 4475."""
_OUTSIDE: Final = (
    *("OPTIONS", "REGISTER", "SUBSCRIBE", "MESSAGE", "REFER", "CANCEL", "ACK", "BYE", "PRACK", "FOO"),
)
_IN_DIALOG: Final = (
    *("INVITE", "INFO", "BYE", "UPDATE", "PRACK", "OPTIONS", "NOTIFY", "ACK", "REFER", "MESSAGE"),
)
_STATUSES: Final = (
    *("503", "503", "503", "503"),  # the one answer that the edge makes anew
    *("100", "180", "183", "200", "202", "300", "302", "400", "401", "404", "407", "408", "422", "480"),
    *("486", "487", "488", "491", "500", "503", "504", "600", "603"),
)
_MOMENTS: Final[dict[Moment, int]] = {
    "invite": 26,
    "outside": 8,
    "cancel": 4,
    "ack": 5,
    "answer": 20,
    "in-dialog": 22,
    "in-dialog-answer": 8,
    "stray-answer": 4,
    "ended": 3,
}
"""How often each moment comes, in hundredths."""
_STRANGERS: Final = frozenset({"invite", "outside", "in-dialog", "stray-answer", "ended"})
"""Moments at which a stranger can send at all."""


@dataclass(frozen=True)
class Case:
    """One conversation, and how one message of it is broken."""

    moment: Moment
    sender: Party
    transport: Transport
    direction: Direction
    subject: str
    """The broken request's method, the broken answer's status, or a message's name in RFC 4475."""
    ending: str
    """How the called party ends what it gets: `200` (and one side hangs up), `486` or `503`."""
    operators: tuple[str, ...]
    dice: int

    def __str__(self) -> str:
        operators = "+".join(self.operators) or "whole"
        words = (self.moment, self.sender, self.transport, self.direction, self.subject, self.ending)
        return " ".join((*words, operators, str(self.dice)))

    @property
    def is_by_caller(self) -> bool:
        """True if the sender is the call's caller; a stranger does as if it were."""
        caller = "customer" if self.direction == "termination" else "carrier"
        return self.sender in (caller, "stranger")

    def broken(self, draft: Draft, world: World) -> bytes:
        """The bytes to send in place of this draft of the message."""
        dice = random.Random(self.dice)
        if self.moment == "torture":
            draft = torture.draft(self.subject, draft, world)
        marked = draft.copy()
        marked.headers.append((CANARY, "1"))
        return apply(self.operators, marked, Hand(dice, world))


def parse(text: str) -> Case:
    """The case with this text. Raises ValueError for a text that names none."""
    words = text.split()
    if len(words) != 8:
        raise ValueError(f"{text!r}: a case has eight words, for example {case(1, 1)}")
    moment, sender, transport, direction, subject, ending, operators, dice = words
    names = () if operators == "whole" else tuple(operators.split("+"))
    for value, known in (
        (moment, (*_MOMENTS, "torture")),
        (sender, get_args(Party)),
        (transport, get_args(Transport)),
        (direction, get_args(Direction)),
        *((name, OPERATORS) for name in names),
    ):
        if value not in known:
            raise ValueError(f"{text!r}: {value!r} must be one of {', '.join(known)}")
    if moment == "torture" and subject not in torture.MESSAGES:
        raise ValueError(f"{text!r}: RFC 4475 has no message {subject!r}")
    return Case(moment, sender, transport, direction, subject, ending, names, int(dice))  # type: ignore[arg-type]


def case(seed: int, number: int) -> Case:
    """The case with this number of a run with this seed."""
    dice = random.Random(f"{seed}:{number}")
    transport: Transport = "tcp" if dice.random() < 0.3 else "udp"
    direction: Direction = dice.choice(get_args(Direction))
    ending = dice.choice(("200", "200", "486", "503"))
    if number % TORTURE_EVERY == 0:
        names = list(torture.MESSAGES)
        subject = names[number // TORTURE_EVERY % len(names)]
        sender: Party = dice.choice(get_args(Party))
        again = () if dice.random() < 0.7 else (_operator(dice, number),)
        return Case("torture", sender, transport, direction, subject, ending, again, _roll(dice))
    (moment,) = dice.choices(list(_MOMENTS), list(_MOMENTS.values()))
    sender = _sender(dice, moment, direction)
    operators = [_operator(dice, number)]
    while dice.random() < 0.35:
        operators.append(dice.choice(list(OPERATORS)))
    subject = _subject(dice, moment)
    return Case(moment, sender, transport, direction, subject, ending, tuple(operators), _roll(dice))


def _operator(dice: random.Random, number: int) -> str:
    """The first operator: each in its turn, so that a short run has them all."""
    names = list(OPERATORS)
    return names[(number * 7 + number // len(names)) % len(names)]


def _sender(dice: random.Random, moment: Moment, direction: Direction) -> Party:
    caller: Party = "customer" if direction == "termination" else "carrier"
    callee: Party = "carrier" if direction == "termination" else "customer"
    if moment in _STRANGERS and dice.random() < 0.2:
        return "stranger"
    match moment:
        case "invite" | "cancel" | "ack":
            return caller
        case "answer":
            return callee
        case _:
            return dice.choice((caller, callee))


def _subject(dice: random.Random, moment: Moment) -> str:
    match moment:
        case "invite" | "cancel" | "ack":
            return moment.upper()
        case "outside":
            return dice.choice(_OUTSIDE)
        case "in-dialog" | "ended":
            return dice.choice(_IN_DIALOG)
        case _:
            return dice.choice(_STATUSES)


def _roll(dice: random.Random) -> int:
    return dice.randrange(1 << 32)
