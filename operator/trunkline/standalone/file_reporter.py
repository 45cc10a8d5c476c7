"""Generations, the status book and the files of statuses, as one."""

from __future__ import annotations

import datetime
import time
from collections.abc import Iterable, Mapping

from trunkline.api import ObjectRef
from trunkline.compiler.delta import Delta
from trunkline.reconcile.home import Sight
from trunkline.reconcile.place import Publication
from trunkline.reconcile.reporter import Identities, Reporter
from trunkline.standalone.generations import Generations
from trunkline.standalone.load import Loaded
from trunkline.standalone.statuses import FileStatuses, Transition
from trunkline.status.conditions import Opinion


class FileReporter:
    """Tells the book what the files say, and the files what the book says."""

    def __init__(self, reporter: Reporter, statuses: FileStatuses) -> None:
        self._reporter, self.files = reporter, statuses
        self._generations = Generations(statuses.generations)
        self._removed: list[Transition] = []

    def read(self, loaded: Loaded) -> Iterable[ObjectRef]:
        """The files say something new: of these objects, some of which may be gone."""
        documents = {ref: each for ref, each in loaded.documents.items() if ref.kind != "Secret"}
        identities, removed = self.files.see(self._generations.advance(documents))
        self._reporter.note(identities)
        self._removed.extend(removed)
        return identities

    def compiled(self, delta: Delta) -> Identities:
        """All that was read was compiled: these versions."""
        return self._reporter.compiled(delta)

    def published(self, delta: Delta, identities: Identities, publication: Publication) -> None:
        """What was compiled is published."""
        self._reporter.published(delta, identities, publication, time.monotonic())

    def report(self, sight: Sight, opinions: Mapping[ObjectRef, tuple[Opinion, ...]]) -> list[Transition]:
        """Make every status current; what changed. Nothing is written yet."""
        self._reporter.report(sight, opinions, {})
        removed, self._removed = self._removed, []
        clock = datetime.datetime.now(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return [*self.files.store(time.monotonic(), clock), *removed]

    @property
    def has_more(self) -> bool:
        """True if more statuses are due at once."""
        return self._reporter.book.next_look() == float("-inf")
