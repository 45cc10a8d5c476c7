"""Brings what is ready where it belongs, an account at a time: whose bucket is away costs nobody else."""

from __future__ import annotations

import asyncio
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

from sipedge.recording.destination import Destination
from sipedge.recording.naming import SOUND, UNKNOWN_ACCOUNT, place_of, seconds_of
from siprecorder.counts import Counts
from siprecorder.spool import UNREADABLE, Spool
from siprecorder.storage import Storage, StorageError

log = logging.getLogger(__name__)

AT_A_TIME: Final = 8
"""Accounts that are served side by side."""
FIRST_RETRY_SECONDS: Final = 1.0
_NOWHERE: Final = "no storage is named for it"


@dataclass(slots=True)
class _Patience:
    """With the storage of one account."""

    wait: float = FIRST_RETRY_SECONDS
    until: float = 0.0
    fault: str = ""


@dataclass(slots=True)
class _Underway:
    tasks: dict[str, asyncio.Task[None]] = field(default_factory=dict)
    patience: dict[str, _Patience] = field(default_factory=dict)


class Storer:
    """Of one spool."""

    def __init__(
        self, spool: Spool, default: Destination | None, counts: Counts, longest_wait: float
    ) -> None:
        self._spool, self._default, self._counts, self._longest_wait = spool, default, counts, longest_wait
        self._underway = _Underway()
        self._room = asyncio.Semaphore(AT_A_TIME)

    @property
    def faults(self) -> Mapping[str, str]:
        """Why the recordings of accounts wait."""
        return {account: each.fault for account, each in self._underway.patience.items() if each.fault}

    def look(self) -> int:
        """Begin to store what is ready; how many recordings are."""
        ready = self._spool.ready()
        by_account: dict[str, list[tuple[Path, Mapping[str, Any]]]] = {}
        for path in ready:
            said = _read(path)
            if said is None:
                log.error("%s says nothing of a recording: put aside", path)
                path.replace(self._spool.directory / UNREADABLE / path.name)
            else:
                by_account.setdefault(str(said.get("account", UNKNOWN_ACCOUNT)), []).append((path, said))
        tasks, patience = self._underway.tasks, self._underway.patience
        for account in set(patience) - set(by_account):
            del patience[account]
        for account, found in by_account.items():
            is_due = time.monotonic() >= patience.setdefault(account, _Patience()).until
            if account not in tasks and is_due:
                tasks[account] = asyncio.create_task(self._serve(account, found))
                tasks[account].add_done_callback(partial(_forget, tasks, account))
        return len(ready)

    async def end(self) -> None:
        """What is under way is broken off, and done again by the next recorder."""
        tasks = list(self._underway.tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _serve(self, account: str, found: list[tuple[Path, Mapping[str, Any]]]) -> None:
        patience = self._underway.patience[account]
        async with self._room:
            try:
                storage = Storage(self._destination(account))
                for path, said in found:
                    await self._store(storage, path, said)
                    patience.fault, patience.wait = "", FIRST_RETRY_SECONDS
            except (StorageError, OSError) as error:
                self._counts.add("storage_faults")
                patience.fault = f"recordings cannot be stored, they wait: {_words(error)}"
                patience.until = time.monotonic() + patience.wait
                patience.wait = min(2 * patience.wait, self._longest_wait)
                log.warning("account %s: %s", account, patience.fault)

    def _destination(self, account: str) -> Destination:
        found = self._spool.destination(account) or self._default
        if found is None:
            raise StorageError(_NOWHERE)
        return found

    async def _store(self, storage: Storage, path: Path, said: Mapping[str, Any]) -> None:
        started, sid = seconds_of(str(said.get("startedAt"))), path.stem
        place, sound = place_of(said.get("account"), started or 0.0, sid), path.with_suffix(SOUND)
        try:
            await storage.put_file(place.sound, sound)
        except FileNotFoundError:
            log.error("%s is gone: nothing is left of this recording", sound)
            self._counts.add("lost")
        else:
            await storage.put_text(place.said, json.dumps(said, ensure_ascii=False, indent=2) + "\n")
            self._counts.add("stored")
            self._counts.add_seconds("recorded", float(said.get("seconds", 0.0)))
        await asyncio.to_thread(_delete, path, sound)


def _forget(tasks: dict[str, asyncio.Task[None]], account: str, _: asyncio.Task[None]) -> None:
    tasks.pop(account, None)


def _delete(said: Path, sound: Path) -> None:
    # In this order: what is said of it makes it one that is ready.
    said.unlink(missing_ok=True)
    sound.unlink(missing_ok=True)


def _read(path: Path) -> Mapping[str, Any] | None:
    try:
        said = json.loads(path.read_bytes())
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, RecursionError):
        return None
    return said if isinstance(said, dict) else None


def _words(error: Exception) -> str:
    return error.strerror or "the disk refuses" if isinstance(error, OSError) else str(error)
