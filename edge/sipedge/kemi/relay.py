"""The media relay beside Kamailio, as workers ask it. It may hang or die: no call waits for that twice."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from sipedge.kemi.journal import say
from sipedge.kemi.ksr import KSR
from sipedge.media_settings import MediaSettings
from sipedge.ng.client import NgClient, NgError, NgUnreachableError
from sipedge.ng.hanging import REMEMBERED_SECONDS, Event, event_of, mark_after, may_ask
from sipedge.ng.packets import Read
from sipedge.routing.media.commands import Command, Query, reason_of_error
from sipedge.routing.reasons import Reason
from sipedge.values import quickly_made

_TABLE: Final = "media"
"""The htable of what is known of the relay."""
_AGAIN: Final = "again"
"""The key of the mark of a relay that hangs (`ng.hanging`)."""


@quickly_made
@dataclass(frozen=True)
class Done:
    """What has come of commands."""

    body: str = field(default="", repr=False)
    """The message's new session description; "" = none was asked for."""
    fault: Reason | None = None
    """Why the one that was asked for could not be had."""
    said: Mapping[str, Read] = field(default_factory=dict)
    """What a `Query` was answered."""


class MediaRelay:
    """One process' way to the relay."""

    def __init__(self, settings: MediaSettings | None) -> None:
        """None: the instance has none, and nothing is ever to be done."""
        self._client = None if settings is None else NgClient(settings.ng_port, host=settings.control)

    def carry_out(self, commands: Iterable[Command]) -> Done:
        """Carry them out in order, up to one that should give a body and does not."""
        body, said = "", {}
        for command in commands:
            try:
                answer = self._ask(command)
            except NgError as error:
                if not isinstance(command, Query):
                    say(f"media relay: {command.name} of {command.ng_id} failed: {error}")
                if command.gives_body:
                    return Done(fault=_reason_of(error))
                continue
            if command.gives_body:
                given = answer.get("sdp")
                body = given if isinstance(given, str) else ""
                if not body:
                    return Done(fault=Reason.MediaUnavailable)
            if isinstance(command, Query):
                said = answer
        return Done(body, None, said)

    def _ask(self, command: Command) -> dict[str, Read]:
        if self._client is None:
            raise NgUnreachableError("there is none", hangs=False)
        mark = int(KSR.htable.sht_gete(_TABLE, _AGAIN) or 0)
        if not may_ask(mark, time.monotonic()):
            if command.is_told_anyway:
                self._client.tell(command.fields())
            raise NgUnreachableError("it did not answer lately", hangs=False)
        _move(mark, Event.ASKED)
        try:
            answer = self._client.ask(command.fields())
        except NgError as error:
            _move(mark, event_of(error))
            raise
        _move(mark, Event.ANSWERED)
        return answer


def _move(mark: int, event: Event) -> None:
    """Carry out what becomes of the mark that this process has read. Where none was, none is taken away:
    another process may have set it since."""
    after = mark_after(mark, event, time.monotonic())
    if after:
        KSR.htable.sht_setxi(_TABLE, _AGAIN, after, REMEMBERED_SECONDS)
    elif mark:
        KSR.htable.sht_rm(_TABLE, _AGAIN)


def _reason_of(error: NgError) -> Reason:
    return reason_of_error("" if isinstance(error, NgUnreachableError) else str(error))
