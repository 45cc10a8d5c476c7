"""From rows to the media plan of one attempt. Pure."""

from __future__ import annotations

from typing import Final, cast

from sipedge.recording.modes import Mode
from sipedge.routing.decision import Direction
from sipedge.routing.media.sides import (
    CODECS,
    DEFAULT_CODECS,
    MediaPlan,
    MediaSide,
    RecordingPlan,
)
from sipedge.table import Table
from sipedge.table.media import USUAL_MEDIA, TrunkMediaRow

ALWAYS: Final = "Always"
WHEN_NEEDED: Final = "WhenNeeded"
"""Of `SiteRow.relay`."""


def plan_of_attempt(
    table: Table,
    direction: Direction,
    trunk_id: str,
    carrier: str | None,
    *,
    secure: bool,
    emergency: bool = False,
    from_sibling: bool = False,
    to_sibling: bool = False,
) -> MediaPlan | None:
    """What the relay does for an attempt; None = its media is not relayed.

    `carrier` brings the call, or is called by this attempt. `secure`: the trunk was when the call began.
    `from_sibling`, `to_sibling`: another edge has handed the call over, or is handed it. An `emergency` call
    has any codec.
    """
    key = ("media plan", direction, trunk_id, carrier, secure, emergency, from_sibling, to_sibling)
    shelf = table.plans
    if key not in shelf:
        plan = _plan(table, direction, trunk_id, carrier, secure, from_sibling, to_sibling)
        shelf[key] = plan if plan is None or not emergency else plan.with_any_codec()
    return cast("MediaPlan | None", shelf[key])


def _plan(
    table: Table,
    direction: Direction,
    trunk_id: str,
    carrier: str | None,
    secure: bool,
    from_sibling: bool,
    to_sibling: bool,
) -> MediaPlan | None:
    site, trunk = table.site(), table.trunk(trunk_id)
    if site is None or not site.relay:
        return None
    media = (trunk.media if trunk is not None else None) or USUAL_MEDIA
    customer = MediaSide(secure, media.symmetric, media.codecs, media.transcoding)
    other = (
        MediaSide(secure, False, CODECS) if from_sibling else _carrier_side(table, carrier, media, direction)
    )
    if to_sibling:
        edge = MediaSide(secure, False, media.codecs, media.transcoding)
        customer, other = (customer, edge) if direction is Direction.TERMINATION else (edge, other)
    recording = None if from_sibling else _recording(media)
    asks = _asks(media, customer, other, recording, from_sibling=from_sibling)
    if site.relay != ALWAYS and not asks:
        return None
    if site.relay == ALWAYS:
        asks = ("Edge.spec.media.relay", *asks)
    if direction is Direction.TERMINATION:
        return MediaPlan(direction, customer, other, recording, asks)
    return MediaPlan(direction, other, customer, recording, asks)


def _carrier_side(table: Table, name: str | None, media: TrunkMediaRow, direction: Direction) -> MediaSide:
    """Carriers are never symmetric. One that names no codecs takes the trunk's; beside transcoding what
    everybody has, and in origination whatever it offers."""
    row = table.carrier(name) if name else None
    secure = row is not None and row.secure
    codecs = row.codecs if row is not None else ()
    if not codecs:
        codecs = media.codecs
        if media.transcoding:
            others = DEFAULT_CODECS if direction is Direction.TERMINATION else CODECS
            codecs = tuple(dict.fromkeys((*codecs, *others)))
    return MediaSide(secure, False, codecs, media.transcoding)


def _recording(media: TrunkMediaRow) -> RecordingPlan | None:
    return RecordingPlan(Mode(media.recording), media.trim) if media.recording in tuple(Mode) else None


def _asks(
    media: TrunkMediaRow,
    customer: MediaSide,
    other: MediaSide,
    recording: RecordingPlan | None,
    *,
    from_sibling: bool,
) -> tuple[str, ...]:
    asking = {
        "Trunk.spec.secure": customer.secure,
        "Carrier.spec.secure": other.secure and not from_sibling,
        "Trunk.spec.symmetricRtp": customer.symmetric,
        "Trunk.spec.codecs": media.codecs != DEFAULT_CODECS,
        "Trunk.spec.transcoding": media.transcoding,
        "Carrier.spec.codecs": not from_sibling and other.codecs != customer.codecs and not media.transcoding,
        "Trunk.spec.recording": recording is not None,
    }
    return tuple(name for name, asks in asking.items() if asks)
