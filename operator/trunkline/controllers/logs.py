"""Logs: one JSON object a line, with the object that a line is about."""

from __future__ import annotations

import datetime
import json
import logging
import sys
from typing import Final, TextIO

from sipedge.fault_log import FaultFormatter

_OWN: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
"""What every record has; anything else was given with `extra`."""


class JsonLines(FaultFormatter):
    """Keys `time`, `level`, `logger`, `message`, and those given with `extra`, e.g. `object`."""

    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.datetime.fromtimestamp(record.created, datetime.UTC)
        line = {
            "time": moment.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": self.message_of(record),
        }
        # Kopf gives whole objects along with its lines; a reader needs their names only.
        extra = {
            key: value
            for key, value in vars(record).items()
            if key not in _OWN and isinstance(value, str | int | float | bool)
        }
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return json.dumps({**line, **extra}, ensure_ascii=False)


def _is_news(record: logging.LogRecord) -> bool:
    """Kopf tells twice, with a stack, that a kind is not served any more: the watchdog does so in words."""
    error = record.exc_info[1] if record.exc_info else None
    return not (record.name.startswith("kopf.") and getattr(error, "status", None) == 404)


def configure_logs(verbose: bool, stream: TextIO | None = None) -> None:
    """Send everything to `stream` (standard error) as JSON lines."""
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonLines())
    handler.addFilter(_is_news)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.INFO)
    logging.getLogger("trunkline").setLevel(logging.DEBUG if verbose else logging.INFO)
    # Kopf tells of each object that it has handled it.
    logging.getLogger("kopf").setLevel(logging.INFO if verbose else logging.WARNING)
    # What the kubelet and Prometheus ask every few seconds is no news.
    logging.getLogger("aiohttp.access").setLevel(logging.WARNING)
