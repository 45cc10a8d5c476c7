"""Files as the home of objects: manifests in, statuses out, and the lines that `up` prints.

Certificates, DNS records and the writing of statuses are kept beside the turns, so that a silent DNS server,
a new key or a slow disk holds up nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sipedge.fault import describe_fault
from trunkline.api import Edge, ObjectRef
from trunkline.api.resources import Platform
from trunkline.compiler.delta import Delta, InputChanges
from trunkline.publication.left_out import in_no_table
from trunkline.reconcile.home import Sight
from trunkline.reconcile.loop import PUBLISHING
from trunkline.reconcile.place import Publication
from trunkline.reconcile.reporter import Identities
from trunkline.reconcile.schedule import Outcome, Schedule
from trunkline.reconcile.worker import Ended, Worker
from trunkline.standalone.file_reporter import FileReporter
from trunkline.standalone.manifests import Edit, Manifests, changes_between
from trunkline.standalone.narrator import Narrator
from trunkline.standalone.news import News
from trunkline.standalone.served_pairs import ServedPairs
from trunkline.standalone.sites import local_edges
from trunkline.standalone.state_files import disk_fault
from trunkline.standalone.summary import Summary, all_serve
from trunkline.standalone.zone import Zone
from trunkline.status.conditions import Opinion
from trunkline.status.reasons import StatusReason

BUSY_SECONDS: Final = 0.02
QUIET_SECONDS: Final = 0.1
"""How often the instances are looked at, while an outcome is awaited and else."""
CERTIFICATES, DNS = "keeping the certificates", "DNS"
WRITING, WATCHING = "writing the statuses", "watching the files"
_WHOLE_SENTENCES: Final = frozenset({PUBLISHING, DNS})
"""Topics whose faults name what they are about."""
BESIDE: Final = Schedule(first_retry=1.0)
"""What is kept beside the turns."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """What one compilation was of."""

    edits: Sequence[Edit]
    identities: Identities


class FileHome:
    """The home of one `up`."""

    def __init__(
        self,
        manifests: Manifests,
        statuses: FileReporter,
        pairs: ServedPairs,
        zone: Zone,
        summary: Summary,
        narrator: Narrator,
        news: News,
        verbose: bool,
    ) -> None:
        """With `verbose`, where a fault was raised is told as well."""
        self._manifests, self._statuses, self._pairs, self._zone = manifests, statuses, pairs, zone
        self._summary, self._narrator, self._news, self._verbose = summary, narrator, news, verbose
        self._wake: Callable[[], None] = lambda: None
        self._keeping = {
            topic: Worker(step, BESIDE, self._hear(topic), self.describe)
            for topic, step in (
                (CERTIFICATES, self._keep_certificates),
                (DNS, zone.keep),
                (WRITING, statuses.files.write),
                (WATCHING, self._watch),
            )
        }

    # ------------------------------------------------------------------------------- as the loop asks

    @property
    def platform(self) -> Platform:
        """As the files are to be read."""
        return self._manifests.loaded.resources.platform

    async def may_act(self) -> None:
        """At once: the state directory is locked."""

    async def changes(self) -> InputChanges | None:
        """What an edit has changed."""
        edit = await self._manifests.read()
        if edit is None:
            return InputChanges()
        try:
            named = self._statuses.read(edit.now)
            self._news.read(edit)
            return changes_between(edit.before.resources if edit.before else None, edit.now.resources, named)
        except Exception:
            self._manifests.put_back(edit)
            raise

    def start_over(self) -> None:
        """The files are told whole again."""
        self._manifests.start_over()
        self._pairs.start_over()

    def still_there(self, served: Mapping[str, Edge]) -> Mapping[str, Edge]:
        """None: of a file that is refused the last good content is in force, be it an Edge or not."""
        return {}

    def ending(self, served: Mapping[str, Edge]) -> Mapping[str, Edge]:
        """None: an Edge that is taken from the files ends."""
        return {}

    def unreadable_namespaces(self) -> frozenset[str]:
        """None: whatever the files hold is read."""
        return frozenset()

    def compiled(self, delta: Delta) -> Compiled:
        """Warn, and note which domains there are."""
        self._pairs.compiled(delta)
        edits = self._news.compiled(delta, self._manifests.loaded)
        return Compiled(edits, self._statuses.compiled(delta))

    def published(self, delta: Delta, note: Compiled, publication: Publication) -> None:
        """Statuses may speak of it from now on."""
        self._statuses.published(delta, note.identities, publication)
        self._news.published(note.edits, publication)

    async def report(self, sight: Sight) -> float | None:
        """Statuses, lines and the summary."""
        edges = local_edges(sight.edges.values(), sight.observation.addresses)
        if self._pairs.wish(edges, self._manifests.loaded):
            self._keeping[CERTIFICATES].ask()
        if self._zone.update(edges, sight.observation.reports):
            self._keeping[DNS].ask()
        transitions = self._statuses.report(sight, self._opinions(sight))
        if self._statuses.files.has_unwritten:
            self._keeping[WRITING].ask()
        ready = all_serve(sight) and self._zone.is_right
        self._summary.write(sight, ready)
        self._news.report(sight, transitions, ready, self._manifests.loaded)
        return BUSY_SECONDS if self._news.is_busy or self._statuses.has_more else QUIET_SECONDS

    def fault(self, topic: str, fault: str) -> None:
        """Tell it once."""
        self._narrator.fault(topic, fault if topic in _WHOLE_SENTENCES else fault and f"{topic}: {fault}")

    def describe(self, error: Exception) -> str:
        """In words that a user understands, where the fault is of the disk."""
        if isinstance(error, OSError):
            place = f"{error.filename}: " if error.filename else ""
            return f"{place}{disk_fault(error)}; the edges go on"
        if self._verbose:
            # The frames alone: the text of an exception may hold a secret.
            for line in "".join(traceback.format_tb(error.__traceback__)).splitlines():
                self._narrator.say(line)
        return f"unexpected {describe_fault(error)}; the edges keep what they have"

    def turned(self, fault: str, seconds: float) -> None:
        """Nobody counts turns here."""

    def on_change(self, wake: Callable[[], None]) -> None:
        """`wake` is called after an edit, and when a certificate is there."""
        self._wake = wake
        self._manifests.on_change(wake)

    async def run(self) -> None:
        """Until cancelled."""
        for worker in self._keeping.values():
            worker.ask()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._manifests.resync())
            for worker in self._keeping.values():
                group.create_task(worker.run())

    async def close(self) -> None:
        """Write what is not written."""
        with contextlib.suppress(OSError):
            self._statuses.files.write_rest()
        self._summary.remove()

    # ------------------------------------------------------------------------------------------- inside

    def _opinions(self, sight: Sight) -> Mapping[ObjectRef, tuple[Opinion, ...]]:
        """The conditions that only this process knows."""
        publication = sight.publication
        opinions = {**publication.opinions, **in_no_table(publication.left_out)}
        for ref, fault in self._manifests.loaded.refused.items():
            if ref.kind != "Secret":
                opinions[ref] = (*opinions.get(ref, ()), *_kept(fault))
        for edge, dns in self._zone.opinions():
            certificate, ref = self._pairs.opinion(edge.name), edge.edge.ref
            own = (dns,) if certificate is None else (certificate, dns)
            opinions[ref] = (*opinions.get(ref, ()), *own)
        return opinions

    async def _keep_certificates(self) -> Outcome:
        return await self._pairs.keep(self._wake)

    async def _watch(self) -> Outcome:
        await self._manifests.watch()
        return Outcome("ended")

    def _hear(self, topic: str) -> Ended:
        """Tells what is wrong with `topic`."""

        def hear(outcome: Outcome, _: float) -> None:
            self.fault(topic, outcome.fault)

        return hear


def _kept(fault: str) -> tuple[Opinion, ...]:
    """An object whose newest content is refused while its last good content is in force."""
    message = f"{fault}; the last good content stays in force"
    return (
        Opinion("Accepted", "False", StatusReason.KEPT_LAST_GOOD, message),
        Opinion("Programmed", "False", StatusReason.KEPT_LAST_GOOD, "the last good content stays in force"),
    )
