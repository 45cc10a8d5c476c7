"""`trunkline up`: the command line's end of standalone mode."""

from __future__ import annotations

import os

from trunkline.standalone.options import UpOptions


def run_up(options: UpOptions) -> int:
    """Runs until a signal; gives the exit code."""
    from trunkline.standalone.requirements import SEARCH_PATH
    from trunkline.standalone.up import run

    # Debian keeps servers in /usr/sbin, which is on root's PATH alone.
    os.environ["PATH"] = os.pathsep.join(filter(None, (os.environ.get("PATH"), SEARCH_PATH)))
    return run(options)
