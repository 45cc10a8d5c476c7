"""The queue of rows, worked on in a thread: to pack 100,000 rows would keep a Lease from being renewed."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Collection

from trunkline.compiler.delta import Delta
from trunkline.publication.packer import PartKey
from trunkline.publication.queue import Queue
from trunkline.publication.revision import Revision
from trunkline.reconcile.place import LostRowsError


class QueuedRows:
    """A queue, the deltas that it has not taken in yet, and the last revision that it gave.

    Whoever asks for a revision may be cancelled: the thread goes on, and the next one waits for its end.
    """

    def __init__(self) -> None:
        self.queue = Queue()
        self.revision = Revision()
        self.is_empty = True
        """Nothing was ever taken: what should be published is not known."""
        self._taken: deque[Delta] = deque()
        self._lock = threading.Lock()

    def take(self, delta: Delta) -> None:
        """For the next revision."""
        self._taken.append(delta)
        self.is_empty = False

    async def advance(
        self, schema: Callable[[str], int], unwritten: Callable[[], Collection[PartKey]]
    ) -> Revision:
        """The next revision. Raises LostRowsError, for good: others must be told everything.

        `schema`: of an edge. `unwritten`: parts of the last one still to be
        written.
        """
        await asyncio.to_thread(self._take_in)
        schemas = {edge: schema(edge) for edge in self.queue.edges}
        await asyncio.to_thread(self._advance, schemas, unwritten())
        return self.revision

    def _take_in(self) -> None:
        with self._lock:
            while self._taken:
                # Half taken in it is no better the second time: it stays, and so does the fault.
                try:
                    self.queue.take(self._taken[0])
                except Exception as error:
                    raise LostRowsError from error
                self._taken.popleft()

    def _advance(self, schemas: dict[str, int], unwritten: Collection[PartKey]) -> None:
        with self._lock:
            self.queue.set_schemas(schemas)
            self.revision = self.queue.advance(unwritten)
