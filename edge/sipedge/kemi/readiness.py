"""The agent's question whether Kamailio serves: an OPTIONS from the edge's own address."""

from __future__ import annotations

from typing import Final

from sipedge.instance import InstanceSettings
from sipedge.kemi import writer
from sipedge.kemi.reader import text
from sipedge.routing.message.messages import SipRequest
from sipedge.routing.reasons import Reason

_USER: Final = "ready"


def is_probe(settings: InstanceSettings, request: SipRequest) -> bool:
    """True for that question."""
    return (
        request.method == "OPTIONS"
        and request.source == settings.address
        and text("$rU") == _USER
        and text("$rd") == settings.address
    )


def answer(sequence: int | None) -> None:
    """By the revision that is served; None: there is none."""
    if sequence is None:
        writer.refuse(Reason.NoTable)
    else:
        writer.reply(200, "OK", (("X-Trunkline-Revision", str(sequence)),))
