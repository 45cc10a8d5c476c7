"""The longest duration of a call (S11): when it is reached, both sides get a BYE."""

from __future__ import annotations

import time
from typing import Final

from sipedge.instance import InstanceSettings, own_socket
from sipedge.kemi import memory, writer
from sipedge.kemi.journal import say
from sipedge.kemi.ksr import KSR
from sipedge.kemi.reader import text
from sipedge.routing.ending import OwnRequest, Party, callee_address, caller_address, end_call_bye
from sipedge.routing.headers import header_line
from sipedge.routing.memory import CallFacts, SideMemory
from sipedge.routing.sides import Surroundings, next_hop
from sipedge.routing.tokens import TOKEN_PARAMETER
from sipedge.table import Table

_LIMIT_VARIABLE: Final = "limit"
"""Variable of the dialog: how many seconds the call may last."""
_TICK_SECONDS: Final = 1
"""How exactly Kamailio keeps a dialog's time."""


def limit_duration(seconds: int) -> None:
    """Have Kamailio end this request's dialog after so many seconds."""
    KSR.dialog.dlg_set_timeout(seconds)
    KSR.dialog.var_sets(_LIMIT_VARIABLE, str(seconds))


def has_run_out() -> bool:
    """True if the dialog that has just ended did so without a BYE: by Kamailio's clock.

    Kamailio's own flag for it says nothing, it shares its bit with another; and a Call-ID is the caller's
    choice, so it may be that of the message that Kamailio makes up for this event.
    """
    return text("$rm") != "BYE"


def reached_limit() -> bool:
    """True if the dialog that has run out was up for as long as it may be; else it was never acknowledged."""
    seconds, begun = KSR.dialog.var_gete(_LIMIT_VARIABLE), int(dialog_text("start_ts") or 0)
    return bool(seconds) and time.time() - begun >= int(seconds) - _TICK_SECONDS


def end_call(settings: InstanceSettings, table: Table) -> None:
    """Tell both sides of the dialog that has just ended that it has.

    The dialog module's own BYEs would go where Contact and Record-Route say, names among them.
    """
    call_id, facts = dialog_text("callid"), memory.facts()
    sides = {"caller": memory.caller(), "callee": memory.callee_with(dialog_text("to_tag"))}
    for name, side in sides.items():
        bye = None if side is None else _bye(settings, table, facts, side, to_caller=name == "caller")
        if bye is None or not _is_sent(settings, bye):
            say(f"a BYE could not be sent side={name} call_id={call_id!r}")
    if reason := memory.ended_by():
        say(f"ended reason={reason} call_id={call_id!r}")
    elif reached_limit():
        seconds = KSR.dialog.var_gete(_LIMIT_VARIABLE)
        say(f"ended error=32015 reason=DurationReached rule='S11' seconds={seconds} call_id={call_id!r}")
    else:
        say(f"ended reason=NeverAcknowledged call_id={call_id!r}")


def _bye(
    settings: InstanceSettings, table: Table, facts: CallFacts | None, side: SideMemory, *, to_caller: bool
) -> OwnRequest | None:
    around = Surroundings(table, writer.own_addresses(settings), side.kind, facts, secure=False)
    hop = next_hop(around, side, connected=is_alive(side.connection))
    if hop is None:
        return None
    caller = _party("from", caller_address(facts, dialog_text("from_uri"), to_caller=to_caller), True)
    callee = _party("to", callee_address(facts, dialog_text("to_uri"), to_caller=to_caller), False)
    receiver, other = (caller, callee) if to_caller else (callee, caller)
    return end_call_bye(dialog_text("callid"), receiver, other, hop, TOKEN_PARAMETER)


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


def _is_sent(settings: InstanceSettings, request: OwnRequest) -> bool:
    # The RPC `tm.t_uac_start` would add a tag of its own beside ours.
    sent = KSR.tm.t_uac_send(
        request.method,
        request.request_uri,
        request.hop.uri,
        own_socket(settings, request.hop.transport),
        "".join(header_line(name, value) for name, value in request.headers) + "\r\n",
        "",
    )
    return sent > 0
