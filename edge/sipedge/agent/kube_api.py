"""The few requests that an agent sends to the Kubernetes API server, with the standard library alone.

Blocking; callers give each a thread. Token and authority are read again for every connection, since the
kubelet replaces both files while the pod lives.
"""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

REQUEST_SECONDS: Final = 10.0
"""The longest that one request waits for anything from the server."""
SILENCE_SECONDS: Final = 75.0
"""A server sends a watch a bookmark about once a minute: a longer silence is a connection that is dead."""
WATCH_SECONDS: Final = 600
"""After so long the server itself ends a watch."""
LONGEST_WAIT: Final = 60.0
OPENED: Final = "OPENED"
BOOKMARK: Final = "BOOKMARK"
DELETED: Final = "DELETED"

Object = Mapping[str, Any]


class ApiError(Exception):
    """The API server gave no answer, or refused. The text says what was asked and what came of it."""

    def __init__(self, text: str, *, status: int | None = None, wait: float | None = None) -> None:
        super().__init__(text)
        self.status = status
        """HTTP status; None = no answer."""
        self.wait = wait
        """Seconds after which the server wants to be asked again."""


class VersionGoneError(ApiError):
    """The server no longer knows what has changed since that resourceVersion: list again."""


@dataclass(frozen=True, slots=True)
class Access:
    """Where the API server is, and who asks."""

    host: str
    port: int
    account: Path
    """Directory with `token` and `ca.crt`, as pods find it."""


@dataclass(frozen=True, slots=True)
class Listing:
    """All objects of a list, and the version from which a watch goes on."""

    items: tuple[Object, ...]
    version: str


class KubernetesApi:
    """One API server. For several threads at once."""

    def __init__(self, access: Access) -> None:
        self._access = access

    def list(self, path: str, **query: str) -> Listing:
        """The whole collection at `path`. Raises ApiError."""
        with self._sent("GET", f"{path}?{urlencode(query)}", REQUEST_SECONDS) as response:
            document = _object(path, response.read())
            return Listing(tuple(document["items"] or ()), document["metadata"]["resourceVersion"])

    def watch(self, path: str, version: str, **query: str) -> Iterator[tuple[str, Object]]:
        """Each change after `version`, as (type, object), until the server ends the watch.

        The first is of type OPENED and tells only that the server has begun; bookmarks are among them.
        Raises VersionGoneError, or ApiError.
        """
        asked = urlencode(
            {
                **query,
                "watch": "true",
                "allowWatchBookmarks": "true",
                "timeoutSeconds": str(WATCH_SECONDS),
                "resourceVersion": version,
            }
        )
        with self._sent("GET", f"{path}?{asked}", SILENCE_SECONDS) as response:
            yield OPENED, {"metadata": {"resourceVersion": version}}
            while line := response.readline():
                event = _object(path, line)
                if event["type"] == "ERROR":
                    raise _refusal(f"watch {path}", event["object"].get("code"), event["object"])
                yield event["type"], event["object"]

    def merge(self, path: str, patch: Object) -> None:
        """Merge `patch` into the object at `path`. Raises ApiError."""
        asked = f"{path}?{urlencode({'fieldManager': 'trunkline-agent'})}"
        with self._sent("PATCH", asked, REQUEST_SECONDS, json.dumps(patch).encode()) as response:
            response.read()

    @contextmanager
    def _sent(
        self, method: str, path: str, seconds: float, body: bytes | None = None
    ) -> Iterator[http.client.HTTPResponse]:
        what = f"{method} {path.partition('?')[0]}"
        try:
            connection = self._connect(seconds)
            try:
                connection.request(method, path, body, self._headers(body))
                response = connection.getresponse()
                if response.status >= 400:
                    raise _refused(what, response)
                yield response
            finally:
                connection.close()
        except (OSError, ValueError, KeyError, http.client.HTTPException) as error:
            where = f"{self._access.host}:{self._access.port}"
            reason = (
                "it has gone silent"
                if isinstance(error, TimeoutError)
                else str(error) or type(error).__name__
            )
            raise ApiError(f"{what}: no answer from the API server at {where}: {reason}") from error

    def _connect(self, seconds: float) -> http.client.HTTPSConnection:
        context = ssl.create_default_context(cafile=str(self._access.account / "ca.crt"))
        # Python 3.13 would refuse the authorities of some clusters, which have no key identifiers.
        context.verify_flags &= ~ssl.VERIFY_X509_STRICT
        return http.client.HTTPSConnection(
            self._access.host, self._access.port, timeout=seconds, context=context
        )

    def _headers(self, body: bytes | None) -> dict[str, str]:
        token = (self._access.account / "token").read_text(encoding="ascii").strip()
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        if body is not None:
            headers["Content-Type"] = "application/merge-patch+json"
        return headers


def _object(path: str, data: bytes) -> dict[str, Any]:
    document = json.loads(data)
    if not isinstance(document, dict):
        raise ValueError(f"{path}: the answer is not a JSON object")
    return document


def _refused(what: str, response: http.client.HTTPResponse) -> ApiError:
    try:
        status = json.loads(response.read(65_536))
    except ValueError:
        status = None
    error = _refusal(what, response.status, status if isinstance(status, dict) else {})
    after = response.getheader("Retry-After", "")
    error.wait = min(float(after), LONGEST_WAIT) if after.isdecimal() else None
    return error


def _refusal(what: str, code: int | None, status: Object) -> ApiError:
    kind = VersionGoneError if code == 410 else ApiError
    words = str(status.get("message") or http.client.responses.get(code or 0, "refused"))
    return kind(f"{what}: the API server answers {code}: {words}", status=code)
