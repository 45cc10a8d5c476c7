"""`python -m siprecorder`: the recorder's process, until SIGTERM or SIGINT."""

from __future__ import annotations

import asyncio
import logging
import os
import resource
import signal
import sys

from siprecorder.settings import settings_of
from siprecorder.worker import Worker

NICE = 10
"""Calls come first."""


async def _run(worker: Worker) -> None:
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await worker.run(stopping)


def main() -> int:
    """2 for settings that cannot be used."""
    os.umask(0o077)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(NICE)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    try:
        settings = settings_of(sys.argv[1:])
    except OSError as error:
        print(f"siprecorder: {error}", file=sys.stderr)
        return 2
    asyncio.run(_run(Worker(settings)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
