"""The files as the loop sees them: what they say that they did not say before."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TypeVar

from trunkline.api import AnyResource, InvalidObject, ObjectRef, Resources
from trunkline.compiler.delta import InputChanges
from trunkline.standalone.load import Loaded, load
from trunkline.standalone.options import CheckedOptions
from trunkline.standalone.watch import edits

Key = TypeVar("Key")
Value = TypeVar("Value")

RESYNC_SECONDS = 5.0
"""The files are read again after this time without an edit: no lost event matters for longer."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One reading of the files that said something new."""

    before: Loaded | None
    now: Loaded
    began: float
    """When it was begun, monotonic."""


class Manifests:
    """Reads the files when they change."""

    def __init__(self, options: CheckedOptions, first: Loaded) -> None:
        """`first` was read already."""
        self._options = options
        self._wake: Callable[[], None] = lambda: None
        self._edited = False
        self._waiting: Edit | None = Edit(None, first, time.monotonic())
        self.loaded = first
        """The last reading."""

    def on_change(self, wake: Callable[[], None]) -> None:
        """`wake` is called after an edit."""
        self._wake = wake

    async def read(self) -> Edit | None:
        """What the files say anew; None if that is nothing."""
        if self._waiting is not None:
            waiting, self._waiting = self._waiting, None
            return waiting
        if not self._edited:
            return None
        began, self._edited = time.monotonic(), False
        loaded = await asyncio.to_thread(
            load,
            self._options.paths,
            platform=self._options.platform,
            previous=self.loaded,
        )
        if loaded is self.loaded:
            return None
        before, self.loaded = self.loaded, loaded
        return Edit(before, loaded, began)

    def put_back(self, edit: Edit) -> None:
        """It could not be taken in: `read` gives it again."""
        self._waiting = edit

    def start_over(self) -> None:
        """The last reading counts as new."""
        self._waiting = Edit(None, self.loaded, time.monotonic())

    async def watch(self) -> None:
        """Notice edits; until cancelled."""
        async for _ in edits(self._options.paths):
            self._look()

    async def resync(self) -> None:
        """Read the files again and again, though nothing was noticed; until cancelled."""
        while True:
            await asyncio.sleep(RESYNC_SECONDS)
            self._look()

    def _look(self) -> None:
        self._edited = True
        self._wake()


def changes_between(
    before: Resources | None, now: Resources, named: Iterable[ObjectRef] = ()
) -> InputChanges:
    """The objects and Secrets in which two readings differ; all of `now` if there is none before.

    Those of `named` count as different: their newest content may be refused while the last good one stays.
    """
    contents = _contents(now)
    return InputChanges(
        {**{ref: contents.get(ref) for ref in named}, **_changed(_contents(before), contents)},
        _changed(before.secrets if before else {}, now.secrets),
    )


def _contents(resources: Resources | None) -> Mapping[ObjectRef, AnyResource | InvalidObject]:
    if resources is None:
        return {}
    found: Iterable[Mapping[ObjectRef, AnyResource | InvalidObject]] = resources.objects.values()
    contents = {ref: each for objects in found for ref, each in objects.items()}
    return {**contents, **{each.ref: each for each in resources.invalid}}


def _changed(before: Mapping[Key, Value], now: Mapping[Key, Value]) -> dict[Key, Value | None]:
    new: dict[Key, Value | None] = {
        key: value for key, value in now.items() if (old := before.get(key)) is not value and old != value
    }
    return {**new, **dict.fromkeys(key for key in before if key not in now)}
