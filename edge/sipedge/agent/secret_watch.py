"""Follows Secrets of one namespace: one list, then each change, in a thread of its own, without end."""

from __future__ import annotations

import asyncio
import base64
import binascii
import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sipedge.agent.kube_api import (
    BOOKMARK,
    DELETED,
    OPENED,
    ApiError,
    KubernetesApi,
    Object,
    VersionGoneError,
)
from sipedge.dice import DICE

log = logging.getLogger(__name__)

FIRST_BACKOFF: Final = 0.25
LONGEST_BACKOFF: Final = 10.0
PAUSE_SECONDS: Final = 0.1
"""Between the end of a watch and the next: a server that ends each at once is not asked in a circle."""

SecretData = Mapping[str, bytes]
"""The data of one Secret, by key."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What a watch has learnt: changes, or all there is if `whole`; none at all = it was answered, or not."""

    secrets: Mapping[str, SecretData | None]
    """By name; None = it is gone."""
    whole: bool = False


class SecretWatch:
    """The Secrets that a selector picks. What is learnt is handed to `told`, in the event loop."""

    def __init__(
        self, api: KubernetesApi, namespace: str, selector: Mapping[str, str], told: Callable[[Sight], None]
    ) -> None:
        """`selector` may hold labelSelector and fieldSelector."""
        self._api, self._path = api, f"/api/v1/namespaces/{namespace}/secrets"
        self._selector, self._told = dict(selector), told
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_closed = False
        self.has_listed = False
        """True once the first list has come."""
        self.fault: str | None = None
        """Why nothing is learnt now; None while the API server answers."""

    def start(self) -> None:
        """Begin to follow; called once, in the event loop."""
        self._loop = asyncio.get_running_loop()
        threading.Thread(target=self._follow, name="secrets", daemon=True).start()

    def close(self) -> None:
        """Tell nothing any more; the thread ends with the answer that it waits for."""
        self._is_closed = True

    def _follow(self) -> None:
        version: str | None = None
        backoffs = _backoffs()
        while not self._is_closed:
            try:
                if version is None:
                    version = self._list()
                    backoffs = _backoffs()
                for kind, found in self._api.watch(self._path, version, **self._selector):
                    version = found["metadata"]["resourceVersion"]
                    self._take(kind, found)
                    backoffs = _backoffs()
                time.sleep(PAUSE_SECONDS)
            except VersionGoneError as error:
                log.info("%s; all is listed again", error)
                version = None
                time.sleep(PAUSE_SECONDS)
            except ApiError as error:
                self._say(self._fail, str(error))
                if error.status is not None:
                    version = None
                time.sleep(error.wait or next(backoffs))
            except Exception:
                # Whatever an answer looks like, the thread must not end.
                log.exception("%s: the answer is not understood", self._path)
                version = None
                time.sleep(next(backoffs))

    def _list(self) -> str:
        listing = self._api.list(self._path, **self._selector)
        secrets = {each["metadata"]["name"]: _data(each) for each in listing.items}
        self._say(self._learn, Sight(secrets, whole=True))
        return listing.version

    def _take(self, kind: str, found: Object) -> None:
        if kind in (OPENED, BOOKMARK):
            self._say(self._learn, Sight({}))
        else:
            data = None if kind == DELETED else _data(found)
            self._say(self._learn, Sight({found["metadata"]["name"]: data}))

    def _learn(self, sight: Sight) -> None:
        self.fault, self.has_listed = None, self.has_listed or sight.whole
        self._told(sight)

    def _fail(self, fault: str) -> None:
        self.fault = fault
        self._told(Sight({}))

    def _say(self, what: Callable[[Any], None], value: object) -> None:
        try:
            if self._loop is not None and not self._is_closed:
                self._loop.call_soon_threadsafe(what, value)
        except RuntimeError:
            pass  # the loop is closed: the agent is ending, and this thread with it


def _data(secret: Object) -> dict[str, bytes]:
    data = {}
    for key, text in (secret.get("data") or {}).items():
        try:
            data[key] = base64.b64decode(text, validate=True)
        except (binascii.Error, ValueError):
            data[key] = b""
    return data


def _backoffs() -> Iterator[float]:
    seconds = FIRST_BACKOFF
    while True:
        yield seconds * (0.5 + DICE.random())
        seconds = min(seconds * 2, LONGEST_BACKOFF)
