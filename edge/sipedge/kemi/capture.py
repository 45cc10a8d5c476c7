"""Copies of messages to the agent, while it asks for them: siptrace calls, nothing here waits.

What may leave the edge is judged by the agent (`sipedge.capture`), not on a call's way.
"""

from __future__ import annotations

import time
from typing import Final

from sipedge.capture.frame import frame
from sipedge.kemi.journal import count
from sipedge.kemi.reader import bytes_of, text
from sipedge.packets import PacketSender

LOST: Final = "capture|lost"
"""The counter of copies that did not reach the agent."""


def copy_message(agent: PacketSender) -> None:
    """Give the agent the message that siptrace has at hand. What finds no room, or nobody, is counted."""
    now = time.time()
    packet = frame(now, text("$siptrace(src_addr)"), text("$siptrace(dst_addr)"), bytes_of("$mb"))
    if not agent.send(packet, now):
        count(LOST)
