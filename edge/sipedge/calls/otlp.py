"""Call records as logs of OpenTelemetry: the request of OTLP over HTTP, as JSON (ExportLogsServiceRequest).

A record is one log: its body is the line that the file of records has, its attributes are what the line says,
by the same keys, so that whoever stores logs by attributes needs no parser. What is deeper stays in the body.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from sipedge.values import json_writer

EVENT_NAME: Final = "trunkline.call"
SCOPE: Final = "trunkline.calls"
LOGS_PATH: Final = "/v1/logs"
"""Below the endpoint, as OpenTelemetry's own exporters have it."""
_INFO: Final = 9
_LEVEL: Final = "INFO"
_encode = json_writer(ascii_only=True)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where a collector takes logs by HTTP."""

    is_secure: bool
    host: str
    port: int
    path: str


def read_endpoint(text: str) -> Endpoint:
    """The endpoint of `http://collector:4318`, its path included. Raises ValueError, which says the mend.

    What may hold a password is not repeated.
    """
    if "@" in text or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError(
            "it has a user name, spaces or characters that a URL cannot have: write http://HOST:4318"
        )
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError as error:
        raise ValueError(f"{text!r} is not a URL ({error}): write http://HOST:4318") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError(f"{text!r} is not an OTLP/HTTP endpoint: write http://HOST:4318")
    is_secure = parts.scheme == "https"
    default = 443 if is_secure else 4318
    return Endpoint(is_secure, parts.hostname, port or default, parts.path.rstrip("/") + LOGS_PATH)


def logs_request(lines: Iterable[bytes], resource: Mapping[str, str], now: float) -> bytes:
    """The body of a request for these lines of the file of records. Total: what is no record is left out."""
    records = [found for line in lines if (found := _log_record(line, now)) is not None]
    return _encode(
        {
            "resourceLogs": [
                {
                    "resource": {"attributes": _attributes(resource)},
                    "scopeLogs": [{"scope": {"name": SCOPE}, "logRecords": records}],
                }
            ]
        }
    ).encode()


def refused_in(answer: bytes) -> int:
    """How many logs a collector has not taken of a request that it has answered with 200."""
    try:
        said = json.loads(answer)
        return max(0, int(said["partialSuccess"]["rejectedLogRecords"]))
    except (KeyError, TypeError, ValueError, RecursionError):
        return 0


def _log_record(line: bytes, now: float) -> dict[str, Any] | None:
    text = line.decode("utf-8", "replace")
    try:
        said = json.loads(text)
    except (ValueError, RecursionError):
        return None
    if not isinstance(said, dict) or "callSid" not in said:
        return None
    seen = _nanoseconds(now)
    return {
        "timeUnixNano": _time_of(said) or seen,
        "observedTimeUnixNano": seen,
        "severityNumber": _INFO,
        "severityText": _LEVEL,
        "eventName": EVENT_NAME,
        "body": {"stringValue": text},
        "attributes": _attributes(said),
    }


def _attributes(said: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = ((key, _value(value)) for key, value in said.items())
    return [{"key": key, "value": value} for key, value in found if value is not None]


def _value(value: Any) -> dict[str, Any] | None:
    match value:
        case bool():
            return {"boolValue": value}
        case int():
            return {"intValue": str(value)}  # 64 bits are a text in this JSON
        case float():
            return {"doubleValue": value}
        case str():
            return {"stringValue": value}
    return None


def _time_of(said: Mapping[str, Any]) -> str | None:
    """When the call ended, or else began."""
    try:
        return _nanoseconds(datetime.fromisoformat(said.get("endedAt") or said["startedAt"]).timestamp())
    except (KeyError, TypeError, ValueError):
        return None


def _nanoseconds(seconds: float) -> str:
    return str(round(seconds * 1000) * 1_000_000)
