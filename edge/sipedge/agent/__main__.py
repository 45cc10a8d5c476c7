"""`python3 -m sipedge.agent`: the agent of the instance that TRUNKLINE_INSTANCE names.

TRUNKLINE_DRAIN_SECONDS (5): how long calls may go on after SIGTERM.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from typing import Final

from sipedge.agent.process import run_agent
from sipedge.agent.source import DirectorySource
from sipedge.instance import InstanceError, own_settings

DRAIN_VARIABLE: Final = "TRUNKLINE_DRAIN_SECONDS"
DRAIN_SECONDS: Final = 5.0


def main() -> int:
    """0 after a drain, 2 for settings that cannot be used."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    try:
        settings = own_settings()
        source = DirectorySource(settings.source, settings.edge)
        asyncio.run(run_agent(settings, source, _drain_seconds()))
    except (InstanceError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _drain_seconds() -> float:
    text = os.environ.get(DRAIN_VARIABLE, "")
    try:
        seconds = float(text) if text else DRAIN_SECONDS
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds <= 86_400:
        raise ValueError(f"{DRAIN_VARIABLE}: {text!r} is no number of seconds from 0 to 86400")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
