"""Verdicts and acknowledgements to statuses."""

from __future__ import annotations

from collections.abc import Sequence

from trunkline.api import ObjectRef
from trunkline.compiler import ConditionReason, ConditionType, Verdict
from trunkline.status.conditions import Opinion
from trunkline.status.programmed import AddressReport, EdgeReport, programmed
from trunkline.status.report import Status, Subject, status_from, status_of

HQ = ObjectRef("Trunk", "acme", "hq")
ASHBURN = ObjectRef("Edge", None, "ashburn")
NOW = "2026-02-02T00:00:00Z"


def verdict(
    ref: ObjectRef,
    kind: ConditionType,
    status: bool = True,
    reason: ConditionReason = ConditionReason.ACCEPTED,
    message: str = "fine",
    field: str = "",
) -> Verdict:
    return Verdict(ref, 1, kind, status, reason, message, field)


ACCEPTED = verdict(HQ, ConditionType.ACCEPTED)


def edge(*revisions: int | None, name: str = "ashburn", ready: bool = True) -> EdgeReport:
    return EdgeReport(
        name,
        tuple(AddressReport(f"192.0.2.{n}", ready, revision) for n, revision in enumerate(revisions, 1)),
    )


def report(
    verdicts: Sequence[Verdict] = (ACCEPTED,),
    edges: Sequence[EdgeReport] = (edge(5, 5),),
    required: int = 5,
    generation: int = 1,
    previous: Status | None = None,
    ref: ObjectRef = HQ,
    opinions: tuple[Opinion, ...] = (),
) -> Status:
    subject = Subject(ref, generation, {"ashburn": required}, opinions)
    return status_of(subject, verdicts, {"numberCount": 3}, edges, previous, NOW)


def words(status: Status, kind: str) -> tuple[str, str] | None:
    condition = status.condition(kind)
    return None if condition is None else (condition.status, condition.reason)


def test_ready_when_all_is_well() -> None:
    """Every condition says for which generation it speaks; the facts are there."""
    status = report()
    assert words(status, "Ready") == ("True", "Ready")
    assert status.facts == {"numberCount": 3}
    assert {condition.observed_generation for condition in status.conditions} == {1}
    assert words(status, "Stalled") is None


def test_programmed_means_acknowledged_by_all_that_serve() -> None:
    """One address behind: pending, by name. One that does not serve does not count."""
    pending = programmed({"ashburn": 5}, [edge(5, 4)])
    assert (pending.status, pending.reason) == ("Unknown", "Pending")
    assert "ashburn 192.0.2.2" in pending.message
    assert programmed({"ashburn": 5}, [edge(5), edge(4, ready=False, name="x")]).status == "True"
    assert programmed({"ashburn": 5}, [edge(None)]).status == "Unknown"
    assert programmed({"ashburn": 5}, [edge(6)]).status == "True"


def test_programmed_waits_for_what_may_be_called_though_its_agent_is_silent() -> None:
    """Its Pod still gets calls, and routes them by its last table."""
    silent = AddressReport("192.0.2.9", False, 4, "its agent is silent", may_be_called=True)
    edges = [edge(5), EdgeReport("x", (silent,))]
    pending = programmed({"ashburn": 5, "x": 5}, edges)
    assert (pending.status, pending.message) == (
        "Unknown",
        "waiting for x 192.0.2.9 (its agent is silent)",
    )
    assert programmed({"ashburn": 5, "x": 4}, edges).status == "True"
    assert programmed({"x": 5}, edges[1:]).status == "Unknown"


def test_programmed_without_edges() -> None:
    """Nobody serves, so nothing is programmed."""
    for edges in ([], [edge(5, ready=False)], [EdgeReport("ashburn", ())]):
        found = programmed({"ashburn": 5}, edges)
        assert (found.status, found.reason) == ("False", "NoEdgePods")


def test_programmed_stays_for_its_generation() -> None:
    """An edge that goes down later, or joins, takes nothing back; a new generation does."""
    first = report()
    later = report(edges=[edge(5, None)], previous=first)
    assert words(later, "Programmed") == ("True", "Programmed")
    assert words(report(edges=[], previous=first), "Programmed") == ("True", "Programmed")
    assert words(report(edges=[edge(5, 4)], previous=first, generation=2), "Programmed") == (
        "Unknown",
        "Pending",
    )


def test_refused_object_is_stalled() -> None:
    """Accepted=False: not programmed, not ready, and Stalled so that tools stop waiting."""
    refusal = verdict(
        HQ, ConditionType.ACCEPTED, False, ConditionReason.CONFLICT, "taken", "spec.termination.domainName"
    )
    status = report([refusal])
    assert words(status, "Accepted") == ("False", "Conflict")
    assert words(status, "Programmed") == ("False", "NotAccepted")
    assert words(status, "Ready") == ("False", "Conflict")
    assert words(status, "Stalled") == ("True", "Conflict")
    ready = status.condition("Ready")
    assert ready is not None
    assert ready.message == "spec.termination.domainName: taken"
    assert words(report(previous=status), "Stalled") is None


def test_ready_follows_the_first_cause() -> None:
    """A missing reference, then termination, then origination; each with its own words."""
    unresolved = verdict(HQ, ConditionType.RESOLVED_REFS, False, ConditionReason.LIST_NOT_FOUND)
    termination = verdict(HQ, ConditionType.TERMINATION_READY, False, ConditionReason.NO_AUTHENTICATION)
    assert words(report([ACCEPTED, termination, unresolved]), "Ready") == ("False", "ListNotFound")
    assert words(report([ACCEPTED, termination]), "Ready") == ("False", "NoAuthentication")


def test_trunk_without_numbers_need_not_be_ready_for_them() -> None:
    """OriginationReady counts only if a Number names the trunk."""
    no_numbers = verdict(HQ, ConditionType.ORIGINATION_READY, False, ConditionReason.NO_NUMBERS)
    no_uri = verdict(HQ, ConditionType.ORIGINATION_READY, False, ConditionReason.NO_ENABLED_URI)
    assert words(report([ACCEPTED, no_numbers]), "Ready") == ("True", "Ready")
    assert words(report([ACCEPTED, no_uri]), "Ready") == ("False", "NoEnabledUri")


def test_unavailable_feature_does_not_hinder_readiness() -> None:
    """Two fields, one condition with both messages."""
    features = [
        verdict(HQ, ConditionType.FEATURE_UNAVAILABLE, True, ConditionReason.NOT_YET, message, field)
        for message, field in (("not recorded", "spec.recording"), ("as offered", "spec.codecs"))
    ]
    status = report([ACCEPTED, *features])
    condition = status.condition("FeatureUnavailable")
    assert condition is not None
    assert condition.message == "spec.recording: not recorded; spec.codecs: as offered"
    assert words(status, "Ready") == ("True", "Ready")


def test_edge_is_ready_by_its_own_addresses() -> None:
    """DNS and certificate count, other edges do not; its addresses and revisions are in its status."""
    accepted = verdict(ASHBURN, ConditionType.ACCEPTED)
    good = (Opinion("CertificateReady", "True", "Issued", ""), Opinion("DNSReady", "True", "Correct", ""))
    others = [edge(5, None, name="dublin")]
    status = report([accepted], [edge(5, None), *others], ref=ASHBURN, opinions=good)
    assert words(status, "Ready") == ("True", "Ready")
    assert words(status, "Programmed") == ("Unknown", "Pending")
    assert status.facts["addresses"] == [
        {"address": "192.0.2.1", "ready": True, "revision": "5"},
        {"address": "192.0.2.2", "ready": True, "revision": ""},
    ]
    down = report([accepted], [edge(5, ready=False), *others], ref=ASHBURN, opinions=good)
    assert words(down, "Ready") == ("False", "NoAddressReady")
    propagating = (good[0], Opinion("DNSReady", "False", "Propagating", ""))
    waiting = report([accepted], [edge(5)], ref=ASHBURN, opinions=propagating)
    assert words(waiting, "Ready") == ("False", "Propagating")


def test_an_address_that_is_listed_no_more_is_not_shown_but_waited_for() -> None:
    """Its pod runs on for as long as it has calls, and those who know the address may still call it."""
    former = AddressReport("192.0.2.9", True, 4, offered=False)
    own = EdgeReport("ashburn", (former, *edge(5).addresses))
    accepted = verdict(ASHBURN, ConditionType.ACCEPTED)
    status = report([accepted], [own], ref=ASHBURN)
    assert status.facts["addressList"] == "192.0.2.1"
    assert [each["address"] for each in status.facts["addresses"]] == ["192.0.2.1"]
    assert words(status, "Programmed") == ("Unknown", "Pending")
    alone = report([accepted], [EdgeReport("ashburn", (former,))], ref=ASHBURN)
    assert words(alone, "Ready") == ("False", "NoAddressReady")


def test_shell_opinions_win() -> None:
    """An object whose last good content is in force says so, though that content compiled well."""
    kept = (
        Opinion("Accepted", "False", "KeptLastGood", "bad"),
        Opinion("Programmed", "False", "KeptLastGood", ""),
    )
    status = report(opinions=kept)
    assert words(status, "Accepted") == ("False", "KeptLastGood")
    assert words(status, "Programmed") == ("False", "KeptLastGood")
    assert words(status, "Stalled") == ("True", "KeptLastGood")


def test_dict_round_trip() -> None:
    """A status file is read back as it was."""
    status = report()
    assert status_from(status.to_dict()) == status


def test_an_edge_says_how_many_of_its_pods_take_calls() -> None:
    """It is Ready with one of two, which callers can use; the count tells that something is wrong."""
    accepted = verdict(ASHBURN, ConditionType.ACCEPTED)
    addresses = (AddressReport("192.0.2.1", True, 5), AddressReport("edge-ashburn-1", False, None))
    status = report([accepted], [EdgeReport("ashburn", addresses, wanted=2)], ref=ASHBURN)
    ready = status.condition("Ready")
    assert ready is not None
    assert (ready.status, ready.message) == ("True", "only 1 of 2 addresses take calls")
    assert (status.facts["pods"], status.facts["podSummary"]) == ({"ready": 1, "wanted": 2}, "1/2")
    whole = report([accepted], [EdgeReport("ashburn", addresses[:1], wanted=1)], ref=ASHBURN)
    ready = whole.condition("Ready")
    assert ready is not None
    assert (ready.message, whole.facts["podSummary"]) == ("ready", "1/1")
