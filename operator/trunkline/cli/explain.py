"""`trunkline explain`: asks the very function that decides calls at an edge, and shows each of its steps."""

from __future__ import annotations

import json
import random
import sys
from dataclasses import dataclass, replace

from sipedge.routing.authenticate import DigestResult
from sipedge.routing.decision import Decision, Outcome
from sipedge.routing.message import SipRequest
from sipedge.routing.route import route
from sipedge.secret import Secret
from sipedge.table import MemoryRows, Rows, Table
from trunkline.api import Edge, FieldErrors
from trunkline.cli import exits
from trunkline.cli.cluster.faults import ClusterError, NoClusterError
from trunkline.cli.cluster.published import PublishedTable
from trunkline.cli.explain_request import ExplainOptions, ExplainPlace, request_of
from trunkline.cli.findings import find, has_errors, summary
from trunkline.cli.reading import UsageError, read
from trunkline.cli.render_decision import decision_document, decision_text
from trunkline.cli.terminal import look_of, tell
from trunkline.settings import DEFAULT_EDGE_NAMESPACE

__all__ = ["ExplainOptions", "ExplainPlace", "run_explain"]


@dataclass(frozen=True, slots=True)
class Source:
    """The table to ask, and what is to be said of it."""

    rows: Rows
    received_on: str = ""
    """The address of the edge where the request arrives; "" = not known."""
    notes: tuple[str, ...] = ()


def run_explain(place: ExplainPlace, options: ExplainOptions, as_json: bool) -> int:
    """Prints the decision; gives the exit code."""
    try:
        if fault := place.cluster.fault(("PATH",) if place.paths else ()):
            raise UsageError(fault)
        request = request_of(options)
        source = _files(place, options.edge) if place.paths else _cluster(place, options.edge, request)
        decision = decide(source.rows, replace(request, received_on=source.received_on), options.seed)
    except (UsageError, NoClusterError) as error:
        tell(f"trunkline explain: {error}")
        return exits.USAGE
    except ClusterError as error:
        tell(f"trunkline explain: {error}")
        return exits.FAILED
    if as_json:
        print(json.dumps(decision_document(decision), indent=2))
    else:
        print(decision_text(decision, look_of(sys.stdout)))
    sys.stdout.flush()
    for note in source.notes:
        tell(f"note: {note}")
    return exits.OK


def decide(rows: Rows, request: SipRequest, seed: int | None) -> Decision:
    """What an edge with this table would do. The right password is assumed of a request with a user."""

    def digest(ha1s: tuple[Secret, ...]) -> DigestResult:
        if request.username is None:
            return DigestResult.MISSING
        return DigestResult.OK if ha1s else DigestResult.WRONG

    # Not for secrets: a draw by weight, repeatable on request.
    dice = random.Random(seed)  # noqa: S311
    decision = route(Table(rows), request, digest=digest, dice=dice.random, draining=False)
    return _with_assumption(decision) if request.username is not None else decision


def _with_assumption(decision: Decision) -> Decision:
    """The digest cannot be checked without a request on the wire: say that it was taken as right."""
    steps = tuple(
        replace(step, detail=f"{step.detail} (the right password is assumed)")
        if step.check == "digest" and step.outcome is Outcome.PASS
        else step
        for step in decision.steps
    )
    return replace(decision, steps=steps)


def _files(place: ExplainPlace, name: str) -> Source:
    """The table that files compile to. Raises UsageError for an Edge that they do not have."""
    reading = read(place.paths, place.base_domain)
    table = reading.compilation.tables.get(name)
    if table is None:
        known = ", ".join(sorted(reading.compilation.tables)) or "none"
        raise UsageError(f"--edge {name!r} is no Edge of these files; there are: {known}")
    edge = reading.loaded.resources.get(Edge, None, name)
    addresses = edge.spec.advertise.addresses if edge else ()
    findings = find(reading)
    note = f"{summary(reading, findings)}; what is wrong takes no part (trunkline validate)"
    notes = (note,) if has_errors(findings) else ()
    return Source(MemoryRows(table), next(iter(addresses), ""), notes)


def _cluster(place: ExplainPlace, name: str, request: SipRequest) -> Source:
    """The table that a cluster has published for the edge, or else what compiling it gives."""
    from trunkline.cli.cluster.assumption import assumed_edge
    from trunkline.cli.cluster.reading import read_table
    from trunkline.cli.cluster.tables import compiled_rows

    try:
        assumed_edge(name)
    except FieldErrors as error:
        raise UsageError(f"--edge {name!r} {error.errors[0].message}") from error
    found = read_table(place.cluster, place.edge_namespace or DEFAULT_EDGE_NAMESPACE, name)
    if isinstance(found, PublishedTable):
        note = f"by the table of {name} as published, revision {found.sequence} (`status`: who serves it)"
        return Source(MemoryRows.of_packed(found.rows), notes=(note,))
    rows, notes = compiled_rows(found.snapshot, name, request, place.base_domain)
    return Source(rows, notes=(f"{found.why}: this is what compiling gives of what you may read", *notes))
