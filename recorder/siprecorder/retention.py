"""Deletes recordings that have lain where they are for too long."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from datetime import date

from sipedge.recording.destination import Destination
from sipedge.recording.naming import is_expired, place_of_name
from siprecorder.storage import Storage

log = logging.getLogger(__name__)


async def expire(destination: Destination, account: str | None, today: date) -> int:
    """Delete what is too old; how many objects. `account`: whose destination it is, None = everybody's.

    Raises StorageError.
    """
    days = destination.retention_days
    if days is None:
        return 0
    storage, count = Storage(destination), 0
    async for name in _names(storage, account or ""):
        place = place_of_name(name)
        if place is not None and is_expired(place, today, days):
            await storage.delete(name)
            count += 1
    if count:
        log.info("%d objects of recordings were older than %d days", count, days)
    return count


async def _names(storage: Storage, account: str) -> AsyncIterator[str]:
    # What is deleted while it is listed may hide what comes after it.
    for name in [name async for name in storage.names(account)]:
        yield name
