"""Where the two sides of a call were last seen, in variables of its dialog; a restart forgets them.

What a restart must not forget is in the dialog token (`sipedge.routing.tokens`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sipedge.kemi.ksr import KSR
from sipedge.kemi.reader import text
from sipedge.routing.hops import Hop, PeerSide, hop_from_text

CALLER: Final = "caller"
CALLEE: Final = "callee"


@dataclass(frozen=True, slots=True)
class Sighting:
    """What the current dialog's variable says of one side."""

    signed: Hop | None = None
    """Where the INVITE came from or went to."""
    last: Hop | None = None
    """Where the side was seen last."""
    connection: int | None = None
    """The connection by which its last message came; None over UDP."""


def note_side(side: str, signed: Hop, last: Hop, connection: int | None) -> None:
    """Keep where a side (`CALLER` or `CALLEE`) of the current dialog was seen."""
    seen = f"{signed.to_text()} {last.to_text()} {connection or ''}"
    if KSR.dialog.var_gete(side) != seen:
        KSR.dialog.var_sets(side, seen)


def sighting(side: str) -> Sighting:
    """Where a side of the current dialog was seen; nothing if Kamailio does not know the dialog."""
    parts = KSR.dialog.var_gete(side).split(" ")
    if len(parts) != 3:
        return Sighting()
    connection = int(parts[2]) if parts[2].isdecimal() else None
    return Sighting(hop_from_text(parts[0]), hop_from_text(parts[1]), connection)


def peer_side(seen: Sighting, signed: Hop | None) -> PeerSide:
    """A side as the rules of hops ask for it; `signed` is what its token says, if there is one."""
    connection = seen.connection
    alive = connection is not None and KSR.tcpops.tcp_conid_alive(connection) > 0
    return PeerSide(signed or seen.signed, seen.last, connected=alive)


def dialog_text(name: str) -> str:
    """An attribute of the current dialog, such as `callid`, by Kamailio's `$dlg(name)`."""
    return text(f"$dlg({name})")
