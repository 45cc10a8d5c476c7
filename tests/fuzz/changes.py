"""Changes of a message's parts but for lengths: who it is of, where it leads, how it is spelled. Pure."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fuzz import forms, words
from fuzz.draft import Draft, with_host, with_parameter, with_user
from fuzz.hand import Change, Hand

_ROUTING: Final = ("Contact", "Route", "Record-Route", "From", "To", "Via")


# ------------------------------------------------------------------------- identities, and headers in general


def from_form(draft: Draft, hand: Hand) -> None:
    draft.change(lambda value: hand.dice.choice(words.FROM_FORMS) + ";tag=f", "From")


def identity(draft: Draft, hand: Hand) -> None:
    for _ in range(hand.dice.randint(1, 3)):
        name = hand.dice.choice(words.IDENTITY_HEADERS)
        draft.add(name, hand.dice.choice(words.FROM_FORMS) + hand.dice.choice(words.IDENTITY_TAILS))


def privacy(draft: Draft, hand: Hand) -> None:
    draft.add("Privacy", hand.dice.choice(words.PRIVACY))


def odd_header(draft: Draft, hand: Hand) -> None:
    for _ in range(hand.dice.randint(1, 3)):
        line = hand.dice.choice(forms.ODD_LINES)
        draft.lines.insert(hand.dice.randint(0, len(draft.lines)), line)


def challenge(draft: Draft, hand: Hand) -> None:
    for _ in range(hand.dice.randint(1, 2)):
        draft.add(hand.dice.choice(forms.DIGEST_HEADERS), hand.dice.choice(forms.DIGESTS))
    if not draft.is_request and hand.dice.random() < 0.5:
        draft.first[1] = hand.dice.choice(("401", "407"))


def redirect(draft: Draft, hand: Hand) -> None:
    contact = hand.dice.choice(forms.CONTACTS).format(host=hand.host(), pad=hand.text(hand.length(1400)))
    draft.headers = [each for each in draft.headers if each[0] != "Contact"]
    draft.add("Contact", contact)
    if not draft.is_request and hand.dice.random() < 0.5:
        draft.first[1] = hand.dice.choice(("300", "301", "302", "305", "380"))


def smuggled(draft: Draft, hand: Hand) -> None:
    draft.lines.append(hand.dice.choice(forms.SMUGGLED))


def duplicate(draft: Draft, hand: Hand) -> None:
    number = hand.dice.randrange(len(draft.headers))
    draft.headers.insert(hand.dice.randint(0, len(draft.headers)), draft.headers[number])


def contradiction(draft: Draft, hand: Hand) -> None:
    name, _ = hand.dice.choice(draft.headers)
    _, other = hand.dice.choice(draft.headers)
    draft.headers.insert(hand.dice.randint(0, len(draft.headers)), (name, other))


def absence(draft: Draft, hand: Hand) -> None:
    del draft.headers[hand.dice.randrange(len(draft.headers))]


# -------------------------------------------------------------------------------------- where a message leads


def alias(draft: Draft, hand: Hand) -> None:
    alias = hand.dice.choice(words.ALIASES).format(host=hand.host()) * hand.dice.choice((1, 1, 2, 60))
    if draft.is_request and hand.dice.random() < 0.5:
        draft.change_uri(lambda uri: with_parameter(uri, alias))
    else:
        draft.change(lambda value: with_parameter(value, alias), hand.dice.choice(_ROUTING))


def uri_at(choose: Callable[[Hand], str]) -> Change:
    def change(draft: Draft, hand: Hand) -> None:
        host = choose(hand)
        draft.change_uri(lambda uri: with_host(uri, host))

    return change


def header_at(name: str, choose: Callable[[Hand], str]) -> Change:
    def change(draft: Draft, hand: Hand) -> None:
        host = choose(hand)
        if not draft.positions(name) or hand.dice.random() < 0.3:
            draft.add(name, f"<sip:{host};lr>")
        else:
            draft.change(lambda value: with_host(value, host), name)

    return change


def via_at(choose: Callable[[Hand], str]) -> Change:
    def change(draft: Draft, hand: Hand) -> None:
        protocol, tail = hand.dice.choice(words.TRANSPORTS), hand.dice.choice(words.VIA_TAILS)
        via = f"SIP/2.0/{protocol} {choose(hand)}{tail}"
        places = draft.positions("Via")
        match hand.dice.randrange(3):
            case 0 if places:
                draft.headers[places[0]] = ("Via", via)
            case 1 if len(places) > 1:
                draft.headers[places[-1]] = ("Via", via)
            case _:
                draft.headers.insert(places[-1] + 1 if places else 0, ("Via", via))

    return change


def one_more_route(draft: Draft, hand: Hand) -> None:
    route = f"<sip:{hand.host()}{hand.dice.choice((';lr', '', ';lr=on', ';lr;transport=tcp', ';maddr=x'))}>"
    places = draft.positions("Route")
    where = hand.dice.choice([places[0], places[-1] + 1] if places else [1])
    draft.headers.insert(where, ("Route", route))


def many_routes(draft: Draft, hand: Hand) -> None:
    places = draft.positions("Route", "Record-Route")
    route = draft.headers[places[0]] if places else ("Route", f"<sip:{hand.world.edge};lr>")
    for _ in range(hand.dice.choice((2, 80))):
        draft.headers.insert(places[0] if places else 1, route)


def no_route(draft: Draft, hand: Hand) -> None:
    draft.headers = [each for each in draft.headers if each[0] not in ("Route", "Record-Route")]


# ------------------------------------------------------------------------------ numbers, methods, first lines


def sequence(draft: Draft, hand: Hand) -> None:
    number, rest = hand.dice.choice(words.NUMBERS), hand.dice.choice((" {}", " {} ", "{}", "\t{}", ""))
    draft.change(lambda value: number + rest.format(value.rpartition(" ")[2]), "CSeq")


def hops(draft: Draft, hand: Hand) -> None:
    draft.headers = [each for each in draft.headers if each[0] != "Max-Forwards"]
    draft.add("Max-Forwards", hand.dice.choice((*words.NUMBERS, "0", "1")))


def other_method(draft: Draft, hand: Hand) -> None:
    method = hand.dice.choice(words.METHODS)
    if draft.is_request and hand.dice.random() < 0.7:
        draft.first[0] = method
    if hand.dice.random() < 0.7:
        draft.change(lambda value: f"{value.partition(' ')[0]} {method}", "CSeq")


def version(draft: Draft, hand: Hand) -> None:
    draft.first[-1 if draft.is_request else 0] = hand.dice.choice(words.VERSIONS)


def status(draft: Draft, hand: Hand) -> None:
    if not draft.is_request:
        draft.first[1] = hand.dice.choice(words.STATUSES)


def reason(draft: Draft, hand: Hand) -> None:
    if not draft.is_request:
        draft.first[2] = hand.dice.choice((*words.ODD_TEXTS, hand.text(hand.length(1400))))


def tag(draft: Draft, hand: Hand) -> None:
    tag, name = hand.dice.choice(words.TAGS), hand.dice.choice(("From", "To"))
    draft.change(lambda value: value.partition(";tag=")[0] + tag, name)


def user(draft: Draft, hand: Hand) -> None:
    user = hand.dice.choice(words.USERS)
    if draft.is_request and hand.dice.random() < 0.6:
        draft.change_uri(lambda uri: with_user(uri, user))
    else:
        draft.change(lambda value: with_user(value, user), hand.dice.choice(_ROUTING))


def uri_form(draft: Draft, hand: Hand) -> None:
    form = hand.dice.choice(words.URI_FORMS)
    draft.change_uri(lambda uri: form.format(uri=uri, edge=hand.world.edge))


def length_lie(draft: Draft, hand: Hand) -> None:
    lie = hand.dice.choice(words.LENGTHS)
    draft.lines.append(f"{hand.dice.choice(('Content-Length', 'l', 'content-length '))}: {lie}")
    if hand.dice.random() < 0.3:
        draft.lines.append(f"Content-Length: {len(draft.body)}")


def body(draft: Draft, hand: Hand) -> None:
    kind, draft.body = hand.dice.choice(forms.BODIES)
    draft.headers = [each for each in draft.headers if each[0] != "Content-Type"]
    if kind:
        draft.add("Content-Type", kind)


# --------------------------------------------------------------------------------------------------- spelling


def compact(draft: Draft, hand: Hand) -> None:
    draft.headers = [
        (words.COMPACT.get(name.lower(), name) if hand.dice.random() < 0.6 else name, value)
        for name, value in draft.headers
    ]


def spelled(draft: Draft, hand: Hand) -> None:
    number = hand.dice.randrange(len(draft.headers))
    name, value = draft.headers[number]
    name = hand.dice.choice((name.upper(), name.lower(), name + " ", name + "\t", name + "\r\n ", " " + name))
    draft.headers[number] = (name, value)


def folded(draft: Draft, hand: Hand) -> None:
    for _ in range(hand.dice.choice((1, 3, 20))):
        number = hand.dice.randrange(len(draft.headers))
        name, value = draft.headers[number]
        where = hand.dice.randint(0, len(value))
        fold = hand.dice.choice(("\r\n ", "\r\n\t", "\n ", "\r\n  \r\n ", "\r "))
        draft.headers[number] = (name, value[:where] + fold + value[where:])


def in_a_value(choices: tuple[str, ...]) -> Change:
    def change(draft: Draft, hand: Hand) -> None:
        piece = hand.dice.choice(choices)
        if hand.dice.random() < 0.3:
            # Of an answer most often the reason, the one text of a message that has no grammar.
            draft.first[hand.dice.choice((0, 1, 2) if draft.is_request else (1, 2, 2, 2))] += piece
            return
        number = hand.dice.randrange(len(draft.headers))
        name, value = draft.headers[number]
        where = hand.dice.choice((0, len(value), hand.dice.randint(0, len(value))))
        draft.headers[number] = (name, value[:where] + piece + value[where:])

    return change


def shuffled(draft: Draft, hand: Hand) -> None:
    hand.dice.shuffle(draft.headers)
