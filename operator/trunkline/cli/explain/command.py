"""`trunkline explain`: asks the very function that decides calls at an edge, and shows each of its steps."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import dataclass, replace

from sipedge.table import MemoryRows
from trunkline.api import Edge, FieldErrors
from trunkline.cli import exits
from trunkline.cli.cluster.faults import ClusterError, NoClusterError
from trunkline.cli.cluster.published import PublishedTable
from trunkline.cli.explain.asking import decide, decide_later
from trunkline.cli.explain.document import action_of, document_of
from trunkline.cli.explain.given_files import GivenFiles
from trunkline.cli.explain.later import LaterPassage
from trunkline.cli.explain.later_request import later_message_of
from trunkline.cli.explain.message import SipText
from trunkline.cli.explain.passage import Passage
from trunkline.cli.explain.request import (
    Arrival,
    ExplainOptions,
    ExplainPlace,
    arrival_of,
    message_of,
    request_of,
)
from trunkline.cli.explain.resolving import ResolvingRows, addresses_of, caller_names_of
from trunkline.cli.explain.strangers import advice_for
from trunkline.cli.explain.text import text_of
from trunkline.cli.findings import find, has_errors, summary
from trunkline.cli.reading import UsageError, read
from trunkline.cli.terminal import look_of, tell
from trunkline.settings import DEFAULT_EDGE_NAMESPACE


@dataclass(frozen=True, slots=True)
class Source:
    """The table to ask, and what is to be said of it."""

    rows: MemoryRows
    received_on: str = ""
    """The address of the edge where the request arrives; "" = not known."""
    notes: tuple[str, ...] = ()


def run_explain(place: ExplainPlace, options: ExplainOptions, files: GivenFiles, as_json: bool) -> int:
    """Prints the decision; gives the exit code."""
    try:
        if fault := place.cluster.fault(("PATH",) if place.paths else ()):
            raise UsageError(fault)
        passage, notes = _explain(place, files.read_into(options))
    except (UsageError, NoClusterError) as error:
        tell(f"trunkline explain: {error}")
        return exits.USAGE
    except ClusterError as error:
        tell(f"trunkline explain: {error}")
        return exits.FAILED
    if as_json:
        print(json.dumps(document_of(passage), indent=2))
    else:
        print(text_of(passage, look_of(sys.stdout)))
    sys.stdout.flush()
    for note in notes:
        tell(f"note: {note}")
    return _as_expected(action_of(passage), options.expected)


def _as_expected(action: str, expected: str | None) -> int:
    if expected is None or action == expected:
        return exits.OK
    tell(f"trunkline explain: --expect {expected}, but it is {action}")
    return exits.FAILED


def _explain(place: ExplainPlace, options: ExplainOptions) -> tuple[Passage | LaterPassage, tuple[str, ...]]:
    arrival, call = arrival_of(options), options.call
    if call is None:
        text = message_of(options.message, arrival)
    else:
        text = later_message_of(options.message, call, arrival)
    found = _files(place, options.edge) if place.paths else _cluster(place, options.edge, text, arrival)
    arrival = replace(arrival, received_on=found.received_on)
    addresses, names = addresses_of(options.resolved), caller_names_of(options.caller_names)
    rows = ResolvingRows(found.rows, addresses, names, options.verstat)
    if call is not None:
        return decide_later(rows, text, arrival, call), found.notes
    passage = decide(rows, text, arrival, seed=options.seed, now=time.time())
    return replace(passage, advice=advice_for(passage.decision, found.rows, arrival.source)), found.notes


def _files(place: ExplainPlace, name: str) -> Source:
    """The table that files compile to. Raises UsageError for an Edge that they do not have."""
    reading = read(
        place.paths, place.base_domain, stir_shaken=place.stir_shaken, media_relay=place.media_relay
    )
    table = reading.compilation.tables.get(name)
    if table is None:
        known = ", ".join(sorted(reading.compilation.tables))
        have = f"have: {known}" if known else "have no Edge: name the platform's files too"
        raise UsageError(f"--edge {name!r} is not an Edge of these files, which {have}")
    edge = reading.loaded.resources.get(Edge, None, name)
    addresses = edge.spec.advertise.addresses if edge else ()
    findings = find(reading)
    note = f"{summary(reading, findings)}; what is wrong takes no part (trunkline validate)"
    notes = (note,) if has_errors(findings) else ()
    return Source(MemoryRows(table), next(iter(addresses), ""), notes)


def _cluster(place: ExplainPlace, name: str, message: SipText, arrival: Arrival) -> Source:
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
    request = request_of(message, arrival, "")
    rows, notes = compiled_rows(found.snapshot, name, request, place.base_domain)
    return Source(rows, notes=(f"{found.why}: this is what compiling gives of what you may read", *notes))
