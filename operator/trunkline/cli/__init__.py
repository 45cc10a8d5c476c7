"""The `trunkline` command.

`app` holds every command's options and help; each command's work is in a module of its own, imported when it
runs, so that `trunkline --help` stays quick.
"""

from __future__ import annotations

import io
import os
import sys


def main() -> None:
    """The console script. Ends the process with one of `exits`."""
    from trunkline.cli.app import app

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A file name or a locale that has no such character is no reason to fail.
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # The reader (`head`, a closed pager) has gone; keep Python from complaining about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
