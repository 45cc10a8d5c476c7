"""`trunkline run`; its options are the operator's settings."""

from __future__ import annotations

from collections.abc import Iterator
from inspect import Parameter, Signature
from typing import Annotated

import typer

from trunkline.settings import options, variable


def run(*, verbose: bool, **given: str | int) -> None:
    """Run the operator: serve the cluster's trunks, numbers and edges until a signal.

    Uses the service account of its pod; outside of a cluster, kubeconfig. Any number may run: one acts, by
    the Lease trunkline-operator in its namespace (POD_NAMESPACE, default trunkline-system).

    \b
    Example:
      trunkline run --base-domain voice.example.com --tenant-namespaces acme,globex
    """
    import os

    from trunkline.cli.run import run_operator
    from trunkline.settings import pod_settings, settings_of

    raise typer.Exit(run_operator(settings_of({**given, **pod_settings(os.environ)}), verbose))


def _parameters() -> Iterator[Parameter]:
    for each in options():
        # Of a number typer says itself what it is.
        metavar = each.metavar or None
        option = typer.Option(each.flag, envvar=variable(each.name), metavar=metavar, help=each.help)
        kind = int if isinstance(each.default, int) else str
        default = Parameter.empty if each.default is None else each.default
        yield Parameter(
            each.name, Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, option]
        )
    verbose = typer.Option("-v", "--verbose", help="Log more of what happens.")
    yield Parameter("verbose", Parameter.KEYWORD_ONLY, default=False, annotation=Annotated[bool, verbose])


run.__signature__ = Signature(list(_parameters()))  # type: ignore[attr-defined]
