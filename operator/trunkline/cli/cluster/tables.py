"""The table that an edge would have, compiled from what may be read of a cluster. Pure."""

from __future__ import annotations

from sipedge.routing.message.messages import SipRequest
from sipedge.table import MemoryRows
from trunkline.cli.cluster.assumption import assumed_objects, assumptions
from trunkline.cli.cluster.contents import resources_of
from trunkline.cli.cluster.snapshot import Snapshot, base_domain_of, unread_notes
from trunkline.cli.cluster.stored import without_refused
from trunkline.cli.reading import UsageError, domain_or_default
from trunkline.compiler import compile_resources


def compiled_rows(
    snapshot: Snapshot, edge: str, request: SipRequest, base_domain: str | None
) -> tuple[MemoryRows, tuple[str, ...]]:
    """The table of `edge`, and notes on what it lacks and assumes.

    `base_domain` None = as the Trunks say. Raises UsageError for an Edge that the cluster does not have.
    """
    told = base_domain or base_domain_of(snapshot)
    domain = domain_or_default(told)
    assumed = assumed_objects(snapshot, edge, request.source, request.request_uri, domain)
    tables = compile_resources(resources_of(without_refused(snapshot), domain, assumed)).tables
    if edge not in tables:
        known = ", ".join(sorted(tables)) or "none"
        raise UsageError(f"--edge {edge!r} is not an Edge of {snapshot.context}, which has: {known}")
    notes = (
        *unread_notes(snapshot),
        f"assumed: {'; '.join(assumptions(snapshot, edge, told))}",
    )
    return MemoryRows(tables[edge]), notes
