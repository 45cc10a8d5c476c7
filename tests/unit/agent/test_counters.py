"""What the counters of Kamailio are told as."""

from __future__ import annotations

from sipedge.agent.metrics import events_lost, refusals


def test_only_reasons_are_told_as_refusals() -> None:
    counters = {
        "acme/hq|CallerIdNotAllowed": 2,
        "-|CallerIdNotAllowed": 1,
        "events|lost": 7,
        "lookups|unasked": 3,
    }
    dump = [{"slot": [{"name": name, "value": value}]} for name, value in counters.items()]

    assert refusals(dump) == {"CallerIdNotAllowed": 3}
    assert events_lost(dump) == 7
