"""What becomes of a call of which Kamailio has no dialog. Pure."""

from __future__ import annotations

from sipedge.routing.reasons import Reason


def without_dialog(*, has_begun: bool, has_waited: bool) -> Reason | None:
    """Why its INVITE is refused; None: it is not, the answer of its target goes on.

    A call that has not begun holds what Kamailio cannot read, as a Record-Route: nothing would count, time or
    end it. One that has begun is over by a BYE of its caller before its final answer (RFC 3261 section 15):
    nothing is tried any more, and where it has waited for a look-up no answer of a target is left to go on.
    """
    if not has_begun:
        return Reason.MalformedRequest
    return Reason.NoDialog if has_waited else None
