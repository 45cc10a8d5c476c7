"""Generated SIP messages, most of them served and all of them odd somewhere: what senders write.

A case is drawn from its number alone, so that a failing one can be repeated. Nothing here knows what is
right.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from support.oddities import (
    ANSWER_ODDITIES,
    BASE,
    BLOCKED,
    CIRCLE,
    DENIED,
    FAR,
    FAULTS,
    FOREIGN,
    HELD,
    LATER_FAULTS,
    LATER_ODDITIES,
    LOST,
    NAMED,
    NATIONAL,
    ODDITIES,
    OWN,
    OWN_TOO,
    SECURE,
    SHAPED,
    SPECIAL,
    STREAM,
    TCP_FAR,
    USERS,
    Draft,
    Peers,
)
from support.sipmessage import sdp


@dataclass(frozen=True)
class Party:
    """One who sends: where from, and over what."""

    name: str
    address: str
    transport: str


@dataclass(frozen=True)
class Case:
    """One message, and who sends it."""

    number: int
    sender: Party
    call_id: str
    method: str
    raw: bytes
    username: str | None = None
    """Who answers a challenge, with the right password."""


def draw_initial(number: int, peers: Peers, parties: Sequence[Party], run: str = "odd") -> Case:
    """A request outside a dialog. `run` is in its ids: whoever has the same message sent twice names two, or
    the second is a repetition of the first, or speaks in its call."""
    dice = Random(f"initial {number}")
    sender = dice.choice(parties)
    call_id = f"{run}-{number}-{dice.getrandbits(32):08x}"
    method = dice.choices(
        ("INVITE", "OPTIONS", "REGISTER", "MESSAGE", "INFO", "FOO", "CANCEL", "SUBSCRIBE"),
        (60, 5, 2, 2, 2, 1, 1, 1),
    )[0]
    outbound = sender.name != "telco"
    username = "pbx" if dice.random() < 0.2 else None
    domain = "users" if username or dice.random() < 0.05 else _domain(dice, sender)
    uri = _called_out(dice, domain, peers) if outbound else _called_in(dice, peers)
    draft = Draft(method, uri)
    draft.headers = [
        ("Via", f"SIP/2.0/{sender.transport.upper()} {sender.address}:5060;branch=z9hG4bK{call_id}"),
        ("Max-Forwards", "70"),
        ("From", _from(dice, sender, outbound)),
        ("To", f"<{uri if uri.startswith('sip') else 'sip:x@example.org'}>"),
        ("Call-ID", call_id),
        ("CSeq", f"{dice.choice((1, 7, 2**31 - 1))} {method}"),
        ("Contact", f"<sip:{sender.address}:5060;transport={sender.transport}>"),
    ]
    if method == "INVITE" and dice.random() < 0.8:
        secure = domain == "safe" or dice.random() < 0.05
        draft.body = _session(sender.address, "RTP/SAVP" if secure else "RTP/AVP")
        draft.add((dice.choice(("Content-Type", "c", "content-TYPE")), "application/sdp"))
    if draft.method == "INVITE" or dice.random() < 0.2:
        for change in dice.sample(ODDITIES, dice.choice((0, 1, 2, 3, 5))):
            change(dice, draft, peers)
        if dice.random() < 0.12:
            dice.choice(FAULTS)(dice, draft, peers)
    if sender.transport != "udp":
        draft.headers = [each for each in draft.headers if each[0] not in ("Content-Length", "l")]
    return Case(number, sender, call_id, draft.method, draft.raw(), username)


def _domain(dice: Random, sender: Party) -> str:
    if sender.transport == "tls" and dice.random() < 0.7:
        return "safe"
    return dice.choices(
        ("acme-hq", "shaped", "lost", "abroad", "tight", "safe", "users", "asleep", "open"),
        (50, 20, 3, 14, 5, 5, 5, 4, 4),
    )[0]


def _called_out(dice: Random, domain: str, peers: Peers) -> str:
    number = dice.choices(
        (FAR, TCP_FAR, OWN, "911", "999", "0044207", "", FAR[1:], NATIONAL, BLOCKED, DENIED, SPECIAL),
        (50, 15, 4, 4, 1, 3, 1, 3, 15, 2, 2, 2),
    )[0]
    if domain == "abroad":
        number = dice.choice((FAR, TCP_FAR, OWN, "+19005550123", "+12125550199", "+18765550123"))
    if domain == "shaped" and dice.random() < 0.6:
        number = f"9{number.lstrip('+')}"
    user = dice.choice(
        (number, number, number, f"{number};npdi;rn=1", f"{number}:secret", f"%2B{number[1:]}")
    )
    place = dice.choice(("pstn", "pstn", "pstn", "pstn.ashburn", "pstn.us1", "PSTN"))
    host = dice.choices(
        (f"{domain}.{place}.{BASE}", f"{domain}.pstn.{BASE}.", peers.edge, "elsewhere.example", "my_pbx"),
        (88, 3, 3, 3, 1),
    )[0]
    tail = dice.choice(("", "", "", ":5060", ";user=phone", ";transport=udp", ":5060;x=y"))
    return f"{dice.choice(('sip', 'sip', 'sip', 'SIP'))}:{user}@{host}{tail}"


def _called_in(dice: Random, peers: Peers) -> str:
    number = dice.choices(
        (OWN, OWN[1:], OWN_TOO, HELD, CIRCLE, STREAM, SECURE, USERS, FOREIGN, "911", SHAPED, LOST, NAMED),
        (30, 10, 10, 4, 8, 8, 8, 12, 4, 2, 25, 3, 40),
    )[0]
    tail = dice.choice(("", "", ":5060", ";user=phone", ";npdi"))
    return dice.choices(
        (f"sip:{number}@{peers.edge}{tail}", f"tel:{number}", f"sip:{number}@else.example"), (90, 4, 6)
    )[0]


def _from(dice: Random, sender: Party, outbound: bool) -> str:
    own = OWN if outbound else FAR
    tag = f"t{dice.getrandbits(24):06x}"
    uri = dice.choices(
        (
            f"<sip:{own}@{sender.address}>",
            f'"Reception" <sip:{own}@{sender.address}:5060;user=phone>',
            f'"Zoë \\"Z\\"" <sip:{own[1:]}@pbx.example>',
            f"<tel:{own}>",
            f"sip:{own}@{sender.address}",
            f"<sip:{own};cpc=ordinary@my_pbx>",
            '"Anonymous" <sip:anonymous@anonymous.invalid>',
            f"<sip:{FOREIGN}@{sender.address}>",
            f'"{FOREIGN}" <sip:{own}@{sender.address}>',
            f"<sip:+1-999-888-7777@{sender.address}>",
            "<sip:reception@pbx.example>",
            "<sip:0100@pbx.example;user=phone>",
            f'"Old name" <sip:+1212555019{dice.randrange(10)}@{sender.address}>',
        ),
        (40, 10, 5, 4, 4, 4, 8, 6, 4, 2, 3, 6, 4 if outbound else 60),
    )[0]
    return f"{uri};tag={tag}"


def _session(address: str, profile: str) -> str:
    """A session description that tells who sends it."""
    told = sdp(address, profile=profile).replace("o=- ", f"o={FAR[1:]} ").replace("s=-", f"s=Line {FAR}")
    return told.replace("c=IN", f"p={FAR}\r\nc=IN", 1)


def draw_later(dice: Random, draft: Draft, peers: Peers, *, secure: bool, with_body: bool = True) -> None:
    """Makes a request in a dialog odd, and gives some of them a body."""
    profile = "RTP/SAVP" if secure else "RTP/AVP"
    if dice.random() < 0.06:
        profile = "RTP/AVP" if secure else "RTP/SAVP"
    may_offer = draft.method in ("INVITE", "UPDATE", "ACK") and with_body
    if may_offer and dice.random() < 0.7:
        draft.body = _session(peers.pbx, profile)
        draft.add((dice.choice(("Content-Type", "c")), "application/sdp"))
    elif draft.method == "INFO" and dice.random() < 0.6:
        draft.body = "Signal=5\r\nDuration=160\r\n"
        draft.add(("Content-Type", "application/dtmf-relay"), ("Info-Package", "dtmf"))
    if draft.method == "PRACK":
        draft.add(("RAck", "1 1 INVITE"))
    if draft.method == "NOTIFY":
        draft.add(("Event", "talk"), ("Subscription-State", "active"))
    for change in dice.sample(LATER_ODDITIES, dice.choice((0, 1, 2, 3))):
        change(dice, draft, peers)
    if draft.method not in ("ACK", "BYE") and dice.random() < 0.12:
        dice.choice(LATER_FAULTS)(dice, draft, peers)


def draw_answer(dice: Random, draft: Draft, peers: Peers, *, with_media: bool, secure: bool) -> None:
    """Makes an answer odd; `with_media` gives it a session description."""
    if with_media:
        profile = "RTP/SAVP" if secure else "RTP/AVP"
        if dice.random() < 0.06:
            profile = "RTP/AVP" if secure else "RTP/SAVP"
        draft.body = _session(peers.telco, profile)
        draft.add(("Content-Type", "application/sdp"))
    for change in dice.sample((*LATER_ODDITIES, *ANSWER_ODDITIES), dice.choice((0, 1, 2, 4))):
        change(dice, draft, peers)
