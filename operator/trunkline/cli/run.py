"""`trunkline run`: the operator."""

from __future__ import annotations

import asyncio

from trunkline.cli import exits
from trunkline.cli.terminal import tell
from trunkline.settings import OperatorSettings, SettingError, check_settings


def run_operator(settings: OperatorSettings, verbose: bool) -> int:
    """Run until a signal; the exit code."""
    try:
        check_settings(settings)
    except SettingError as error:
        tell(f"trunkline run: {error}")
        return exits.USAGE
    from trunkline.controllers.logs import configure_logs
    from trunkline.controllers.process import operate
    from trunkline.kube.client import ConnectionFault

    configure_logs(verbose)
    try:
        return asyncio.run(operate(settings))
    except ConnectionFault as error:
        tell(f"trunkline run: {error}")
        return exits.FAILED
