"""rtpengine over HTTP: commands whose answers no UDP packet can hold, as of all sessions, and its metrics."""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from typing import Final

from sipedge.ng.client import NgError, NgRefusedError, NgUnreachableError
from sipedge.ng.packets import Read, Value, packet_of, read_answer

SECONDS: Final = 5.0
LARGEST_ANSWER: Final = 8 * 1024 * 1024
"""Bytes; a session is named in some forty."""
_COOKIE: Final = b"1 "
_TYPE: Final = {"Content-Type": "application/x-rtpengine-ng"}


def metrics_page(host: str, port: int) -> str:
    """rtpengine's page for Prometheus. Raises NgUnreachableError."""
    connection = http.client.HTTPConnection(host, port, timeout=SECONDS)
    try:
        connection.request("GET", "/metrics")
        return connection.getresponse().read(LARGEST_ANSWER).decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        raise NgUnreachableError(str(error), hangs=isinstance(error, TimeoutError)) from error
    finally:
        connection.close()


def ask_over_http(host: str, port: int, command: Mapping[str, Value]) -> dict[str, Read]:
    """rtpengine's answer at its port for HTTP. Raises NgError: it refused, or did not answer in time."""
    connection = http.client.HTTPConnection(host, port, timeout=SECONDS)
    try:
        connection.request("POST", "/ng", packet_of(_COOKIE, command), _TYPE)
        data = connection.getresponse().read(LARGEST_ANSWER)
    except (OSError, http.client.HTTPException) as error:
        raise NgUnreachableError(str(error), hangs=isinstance(error, TimeoutError)) from error
    finally:
        connection.close()
    answer = read_answer(data, _COOKIE)
    if answer is None:
        raise NgError("the answer is none of the ng protocol")
    if answer.get("result") == "error":
        raise NgRefusedError(str(answer.get("error-reason", "")))
    return answer
