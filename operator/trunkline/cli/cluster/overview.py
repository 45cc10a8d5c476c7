"""A cluster as `status` shows it. Pure."""

from __future__ import annotations

from trunkline.cli.cluster.snapshot import Snapshot, base_domain_of
from trunkline.cli.cluster.stored import edge_states, shown_statuses
from trunkline.cli.render_status import Overview


def overview_of_cluster(snapshot: Snapshot) -> Overview:
    """The edges, and the objects that were asked for, as the operator reports them."""
    domain = base_domain_of(snapshot)
    told = f", base domain {domain}" if domain else ""
    return Overview(
        heading=f"cluster: {snapshot.context}, {snapshot.scope}{told}",
        edges=edge_states(snapshot),
        objects=tuple(shown_statuses(snapshot)),
        base_domain=domain,
        sees_edges="Edge" not in snapshot.unread,
    )
