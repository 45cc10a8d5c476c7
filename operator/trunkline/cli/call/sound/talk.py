"""An end that talks while something else is done: a packet every 20 ms, in a thread."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from trunkline.cli.call.sound.end import ToneEnd
from trunkline.cli.call.sound.tone import PACKET_SECONDS

_LAST_SECONDS: Final = 0.1
"""For what is still under way when the call is over."""


class Talk:
    """A talk that goes on. `sent`: how many packets have left."""

    def __init__(self, end: ToneEnd) -> None:
        self.end = end
        self.sent = 0
        self._over = threading.Event()

    def run(self) -> None:
        """Until `stop`."""
        start, number = time.monotonic(), 0
        while not self._over.is_set():
            self.sent += self.end.send()
            self.end.listen()
            number += 1
            self._over.wait(max(0.0, start + number * PACKET_SECONDS - time.monotonic()))

    def stop(self) -> None:
        """Send no more; what has come until now is heard."""
        self._over.set()


@contextmanager
def talking(end: ToneEnd) -> Iterator[Talk]:
    """The end talks as soon as it knows where to; afterwards `end.heard` is what it heard. Closes the end."""
    talk = Talk(end)
    thread = threading.Thread(target=talk.run, name="tone", daemon=True)
    thread.start()
    try:
        yield talk
    finally:
        talk.stop()
        thread.join()
        time.sleep(_LAST_SECONDS if talk.sent else 0.0)
        end.listen()
        end.close()
