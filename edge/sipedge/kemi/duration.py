"""The longest duration of a call (S11): when it is reached, both sides get a BYE."""

from __future__ import annotations

import json
import time
from typing import Final

from sipedge.instance import InstanceSettings
from sipedge.kemi import writer
from sipedge.kemi.journal import say
from sipedge.kemi.ksr import KSR
from sipedge.kemi.reader import text
from sipedge.kemi.sides import CALLEE, CALLER, dialog_text, peer_side, sighting
from sipedge.routing.ending import OwnRequest, Party, end_call_bye
from sipedge.routing.headers import header_line
from sipedge.routing.hops import next_hop
from sipedge.routing.tokens import TOKEN_PARAMETER
from sipedge.table import SiteRow

_LIMIT_VARIABLE: Final = "limit"
"""Variable of the dialog: how many seconds the call may last."""
_TICK_SECONDS: Final = 1
"""How exactly Kamailio keeps a dialog's time."""
_RESULT: Final = "$jsonrpl(code)"
_SENT: Final = "200"


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


def end_call(settings: InstanceSettings, site: SiteRow | None) -> None:
    """Tell both sides of the dialog that has just ended that it has.

    The dialog module's own BYEs would go where Contact and Record-Route say, names among them.
    """
    call_id = dialog_text("callid")
    caller, callee = _party("from"), _party("to")
    for side, receiver, other in ((CALLER, caller, callee), (CALLEE, callee, caller)):
        hop = next_hop(
            site, peer_side(sighting(side), None), receiver.contact, writer.own_addresses(settings)
        )
        told = hop is not None and _is_sent(
            settings, end_call_bye(call_id, receiver, other, hop, TOKEN_PARAMETER)
        )
        if not told:
            say(f"a BYE could not be sent side={side} call_id={call_id!r}")
    if reached_limit():
        seconds = KSR.dialog.var_gete(_LIMIT_VARIABLE)
        say(f"ended error=32015 reason=DurationReached rule='S11' seconds={seconds} call_id={call_id!r}")
    else:
        say(f"ended reason=NeverAcknowledged call_id={call_id!r}")


def _party(name: str) -> Party:
    return Party(
        uri=dialog_text(f"{name}_uri"),
        tag=dialog_text(f"{name}_tag"),
        contact=dialog_text(f"{name}_contact"),
        routes=dialog_text(f"{name}_rs"),
        cseq=dialog_text(f"{name}_cseq"),
    )


def _is_sent(settings: InstanceSettings, request: OwnRequest) -> bool:
    call = {
        "jsonrpc": "2.0",
        "id": 1,
        "method": "tm.t_uac_start",
        "params": [
            request.method,
            request.request_uri,
            request.hop.uri,
            writer.own_socket(settings, request.hop.transport),
            "".join(header_line(name, value) for name, value in request.headers) + "\r\n",
        ],
    }
    return KSR.jsonrpcs.exec(json.dumps(call)) > 0 and text(_RESULT) == _SENT
