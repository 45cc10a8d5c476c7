"""Call records to a collector of OpenTelemetry, by OTLP over HTTP, from the file that holds them.

The file is the queue: nothing waits in memory, a collector that is away costs no record as long as files are
kept, and no call ever waits. Each record is sent at least once; `callSid` tells two of the same apart.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import logging
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sipedge.agent.faults import Faults
from sipedge.calls.otlp import Endpoint, logs_request, refused_in
from sipedge.instance import InstanceSettings
from sipedge.line_files import BEGINNING, LineReader, Position

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.5
ANSWER_SECONDS: Final = 5.0
MOST_IN_A_REQUEST: Final = 200
FIRST_RETRY_SECONDS: Final = 1.0
LONGEST_RETRY_SECONDS: Final = 30.0
_LARGEST_ANSWER: Final = 65_536
_AGAIN: Final = frozenset({408, 429, 500, 502, 503, 504})
"""Answers after which the same request may be taken later; after any other it never will."""
TOPIC: Final = "records by OTLP"


@dataclass(slots=True)
class ExportCounts:
    """What became of records since this process began."""

    sent: int = 0
    refused: int = 0
    """The collector does not want them, whenever."""
    gaps: int = 0
    """How often records were gone before they could be sent."""


class RecordExporter:
    """Follows the file of records, and knows over a restart how far it has come."""

    def __init__(
        self, settings: InstanceSettings, endpoint: Endpoint, resource: Mapping[str, str], faults: Faults
    ) -> None:
        self._endpoint, self._resource, self._faults = endpoint, resource, faults
        self._note = settings.directory / "exported.json"
        self._reader = LineReader(settings.records_file, _position(self._note), settings.record_files - 1)
        self._waiting: list[bytes] = []
        self.counts = ExportCounts()

    async def run(self) -> None:
        """Without end."""
        retry = FIRST_RETRY_SECONDS
        while True:
            # Whoever ends this must not leave records that were sent without a note of it.
            found = await asyncio.shield(asyncio.to_thread(self.step))
            if found is None:
                await asyncio.sleep(retry)
                retry = min(retry * 2, LONGEST_RETRY_SECONDS)
                continue
            retry = FIRST_RETRY_SECONDS
            if not found:
                await asyncio.sleep(LOOK_SECONDS)

    def step(self) -> bool | None:
        """Send what is new: False if nothing is; None: it has to wait. Faults are told, never raised."""
        try:
            if not self._waiting:
                self._waiting = self._reader.read()
                self.counts.gaps = self._reader.gaps
            if not self._waiting:
                return False
            while self._waiting:
                batch = self._waiting[:MOST_IN_A_REQUEST]
                if (fault := self._post(batch)) is not None:
                    self._faults.set(TOPIC, f"they wait in their files: {fault}")
                    return None
                del self._waiting[: len(batch)]
            self._note.write_text(json.dumps(self._reader.position.to_json()))
        except (OSError, http.client.HTTPException) as error:
            self._faults.set(TOPIC, f"they wait in their files: {str(error) or type(error).__name__}")
            return None
        self._faults.set(TOPIC, None)
        return True

    def _post(self, batch: list[bytes]) -> str | None:
        """Why it has to be sent again; None = it is done with. Raises OSError or HTTPException."""
        endpoint = self._endpoint
        connection: http.client.HTTPConnection
        if endpoint.is_secure:
            context = ssl.create_default_context()
            connection = http.client.HTTPSConnection(
                endpoint.host, endpoint.port, timeout=ANSWER_SECONDS, context=context
            )
        else:
            connection = http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=ANSWER_SECONDS)
        try:
            body = logs_request(batch, self._resource, time.time())
            connection.request("POST", endpoint.path, body, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            text = answer.read(_LARGEST_ANSWER)
        finally:
            connection.close()
        if answer.status in _AGAIN:
            return f"the collector answers {answer.status}"
        refused = refused_in(text) if answer.status == 200 else len(batch)
        if refused:
            log.warning("%s: the collector answers %d and does not take %d", TOPIC, answer.status, refused)
        self.counts.refused += refused
        self.counts.sent += len(batch) - refused
        return None


def _position(note: Path) -> Position:
    try:
        return Position.of_json(json.loads(note.read_text())) or BEGINNING
    except (OSError, ValueError):
        return BEGINNING
