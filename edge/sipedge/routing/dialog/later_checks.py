"""What a request in a dialog is asked before it goes on, in order. Pure."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from sipedge.routing import access
from sipedge.routing.authenticate import DigestCheck
from sipedge.routing.dialog.later_media import PASSES_AS_IT_IS, LaterMedia, media_of_request
from sipedge.routing.dialog.memory import CallMemory, SideKind, SideMemory
from sipedge.routing.dialog.refer import DISABLED, Referral, judge_referral, read_referral
from sipedge.routing.dialog.sides import Surroundings, speaks_for
from sipedge.routing.findings import Check, Finding, failed, passed, skipped
from sipedge.routing.handover import APART, Spoken
from sipedge.routing.message import headers, wellformed
from sipedge.routing.message.messages import SipRequest
from sipedge.routing.reasons import Reason
from sipedge.table import Table, TrunkRow
from sipedge.values import quickly_made, replace

METHODS: Final = frozenset({"INVITE", "ACK", "BYE", "PRACK", "UPDATE", "INFO", "NOTIFY", "OPTIONS"})
"""What passes in a dialog."""
MOST_REQUESTS: Final = 100
"""Requests of one dialog in `SPAN_SECONDS`."""
SPAN_SECONDS: Final = 10


@quickly_made
@dataclass(frozen=True)
class LaterRequest:
    """A request in a dialog, and what it is judged by."""

    table: Table
    request: SipRequest
    memory: CallMemory
    by_caller: bool
    digest: DigestCheck
    requests_lately: int
    """Of this dialog in the last `SPAN_SECONDS`, this one among them."""
    own_addresses: tuple[str, ...]
    is_alive: Callable[[int], bool]
    """Is the connection with this number still up?"""
    spoken: Spoken | None = None
    """How the edge's own B2BUA speaks by it for the side whose tag it has, with proof; None = it is that
    side's own."""

    @property
    def by_b2bua(self) -> bool:
        return self.spoken is not None

    @property
    def sender(self) -> SideMemory:
        return self.memory.side(caller=self.by_caller)

    @property
    def receiver(self) -> SideMemory:
        return self.memory.side(caller=not self.by_caller)

    @cached_property
    def media(self) -> LaterMedia:
        if self.spoken in APART:
            return PASSES_AS_IT_IS
        return media_of_request(self.table, self.memory, self.request, by_caller=self.by_caller)

    @property
    def trunk(self) -> TrunkRow | None:
        facts = self.memory.facts
        return None if facts is None else self.table.trunk(facts.trunk)

    @property
    def referral(self) -> Referral | str:
        """Whom the request asks to call, if it is a REFER."""
        site, trunk = self.table.site(), self.trunk
        if site is None:
            return read_referral(self.request, ())
        domain = trunk.domain if trunk is not None else None
        names = () if domain is None else tuple(f"{domain}.{each}" for each in site.suffixes)
        return read_referral(self.request, (site.base_domain, *names))

    def around(self, side: SideMemory) -> Surroundings:
        return around(self.table, self.own_addresses, self.memory, side)


def around(
    table: Table, own_addresses: tuple[str, ...], memory: CallMemory, side: SideMemory
) -> Surroundings:
    return Surroundings(table, own_addresses, side.kind, memory.facts, secure=memory.secure is True)


def _in_rate(later: LaterRequest) -> Finding:
    if later.requests_lately > MOST_REQUESTS:
        return failed(Reason.DialogRateExceeded, f"{later.requests_lately} requests in {SPAN_SECONDS} s")
    return passed(f"{later.requests_lately} in {SPAN_SECONDS} s")


def _sender_known(later: LaterRequest) -> Finding:
    """From the side's own address or networks; from elsewhere only with the trunk's digest."""
    source = later.request.source
    if later.by_b2bua:
        return passed("the edge's own B2BUA")
    if speaks_for(later.around(later.sender), later.sender, source):
        return passed(source)
    facts = later.memory.facts
    trunk = later.table.trunk(facts.trunk) if facts is not None else None
    lists = trunk.credential_lists if trunk is not None else None
    elsewhere = f"{source} is no address of this side"
    if later.sender.kind is not SideKind.CUSTOMER or lists is None or later.request.method == "ACK":
        return failed(Reason.NoDialog, elsewhere)
    finding = access.judge_digest(later.table, lists, later.request, later.digest)
    return replace(finding, detail=f"{elsewhere}; {finding.detail}")


def _method_served(later: LaterRequest) -> Finding:
    if later.request.method == "REFER":
        return _may_transfer(later)
    if later.request.method not in METHODS:
        return failed(Reason.MethodNotAllowed, f"{later.request.method} is not served")
    return passed(later.request.method)


def _may_transfer(later: LaterRequest) -> Finding:
    if later.sender.kind is not SideKind.CUSTOMER:
        return failed(Reason.TransferNotAllowed, "it is the customer alone who transfers a call")
    row = later.trunk.transfer if later.trunk is not None else None
    if later.memory.facts is None:
        return failed(Reason.TransferNotAllowed, "a call from before a restart of the edge")
    if later.memory.facts.emergency:
        return failed(Reason.TransferNotAllowed, "an emergency call is transferred to nobody")
    return judge_referral(later.referral, row.mode if row is not None else DISABLED)


def _well_formed(later: LaterRequest) -> Finding:
    return wellformed.fault_of(later.request)


def _extensions_known(later: LaterRequest) -> Finding:
    return headers.extension_fault(later.request)


def _body_carried(later: LaterRequest) -> Finding:
    return headers.body_fault(later.request, emergency=False)


def _transport_secure(later: LaterRequest) -> Finding:
    """S20: of a secure trunk's customer every message comes over TLS."""
    if later.memory.secure is not True or later.sender.kind is not SideKind.CUSTOMER or later.by_b2bua:
        return skipped("the trunk is not secure, or the other side has sent it")
    if later.request.transport != "tls":
        return failed(Reason.TransportNotSecure, f"it came over {later.request.transport}")
    return passed("TLS")


def _media_allowed(later: LaterRequest) -> Finding:
    return later.media.finding


STAGES: Final = (
    Check("rate", _in_rate, "-"),
    Check("sender", _sender_known, "RFC 3261 12.2.2"),
    Check("well-formed", _well_formed, "RFC 3261 8.1.1"),
    Check("method", _method_served, "S90"),
    Check("secure transport", _transport_secure, "S20"),
    Check("extensions", _extensions_known, "RFC 3261 8.2.2.3"),
)
BODY_STAGES: Final = (
    Check("body", _body_carried, "RFC 3261 8.2.3"),
    Check("media", _media_allowed, "S20"),
)
"""An ACK or BYE that fails here cannot be refused: it goes on without what it carries."""
