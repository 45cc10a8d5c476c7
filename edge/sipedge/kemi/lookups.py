"""Calls that wait for something to be looked up: suspended here, asked of the agent, continued by it.

Nothing here waits. An agent that is not there, or has too much to do, has found nothing. Should no answer
come in time, the transaction's own timer continues the call.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Final

from sipedge.instance import InstanceSettings
from sipedge.kemi.journal import count
from sipedge.kemi.ksr import KSR
from sipedge.kemi.reader import Received, text
from sipedge.routing.failover import Failure
from sipedge.routing.lookups import Lookups

_WAITING_AVP: Final = "$avp(waiting)"
_FAILURE: Final = "failure"
_INVITE: Final = "invite"
_UNASKED: Final = "lookups|unasked"
"""The counter of calls for which the agent could not be asked."""


def suspend(
    settings: InstanceSettings,
    asked: Lookups,
    waiting: Failure | Received,
    failure_route: str,
    begin: Callable[[], bool] = lambda: True,
) -> bool:
    """Have it asked, and the call wait; False if nobody can be asked: go on with what is known.

    `waiting` is what `resumed` gives when the call goes on, by `failure_route`, in any process: the failure
    that is to be followed, or the INVITE that is not decided yet and that nothing has changed. `begin` makes
    the transaction that waits, if there is none; False if this is none that may.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as agent:
        try:
            # Kamailio works in the instance's directory; the whole path may be too long for a socket.
            agent.connect(settings.lookups_socket.name)
        except OSError:
            count(_UNASKED)
            return False
        if not begin():
            return True
        # Once suspended the call may be continued at any moment: all must be there before.
        kind = _FAILURE if isinstance(waiting, Failure) else _INVITE
        KSR.pv.sets(_WAITING_AVP, f"{kind} {waiting.to_text()}")
        KSR.tm.t_on_failure(failure_route)
        KSR.tm.t_set_fr(settings.ring_seconds * 1000, asked.milliseconds)
        if KSR.tmx.t_suspend() <= 0:
            raise RuntimeError("a call could not be suspended")
        try:
            agent.send(asked.to_text(f"{text('$T(id_index)')}:{text('$T(id_label)')}").encode())
        except OSError:
            count(_UNASKED)
        return True


def resumed() -> Failure | Received | None:
    """What the call at hand was suspended for, once; None if it was not."""
    kind, _, waiting = KSR.pv.gete(_WAITING_AVP).partition(" ")
    if not kind:
        return None
    KSR.pv.unset(_WAITING_AVP)
    return Failure.from_text(waiting) if kind == _FAILURE else Received.from_text(waiting)
