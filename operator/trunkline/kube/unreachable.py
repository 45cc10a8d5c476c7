"""Why there was no answer of an API server, in words for who asked. Pure."""

from __future__ import annotations

import os
import re
from typing import Final

import aiohttp

_NUMBER: Final = re.compile(r"\[Errno (\d+)\]")
_LONGEST: Final = 200


def why_unreachable(error: Exception) -> str:
    """What kept an answer away, on one line, without names of Python's."""
    match error:
        case aiohttp.ClientConnectorCertificateError():
            return f"its certificate is not trusted: {_said(error.certificate_error)}"
        case aiohttp.ClientConnectorDNSError():
            return f"the name {error.host} cannot be resolved"
        case aiohttp.ClientConnectorError():
            return _of_system(error.os_error)
        case aiohttp.ServerDisconnectedError():
            return "it closed the connection"
        case TimeoutError():
            return "no answer in time"
        case OSError():
            return _of_system(error)
    return _said(error) or type(error).__name__


def _of_system(error: OSError) -> str:
    """asyncio writes texts of its own, and one for several addresses; the number says what it was."""
    found = _NUMBER.search(str(error))
    number = error.errno or (int(found[1]) if found else None)
    return os.strerror(number).lower() if number and number > 0 else _said(error)


def _said(error: BaseException) -> str:
    return " ".join(str(error).split())[:_LONGEST]
