"""The stages that `explain` tells of are those of the decision, in its order."""

from __future__ import annotations

from sipedge.routing.decision import Direction, HeaderChanges
from sipedge.routing.stages import STAGES
from trunkline.cli.explain.passing import Passing, request_travels
from trunkline.cli.explain.stages import ORDER, Circumstances, Kind, Stage

FACTS = Circumstances(Direction.TERMINATION, "+14155550100", "+442079460000", "INVITE")


def test_a_stage_of_the_decision_is_told_under_its_own_name_and_in_its_place() -> None:
    """A new stage of `route` needs its name here; `identity`, say, stands before `privacy` in both."""
    for stages in STAGES.values():
        names = [stage.name for stage in stages]
        assert names == [str(stage) for stage in ORDER if str(stage) in names]


def test_changes_are_noted_as_they_are_made() -> None:
    """What is not there is not removed, what stays the same is not set, what stands alone is not on top."""
    passing = Passing({"from": ("<sip:a>",), "diversion": ("<sip:old>",), "to": ("<sip:b>",)}, FACTS)
    passing.apply(
        HeaderChanges(
            remove=("P-Asserted-Identity",),
            insert=(("Diversion", "<sip:new>"), ("X-Trunkline-AccountSid", "AC1")),
            append=(("P-Asserted-Identity", "<sip:c>"),),
            replace=(("From", "<sip:d>"), ("To", "<sip:b>")),
        )
    )
    assert passing.values["diversion"] == ["<sip:new>", "<sip:old>"]
    assert [(each.kind, each.header) for each in passing.changes] == [
        (Kind.INSERT, "Diversion"),
        (Kind.APPEND, "X-Trunkline-AccountSid"),
        (Kind.APPEND, "P-Asserted-Identity"),
        (Kind.REPLACE, "From"),
    ]
    assert all(each.rule and each.because for each in passing.changes)


def test_what_does_not_travel_is_told_with_its_value() -> None:
    """Each header by itself; of option lists only what is left."""
    passing = Passing(
        {"supported": ("100rel", "timer, gruu"), "require": ("timer",), "session-expires": ("90", "91")},
        FACTS,
    )
    passing.keep(request_travels("INVITE"), "does not travel in INVITE")
    assert passing.values == {"supported": ["100rel", "gruu"], "require": []}
    told = {(each.kind, each.header, each.value) for each in passing.changes}
    assert told == {
        (Kind.REPLACE, "Supported", "gruu"),
        (Kind.REMOVE, "Require", "timer"),
        (Kind.REMOVE, "Session-Expires", "90"),
        (Kind.REMOVE, "Session-Expires", "91"),
    }
    assert {each.stage for each in passing.changes} == {Stage.ALLOW}


def test_a_hop_is_counted_as_rfc_3261_says() -> None:
    """16.6: one less; without the header, or with more than that, seventy."""
    for given, left in ((("70",), "69"), (("1",), "0"), ((), "70"), (("255",), "70"), (("many",), "70")):
        passing = Passing({"max-forwards": given} if given else {}, FACTS)
        passing.count_hop()
        assert passing.values["max-forwards"] == [left]
