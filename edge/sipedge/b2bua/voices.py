"""What the instructed calls of one B2BUA are carried out with."""

from __future__ import annotations

from typing import Final

from sipedge.b2bua.hearing import RelayClient
from sipedge.b2bua.tables import Tables
from sipedge.b2bua.voice.beep import beep, ringing
from sipedge.b2bua.voice.documents import HttpDocuments
from sipedge.b2bua.voice.fetch import HttpFetcher
from sipedge.b2bua.voice.names import DnsNames
from sipedge.b2bua.voice.recorded import SpoolKeeper
from sipedge.b2bua.voice.shelf import Shelf
from sipedge.b2bua.voice.sink import Sinks
from sipedge.b2bua.voice.sounds import WebSounds
from sipedge.b2bua.voice.speech import Speech
from sipedge.b2bua.voice_room import Voice
from sipedge.b2bua_settings import B2buaSettings, read_speech_command
from sipedge.instance import InstanceSettings

SOUNDS: Final = "sounds"
"""The directory of sounds in the instance's own, where the media relay reads them."""


def voice_of(settings: InstanceSettings, tables: Tables) -> Voice:
    """Raises OSError: there is no room for sounds; ValueError: the resolver, or the program that speaks, is
    none."""
    shelf = Shelf(settings.directory / SOUNDS)
    own = settings.b2bua or B2buaSettings()
    fetcher = HttpFetcher(DnsNames(settings.resolver), own.fetch_seconds)

    def destination(account: str) -> str:
        return tables.recordings_url(account) or own.recordings_url

    spool = None if settings.media is None else settings.media.spool
    return Voice(
        RelayClient(settings.media),
        tables,
        HttpDocuments(fetcher),
        Speech(shelf, own=read_speech_command(own.speech_command)),
        WebSounds(fetcher, shelf),
        Sinks(),
        None if spool is None else SpoolKeeper(spool, settings.edge, destination),
        shelf.always("beep", beep()),
        shelf.always("ringing", ringing()),
    )
