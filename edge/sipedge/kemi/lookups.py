"""Calls that wait for something to be looked up: suspended here, asked of the agent, continued by it.

Nothing here waits. An agent that is not there, or has too much to do, has found nothing. Should no answer
come in time, the transaction's own timer continues the call.
"""

from __future__ import annotations

import json
import socket
from typing import Final

from sipedge.instance import InstanceSettings
from sipedge.kemi.journal import count
from sipedge.kemi.ksr import KSR
from sipedge.kemi.reader import text
from sipedge.routing.failover import Failure, FailureKind
from sipedge.routing.lookups import LOOKUP_MILLISECONDS, Lookups

_FAILURE_AVP: Final = "$avp(waiting)"
_UNASKED: Final = "lookups|unasked"
"""The counter of calls for which the agent could not be asked."""


def suspend(settings: InstanceSettings, asked: Lookups, failure: Failure, failure_route: str) -> bool:
    """Have it asked, and the call wait; False if nobody can be asked: go on with what is known.

    `failure` is what `asked_for` gives when the call goes on: by `failure_route`, in any process.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as agent:
        try:
            # Kamailio works in the instance's directory; the whole path may be too long for a socket.
            agent.connect(settings.lookups_socket.name)
        except OSError:
            count(_UNASKED)
            return False
        # Once suspended the call may be continued at any moment: all must be there before.
        fields = (failure.status, failure.text, failure.contact, failure.elapsed, failure.why)
        KSR.pv.sets(_FAILURE_AVP, json.dumps(fields))
        KSR.tm.t_on_failure(failure_route)
        KSR.tm.t_set_fr(settings.ring_seconds * 1000, LOOKUP_MILLISECONDS)
        if KSR.tmx.t_suspend() <= 0:
            KSR.pv.unset(_FAILURE_AVP)
            return False
        try:
            agent.send(asked.to_text(f"{text('$T(id_index)')}:{text('$T(id_label)')}").encode())
        except OSError:
            count(_UNASKED)
        return True


def asked_for() -> Failure | None:
    """The failure before which the call was suspended, once; None if it was not."""
    fields = KSR.pv.gete(_FAILURE_AVP)
    if not fields:
        return None
    KSR.pv.unset(_FAILURE_AVP)
    status, reason, contact, elapsed, causes = json.loads(fields)
    why = tuple((name, value) for name, value in causes)
    return Failure(FailureKind.RESPONSE, status, reason, contact, elapsed=elapsed, why=why)
