"""`python3 -m sipedge.agent`: the agent of the instance that TRUNKLINE_INSTANCE names, or of a pod.

It is in a pod if TRUNKLINE_EDGE is set; `pod` has the other variables. TRUNKLINE_DRAIN_SECONDS (5): how long
calls may go on after SIGTERM. TRUNKLINE_STIR_SHAKEN_FILES: the directory with what calls are signed with.
"""

from __future__ import annotations

import asyncio
import logging
import os
import sys
from functools import partial
from pathlib import Path

from sipedge.agent.drain import read_drain_seconds
from sipedge.agent.pod import EDGE_VARIABLE, read_pod
from sipedge.agent.process import run_agent, until_signal
from sipedge.agent.source import DirectorySource
from sipedge.contract import STIR_FILES
from sipedge.fault_log import FaultFormatter
from sipedge.instance import InstanceError, forbid_core_files, own_settings


def main() -> int:
    """0 after a drain, 2 for settings that cannot be used."""
    logging.basicConfig(stream=sys.stderr, level=logging.INFO)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(FaultFormatter("%(asctime)s %(levelname)s %(message)s"))
    forbid_core_files()
    try:
        if os.environ.get(EDGE_VARIABLE):
            _serve_pod()
        else:
            settings = own_settings()
            source = DirectorySource(settings.source, settings.edge)
            stir = os.environ.get(STIR_FILES)
            drain = read_drain_seconds(os.environ)
            asyncio.run(run_agent(settings, source, drain, Path(stir) if stir else None))
    except (InstanceError, ValueError) as error:
        print(error, file=sys.stderr)
        return 2
    return 0


def _serve_pod() -> None:
    # A supervised agent needs neither the library of metrics nor anything else of a pod.
    from sipedge.agent.pod_agent import JsonLines, run_pod_agent

    pod = read_pod(os.environ)
    for handler in logging.getLogger().handlers:
        handler.setFormatter(JsonLines(pod))
    asyncio.run(until_signal(partial(run_pod_agent, pod)))


if __name__ == "__main__":
    sys.exit(main())
