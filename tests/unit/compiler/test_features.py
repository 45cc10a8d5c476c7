"""What an object is told that it asks for in vain: nothing of media where the edges have a relay."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sipedge.table import Section, SiteRow
from support.objects import make_carrier, make_edge, make_resources, make_trunk
from trunkline.api import AnyResource
from trunkline.compiler import ConditionReason, ConditionType, Verdict, compile_resources

TRUNK = make_trunk(symmetricRtp=True, secure=True, recording={"mode": "RecordFromAnswer"})
CARRIER = make_carrier(codecs=["PCMA"])
TRANSCODED = make_trunk(transcoding="WhenNeeded", codecs=["AMR-NB", "PCMU"])


def told(thing: AnyResource, *, media_relay: bool) -> list[Verdict]:
    resources = make_resources(thing, make_edge())
    platform = replace(resources.platform, media_relay=media_relay)
    found = compile_resources(replace(resources, platform=platform)).verdicts
    return [
        each for each in found if each.ref == thing.ref and each.type is ConditionType.FEATURE_UNAVAILABLE
    ]


@pytest.mark.parametrize("thing", (TRUNK, CARRIER), ids=lambda thing: str(thing.kind))
def test_with_a_media_relay_nothing_of_media_is_missing(thing: AnyResource) -> None:
    assert told(thing, media_relay=True) == []


def test_without_one_each_field_that_needs_it_is_told() -> None:
    (verdict,) = told(TRUNK, media_relay=False)
    assert verdict.reason is ConditionReason.NO_MEDIA_RELAY
    assert verdict.field == "spec.secure"
    assert "spec.symmetricRtp: " in verdict.message
    assert "spec.recording.mode: " in verdict.message
    assert "spec.codecs" not in verdict.message
    (verdict,) = told(CARRIER, media_relay=False)
    assert (verdict.reason, verdict.field) == (ConditionReason.NO_MEDIA_RELAY, "spec.codecs")


@pytest.mark.parametrize("media_relay", (True, False))
def test_that_a_codec_is_not_transcoded_is_told(media_relay: bool) -> None:
    (verdict,) = told(TRANSCODED, media_relay=media_relay)
    reason = ConditionReason.NOT_TRANSCODED if media_relay else ConditionReason.NO_MEDIA_RELAY
    assert verdict.reason is reason
    assert "AMR-NB is not transcoded" in verdict.message


def test_the_edges_are_told_whose_media_they_relay() -> None:
    edge = make_edge(media={"relay": "WhenNeeded", "transcodedCalls": 7})
    for media_relay, relay in ((True, "WhenNeeded"), (False, "")):
        resources = make_resources(edge)
        platform = replace(resources.platform, media_relay=media_relay)
        (table,) = compile_resources(replace(resources, platform=platform)).tables.values()
        (row,) = table.sections[Section.SITE].values()
        assert isinstance(row, SiteRow)
        assert (row.relay, row.transcoded_calls) == (relay, 7)
