"""Directories and buckets. What is told of their faults holds no key and no URL."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import (
    BaseError,
    GenericError,
    NotFoundError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from obstore.store import LocalStore, ObjectStore, S3Store

from sipedge.recording.destination import Destination

REQUEST_TIMEOUT: Final = timedelta(seconds=300)
"""Of a part of a recording, at most 5 MB."""
SILENCE_TIMEOUT: Final = timedelta(seconds=20)
"""Without a byte of the answer."""
CONNECT_TIMEOUT: Final = timedelta(seconds=5)
RETRY_SECONDS: Final = 10
_DEFAULT_REGION: Final = "us-east-1"
_SIGNS: Final = (
    ("dns error", "its name cannot be resolved"),
    ("InvalidAccessKeyId", "it does not know the access key"),
    ("SignatureDoesNotMatch", "the secret key is wrong"),
    ("NoSuchBucket", "there is no such bucket"),
    ("certificate", "its certificate cannot be verified"),
    ("No space left", "it is full"),
    ("StorageFull", "it is full"),
    ("Permission denied", "it may not be written to"),
    ("Read-only file system", "it may not be written to"),
    ("timed out", "it does not answer in time"),
    ("Timeout", "it does not answer in time"),
    ("error sending request", "it cannot be reached"),
    ("onnect", "it cannot be reached"),
)
"""What of an error's text says why; the text itself may hold what is nobody's business."""


class StorageError(Exception):
    """In words that may be shown to anybody."""


class Storage:
    """Where recordings of an account are, or all of them."""

    def __init__(self, destination: Destination) -> None:
        """Raises StorageError for a destination that cannot be one."""
        if destination.access_key_id == "":
            raise StorageError("its Secret has no keys yet")
        try:
            self._store: ObjectStore = _store(destination)
        except (BaseError, OSError, ValueError) as error:
            raise StorageError(_words(error)) from None

    async def put_file(self, name: str, path: Path) -> None:
        """Store a file; it is there whole when this returns. Raises StorageError, OSError for the file."""
        size = (await asyncio.to_thread(path.stat)).st_size
        await self._do(obstore.put_async(self._store, name, path))
        stored = await self.size(name)
        if stored != size:
            raise StorageError(f"it has {stored} bytes of a recording of {size}")

    async def put_text(self, name: str, text: str) -> None:
        """Raises StorageError."""
        await self._do(obstore.put_async(self._store, name, text.encode()))

    async def size(self, name: str) -> int | None:
        """Bytes of an object; None if there is none. Raises StorageError."""
        try:
            found: Any = await obstore.head_async(self._store, name)
        except (NotFoundError, FileNotFoundError):
            return None
        except (BaseError, OSError) as error:
            raise StorageError(_words(error)) from None
        return int(found["size"])

    async def text(self, name: str, most: int) -> str:
        """An object of not more than `most` bytes. Raises StorageError."""
        found: Any = await self._do(obstore.get_async(self._store, name))
        if found.meta["size"] > most:
            raise StorageError(f"{name} is longer than {most} bytes")
        data: Any = await self._do(found.bytes_async())
        return bytes(data).decode("utf-8", "replace")

    async def chunks(self, name: str) -> AsyncIterator[bytes]:
        """An object, piece by piece. Raises StorageError."""
        found: Any = await self._do(obstore.get_async(self._store, name))
        try:
            async for chunk in found.stream():
                yield bytes(chunk)
        except (BaseError, OSError) as error:
            raise StorageError(_words(error)) from None

    async def names(self, prefix: str = "") -> AsyncIterator[str]:
        """Names of all objects below a folder. Raises StorageError."""
        try:
            async for some in obstore.list(self._store, prefix or None):
                for each in some:
                    yield each["path"]
        except NotFoundError:
            return
        except (BaseError, OSError) as error:
            raise StorageError(_words(error)) from None

    async def delete(self, name: str) -> None:
        """Whether it is there or not. Raises StorageError."""
        try:
            await obstore.delete_async(self._store, name)
        except (NotFoundError, FileNotFoundError):
            return
        except (BaseError, OSError) as error:
            raise StorageError(_words(error)) from None

    @staticmethod
    async def _do(work: Any) -> Any:
        try:
            return await work
        except (BaseError, OSError) as error:
            raise StorageError(_words(error)) from None


def directory_of(destination: Destination) -> Path | None:
    """The directory of a destination that is one."""
    return Path(unquote(urlsplit(destination.url).path)) if destination.is_directory else None


def _store(destination: Destination) -> ObjectStore:
    directory = directory_of(destination)
    if directory is not None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        return LocalStore(directory, automatic_cleanup=True, mkdir=True)
    parts = urlsplit(destination.url)
    key = destination.secret_access_key
    config: dict[str, Any] = {
        "endpoint": destination.endpoint,
        "region": destination.region or _DEFAULT_REGION,
        "access_key_id": destination.access_key_id,
        "secret_access_key": key.reveal() if key is not None else None,
    }
    given = {name: value for name, value in config.items() if value is not None}
    return S3Store(
        parts.netloc,
        prefix=parts.path.strip("/") or None,
        config=given,  # type: ignore[arg-type]
        client_options={
            "timeout": REQUEST_TIMEOUT,
            "connect_timeout": CONNECT_TIMEOUT,
            "read_timeout": SILENCE_TIMEOUT,
            "allow_http": (destination.endpoint or "").startswith("http://"),
        },
        retry_config={"max_retries": 2, "retry_timeout": timedelta(seconds=RETRY_SECONDS)},
    )


def _words(error: Exception) -> str:
    if isinstance(error, NotFoundError | FileNotFoundError):
        return "there is no such bucket, directory or recording"
    if isinstance(error, PermissionDeniedError | UnauthenticatedError | PermissionError):
        return "it refuses these credentials"
    text = str(error)
    default = (
        "it does not answer as a storage does" if isinstance(error, GenericError) else "it is no storage"
    )
    return next((words for sign, words in _SIGNS if sign in text), default)
