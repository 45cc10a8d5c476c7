"""An answer that is dropped is as if it had never come, for what its worker does next as well."""

from __future__ import annotations

import pytest

from support.dialogs import end, established
from support.lab import Lab
from support.sipua import UserAgent

MANY = 12
"""So many times in a row each worker has its turn."""


@pytest.mark.parametrize("status", (200, 404))
def test_calls_after_it_are_judged_as_before(lab: Lab, pbx: UserAgent, telco: UserAgent, status: int) -> None:
    """A worker would take the dropped answer's transaction for that of its next request."""
    near, _, _, _ = established(lab, telco, pbx, outgoing=False)
    near.send("OPTIONS")
    asked = pbx.wait("OPTIONS", call_id=near.call_id)
    for _ in range(MANY):
        pbx.respond(asked, status, headers=[("Content-Length", "7")], body="")
    for _ in range(MANY):
        near.send("INFO")
        pbx.respond(pbx.wait("INFO", call_id=near.call_id), 200)
        invite = lab.call_in(telco)
        received = pbx.wait("INVITE", call_id=invite.call_id)
        pbx.respond(received, 183, headers=[("P-Asserted-Identity", "<sip:+19998887777@x>")])
        assert telco.wait("INVITE", status=183, call_id=invite.call_id).all("P-Asserted-Identity") == []
        pbx.respond(received, 486)
        assert invite.final().status == 486
    end(near, pbx)
