"""What all instructed calls of one B2BUA share."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sipedge.b2bua.hearing import RelayClient
from sipedge.b2bua.journal import Journal
from sipedge.b2bua.stack import Stack
from sipedge.b2bua.voice.parts import Documents, Keeper, OpenSink, Sound, Sounds, Speaker, Tenants
from sipedge.b2bua_settings import B2buaSettings


@dataclass(frozen=True, slots=True)
class Voice:
    """What instructions are carried out with."""

    relay: RelayClient
    tenants: Tenants
    documents: Documents
    speaker: Speaker
    sounds: Sounds
    open_sink: OpenSink
    keeper: Keeper | None = None
    """None = what a Record hears is not kept."""
    beep: Sound | None = None
    """Heard before a recording; None = nothing is."""
    ringing: Sound | None = None
    """Heard while somebody who is dialled has not answered; None = nothing is."""


@dataclass(frozen=True, slots=True)
class VoiceRoom:
    """Passed to each call."""

    stack: Stack
    journal: Journal
    settings: B2buaSettings
    voice: Voice
    base_domain: Callable[[], str]
    """Of the platform, by the table of this moment: whose numbers are the PSTN's."""
    ended: Callable[[str], None]
    """Called with a call's Call-ID when it is over."""
