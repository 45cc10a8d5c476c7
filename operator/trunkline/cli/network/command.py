"""`trunkline network`: of files, of a running `up`, or of a cluster."""

from __future__ import annotations

import ipaddress
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from trunkline.api import Edge, FieldErrors, decode
from trunkline.cli import exits
from trunkline.cli.cluster.faults import ClusterError, NoClusterError
from trunkline.cli.extras import no_cluster
from trunkline.cli.network.forms import FORMS
from trunkline.cli.options import ClusterOptions, NetworkOutput
from trunkline.cli.reading import UsageError, read
from trunkline.cli.terminal import tell
from trunkline.cli.which_up import running_up
from trunkline.plan.firewall_needs import EdgeNetwork, edge_networks
from trunkline.standalone.sites import local_edges, observed_addresses
from trunkline.standalone.state_files import StateDirectory, read_json


def run_network(
    paths: Sequence[str],
    cluster: ClusterOptions,
    edges: Sequence[str],
    output: NetworkOutput,
    *,
    is_plugin: bool,
) -> int:
    """Prints what firewalls must let through; gives the exit code."""
    try:
        if fault := cluster.fault(("PATH",) if paths else ()):
            raise UsageError(fault)
        found = _chosen(_networks(paths, cluster, is_plugin), edges)
    except UsageError as error:
        tell(f"trunkline network: {error}")
        return exits.USAGE
    except ClusterError as error:
        tell(f"trunkline network: {error}")
        return exits.FAILED
    if not found:
        tell("note: no Edge is there: give the platform's files as well, or ask where it runs (without PATH)")
    if output is NetworkOutput.JSON:
        print(json.dumps([each.document() for each in found], indent=2))
    else:
        print(FORMS[output](found))
    for each in found:
        if not each.addresses:
            tell(f"note: Edge {each.edge} lists no addresses: ask where it runs (without PATH)")
    return exits.OK


def _networks(paths: Sequence[str], cluster: ClusterOptions, is_plugin: bool) -> tuple[EdgeNetwork, ...]:
    """Of the edges that are served there. Raises UsageError or ClusterError."""
    if paths:
        return edge_networks(read(paths, None).compilation.edges.values(), {})
    running = None if is_plugin or cluster.given else running_up()
    if running is not None:
        return _of_up(running)
    try:
        return _of_cluster(cluster)
    except (NoClusterError, ModuleNotFoundError) as error:
        raise NoClusterError(
            f"no `trunkline up` is running, name its files as PATH; {no_cluster(error)}"
        ) from error


def _of_up(state: Path) -> tuple[EdgeNetwork, ...]:
    summary = read_json(StateDirectory(state).summary)
    if not isinstance(summary, dict):
        raise UsageError(f"the `trunkline up` of {state} is still starting: try again")
    edges = read(summary["paths"], summary["baseDomain"]).compilation.edges
    here = local_edges(edges.values(), observed_addresses(edges.values()))
    return edge_networks(edges.values(), {name: edge.addresses for name, edge in here.items()})


def _of_cluster(options: ClusterOptions) -> tuple[EdgeNetwork, ...]:
    from trunkline.cli.cluster.reading import read_snapshot
    from trunkline.cli.cluster.snapshot import PLATFORM_VIEW
    from trunkline.cli.cluster.stored import edge_states, without_refused

    snapshot = without_refused(read_snapshot(options, wide=False))
    if "Edge" in snapshot.unread:
        raise ClusterError(f"{snapshot.context}: you may not read Edges: ask for ClusterRole {PLATFORM_VIEW}")
    edges = []
    for manifest in snapshot.objects.get("Edge", ()):
        try:
            edges.append(decode(manifest))
        except FieldErrors:
            continue  # it is refused, and `status` says why
    seen = {each.name: _valid(one.address for one in each.addresses) for each in edge_states(snapshot)}
    return edge_networks((each for each in edges if isinstance(each, Edge)), seen)


def _valid(addresses: Iterable[str]) -> tuple[str, ...]:
    """Those that are addresses, as firewalls are told them."""
    found = []
    for each in addresses:
        try:
            found.append(str(ipaddress.ip_address(each)))
        except ValueError:
            continue
    return tuple(found)


def _chosen(networks: Sequence[EdgeNetwork], names: Sequence[str]) -> tuple[EdgeNetwork, ...]:
    known: Mapping[str, EdgeNetwork] = {each.edge: each for each in networks}
    if unknown := [name for name in names if name not in known]:
        there = f"there are {', '.join(known)}" if known else "there is none"
        raise UsageError(f"no Edge {unknown[0]} is served here: {there}")
    return tuple(known[name] for name in dict.fromkeys(names)) if names else tuple(networks)
