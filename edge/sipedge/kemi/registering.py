"""Sends a REGISTER of the agent's where it says, if it can prove that it is the agent
(`sipedge.registrations`)."""

from __future__ import annotations

import time
from typing import Final

from sipedge.instance import InstanceSettings, read_edge_secret
from sipedge.kemi import writer
from sipedge.kemi.ksr import KSR
from sipedge.kemi.reader import text
from sipedge.registrations.errand import HEADER, ErrandKeeper
from sipedge.table import Table

_CSEQ_DIGITS: Final = 10


def send_register(settings: InstanceSettings, table: Table) -> None:
    """The request at hand, which has the edge's own address for its source; without proof it gets silence."""
    said = text("$cs")
    cseq = int(said) if len(said) <= _CSEQ_DIGITS and said.isdecimal() else 0
    keeper = ErrandKeeper(read_edge_secret(settings.edge_secret_file))
    errand = keeper.read(text(f"$hdr({HEADER})"), text("$ci"), cseq, time.time())
    if errand is None:
        return
    KSR.hdr.remove(HEADER)
    KSR.force_rport()
    writer.send_to(settings, table, errand.hop, errand.server_name or None)
    # What cannot be sent is answered by tm: the agent hears of it.
    KSR.tm.t_relay()
