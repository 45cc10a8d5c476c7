"""A call's media for people and for scripts: both sides, and the gist of what the relay is told. Pure.

What the relay writes into a session description only a running edge knows; keys are never shown.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sipedge.counted import counted
from sipedge.printable import printable
from sipedge.routing.media.commands import Command, Exchange
from sipedge.routing.media.new_attempt import AttemptMedia
from sipedge.routing.media.sdp import parse
from sipedge.routing.media.sides import MediaPlan, MediaSide
from trunkline.cli.terminal import Look


def media_document(media: AttemptMedia) -> dict[str, Any] | None:
    """Of one attempt; None where its media is not relayed."""
    if media.memory is None:
        return None
    plan = media.memory.plan
    return {
        "relayedFor": list(plan.asks),
        "caller": _side_document(plan.caller),
        "callee": _side_document(plan.callee),
        "recording": None
        if plan.recording is None
        else {"mode": str(plan.recording.mode), "trim": plan.recording.trim},
        "limits": {each.key: each.maximum for each in media.limits},
        "reason": None if media.reason is None else media.reason.name,
        "commands": commands_document(media.commands),
    }


def commands_document(commands: Iterable[Command]) -> list[str]:
    """The gist of each command, in order."""
    return [_gist(each) for each in commands]


def attempts_text(media: Sequence[AttemptMedia], look: Look) -> list[str]:
    """What is relayed of the attempts of a call; those that are alike are told once."""
    groups: dict[object, list[int]] = {}
    for place, each in enumerate(media):
        key = (each.memory.plan if each.memory is not None else None, each.reason)
        groups.setdefault(key, []).append(place)
    lines: list[str] = []
    for places in groups.values():
        whose = "" if len(groups) == 1 else f" of attempt {', '.join(str(place + 1) for place in places)}"
        lines += _attempt_text(media[places[0]], whose, look)
    return ["", *lines] if lines else []


def _attempt_text(media: AttemptMedia, whose: str, look: Look) -> list[str]:
    if media.memory is None:
        return [look.paint(f"Media{whose} goes between the parties: this edge does not relay it.", "bold")]
    plan = media.memory.plan
    lines = [look.paint(f"Media{whose} goes through the edge, for {', '.join(plan.asks)}:", "bold")]
    lines += [f"  caller  {_side_text(plan, caller=True)}", f"  callee  {_side_text(plan, caller=False)}"]
    if plan.recording is not None:
        trim = ", silence cut off" if plan.recording.trim else ""
        lines.append(f"  recorded: {plan.recording.mode}{trim}")
    lines += [
        f"  counts against {each.key}: at most {counted(each.maximum, 'call')} at once"
        for each in media.limits
    ]
    if media.reason is not None:
        lines.append(f"  this attempt is not made: {media.reason.value.meaning} ({media.reason.name})")
    return lines + commands_text(media.commands)


def commands_text(commands: Iterable[Command]) -> list[str]:
    """One line for each command."""
    return [printable(f"  the media relay is told: {_gist(each)}") for each in commands]


def _side_document(side: MediaSide) -> dict[str, Any]:
    return {
        "secure": side.secure,
        "symmetricRtp": side.symmetric,
        "codecs": list(side.codecs),
        "transcoding": side.transcode,
    }


def _side_text(plan: MediaPlan, *, caller: bool) -> str:
    side = plan.side(caller=caller)
    whose = "customer" if plan.is_customer(caller=caller) else "carrier"
    profile = "SRTP" if side.secure else "RTP"
    learns = "to where it comes from (rule S25)" if side.symmetric else "to the address of its SDP (rule S24)"
    transcoded = ", transcoded where none is common" if side.transcode else ""
    return f"{whose}: {profile} {learns}, codecs {', '.join(side.codecs)}{transcoded}"


def _gist(command: Command) -> str:
    if not isinstance(command, Exchange):
        return f"{command.name} of session {command.ng_id}"
    by_caller = command.offered_by_caller is (command.name == "offer")
    whose, other = ("caller", "callee") if by_caller else ("callee", "caller")
    formats = ", ".join(_formats(command.sdp))
    given = "RTP/SAVP" if command.receiver.secure else "RTP/AVP"
    told = f"{command.name} of the {whose} with {formats}; the {other} is given {given}"
    if command.transcoding is not None:
        told += f" and {', '.join(command.transcoding.to)}, transcoded"
    return told + (", and it is recorded" if command.record else "")


def _formats(sdp: str) -> list[str]:
    description = parse(sdp)
    lines = description.media if description is not None else ()
    return [each.name for line in lines if line.is_active for each in line.formats]
