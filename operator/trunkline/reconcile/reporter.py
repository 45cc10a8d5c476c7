"""What the status book is told by a home: which version of what was compiled, and what became of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from trunkline.api import ObjectRef
from trunkline.compiler.delta import Delta
from trunkline.reconcile.home import Sight
from trunkline.reconcile.place import Publication
from trunkline.status.book import Facts, Identity, Judged, StatusBook
from trunkline.status.conditions import Opinion
from trunkline.status.edge_words import opinions_told
from trunkline.status.programmed import EdgeReport
from trunkline.status.recordings import recordings_opinions

Identities = Mapping[ObjectRef, Identity | None]


class Reporter:
    """Keeps apart what is seen now and what was compiled: statuses speak of what was compiled."""

    def __init__(self) -> None:
        self.book = StatusBook()
        self._noted: dict[ObjectRef, Identity | None] = {}
        self._accounts: dict[ObjectRef, str] = {}
        self._publication = Publication()

    def note(self, identities: Identities) -> None:
        """These versions are handed to the compiler next; None = the object is gone, or ending."""
        self._noted.update(identities)

    def compiled(self, delta: Delta) -> Identities:
        """All that was noted was compiled, and came to `delta`: what `published` is to be told."""
        self._remember_accounts(delta)
        noted, self._noted = self._noted, {}
        return noted

    def published(self, delta: Delta, identities: Identities, publication: Publication, now: float) -> None:
        """A publication has taken in `delta`. `now` is monotonic."""
        judged = Judged(
            identities,
            delta.verdicts,
            delta.facts,
            publication.sequences,
            publication.last_row,
            self._accounts,
            delta.account_edges,
            _accounts_of(delta),
        )
        self._publication = publication
        self.book.judge(judged, now)

    def report(
        self,
        sight: Sight,
        opinions: Mapping[ObjectRef, tuple[Opinion, ...]],
        facts: Mapping[ObjectRef, Facts],
    ) -> None:
        """What is seen now; `opinions` and `facts` are all that the home says itself."""
        if sight.publication is not self._publication:
            self._publication = sight.publication
            self.book.publish(sight.publication.sequences, sight.publication.last_row)
        waiting = recordings_opinions(sight.observation.reports)
        merged = {
            ref: (*opinions.get(ref, ()), *waiting.get(ref, ())) for ref in opinions.keys() | waiting.keys()
        }
        self.book.tell(_with_words(merged, sight.observation.reports), facts)
        self.book.hear(sight.observation.reports)

    def _remember_accounts(self, delta: Delta) -> None:
        """Whose edges alone serve an object; of one that is gone nothing."""
        self._accounts.update(_accounts_of(delta))
        for ref in self._gone(delta.verdicts):
            self._accounts.pop(ref, None)

    @staticmethod
    def _gone(verdicts: Mapping[ObjectRef, tuple[object, ...]]) -> Iterable[ObjectRef]:
        return (ref for ref, told in verdicts.items() if not told)


def _with_words(
    opinions: Mapping[ObjectRef, tuple[Opinion, ...]], reports: Iterable[EdgeReport]
) -> Mapping[ObjectRef, tuple[Opinion, ...]]:
    """The home's own opinions, and what follows from what edges say of Carriers and Accounts."""
    said = ((f"{each.edge} {address.address}", address.words) for each in reports for address in each.offered)
    told = opinions_told(said)
    return {ref: (*opinions.get(ref, ()), *told.get(ref, ())) for ref in {**opinions, **told}}


def _accounts_of(delta: Delta) -> Mapping[ObjectRef, str]:
    """Of objects with rows that changed. A row that goes may be one of the account before."""
    return {
        change.owner: change.account
        for change in delta.shared.values()
        if change.row is not None and change.owner is not None and change.account is not None
    }
