"""Addresses that give no answer at all come last for half a minute; a call tries them, an answer ends it."""

from __future__ import annotations

import pytest

from support.lab import Lab
from support.sipua import Invite, UserAgent
from support.tables import make_carrier, make_gateway, make_target


def serve_two(lab: Lab, direction: str) -> tuple[UserAgent, UserAgent]:
    """A primary and a backup, for calls of this direction."""
    first, second = lab.agent(21), lab.agent(22)
    places = [(agent.address, place) for place, agent in enumerate((first, second), 1)]
    if direction == "origination":
        lab.serve(
            trunk={"targets": tuple(make_target(at, 5060, priority=place) for at, place in places)},
        )
    else:
        lab.serve(
            carriers=[make_carrier("one"), make_carrier("two")],
            sources={},
            routes={
                "+": [
                    make_gateway(at, 5060, carrier=("one", "two")[place - 1], priority=place)
                    for at, place in places
                ]
            },
        )
    return first, second


def refuse(agent: UserAgent, call: Invite, *, before: UserAgent | None = None) -> None:
    """Refuse this call here, so that its next target is tried; `before` that one is."""
    received = agent.wait("INVITE", call_id=call.call_id)
    others = before.silence(0.02) if before is not None else []
    assert call.call_id not in {each.call_id for each in others}
    agent.respond(received, 503)


def until_of(lab: Lab, address: str) -> str:
    """The key at which it is written until when an address comes last."""
    cells = [cell for slot in lab.edge.rpc("htable.dump", "silent") for cell in slot["slot"]]
    (key,) = {each["name"] for each in cells if address in each["name"] and each["name"].endswith("|until")}
    return str(key)


@pytest.mark.parametrize("direction", ("origination", "termination"))
def test_three_silences_put_an_address_last_until_it_answers(
    lab: Lab, telco: UserAgent, pbx: UserAgent, direction: str
) -> None:
    """The calls that met them go on; later ones ask the backup first, and the dead one after it."""
    first, second = serve_two(lab, direction)

    def call() -> Invite:
        return lab.call_in(telco) if direction == "origination" else lab.call_out(pbx)

    for met in [call() for _ in range(3)]:
        refuse(second, met)
        assert met.final().status == 503

    late = call()
    refuse(second, late, before=first)
    first.wait("INVITE", call_id=late.call_id)  # it is tried last, not left out

    lab.edge.rpc("htable.seti", "silent", until_of(lab, first.address), 1)
    probing = call()
    asked = first.wait("INVITE", call_id=probing.call_id)
    other = call()
    refuse(second, other, before=first)  # while one call tries it, it is last for all others
    first.respond(asked, 503)
    refuse(second, probing)
    assert probing.final().status == 503

    again = call()
    refuse(first, again, before=second)
    refuse(second, again)
    assert again.final().status == 503
    for each in (late, other):
        each.cancel()
