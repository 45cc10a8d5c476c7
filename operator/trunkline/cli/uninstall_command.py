"""The options of `trunkline uninstall`."""

from __future__ import annotations

from typing import Annotated

import typer

from trunkline.settings import DEFAULT_SYSTEM_NAMESPACE, variable


def uninstall(
    drain: Annotated[
        str,
        typer.Option(metavar="TIME", help="How long calls may go on: 30s, 5m, 1h. Later ones are cut."),
    ] = "30s",
    timeout: Annotated[
        str,
        typer.Option(
            metavar="TIME",
            help="After this long, leave the remaining statuses as they are. Default: never.",
            show_default=False,
        ),
    ] = "",
    namespace: Annotated[
        str,
        typer.Option(
            "-n",
            "--namespace",
            envvar=variable("system_namespace"),
            metavar="NAME",
            help=f"The operator's namespace. Default: {DEFAULT_SYSTEM_NAMESPACE}.",
            show_default=False,
        ),
    ] = "",
    edge_namespace: Annotated[
        str,
        typer.Option(
            envvar=variable("edge_namespace"),
            metavar="NAME",
            help="Where edge pods live. Default: what the operator's Deployment says.",
            show_default=False,
        ),
    ] = "",
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="List what would be removed, and remove nothing.")
    ] = False,
    yes: Annotated[bool, typer.Option("-y", "--yes", help="Do not ask, even on a terminal.")] = False,
) -> None:
    """Remove from a cluster what the operator made there: DNS records, edge pods and all that they need.

    \b
    In this order:
      1. the operator is scaled to 0, and its Lease is taken
      2. DNS records leave the zone; a DNS server that is away is tried for 30 s, then the rest goes on
      3. edge pods refuse new calls and end after their last one, or after --drain
      4. Services, tables, certificates and Leases go
      5. Trunks, Numbers, Edges say Ready=Unknown, Uninstalled; this goes on while it gets on
      6. the finalizers of Edges go

    Trunks, Numbers, Edges and the CRDs stay. A later installation in
    the same namespace serves them again, with the same CA and the same DNS records: the Secrets
    trunkline-ca and trunkline-installation stay too.

    `helm uninstall` runs this by itself. Else the settings are those of the operator's Deployment; the
    variables of `trunkline run --help` stand above them. It may be run again after a fault. What has to stay
    (records of a DNS server that is away, pods of a lost node) is named with what to do, and is no failure.

    \b
    Example:
      trunkline uninstall --dry-run
      trunkline uninstall --drain 5m && kubectl delete --ignore-not-found -f deploy/operator.yaml
    """
    from trunkline.cli.uninstall import UninstallOptions, run_uninstall

    options = UninstallOptions(
        drain=drain,
        timeout=timeout,
        namespace=namespace,
        edge_namespace=edge_namespace,
        only_list=dry_run,
        confirmed=yes,
    )
    raise typer.Exit(run_uninstall(options))
