"""Can a customer make an honest carrier look dead?"""

from __future__ import annotations

import pytest

from support.lab import Lab
from support.sipua import UserAgent
from support.tables import make_carrier, make_gateway

MANY = [("Via", f"SIP/2.0/UDP 192.0.2.{n};branch=z9hG4bK{n}") for n in range(1, 117)]
LONG = [("Via", f"SIP/2.0/UDP 192.0.2.{n};branch=z9hG4bK{n};x={'y' * 480}") for n in range(1, 30)]


@pytest.mark.parametrize("vias", (MANY, LONG), ids=["many", "long"])
def test_an_answer_that_the_customers_own_vias_swell_is_no_silence(
    lab: Lab, pbx: UserAgent, vias: list[tuple[str, str]]
) -> None:
    """The carrier answers with all Vias and more beside them: over the bound it would never be heard."""
    first, second = lab.agent(21), lab.agent(22)
    lab.serve(
        carriers=[make_carrier("one"), make_carrier("two")],
        sources={},
        routes={
            "+": [
                make_gateway(first.address, 5060, carrier="one", priority=1),
                make_gateway(second.address, 5060, carrier="two", priority=2),
            ]
        },
    )
    usual = [(f"X-Usual-{n}", "v" * 30) for n in range(8)]
    for _ in range(3):
        call = lab.call_out(pbx, headers=vias)
        asked = call.reached(first)
        if asked is None:
            assert call.final().status in (400, 513)
            continue
        first.respond(asked, 486, headers=usual)
        assert call.final().status == 486
    later = lab.call_out(pbx)
    first.respond(first.wait("INVITE", call_id=later.call_id), 486)
    later.final()
