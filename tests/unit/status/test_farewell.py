"""What a status says after the product has gone."""

from __future__ import annotations

from typing import Any

from trunkline.status.farewell import farewell

BEFORE, NOW = "2026-01-01T00:00:00Z", "2026-02-02T00:00:00Z"


def condition(kind: str, status: str = "True", reason: str = "Good", since: str = BEFORE) -> dict[str, Any]:
    return {
        "type": kind,
        "status": status,
        "reason": reason,
        "message": "m",
        "observedGeneration": 3,
        "lastTransitionTime": since,
    }


def test_what_speaks_of_the_running_world_becomes_unknown() -> None:
    """The judgement on what the user wrote stays; times move only with a status."""
    status = {
        "observedGeneration": 3,
        "trunkSid": "TK1",
        "conditions": [
            condition("Accepted"),
            condition("TerminationReady"),
            condition("Programmed", "Unknown", "Pending"),
            condition("Ready"),
        ],
    }
    (accepted, termination, programmed, ready) = farewell(status, NOW)["conditions"]
    assert accepted == condition("Accepted")
    for each, since in ((termination, NOW), (programmed, BEFORE), (ready, NOW)):
        assert (each["status"], each["reason"]) == ("Unknown", "Uninstalled")
        assert each["lastTransitionTime"] == since
        assert each["observedGeneration"] == 3


def test_an_edge_shows_no_address_any_more() -> None:
    """None of them answers."""
    status = {"addressList": "192.0.2.1", "addresses": [{"address": "192.0.2.1", "ready": True}]}
    assert farewell(status, NOW) == {"addressList": "", "addresses": []}


def test_said_once_is_said() -> None:
    """A second uninstallation writes nothing."""
    status = {"conditions": [condition("Accepted"), condition("Ready")], "addressList": "192.0.2.1"}
    assert farewell({**status, **farewell(status, NOW)}, "2026-03-03T00:00:00Z") == {}


def test_what_nobody_ever_judged_stays_as_it_is() -> None:
    """The CRD's default, which has no generation; and no status at all."""
    default = condition("Ready", "Unknown", "Pending")
    del default["observedGeneration"]
    assert farewell({"conditions": [default]}, NOW) == {}
    assert farewell({}, NOW) == {}
