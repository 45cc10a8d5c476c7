"""Runs a program, and again whenever it has ended: `python3 -S -m sipedge.again PROGRAM ARGUMENT...`.

For what an edge serves calls without: a container that ends makes its pod unready, and calls go elsewhere.
`python3 -S -m sipedge.again --pids-from NUMBER PROGRAM ...` gives the program no smaller process id.
"""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from types import FrameType
from typing import Final

_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 60.0
_STEADY_SECONDS: Final = 120.0
"""A program that ran for so long is started again after the shortest pause."""


def pause_after(before: float, ran: float) -> float:
    """How long to wait, in seconds, after `before` the last time, and a program that `ran` for so long."""
    return _FIRST_PAUSE if before == 0 or ran >= _STEADY_SECONDS else min(2 * before, _LONGEST_PAUSE)


def pass_over_pids(below: int) -> None:
    """Use up process ids, so that the next process that is started has none below this one.

    Threads have ids of the same row, and are made in a tenth of the time.
    """
    ids: list[int] = [0]
    while ids[-1] < below - 1:
        thread = threading.Thread(target=lambda: ids.append(threading.get_native_id()))
        thread.start()
        thread.join()


class _ToldToEndError(Exception):
    pass


def main(command: list[str]) -> int:
    """Returns when this process is told to end, with the exit code of the program, which is told as well."""
    signal.signal(signal.SIGTERM, _stop)
    signal.signal(signal.SIGINT, _stop)
    pause, running = 0.0, None
    try:
        while True:
            began = time.monotonic()
            running = subprocess.Popen(command)
            status = running.wait()
            pause = pause_after(pause, time.monotonic() - began)
            print(f"{command[0]} has ended ({status}); again in {pause:g} s", file=sys.stderr, flush=True)
            time.sleep(pause)
    except _ToldToEndError:
        if running is None:
            return 0
        running.terminate()
        return running.wait()


def _stop(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)
    raise _ToldToEndError


if __name__ == "__main__":
    arguments = sys.argv[1:]
    if arguments[:1] == ["--pids-from"]:
        pass_over_pids(int(arguments[1]))
        arguments = arguments[2:]
    if not arguments:
        sys.exit("write the program to run")
    sys.exit(main(arguments))
