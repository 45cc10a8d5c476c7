"""The `trunkline` command.

`app` holds every command's options and help; each command's work is in a module of its own, imported when it
runs, so that `trunkline --help` stays quick.
"""

from __future__ import annotations

import io
import os
import sys

from sipedge.fault import describe_fault


def main() -> None:
    """The console script `trunkline`. Ends the process with one of `exits`."""
    _run(None)


def main_of_kubectl() -> None:
    """The console script `kubectl-trunk`, which kubectl runs for `kubectl trunk`."""
    from trunkline.cli.options import KUBECTL

    _run(KUBECTL)


def _run(name: str | None) -> None:
    """`name` is the command as usage lines show it; None = as it was called."""
    from trunkline.cli.app import app

    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A file name or a locale that has no such character is no reason to fail.
            stream.reconfigure(errors="backslashreplace")
    try:
        app(prog_name=name)
    except KeyboardInterrupt:
        sys.exit(130)
    except BrokenPipeError:
        # The reader (`head`, a closed pager) has gone; keep Python from complaining about it at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(141)
    except Exception as error:
        from trunkline.cli.extras import missing_extra
        from trunkline.cli.terminal import tell

        if isinstance(error, ModuleNotFoundError) and (mend := missing_extra(error.name)):
            tell(f"trunkline: {mend}")
            sys.exit(1)

        # A traceback would end with the exception's text, which may hold a secret of the files.
        tell(f"trunkline: unexpected {describe_fault(error)}: please report this line")
        sys.exit(1)
