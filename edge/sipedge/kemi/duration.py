"""The longest duration of a call (S11), at which both sides get a BYE; how the edge's own requests leave."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Final

from sipedge.instance import InstanceSettings
from sipedge.kemi import memory, writer
from sipedge.kemi.journal import say
from sipedge.kemi.ksr import KSR
from sipedge.kemi.reader import text
from sipedge.routing.dialog.ending import (
    OwnRequest,
    Party,
    Way,
    callee_address,
    caller_address,
    end_call_bye,
)
from sipedge.routing.dialog.memory import CallFacts, SideMemory
from sipedge.routing.dialog.sides import Surroundings, next_hop
from sipedge.routing.handover import b2bua_hop
from sipedge.routing.message.headers import header_line
from sipedge.table import Table
from sipedge.values import replace

_TICK_SECONDS: Final = 1
"""How exactly Kamailio keeps a dialog's time."""


def has_run_out() -> bool:
    """True if the dialog that has just ended did so without a BYE: by Kamailio's clock.

    Kamailio's own flag for it says nothing, it shares its bit with another; and a Call-ID is the caller's
    choice, so it may be that of the message that Kamailio makes up for this event.
    """
    return text("$rm") != "BYE"


def reached_limit() -> bool:
    """True if the dialog that has run out was up for as long as it may be; else it was never acknowledged."""
    facts, begun = memory.facts(), int(dialog_text("start_ts") or 0)
    return facts is not None and time.time() - begun >= facts.max_duration_seconds - _TICK_SECONDS


def end_call(settings: InstanceSettings, table: Table) -> None:
    """Tell both sides of the dialog that has just ended that it has.

    The dialog module's own BYEs would go where Contact and Record-Route say, names among them.
    """
    call_id, facts = dialog_text("callid"), memory.facts()
    sides = {"caller": memory.caller(), "callee": memory.callee_with(dialog_text("to_tag"))}
    for name, side in sides.items():
        is_caller = name == "caller"
        to = None if side is None else addressee(settings, table, facts, side, to_caller=is_caller)
        # The B2BUA, which stands between the two, ends whatever it has connected them with.
        hop = b2bua_hop(settings.address, settings.b2bua) if memory.has_left(caller=is_caller) else None
        if to is not None and hop is not None:
            to = replace(to, way=replace(to.way, hop=hop))
        bye = None if to is None else end_call_bye(call_id, to.receiver, to.other, to.way)
        if bye is None or not is_sent(settings, table, bye):
            say(f"a BYE could not be sent side={name} call_id={call_id!r}")
    if reason := memory.ended_by():
        say(f"ended reason={reason} call_id={call_id!r}")
    elif facts is not None and reached_limit():
        seconds = facts.max_duration_seconds
        say(f"ended error=32015 reason=DurationReached rule='S11' seconds={seconds} call_id={call_id!r}")
    else:
        say(f"ended reason=NeverAcknowledged call_id={call_id!r}")


@dataclass(frozen=True, slots=True)
class Addressee:
    """Who a request of the edge's own in the current dialog is for, and for whom it speaks."""

    receiver: Party
    other: Party
    way: Way


def addressee(
    settings: InstanceSettings, table: Table, facts: CallFacts | None, side: SideMemory, *, to_caller: bool
) -> Addressee | None:
    """None if there is no place where the side may be sent anything."""
    around = Surroundings(table, settings.own_addresses, side.kind, facts, secure=False)
    hop = next_hop(around, side, connected=is_alive(side.connection))
    if hop is None:
        return None
    caller = _party("from", caller_address(facts, dialog_text("from_uri"), to_caller=to_caller), True)
    callee = _party("to", callee_address(facts, dialog_text("to_uri"), to_caller=to_caller), False)
    receiver, other = (caller, callee) if to_caller else (callee, caller)
    return Addressee(receiver, other, Way(hop, settings.own_addresses))


def _party(name: str, address: str, by_caller: bool) -> Party:
    return Party(
        address=address,
        tag=dialog_text(f"{name}_tag"),
        contact=dialog_text(f"{name}_contact"),
        routes=dialog_text(f"{name}_rs"),
        cseq=dialog_text(f"{name}_cseq"),
        cseq_shift=memory.shift_of(by_caller),
    )


def is_alive(connection: int | None) -> bool:
    """True if the connection with this number is still up."""
    return connection is not None and KSR.tcpops.tcp_conid_alive(connection) > 0


def dialog_text(name: str) -> str:
    """An attribute of the current dialog, such as `callid`, by Kamailio's `$dlg(name)`."""
    return text(f"$dlg({name})")


def is_sent(
    settings: InstanceSettings, table: Table, request: OwnRequest, server_name: str | None = None
) -> bool:
    """Send it. True if it has left; whatever is answered is for kamailio.cfg."""
    writer.choose_tls(table, request.hop, server_name)
    # The RPC `tm.t_uac_start` would add a tag of its own beside ours.
    sent = KSR.tm.t_uac_send(
        request.method,
        request.request_uri,
        request.hop.uri,
        settings.sockets[request.hop.transport],
        "".join(header_line(name, value) for name, value in request.headers) + "\r\n",
        "",
    )
    # It is of this process, which sends to others as well.
    writer.forget_tls()
    return sent > 0
