"""What is done to a message, as one table: changes of its parts, then changes of its bytes. Pure.

Every operator takes its choices from the dice that it is given, so the same dice give the same message.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fuzz import changes, lengths, words
from fuzz.draft import Draft
from fuzz.hand import Hand, Operator


def _flip(data: bytes, hand: Hand) -> bytes:
    changed = bytearray(data)
    for _ in range(hand.dice.choice((1, 1, 3, 8))):
        changed[hand.dice.randrange(len(changed))] = hand.dice.randrange(256)
    return bytes(changed)


def _cut(data: bytes, hand: Hand) -> bytes:
    where = hand.dice.randrange(len(data))
    return data[:where] + data[where + hand.dice.randint(1, 60) :] or data


def _double(data: bytes, hand: Hand) -> bytes:
    where = hand.dice.randrange(len(data))
    return data[:where] + data[where : where + hand.dice.randint(1, 120)] + data[where:]


def _insert(data: bytes, hand: Hand) -> bytes:
    where = hand.dice.randrange(len(data))
    return data[:where] + hand.dice.choice(words.PIECES) + data[where:]


def _torn(data: bytes, hand: Hand) -> bytes:
    return data[: max(1, hand.dice.randrange(len(data)))]


def _line_ends(data: bytes, hand: Hand) -> bytes:
    end = hand.dice.choice((b"\n", b"\r", b"\n\r", b"\r\r\n", b"\0\r\n"))
    if hand.dice.random() < 0.5:
        return data.replace(b"\r\n", end)
    places = data.split(b"\r\n")
    where = hand.dice.randrange(len(places))
    return b"\r\n".join(places[: where + 1]) + end + b"\r\n".join(places[where + 1 :])


def _led_by_junk(data: bytes, hand: Hand) -> bytes:
    return hand.dice.choice(words.JUNK) + data


OPERATORS: Final[Mapping[str, Operator]] = {
    "request-uri-length": Operator("length", lengths.long_uri),
    "request-uri-length-with-alias": Operator("length", lengths.long_uri_with_alias),
    "contact-length": Operator("length", lengths.long("Contact", bound=1400)),
    "route-length": Operator("length", lengths.long("Route", bound=1400)),
    "record-route-length": Operator("length", lengths.long("Record-Route", bound=1400)),
    "branch-length": Operator("length", lengths.long_branch),
    "call-id-length": Operator("length", lengths.long_call_id),
    "tag-length": Operator("length", lengths.long_tag),
    "header-count": Operator("length", lengths.many_headers),
    "message-size": Operator("length", lengths.large),
    "method-length": Operator("length", lengths.long_method),
    "header-name-length": Operator("length", lengths.long_header_name),
    "header-value-length": Operator("length", lengths.long_value),
    "from-form": Operator("identity", changes.from_form),
    "identity-headers": Operator("identity", changes.identity),
    "privacy": Operator("identity", changes.privacy),
    "odd-headers": Operator("header", changes.odd_header),
    "digest": Operator("digest", changes.challenge),
    "redirect": Operator("redirect", changes.redirect),
    "smuggled": Operator("smuggling", changes.smuggled),
    "duplicate": Operator("duplicate", changes.duplicate),
    "contradiction": Operator("duplicate", changes.contradiction),
    "absence": Operator("absence", changes.absence),
    "alias": Operator("alias", changes.alias),
    "name-in-request-uri": Operator("name", changes.uri_at(Hand.name)),
    "name-in-contact": Operator("name", changes.header_at("Contact", Hand.name)),
    "name-in-route": Operator("name", changes.header_at("Route", Hand.name)),
    "name-in-record-route": Operator("name", changes.header_at("Record-Route", Hand.name)),
    "name-in-via": Operator("name", changes.via_at(Hand.name)),
    "address-in-request-uri": Operator("address", changes.uri_at(Hand.host)),
    "address-in-contact": Operator("address", changes.header_at("Contact", Hand.host)),
    "address-in-route": Operator("address", changes.header_at("Route", Hand.host)),
    "address-in-record-route": Operator("address", changes.header_at("Record-Route", Hand.host)),
    "address-in-via": Operator("address", changes.via_at(Hand.host)),
    "one-more-route": Operator("route", changes.one_more_route),
    "many-routes": Operator("route", changes.many_routes),
    "no-route": Operator("route", changes.no_route),
    "sequence": Operator("number", changes.sequence),
    "hops": Operator("number", changes.hops),
    "other-method": Operator("method", changes.other_method),
    "version": Operator("version", changes.version),
    "status": Operator("status", changes.status),
    "reason": Operator("reason", changes.reason),
    "tag": Operator("tag", changes.tag),
    "user": Operator("uri", changes.user),
    "uri-form": Operator("uri", changes.uri_form),
    "length-lie": Operator("framing", changes.length_lie),
    "body": Operator("body", changes.body),
    "compact": Operator("spelling", changes.compact),
    "spelled": Operator("spelling", changes.spelled),
    "folded": Operator("spelling", changes.folded),
    "shuffled": Operator("spelling", changes.shuffled),
    "no-utf8": Operator("utf8", changes.in_a_value(words.NO_UTF8)),
    "nul": Operator("nul", changes.in_a_value(("\0", "\0\0\0\0", "%00", "\\0"))),
    "punctuation": Operator("punctuation", changes.in_a_value(words.PUNCTUATION)),
    "flip": Operator("bytes", byte_change=_flip),
    "cut": Operator("bytes", byte_change=_cut),
    "double": Operator("bytes", byte_change=_double),
    "insert": Operator("bytes", byte_change=_insert),
    "torn": Operator("bytes", byte_change=_torn),
    "line-ends": Operator("bytes", byte_change=_line_ends),
    "led-by-junk": Operator("bytes", byte_change=_led_by_junk),
}


def apply(names: tuple[str, ...], draft: Draft, hand: Hand) -> bytes:
    """The message after these operators: those that change parts first, in their order, then those of bytes.

    At most 65,000 bytes, which one UDP datagram carries.
    """
    broken = draft.copy()
    for name in names:
        if (change := OPERATORS[name].change) is not None and broken.headers:
            change(broken, hand)
    data = broken.render()
    for name in names:
        if (byte_change := OPERATORS[name].byte_change) is not None and data:
            data = byte_change(data, hand)
    return data.replace(words.ADDRESS.encode(), hand.world.stranger.encode())[: words.LARGEST]
