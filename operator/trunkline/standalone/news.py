"""What `up` tells a person, and when: an edit once it is in force, `Ready` once all serves."""

from __future__ import annotations

from collections.abc import Sequence

from trunkline.api import ObjectRef, Trunk
from trunkline.compiler import Verdict
from trunkline.compiler.delta import Delta
from trunkline.reconcile.home import Sight
from trunkline.reconcile.place import Publication
from trunkline.standalone.announce import describe_changes, ready_line
from trunkline.standalone.load import Loaded
from trunkline.standalone.manifests import Edit
from trunkline.standalone.narrator import Narrator
from trunkline.standalone.statuses import Transition


class News:
    """Follows edits from reading to publication."""

    def __init__(self, narrator: Narrator, where: str) -> None:
        """`where` says in the line `Ready` where DNS and the state directory are."""
        self._narrator, self._where = narrator, where
        self._read: list[Edit] = []
        self._warnings: dict[ObjectRef, tuple[Verdict, ...]] = {}
        self._faulty: set[ObjectRef] = set()
        """Objects with an error among their verdicts."""
        self._announced = False

    @property
    def is_busy(self) -> bool:
        """True while somebody waits for a line: an outcome is told as soon as it is there."""
        return self._narrator.waits or not self._announced

    def read(self, edit: Edit) -> None:
        """The files say something new."""
        self._narrator.problems(edit.now)
        if edit.before is None or not edit.now.same_content(edit.before):
            self._read.append(edit)

    def compiled(self, delta: Delta, loaded: Loaded) -> Sequence[Edit]:
        """All that was read was compiled: the edits, to be told when they are published."""
        for ref, verdicts in delta.verdicts.items():
            self._warnings.pop(ref, None)
            warnings = tuple(verdict for verdict in verdicts if verdict.severity == "warning")
            if warnings:
                self._warnings[ref] = warnings
            self._faulty.discard(ref)
            if any(verdict.severity == "error" for verdict in verdicts):
                self._faulty.add(ref)
        every = sorted(self._warnings.items(), key=lambda item: item[0])
        self._narrator.warnings([each for _, warnings in every for each in warnings], loaded)
        read, self._read = self._read, []
        return read

    def published(self, edits: Sequence[Edit], publication: Publication) -> None:
        """These are published."""
        for edit in edits:
            if edit.before is not None and self._announced:
                changes = describe_changes(edit.before, edit.now, self._faulty)
                self._narrator.edit(changes, edit.began, publication.sequences, publication.written > 0)

    def report(self, sight: Sight, transitions: Sequence[Transition], ready: bool, loaded: Loaded) -> None:
        """What is seen now, and which statuses have changed."""
        reports = sight.observation.reports
        self._narrator.addresses(reports)
        self._narrator.arrived(reports)
        self._narrator.transitions(transitions, loaded)
        if ready and not self._announced:
            self._announced = True
            addresses = sum(len(report.addresses) for report in reports)
            trunks = len(loaded.resources.of(Trunk))
            unready = self._narrator.unready_trunks
            self._narrator.say(ready_line(len(reports), addresses, trunks, self._where, unready))
