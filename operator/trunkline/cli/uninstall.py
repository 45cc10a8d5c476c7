"""`trunkline uninstall`: what the operator made in a cluster goes."""

from __future__ import annotations

import asyncio
import math
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass

import typer

from sipedge.printable import printable
from trunkline.cli import exits
from trunkline.cli.terminal import tell
from trunkline.plan.uninstall import duration_seconds
from trunkline.settings import SettingError, variable


@dataclass(frozen=True, slots=True)
class UninstallOptions:
    """The options as given; empty = not given."""

    drain: str
    timeout: str
    namespace: str
    edge_namespace: str
    only_list: bool
    confirmed: bool


def run_uninstall(options: UninstallOptions) -> int:
    """The exit code."""
    from trunkline.controllers.uninstall import UninstallError, surveyed, uninstall
    from trunkline.kube.client import ConnectionFault
    from trunkline.kube.faults import KubeError

    try:
        drain_seconds = _seconds("--drain", options.drain)
        timeout_seconds = _seconds("--timeout", options.timeout) if options.timeout else math.inf
    except ValueError as error:
        tell(f"trunkline uninstall: {error}")
        return exits.USAGE
    environment = _environment(options, os.environ)
    try:
        if options.only_list or (sys.stdin.isatty() and not options.confirmed):
            server, lines = asyncio.run(surveyed(environment, tell))
            print("\n".join(map(printable, lines)) or "nothing of Trunkline is left to remove")
            if options.only_list or not _is_wanted(server):
                return exits.OK if options.only_list else exits.FAILED
        asyncio.run(uninstall(environment, drain_seconds, timeout_seconds, tell))
    except SettingError as error:
        tell(f"trunkline uninstall: {error}")
        return exits.USAGE
    except (ConnectionFault, UninstallError, KubeError) as error:
        tell(f"trunkline uninstall: {error}")
        return exits.FAILED
    return exits.OK


def _seconds(option: str, text: str) -> int:
    try:
        return duration_seconds(text)
    except ValueError as error:
        raise ValueError(f"{option}: {error}") from None


def _environment(options: UninstallOptions, environment: Mapping[str, str]) -> dict[str, str]:
    """Variables of the operator, options above them."""
    given = {"system_namespace": options.namespace, "edge_namespace": options.edge_namespace}
    return {**environment, **{variable(name): value for name, value in given.items() if value}}


def _is_wanted(server: str) -> bool:
    question = f"Remove all this from {server}? Calls end when their time to drain is over."
    return typer.confirm(question, default=False, err=True)
