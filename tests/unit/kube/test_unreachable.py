"""Why an API server gave no answer, as users read it."""

from __future__ import annotations

import ssl
from types import SimpleNamespace
from typing import Any

import aiohttp
import pytest

from trunkline.kube.unreachable import why_unreachable

KEY: Any = SimpleNamespace(host="api.example.com", port=6443, ssl=True, is_ssl=True)
REFUSED = OSError(111, "Connect call failed ('127.0.0.1', 1)")
BOTH = OSError(
    "Multiple exceptions: [Errno 111] Connect call failed ('::1', 1), [Errno 111] Connect call failed"
)
UNTRUSTED = ssl.SSLCertVerificationError(1, "certificate verify failed: self-signed certificate")


@pytest.mark.parametrize(
    ("error", "told"),
    (
        (aiohttp.ClientConnectorError(KEY, REFUSED), "connection refused"),
        (aiohttp.ClientConnectorError(KEY, BOTH), "connection refused"),
        (
            aiohttp.ClientConnectorDNSError(KEY, OSError(-2, "?")),
            "the name api.example.com cannot be resolved",
        ),
        (aiohttp.ClientConnectorCertificateError(KEY, UNTRUSTED), "its certificate is not trusted: "),
        (aiohttp.ServerDisconnectedError(), "it closed the connection"),
        (aiohttp.ServerTimeoutError(), "no answer in time"),
        (TimeoutError(), "no answer in time"),
        (ConnectionResetError(104, "x"), "connection reset by peer"),
        (ValueError("no\nJSON"), "no JSON"),
        (ValueError(), "ValueError"),
    ),
    ids=str,
)
def test_why_there_was_no_answer(error: Exception, told: str) -> None:
    """No name of a class, no tuple of Python's, one line."""
    said = why_unreachable(error)
    assert said.startswith(told)
    assert "\n" not in said
    assert "Errno" not in said
