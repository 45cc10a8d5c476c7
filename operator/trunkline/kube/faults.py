"""What can go wrong with a request to the API server, by what to do about it."""

from __future__ import annotations

import json
from typing import Any, Final

_LONGEST: Final = 400


class KubeError(Exception):
    """A request that the API server did not carry out. The text holds no secret."""


class TransientError(KubeError):
    """The same request may succeed later: no connection, 401, 408, 429, 5xx."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after
        """Seconds that the API server asked to wait."""


class UnreachableError(TransientError):
    """There was no answer at all: no connection, or none in time."""


class UnauthorizedError(TransientError):
    """401: the API server does not know who asks. In a pod the kubelet renews what it shows."""


class PermanentError(KubeError):
    """The same request will fail again, until somebody changes something."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message)
        self.code = code


class ForbiddenError(PermanentError):
    """403: the service account lacks a right."""


class NotFoundError(PermanentError):
    """404: the object, its namespace or its kind does not exist."""


class ConflictError(PermanentError):
    """409: the object has changed meanwhile, or exists already."""


class GoneError(PermanentError):
    """410: the resource version asked for is too old; list again."""


class InvalidError(PermanentError):
    """422: what was sent, or the object that it changes, is not what its kind's schema asks for."""


_BY_CODE: Final = {
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    410: GoneError,
    422: InvalidError,
}
_TRANSIENT: Final = frozenset({408, 429})


def fault_of(code: int, body: bytes, retry_after: str | None, what: str) -> KubeError:
    """The error for an answer with status `code`; `what` names the request, e.g. `PATCH /api/v1/...`."""
    message = f"{what}: {code} {_message(body)}"
    if code == 401:
        return UnauthorizedError(message)
    if code in _TRANSIENT or code >= 500:
        return TransientError(message, float(retry_after) if retry_after and retry_after.isdigit() else None)
    return _BY_CODE.get(code, PermanentError)(message, code)


def _message(body: bytes) -> str:
    """The `message` of a Status object. Other bodies are not shown: a proxy may echo what was sent."""
    try:
        status: Any = json.loads(body)
    except ValueError:
        return ""
    message = status.get("message") if isinstance(status, dict) else None
    return str(message)[:_LONGEST] if message else ""
