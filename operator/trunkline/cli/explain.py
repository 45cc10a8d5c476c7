"""`trunkline explain`: asks the very function that decides calls at an edge, and shows each of its steps."""

from __future__ import annotations

import ipaddress
import json
import random
import re
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from sipedge.routing.authenticate import DigestResult
from sipedge.routing.decision import Decision, Outcome
from sipedge.routing.request import SipRequest
from sipedge.routing.route import route
from sipedge.secret import Secret
from sipedge.table import MemoryRows, Table
from trunkline.api import Edge
from trunkline.cli import exits
from trunkline.cli.findings import find, summary
from trunkline.cli.reading import Reading, UsageError, read
from trunkline.cli.render_decision import decision_document, decision_text
from trunkline.cli.terminal import look_of, tell

_COMPACT_NAMES: Final = {
    "c": "content-type",
    "e": "content-encoding",
    "f": "from",
    "i": "call-id",
    "k": "supported",
    "l": "content-length",
    "m": "contact",
    "s": "subject",
    "t": "to",
    "v": "via",
    "y": "identity",
}
"""RFC 3261 section 7.3.3 and RFC 8224: the one-letter forms that `--header` may use."""

_TOKEN: Final = re.compile(r"[A-Za-z0-9.!%*_+`'~-]+")


@dataclass(frozen=True, slots=True)
class ExplainOptions:
    """The request to explain, as the options gave it."""

    edge: str
    source: str
    transport: str
    method: str
    request_uri: str
    from_uri: str
    headers: tuple[str, ...]
    username: str | None
    seed: int | None


def run_explain(paths: Sequence[str], base_domain: str, options: ExplainOptions, as_json: bool) -> int:
    """Prints the decision; gives the exit code."""
    try:
        reading = read(paths, base_domain)
        decision = explain(reading, options)
    except UsageError as error:
        tell(f"trunkline explain: {error}")
        return exits.USAGE
    if as_json:
        print(json.dumps(decision_document(decision), indent=2))
    else:
        print(decision_text(decision, look_of(sys.stdout)))
    findings = find(reading)
    if any(each.severity == "error" for each in findings):
        sys.stdout.flush()
        tell(f"note: {summary(reading, findings)}; what is wrong takes no part (trunkline validate)")
    return exits.OK


def explain(reading: Reading, options: ExplainOptions) -> Decision:
    """What the edge would do. Raises UsageError for a request that no edge could get."""
    table = reading.compilation.tables.get(options.edge)
    if table is None:
        known = ", ".join(sorted(reading.compilation.tables)) or "none"
        raise UsageError(f"--edge {options.edge!r} is no Edge of these files; there are: {known}")
    request = _request(reading, options)

    def digest(ha1s: tuple[Secret, ...]) -> DigestResult:
        if request.username is None:
            return DigestResult.MISSING
        return DigestResult.OK if ha1s else DigestResult.WRONG

    # Not for secrets: a draw by weight, repeatable on request.
    dice = random.Random(options.seed)  # noqa: S311
    decision = route(Table(MemoryRows(table)), request, digest=digest, dice=dice.random, draining=False)
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


def _request(reading: Reading, options: ExplainOptions) -> SipRequest:
    address, port = _source(options.source)
    headers: dict[str, list[str]] = {"from": [_from_value(options.from_uri)]} if options.from_uri else {}
    for text in options.headers:
        name, colon, value = text.partition(":")
        if not colon or not _TOKEN.fullmatch(name.strip()):
            raise UsageError(f"--header {text!r} is no header; write it like 'Privacy: id'")
        long_name = _COMPACT_NAMES.get(name.strip().lower(), name.strip().lower())
        headers.setdefault(long_name, []).append(value.strip())
    return SipRequest(
        method=options.method.upper(),
        request_uri=options.request_uri,
        source=address,
        source_port=port,
        transport=options.transport,
        received_on=_address_of_edge(reading, options.edge),
        headers={name: tuple(values) for name, values in headers.items()},
        username=options.username,
        tls_version="TLSv1.2" if options.transport == "tls" else None,
    )


def _from_value(text: str) -> str:
    """A From value; a bare number becomes a URI."""
    return text if ":" in text else f"<sip:{text}@from.invalid>"


def _source(text: str) -> tuple[str, int]:
    """Address and port of `IP`, `IP:PORT` or `[IPv6]:PORT`; the port defaults to 5060."""
    match = re.fullmatch(r"\[(?P<v6>[^]]+)\](?::(?P<p6>\d{1,5}))?|(?P<v4>[0-9.]+)(?::(?P<p4>\d{1,5}))?", text)
    host, port_text = text, "5060"
    if match is not None:
        host = match["v6"] or match["v4"]
        port_text = match["p6"] or match["p4"] or port_text
    try:
        address = str(ipaddress.ip_address(host))
    except ValueError:
        address = ""
    if not address or not 0 < int(port_text) < 65536:
        raise UsageError(f"--source {text!r} is no IP address; write it like 203.0.113.5 or 203.0.113.5:5060")
    return address, int(port_text)


def _address_of_edge(reading: Reading, name: str) -> str:
    edges = (each for each in reading.loaded.resources.of(Edge) if each.metadata.name == name)
    return next((address for edge in edges for address in edge.spec.advertise.addresses), "")
