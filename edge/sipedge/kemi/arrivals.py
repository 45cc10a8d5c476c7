"""Requests that begin something: where each has come from, by which proof; its decision is carried out."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sipedge.instance import InstanceSettings
from sipedge.kemi import brakes, events, memory, new_calls, readiness, writer
from sipedge.kemi.authentication import digest_check
from sipedge.kemi.b2bua import B2buaGate
from sipedge.kemi.calls import CallRoom
from sipedge.kemi.journal import guarded, note_refusal
from sipedge.kemi.ksr import KSR
from sipedge.kemi.reader import Received, cseq_at_hand
from sipedge.routing.arrivals import Proven, route_arrival
from sipedge.routing.authenticate import with_user
from sipedge.routing.decision import Challenge, Decision, Drop, Forward, Reject, Reply
from sipedge.routing.handover import HEADER, Adopted, Placed, Sought
from sipedge.routing.lookups import Lookups
from sipedge.routing.message.messages import SipRequest
from sipedge.routing.relayed import Relayed
from sipedge.routing.sealed import Proof
from sipedge.routing.siblings import RELAY_HEADER, RelayKeeper
from sipedge.table import Table
from sipedge.values import replace

_DRAINING: Final = "drain"
_RELAY_HEADER: Final = RELAY_HEADER.lower()
_PROVING: Final = frozenset({_RELAY_HEADER, HEADER.lower()})
_RELAYS: Final = "relays"
"""The htable of relay headers that were used, by their MACs."""
_DICE: Final = secrets.SystemRandom()
"""Draws from the kernel: workers that are forks of one process must not draw alike."""


@dataclass(frozen=True, slots=True)
class Arrivals:
    """What initial requests are received with."""

    settings: InstanceSettings
    relays: RelayKeeper
    b2bua: B2buaGate
    room: Callable[[Table], CallRoom]

    def begin(self, table: Table, received: Received) -> None:
        """A request without a To-tag."""
        site = table.site()
        realm = site.realm if site else ""
        request = with_user(received, realm)
        if memory.is_begun():
            request = replace(request, merged=True)
        if readiness.is_probe(self.settings, request):
            readiness.answer(table.sequence if site else None)
            return
        proven = self._proven(received)
        if isinstance(proven, Sought):
            self._find(table, proven)
            return
        decision = self._decide(table, request, proven, realm)
        if isinstance(decision, Lookups):
            placed = proven if isinstance(proven, Placed) else None
            if new_calls.wait_for(self.room(table), decision, received, placed):
                return
            decision = self._decide(table, request, proven, realm, looked_up=True)
        if proven is None and not isinstance(decision, Forward):
            # Before the answer: the next request may be there before another line of this is run.
            brakes.note_decision(decision, realm)
        self._carry_out(table, received, request, proven, decision)

    def go_on(self, table: Table, received: Received) -> None:
        """An INVITE that has waited for a look-up."""
        events.waits_no_more()
        realm = site.realm if (site := table.site()) else ""
        request, placed = with_user(received, realm), self.b2bua.placed(received)
        decision = self._decide(table, request, placed, realm, looked_up=True)
        self._carry_out(table, received, request, placed, decision, has_waited=True)

    def _proven(self, received: Received) -> Proven | Sought:
        """What another edge, or the edge's own B2BUA, says by it, with proof."""
        if _PROVING.isdisjoint(received.headers):
            return None
        return self._relayed(received) or self.b2bua.placed(received) or self.b2bua.sought(received)

    def _relayed(self, received: Received) -> Relayed | None:
        """What another edge tells of an INVITE that it hands over; None without proof that it does.

        A proof that was used is none: its INVITE is then a stranger's.
        """
        values = received.headers.get(_RELAY_HEADER)
        if values is None or received.method != "INVITE":
            return None
        for address in self.settings.own_addresses:
            proof = Proof(address, received.call_id, cseq_at_hand(), received.request_uri)
            found = self.relays.read(values[0], proof, time.time())
            if found is not None and KSR.htable.sht_inc(_RELAYS, found[1]) == 1:
                return found[0]
        return None

    def _find(self, table: Table, sought: Sought) -> None:
        found = self.b2bua.find(table, sought)
        if isinstance(found, Adopted):
            writer.reply(200, "OK", ((HEADER, found.to_text()),))
        else:
            writer.reply(found, "Not Found")

    def _decide(
        self, table: Table, request: SipRequest, proven: Proven, realm: str, *, looked_up: bool = False
    ) -> Decision | Lookups:
        return route_arrival(
            table,
            request,
            proven,
            digest=digest_check(request, realm),
            dice=_DICE.random,
            draining=KSR.htable.sht_gete("ctl", _DRAINING) == 1,
            looked_up=looked_up,
            has_b2bua=isinstance(proven, Relayed) and self.b2bua.working_way() is not None,
        )

    def _carry_out(
        self,
        table: Table,
        received: Received,
        request: SipRequest,
        proven: Proven,
        decision: Decision | Lookups,
        *,
        has_waited: bool = False,
    ) -> None:
        match decision:
            case Forward():
                new_calls.start_call(
                    self.room(table), received, request, decision, proven, has_waited=has_waited
                )
            case Drop():
                note_refusal(decision, decision.reason)
            case Reject():
                room, placed = self.room(table), proven if isinstance(proven, Placed) else None
                guarded("call event", lambda: room.tell_refused(request, decision, decision.reason, placed))
                writer.reject(decision, decision.reason, decision.headers)
            case Challenge():
                writer.challenge(decision)
            case Reply():
                writer.reply(decision.status, decision.text)
