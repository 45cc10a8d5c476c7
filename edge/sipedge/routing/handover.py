"""What the edge and its B2BUA tell one another of a call, in sealed headers. Pure.

The edge judges and the B2BUA carries out: a REFER, or a call that no target took, is handed over with all
that is needed to go on; an INVITE that the B2BUA sends names the trunk on whose behalf, and the edge judges
it as a new call.
"""

from __future__ import annotations

import base64
import binascii
import json
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any, ClassVar, Final, TypeVar

from sipedge.b2bua_settings import B2buaSettings
from sipedge.routing.dialog.hops import Hop
from sipedge.values import json_writer

HEADER: Final = "X-Trunkline-Hand-Over"
ADOPT: Final = "adopt"
"""The purposes of seals: an established call, a call that no target took, a call of the B2BUA's own."""
PLACE: Final = "place"
FIND: Final = "find"
"""Of an OPTIONS of the B2BUA that asks for a call of this edge address, `Sought`; the answer tells
`Adopted`."""
UNKNOWN: Final = 404
"""The answer to that where there is no such call of the account's."""
TAKEN: Final = 481
"""The same, where there is one that the B2BUA has already."""
NOT_TAKEN_OVER: Final = frozenset({480, 487, 488})
"""By which a call that is here refuses to be taken over. By any other answer it is not here, or was not
looked for: of an edge that knows nothing of this as well."""
FOUND: Final = "found"
"""Of the INVITE that takes that call over, back at the B2BUA; it tells the id of the call, as `packed` writes
it."""
SEEK: Final = "seek"
"""Of an INVITE from another edge that takes over a call which may be here; it tells `Sought`."""
SPEAK: Final = "speak"
"""The purpose of the seal of each request of the B2BUA in a call that it has adopted; it tells a word of
`Spoken`."""
INSTRUCT: Final = "instruct"
"""Of an INVITE that no target took; it tells `Instructed`."""
ANSWER_SECONDS: Final = 2.0
"""How long the edge waits for the B2BUA to answer what it hands over in a dialog."""
_IN_TIME: Final = 0.75
"""Of that: an answer takes its way as well."""
LONGEST: Final = 24_000
_encode: Final = json_writer(ascii_only=True)
T = TypeVar("T", bound="_Told")


class Spoken(StrEnum):
    """How the B2BUA speaks for a side of a call that it has adopted."""

    RELAYED = "relayed"
    """The media of the call are as before."""
    MOVED = "moved"
    """The session in this request is another call's: the call's own media end with the ACK to who has taken
    it, which says so as well."""
    BACK = "back"
    """The session is the side's own again, for one that has taken another call's: the relay has it still."""


APART: Final = frozenset({Spoken.RELAYED, Spoken.MOVED})
"""Of what is spoken so the session is no concern of the call's own media relay."""


class _Told:
    """A value that a header can hold: base64url of JSON."""

    PARTS: ClassVar[dict[str, type[_Told]]] = {}
    """Fields that are such values themselves."""

    def to_text(self) -> str:
        """As a sealed header tells it."""
        return base64.urlsafe_b64encode(_encode(asdict(self)).encode()).decode()  # type: ignore[call-overload]

    @classmethod
    def from_text(cls: type[T], text: str) -> T | None:
        """The value of `to_text`; None for any other text. Total."""
        try:
            return cls.from_plain(json.loads(base64.urlsafe_b64decode(text)))
        except (ValueError, TypeError, RecursionError, binascii.Error):
            return None

    @classmethod
    def from_plain(cls: type[T], plain: Any) -> T:
        """Raises TypeError or ValueError for what is no such value."""
        if not isinstance(plain, dict):
            raise TypeError("no such value")
        parts = cls.PARTS
        told = cls(
            **{
                name: parts[name].from_plain(value) if name in parts else _frozen(value)
                for name, value in plain.items()
            }
        )
        if not all(_fits(getattr(told, each.name), str(each.type)) for each in fields(told)):  # type: ignore[arg-type]
            raise TypeError("a field of another type")
        return told


def _frozen(value: Any) -> Any:
    return tuple(map(_frozen, value)) if isinstance(value, list) else value


@dataclass(frozen=True, slots=True)
class End(_Told):
    """One side of a call, as the B2BUA must know it to speak for the other one."""

    tag: str
    address: str
    """As the From of its requests, and the To of requests for it, write it; without a tag."""
    contact: str
    """A URI."""
    routes: tuple[str, ...]
    """Its own route set, beyond the edge's."""
    cseq: int
    """Of its last request; 0 = it has sent none."""
    sdp: str = field(repr=False)
    """What it said last of its media, as it came from it. It may hold SRTP keys."""
    is_customer: bool


@dataclass(frozen=True, slots=True)
class Placed(_Told):
    """A call of the B2BUA's own: on whose behalf, and why. What it says was judged by the edge."""

    origin: str
    """`transfer` or `disasterRecovery`, as call records say it."""
    trunk: str
    parent: str
    """The call sid of the call that it belongs to."""
    calling: str
    """E.164; "" = nobody knows."""
    is_anonymous: bool
    own_number: str
    """The customer's number by which its parent came or went, E.164: who diverts it; "" = not known."""
    carrier: str
    """Of the parent."""
    headers: tuple[tuple[str, str], ...] = ()
    """For the INVITE to its target."""
    takes_over: str = ""
    """The Call-ID of a call that the B2BUA has found, one of whose sides it takes the place of; "" = of
    none."""
    is_chosen: bool = False
    """True: call instructions have chosen `calling`, which must be a number that the customer may show
    (S40)."""


@dataclass(frozen=True, slots=True)
class Adopted(_Told):
    """An established call, whose side `near` has sent the request at hand."""

    PARTS: ClassVar = {"near": End, "far": End, "placed": Placed}

    call_id: str
    near: End
    far: End
    route: str
    """The edge's own Record-Route of this call, as a Route."""
    call_sid: str
    placed: Placed
    """Of a REFER: the call that it asks for."""
    target: str
    """Its Request-URI."""
    caller: str
    """Its From, without a tag."""
    is_silent: bool = False
    """Of a REFER: no NOTIFYs are wanted."""
    diversion: str = ""
    """Its Diversion; "" = nobody is told who diverts."""


@dataclass(frozen=True, slots=True)
class Sought(_Told):
    """A call that the B2BUA asks for."""

    replaces: str
    """As RFC 3891 names it."""
    trunk: str
    """Whose account it must be of."""


@dataclass(frozen=True, slots=True)
class Instructed(_Told):
    """A call whose instructions the B2BUA shall ask for. Whom it asks, it reads in the table: a URL may be a
    secret."""

    PARTS: ClassVar = {"placed": Placed}

    placed: Placed
    """Of each call that the instructions ask for; its `parent` is the call itself."""
    account: str
    account_sid: str
    called: str
    """As it was dialled, E.164."""
    caller: str
    """From of calls that the instructions ask for, without a tag."""
    diversion: str = ""
    """Their Diversion; "" = nobody is told who diverts."""


def is_waited_for(seconds: float) -> bool:
    """True while the edge waits for the B2BUA to answer a REFER that it has sealed so long ago.

    Later it may have refused that in the name of a B2BUA that said nothing: the call is its parties' own
    again.
    """
    return seconds <= ANSWER_SECONDS * _IN_TIME


def b2bua_hop(address: str, settings: B2buaSettings | None) -> Hop | None:
    """Where the B2BUA of an edge address listens; None = there is none."""
    return None if settings is None else Hop(address, settings.port, "udp")


def packed(text: str) -> str:
    """Any text as a sealed header can tell it."""
    return base64.urlsafe_b64encode(text.encode("utf-8", "surrogateescape")).decode()


def unpacked(told: str) -> str:
    """The text of `packed`; "" for any other. Total."""
    try:
        return base64.urlsafe_b64decode(told).decode("utf-8", "surrogateescape")
    except (ValueError, binascii.Error):
        return ""


def _fits(value: Any, kind: str) -> bool:
    match kind:
        case "str":
            return isinstance(value, str)
        case "bool":
            return isinstance(value, bool)
        case "int":
            return type(value) is int
        case "tuple[str, ...]":
            return isinstance(value, tuple) and all(isinstance(each, str) for each in value)
        case "tuple[tuple[str, str], ...]":
            return isinstance(value, tuple) and all(_is_pair(each) for each in value)
    return isinstance(value, _Told)


def _is_pair(value: Any) -> bool:
    return isinstance(value, tuple) and len(value) == 2 and all(isinstance(each, str) for each in value)
