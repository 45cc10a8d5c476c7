"""Every length that a sender chooses: just below its bound, at it, above it, and far above. Pure."""

from __future__ import annotations

from fuzz import words
from fuzz.draft import Draft, with_host, with_parameter, with_user
from fuzz.hand import Change, Hand


def _padded(text: str, length: int, hand: Hand) -> str:
    """The URI in `text` lengthened to so many bytes, in its user, in a parameter or in its host."""
    pad = hand.text(max(0, length - len(text)))
    match hand.dice.randrange(4):
        case 0:
            return with_user(text, pad)
        case 1:
            return with_host(text, f"{hand.world.stranger};x={pad}")
        case 2:
            return with_host(text, f"{pad}.invalid")
        case _:
            return with_parameter(text, f";x={pad}")


def long_uri(draft: Draft, hand: Hand) -> None:
    length = hand.length(1400)
    draft.change_uri(lambda uri: _padded(uri, length, hand))


def long_uri_with_alias(draft: Draft, hand: Hand) -> None:
    length, alias = hand.length(1400), hand.dice.choice(words.ALIASES)
    alias = alias.format(host=hand.world.carrier)
    draft.change_uri(lambda uri: with_parameter(uri, f"{alias};x={hand.text(length)}"))


def long(*names: str, bound: int) -> Change:
    def change(draft: Draft, hand: Hand) -> None:
        length = hand.length(bound)
        if not draft.positions(*names):
            draft.add(names[0], f"<sip:x@{hand.world.stranger}>")
        draft.change(lambda value: _padded(value, length, hand), *names)

    return change


def long_branch(draft: Draft, hand: Hand) -> None:
    branch = "z9hG4bK" + hand.text(hand.length(255))
    draft.change(lambda value: value.partition(";branch=")[0] + f";branch={branch}", "Via")


def long_call_id(draft: Draft, hand: Hand) -> None:
    pad = hand.text(hand.length(255))
    draft.change(lambda value: (value + pad)[: max(len(pad), 1)], "Call-ID")


def long_tag(draft: Draft, hand: Hand) -> None:
    name, pad = hand.dice.choice(("From", "To")), hand.text(hand.length(255))
    draft.change(lambda value: value.partition(";tag=")[0] + f";tag={pad}", name)


def many_headers(draft: Draft, hand: Hand) -> None:
    name = hand.dice.choice(("X-Other", "Supported", "Contact", "Via", "Record-Route", "Route", "Diversion"))
    value = draft.headers[draft.positions(name)[0]][1] if draft.positions(name) else "x"
    for _ in range(max(0, hand.length(128) % 4000 - len(draft.headers))):
        draft.headers.append((name, value))


def large(draft: Draft, hand: Hand) -> None:
    size = hand.length(16_384)
    if hand.dice.random() < 0.5:
        draft.body += hand.text(max(0, size - len(draft.render())))
    else:
        draft.add(hand.dice.choice(("Subject", "User-Agent", "Supported", "X-Other")), hand.text(size))


def long_method(draft: Draft, hand: Hand) -> None:
    draft.first[0] += hand.text(hand.length(32))


def long_header_name(draft: Draft, hand: Hand) -> None:
    draft.add("X-" + hand.text(hand.length(255)), "1")


def long_value(draft: Draft, hand: Hand) -> None:
    number = hand.dice.randrange(len(draft.headers))
    name, value = draft.headers[number]
    draft.headers[number] = (name, value + hand.text(hand.length(1400)))
