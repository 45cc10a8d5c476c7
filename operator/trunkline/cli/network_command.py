"""The options of `trunkline network`."""

from __future__ import annotations

from typing import Annotated

import typer

from trunkline.cli.completion import complete_edge
from trunkline.cli.options import (
    KUBECTL,
    ClusterOptions,
    Context,
    Kubeconfig,
    NetworkOutput,
)


def network(
    command: typer.Context,
    paths: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PATH",
            help="Directories of *.yaml, or files. Without any, the running `up`, else the cluster.",
            show_default=False,
        ),
    ] = None,
    edge: Annotated[
        list[str] | None,
        typer.Option(
            "--edge",
            metavar="NAME",
            help="Only this Edge; may be repeated.",
            autocompletion=complete_edge,
        ),
    ] = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    output: Annotated[
        NetworkOutput,
        typer.Option("-o", "--output", help="`json` has stable keys; the others are rules for a firewall."),
    ] = NetworkOutput.TABLE,
) -> None:
    """Say what a firewall must let through: addresses, SIP ports and media ranges of the edges.

    Media of a call may leave from any edge that serves its trunk, so a PBX must let through all of them.

    \b
    Example:
      trunkline network
      trunkline network --edge ashburn -o nftables >/etc/nftables.d/trunkline.nft
      trunkline network -o json | jq -r '.[].addresses[]'
    """
    from trunkline.cli.network.command import run_network

    is_plugin = command.find_root().info_name == KUBECTL
    cluster = ClusterOptions(kubeconfig, context)
    raise typer.Exit(run_network(paths or [], cluster, edge or [], output, is_plugin=is_plugin))
