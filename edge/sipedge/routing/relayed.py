"""What one edge tells another of a call that leaves from there (S55-S57). Pure.

The edge where the call came in has judged it. The other asks nothing again: it tries the addresses of one
URI, none of which may be an edge's, and passes what comes of it back. So no call passes more than two edges.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import astuple, dataclass
from typing import Any, Final

from sipedge.routing.decision import Direction, Forward, HeaderChanges, Parties, Target
from sipedge.routing.message.messages import SipRequest
from sipedge.routing.stir.verdicts import HEADER as VERSTAT_HEADER
from sipedge.table import ResolvedAddress, SiteRow
from sipedge.uri import parse_uri, without_tag
from sipedge.values import json_writer

GRACE_SECONDS: Final = 30
"""How much longer the edge that a call leaves from would let it last: the one where it came in ends it."""
_TRANSPORTS: Final = (None, "udp", "tcp", "tls")
_VERSTAT: Final = re.compile("[A-Za-z-]{0,64}")
_encode: Final = json_writer(ascii_only=True)


@dataclass(frozen=True, slots=True)
class RelayTarget:
    """Where a relayed call goes, beside its Request-URI."""

    id: str
    """The OriginationUri."""
    transport: str | None
    """As the URI names it (`Target.transport`)."""
    addresses: tuple[ResolvedAddress, ...] = ()
    """What the first edge knows of the host: it counts where the other knows nothing."""
    verstat: str = ""
    """What the call's PASSporTs are worth, by the first edge; "" = nothing is told of them."""
    replaces: str = ""
    """A call of the other edge that this one shall take over (RFC 3891), in place of a target; "" = none."""

    def to_text(self) -> str:
        """One line of JSON; `from_text` gives an equal one."""
        addresses = [astuple(each) for each in self.addresses]
        # An edge of an earlier version knows four values, and has no calls to be taken over.
        sought = (self.replaces,) if self.replaces else ()
        return _encode((self.id, self.transport, addresses, self.verstat, *sought))

    @staticmethod
    def from_text(text: str) -> RelayTarget:
        """Raises ValueError or TypeError for text that no `to_text` wrote."""
        return _target_of(json.loads(text))


@dataclass(frozen=True, slots=True)
class Relayed:
    """What one edge tells another of a call."""

    target: RelayTarget
    trunk: str
    account: str
    account_sid: str
    """"" = the call goes to whom a 302 names, and who that is learns neither this nor `call_sid`."""
    call_sid: str
    """By which the customer, and every record, knows the call."""
    secure: bool
    calling: str
    max_duration_seconds: int


def packed(relayed: Relayed) -> str:
    """In base64url; `unpacked` gives an equal one."""
    target = json.loads(relayed.target.to_text())
    values = (target, *(getattr(relayed, name) for name in _NAMES))
    return base64.urlsafe_b64encode(_encode(values).encode()).decode()


_NAMES: Final = (
    "trunk", "account", "account_sid", "call_sid", "secure", "calling", "max_duration_seconds",
)  # fmt: skip
_TYPES: Final = (str, str, str, str, bool, str, int)


def unpacked(told: str) -> Relayed | None:
    """What another edge has told; None for what an edge of another version says otherwise."""
    try:
        target, *values = json.loads(base64.urlsafe_b64decode(told))
        if [type(each) for each in values] != list(_TYPES):
            return None
        return Relayed(_target_of(target), *values)
    except (ValueError, TypeError, RecursionError):
        return None


def _target_of(plain: Any) -> RelayTarget:
    target, transport, addresses, verstat, *sought = plain
    if not isinstance(target, str) or transport not in _TRANSPORTS:
        raise ValueError("no target")
    if not isinstance(verstat, str) or not _VERSTAT.fullmatch(verstat):
        raise ValueError("no verdict")
    if len(sought) > 1 or not all(isinstance(each, str) for each in sought):
        raise ValueError("no call to take over")
    known = tuple(_address_of(*each) for each in addresses)
    return RelayTarget(target, transport, known, verstat, *sought)


def _address_of(address: object, port: object, transport: object) -> ResolvedAddress:
    if not isinstance(address, str) or type(port) is not int or not 0 < port < 65_536:
        raise ValueError("no address")
    if transport not in _TRANSPORTS[1:]:
        raise ValueError("no transport")
    return ResolvedAddress(address, port, str(transport))


def forward_of(request: SipRequest, relayed: Relayed) -> Forward | None:
    """The call as the edge that it leaves from carries it on; None for a Request-URI that is none.

    From, To and all else are as the first edge wrote them. What it told the customer is told again: no header
    of the platform's own is believed from outside, and the call counts where it came in alone.
    """
    uri = parse_uri(request.request_uri)
    if uri is None:
        return None
    caller, callee = without_tag(request.header("from")), without_tag(request.header("to"))
    target = Target(
        id=relayed.target.id,
        request_uri=request.request_uri,
        host=uri.host,
        port=uri.port,
        transport=relayed.target.transport,
        priority=0,
        weight=1,
        share=1.0,
    )
    return Forward(
        (),
        Direction.ORIGINATION,
        relayed.trunk,
        relayed.account,
        relayed.account_sid or None,
        calling=relayed.calling,
        called=uri.number,
        targets=(target,),
        changes=HeaderChanges(insert=tuple(_told_again(relayed))),
        parties=Parties(caller, caller, callee, callee),
        secure=relayed.secure,
        max_duration_seconds=relayed.max_duration_seconds + GRACE_SECONDS,
    )


def _told_again(relayed: Relayed) -> Iterator[tuple[str, str]]:
    if relayed.target.verstat:
        yield VERSTAT_HEADER, relayed.target.verstat


def leaves_elsewhere(site: SiteRow, target: Target) -> bool:
    """True for a target whose calls leave from another edge than this one (S55)."""
    return bool(target.egress) and site.edge not in target.egress
