"""The way to the edge's own B2BUA and back: what is sealed, who has proof. What is handed over is decided
elsewhere."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import Final

from sipedge.b2bua_pulse import is_working
from sipedge.b2bua_settings import journal_file, journal_of
from sipedge.instance import InstanceSettings
from sipedge.kemi import media, memory, writer
from sipedge.kemi.ksr import KSR
from sipedge.kemi.reader import Received, cseq_at_hand, text
from sipedge.routing.attempts import Attempt
from sipedge.routing.dialog.adoption import DialogNumbers, adopted, instructed, why_not_found
from sipedge.routing.dialog.decisions import HandOver
from sipedge.routing.dialog.hops import Hop
from sipedge.routing.dialog.memory import ADOPTED, CallFacts, CallMemory
from sipedge.routing.dialog.new_call import token_again
from sipedge.routing.dialog.pending import Invite
from sipedge.routing.dialog.refer import Referral, read_replaces
from sipedge.routing.dialog.tokens import TokenKeeper
from sipedge.routing.handover import (
    ANSWER_SECONDS,
    FIND,
    HEADER,
    LONGEST,
    PLACE,
    SPEAK,
    UNKNOWN,
    Adopted,
    Placed,
    Sought,
    Spoken,
)
from sipedge.routing.message.headers import header_line
from sipedge.routing.sealed import Proof, Seal
from sipedge.routing.to_b2bua import WayToB2bua
from sipedge.table import Table
from sipedge.uri import split_header
from sipedge.values import replace

FAILURE_ROUTE: Final = "ksr_failure_hand_over"
_HEADER: Final = HEADER.lower()
_ADOPTS_AVP: Final = "$avp(adopts)"
"""Of a REFER by which a call is adopted: if it is refused, `failure_route[ksr_failure_hand_over]` takes that
back."""
_CSEQ_DIGITS: Final = 10
_ANSWER_MILLISECONDS: Final = int(ANSWER_SECONDS * 1000)
"""It is a process beside this one: one that says nothing for so long is dead, or hangs."""
_BYE_MILLISECONDS: Final = 25_000
"""A BYE waits for the next one, which has the call from its journal: it ended the proxy's own dialog, and
nobody else would tell the other side."""


@dataclass(frozen=True, slots=True)
class B2buaGate:
    """What passes between this edge address and its B2BUA."""

    settings: InstanceSettings
    seal: Seal
    """Of the platform; the purpose differs."""
    tokens: TokenKeeper
    way: WayToB2bua | None
    """None = this edge address has no B2BUA."""

    def working_way(self) -> WayToB2bua | None:
        """`way` where a call is handed over; None where nobody would take it: there is no B2BUA, or it does
        not work."""
        settings = self.settings.b2bua
        if settings is None or not is_working(self.settings.directory, settings.hang_seconds):
            return None
        return self.way

    def marked(self, known: CallMemory, call_id: str) -> CallMemory:
        """A call that the B2BUA has is known for that after a restart of Kamailio, too: by its journal."""
        if known.facts is not None or known.is_b2buas or self.settings.b2bua is None:
            return known
        file = journal_file(journal_of(self.settings.directory), call_id)
        return replace(known, mark=ADOPTED[True]) if os.path.exists(file) else known

    def spoken(self, received: Received) -> Spoken | None:
        """How the B2BUA speaks by this request; None without proof that it does."""
        told = self._read(received, SPEAK)
        return Spoken(told) if told in tuple(Spoken) else None

    def placed(self, received: Received) -> Placed | None:
        """The call of the B2BUA's own that this INVITE begins; None without proof that it is one."""
        told = self._read(received, PLACE) if received.method == "INVITE" else None
        return None if told is None else Placed.from_text(told)

    def _read(self, received: Received, purpose: str) -> str | None:
        values = received.headers.get(_HEADER)
        if values is None:
            return None
        cseq, seal = cseq_at_hand(), replace(self.seal, purpose=purpose)
        for address in self.settings.own_addresses:
            proof = Proof(address, received.call_id, cseq, received.request_uri)
            found = seal.read(values[0], proof, time.time(), longest=LONGEST)
            if found is not None:
                return found.told
        return None

    def adopt(
        self, table: Table, received: Received, known: CallMemory, decision: HandOver, *, by_caller: bool
    ) -> bool:
        """Write into a REFER what the B2BUA must know of its call; False if that cannot be told."""
        facts, site, way = known.facts, table.site(), self.working_way()
        trunk = table.trunk(facts.trunk) if facts is not None else None
        if facts is None or site is None or trunk is None or decision.referral is None or way is None:
            return False
        if not _find_dialog(received.call_id, received.from_tag, received.to_tag):
            return False
        cseq = int(text("$cs"))
        caller, callee = _numbers()
        told = adopted(
            site,
            trunk,
            memory.with_sdps(known),
            facts,
            decision.referral,
            call_id=received.call_id,
            route=split_header(received.headers["route"][0])[0],
            by_caller=by_caller,
            caller=replace(caller, cseq=cseq) if by_caller else caller,
            callee=callee if by_caller else replace(callee, cseq=cseq),
        )
        if not told.far.sdp:
            return False  # nothing to offer the target: it was too long to be remembered, or there is none
        value = way.adoption(told, received.call_id, cseq, time.time())
        KSR.hdr.append(header_line(HEADER, value))
        if not known.is_adopted:
            # Of one that it has already another side may have left.
            KSR.pv.sets(_ADOPTS_AVP, "1")
            memory.note_adopted(by_caller=by_caller)
        # Asked last: a BYE that meets this REFER in another process finds it adopted, or is found here.
        return not media.is_over()

    def sought(self, received: Received) -> Sought | None:
        """What call the B2BUA asks for by this OPTIONS; None without proof that it does."""
        told = self._read(received, FIND) if received.method == "OPTIONS" else None
        return None if told is None else Sought.from_text(told)

    def find(self, table: Table, sought: Sought) -> Adopted | int:
        """The call of this edge address that is sought, which the B2BUA has from now on; or `UNKNOWN`, or
        `TAKEN`.

        The side of Replaces' `from-tag` is the one that goes.
        """
        replaces = read_replaces(sought.replaces)
        if replaces is None or not _find_dialog(replaces.call_id, replaces.from_tag, replaces.to_tag):
            return UNKNOWN
        caller, callee = _numbers()
        found, site = memory.found(callee.tag, time.time()), table.site()
        trunk = table.trunk(sought.trunk)
        if site is None or trunk is None:
            return UNKNOWN
        why_not = why_not_found(trunk, found)
        if why_not is not None or found is None or found.facts is None:
            return why_not or UNKNOWN
        by_caller = replaces.from_tag == caller.tag
        parameter = self.tokens.route_parameter(replaces.call_id, caller.tag, token_again(found))
        memory.note_adopted(by_caller=by_caller)
        return adopted(
            site,
            trunk,
            memory.with_sdps(found),
            found.facts,
            Referral(""),
            call_id=replaces.call_id,
            route=f"<{self.settings.record_route_uri}{parameter}>",
            by_caller=by_caller,
            caller=caller,
            callee=callee,
        )

    def instructed(self, table: Table, facts: CallFacts, invite: Invite) -> Attempt | None:
        """The last attempt of a call that no target took. None without a B2BUA."""
        way, site = self.working_way(), table.site()
        if way is None or site is None:
            return None
        return way.instructions(instructed(site, facts), invite.call_id, invite.cseq, time.time())

    def aim(self, table: Table, hop: Hop, method: str) -> None:
        """The request at hand goes to the B2BUA."""
        KSR.seturi(hop.uri)
        writer.send_to(self.settings, table, hop)
        KSR.tm.t_set_fr(0, _BYE_MILLISECONDS if method == "BYE" else _ANSWER_MILLISECONDS)
        KSR.tm.t_on_failure(FAILURE_ROUTE)


def without_own_route(received: Received) -> None:
    """Take our own Route out, which is the first, and leave those of the side's proxies."""
    members = [each for value in received.headers.get("route", ()) for each in split_header(value)]
    KSR.hdr.remove("Route")
    for member in members[1:]:
        KSR.hdr.append(header_line("Route", member))


def _find_dialog(call_id: str, one_tag: str, other_tag: str) -> bool:
    """Make a dialog the current one, without counting a request in it."""
    return (
        KSR.dialog.dlg_get(call_id, one_tag, other_tag) > 0
        or KSR.dialog.dlg_get(call_id, other_tag, one_tag) > 0
    )


def _numbers() -> tuple[DialogNumbers, DialogNumbers]:
    """Caller's and callee's, of the current dialog."""
    return (
        DialogNumbers(text("$dlg(from_tag)"), _number("$dlg(from_cseq)"), text("$dlg(from_rs)")),
        DialogNumbers(text("$dlg(to_tag)"), _number("$dlg(to_cseq)"), text("$dlg(to_rs)")),
    )


def _number(variable: str) -> int:
    value = text(variable)
    return int(value) if value.isascii() and value.isdecimal() and len(value) <= _CSEQ_DIGITS else 0
