"""Who is alive by the Leases, from answers as an API server gives them (there is none here)."""

from __future__ import annotations

from typing import Any

from sipedge.agent.kube_api import ApiError, Listing
from sipedge.agent.neighbours import SILENT_READINGS, LeaseReader
from sipedge.contract import TALLIES
from sipedge.tallies.book import Neighbour
from sipedge.tallies.parts import Part
from sipedge.tallies.records import recorded_text

PART = Part(b"8 bytes.", 3)


def lease(name: str, renewed: str, tallies: str | None = None) -> dict[str, Any]:
    notes = {} if tallies is None else {TALLIES: tallies}
    return {"metadata": {"name": name, "annotations": notes}, "spec": {"renewTime": renewed or None}}


class Answers:
    """An API server that answers with these Leases, or not at all."""

    def __init__(self) -> None:
        self.leases: list[dict[str, Any]] | None = []

    def list(self, path: str, **query: str) -> Listing:
        if self.leases is None:
            raise ApiError("it is away")
        return Listing(tuple(self.leases), "1")


def test_a_pod_is_alive_as_long_as_its_lease_is_renewed() -> None:
    """By readings, not by anybody's clock; what it counts is believed of this renewal alone."""
    api = Answers()
    reader = LeaseReader(api, "edges")  # type: ignore[arg-type]
    api.leases = [
        lease("edge-ashburn-0", "1", recorded_text("1", "192.0.2.1", 8090, [PART])),
        lease("edge-ashburn-1", "1", recorded_text("0", "192.0.2.2", 8090, [PART])),
        lease("edge-dublin-0", ""),
        lease("somebody-elses", "1"),
    ]
    found = (
        Neighbour("ashburn", "edge-ashburn-0", "192.0.2.1", 8090, (PART,)),
        Neighbour("ashburn", "edge-ashburn-1"),
    )
    assert reader.read() == found
    for reading in range(SILENT_READINGS):
        api.leases[1] = lease("edge-ashburn-1", f"{reading} again")
        assert reader.read() == (found if reading < SILENT_READINGS - 1 else found[1:])
    api.leases[0] = lease("edge-ashburn-0", "2")
    assert {each.name for each in reader.read() or ()} == {"edge-ashburn-0", "edge-ashburn-1"}


def test_nobody_is_judged_while_the_api_server_is_away() -> None:
    """Whoever was alive is so still."""
    api = Answers()
    reader = LeaseReader(api, "edges")  # type: ignore[arg-type]
    api.leases = [lease("edge-ashburn-0", "1")]
    assert reader.read() is not None
    api.leases = None
    for _ in range(10):
        assert reader.read() is None
    api.leases = [lease("edge-ashburn-0", "1")]
    assert reader.read() == (Neighbour("ashburn", "edge-ashburn-0"),)
