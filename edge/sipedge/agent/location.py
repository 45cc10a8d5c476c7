"""Which addresses a SIP host name stands for: the order of RFC 3263 section 4, pure.

`locate` looks at the DNS answers that are known and gives either the addresses or the questions that must be
answered first; its caller asks them and calls again. It asks nothing that an earlier answer made needless.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import groupby
from typing import Final, NamedTuple

from sipedge.table.lookup import resolved_key
from sipedge.table.rows import ResolvedAddress

ADDRESSES: Final = 4
"""At most so many addresses are tried for one URI."""
SRV_TARGETS: Final = 8
"""At most so many hosts of one SRV answer are looked up."""

DEFAULT_PORTS: Final = {"udp": 5060, "tcp": 5060, "tls": 5061}
SRV_PREFIXES: Final = {"udp": "_sip._udp.", "tcp": "_sip._tcp.", "tls": "_sips._tcp."}
NAPTR_SERVICES: Final = {"SIP+D2U": "udp", "SIP+D2T": "tcp", "SIPS+D2T": "tls"}


class Name(NamedTuple):
    """What is to be located: a target's or gateway's host with the port and transport that it gives."""

    host: str
    port: int | None
    transport: str | None

    @property
    def key(self) -> bytes:
        """Its key in section `resolved`."""
        return resolved_key(self.host, self.port, self.transport).encode()


class Question(NamedTuple):
    """One question to DNS. `type` is NAPTR, SRV, A or AAAA."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Naptr:
    """RFC 3403 section 4.1."""

    order: int
    preference: int
    flags: str
    service: str
    replacement: str


@dataclass(frozen=True, slots=True)
class Srv:
    """RFC 2782."""

    priority: int
    weight: int
    port: int
    target: str


Record = Naptr | Srv | str
"""An A or AAAA record is its address."""
Answers = Mapping[Question, tuple[Record, ...]]
"""What is known; a question that was answered with nothing has an empty tuple."""
Addresses = tuple[ResolvedAddress, ...]


@dataclass(frozen=True, slots=True)
class Ask:
    """These questions must be answered before more can be said."""

    questions: frozenset[Question]


class _Unanswered(Exception):  # noqa: N818 -- no error: it carries the questions to ask
    def __init__(self, questions: Iterable[Question]) -> None:
        super().__init__()
        self.questions = frozenset(questions)


def locate(name: Name, answers: Answers, draw: Callable[[], float]) -> Addresses | Ask:
    """The addresses of `name` in the order to try, at most four, or what has to be asked first.

    `draw` gives numbers from 0 up to 1 and decides between SRV records of one priority by their weights.
    Empty where DNS knows no address. A numeric host is no name (RFC 3263 section 4.2) and not meant here.
    """
    try:
        return _locate(name, answers, draw)[:ADDRESSES]
    except _Unanswered as unanswered:
        return Ask(unanswered.questions)


def last_resorts(name: Name) -> frozenset[Question]:
    """What `locate` asks if each answer before is empty: worth asking at once when DNS is slow."""
    hosts = frozenset({Question(name.host, "A"), Question(name.host, "AAAA")})
    if name.port is not None:
        return hosts
    transports = ("udp", "tcp") if name.transport is None else (name.transport,)
    return hosts | {Question(SRV_PREFIXES[each] + name.host, "SRV") for each in transports}


def _locate(name: Name, answers: Answers, draw: Callable[[], float]) -> Addresses:
    transport = name.transport or "udp"  # S51
    if name.port is not None:
        return _at(name.host, name.port, transport, answers)
    for srv_name, srv_transport in _srv_names(name, answers):
        records = [each for each in _answer(answers, Question(srv_name, "SRV")) if isinstance(each, Srv)]
        if records:
            return _by_srv(records, srv_transport, answers, draw)
    return _at(name.host, DEFAULT_PORTS[transport], transport, answers)


def _srv_names(name: Name, answers: Answers) -> Iterable[tuple[str, str]]:
    """The SRV names to try and the transport that each stands for (RFC 3263 section 4.1)."""
    if name.transport is not None:
        yield SRV_PREFIXES[name.transport] + name.host, name.transport
        return
    naptrs = [each for each in _answer(answers, Question(name.host, "NAPTR")) if isinstance(each, Naptr)]
    usable = [each for each in naptrs if each.flags.upper() == "S" and each.service.upper() in NAPTR_SERVICES]
    for each in sorted(usable, key=lambda each: (each.order, each.preference))[:SRV_TARGETS]:
        yield each.replacement, NAPTR_SERVICES[each.service.upper()]
    if not usable:
        yield SRV_PREFIXES["udp"] + name.host, "udp"
        yield SRV_PREFIXES["tcp"] + name.host, "tcp"


def _by_srv(records: list[Srv], transport: str, answers: Answers, draw: Callable[[], float]) -> Addresses:
    # A target of "." says that the service is decidedly not there (RFC 2782).
    hosts = [each for each in in_order(records, draw) if each.target not in ("", ".")][:SRV_TARGETS]
    found: list[ResolvedAddress] = []
    unanswered: set[Question] = set()
    for each in hosts:
        try:
            found.extend(_at(each.target, each.port, transport, answers))
        except _Unanswered as missing:
            unanswered |= missing.questions
    if unanswered:
        raise _Unanswered(unanswered)
    return tuple(found)


def in_order(records: Iterable[Srv], draw: Callable[[], float]) -> list[Srv]:
    """SRV records in the order to try: by priority, equals drawn by weight (RFC 2782)."""
    ordered: list[Srv] = []
    for _, group in groupby(sorted(records, key=lambda each: each.priority), key=lambda each: each.priority):
        # Those of weight 0 stand first, so that they are drawn hardly ever.
        rest = sorted(group, key=lambda each: (each.weight, each.target, each.port))
        while rest:
            ordered.append(rest.pop(_drawn([each.weight for each in rest], draw())))
    return ordered


def _drawn(weights: list[int], point: float) -> int:
    threshold, running = point * sum(weights), 0
    for position, weight in enumerate(weights):
        running += weight
        if running > threshold:
            return position
    return 0


def _at(host: str, port: int, transport: str, answers: Answers) -> Addresses:
    addresses = _answer(answers, Question(host, "A")) or _answer(answers, Question(host, "AAAA"))
    return tuple(ResolvedAddress(each, port, transport) for each in addresses if isinstance(each, str))


def _answer(answers: Answers, question: Question) -> tuple[Record, ...]:
    known = answers.get(question)
    if known is None:
        raise _Unanswered({question})
    return known
