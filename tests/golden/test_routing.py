"""Resources, calls, decisions: each file is a platform as users write it, and what becomes of some calls.

Above the marker a file is written by hand, below it by `make golden`; a decision has the keys of
`trunkline explain -o json`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
import yaml

from sipedge.routing.authenticate import DigestResult
from sipedge.routing.decision import Decision
from sipedge.routing.lookups import Lookups
from sipedge.routing.message.messages import SipRequest
from sipedge.routing.route import route
from sipedge.secret import Secret
from sipedge.table import MemoryRows, Table
from support.whole_request import completed
from trunkline.cli.reading import Reading, read
from trunkline.cli.render_decision import decision_document

CASES = Path(__file__).parent / "routing"
NAMES = sorted(path.stem for path in CASES.glob("*.yaml"))
MARKER = "--- # decisions, written by `make golden`\n"
CALLS = "---\ncalls:\n"
KEYS = {
    "it", "edge", "source", "transport", "method", "request-uri", "from", "headers", "username", "digest",
    "sdp", "tls-version", "seed", "draining", "without", "merged",
}  # fmt: skip
"""What a call may say. `digest` overrides what becomes of the credentials of `username`; a header that every
request has is added, unless it stands in `without`."""


@pytest.mark.parametrize("name", NAMES)
def test_calls_are_decided_as_written(name: str, golden: Callable[[Path, str], None], tmp_path: Path) -> None:
    path = CASES / f"{name}.yaml"
    by_hand = path.read_text(encoding="utf-8").partition(MARKER)[0]
    resources, _, calls = by_hand.partition(CALLS)
    reading = reading_of(resources, tmp_path)
    decided = [decided_call(reading, call) for call in yaml.safe_load(CALLS + calls)["calls"]]
    golden(path, by_hand + MARKER + written(decided))


class OneLine(dict[str, Any]):
    """A step or a target: many keys that read best side by side."""


class Dumper(yaml.SafeDumper):
    pass


Dumper.add_representer(
    OneLine,
    lambda dumper, data: dumper.represent_mapping("tag:yaml.org,2002:map", data.items(), flow_style=True),
)


def written(decided: list[dict[str, Any]]) -> str:
    text: str = yaml.dump(
        [
            {
                key: [OneLine(each) for each in value] if key in ("steps", "targets") else value
                for key, value in decision.items()
            }
            for decision in decided
        ],
        Dumper=Dumper,
        sort_keys=False,
        allow_unicode=True,
        width=1000,
    )
    return text


def reading_of(resources: str, folder: Path) -> Reading:
    """The resources, every one of which must be valid: a call is not decided by a typing mistake."""
    (folder / "resources.yaml").write_text(resources, encoding="utf-8")
    reading = read([str(folder)], "trunkline.test")
    assert not reading.loaded.problems
    return reading


def decided_call(reading: Reading, call: Mapping[str, Any]) -> dict[str, Any]:
    assert call.keys() <= KEYS, f"unknown keys in a call: {call.keys() - KEYS}"
    table = reading.compilation.tables[call.get("edge", "ashburn")]
    decision = route(
        Table(MemoryRows(table)),
        request_of(call),
        digest=digest_of(call),
        dice=Random(call.get("seed", 1)).random,
        draining=call.get("draining", False),
        looked_up=True,
    )
    assert not isinstance(decision, Lookups)
    return {"it": call["it"], **document(decision)}


def document(decision: Decision) -> dict[str, Any]:
    """The decision without what does not apply, for the eye."""
    return {key: value for key, value in decision_document(decision).items() if value not in (None, [], {})}


def request_of(call: Mapping[str, Any]) -> SipRequest:
    transport = call.get("transport", "udp")
    written = {"From": call.get("from", "<sip:anonymous@anonymous.invalid>"), **call.get("headers", {})}
    request = SipRequest(
        method=call.get("method", "INVITE"),
        request_uri=call["request-uri"],
        source=call["source"],
        source_port=5060,
        transport=transport,
        received_on="198.51.100.1",
        headers={
            name.lower(): tuple(value) if isinstance(value, list) else (value,)
            for name, value in written.items()
        },
        body=call.get("sdp", ""),
        username=call.get("username"),
        merged=call.get("merged", False),
        tls_version=call.get("tls-version", "TLSv1.2" if transport == "tls" else None),
    )
    whole = completed(request)
    left_out = {name.lower() for name in call.get("without", ())}
    return replace(whole, headers={k: v for k, v in whole.headers.items() if k not in left_out})


def digest_of(call: Mapping[str, Any]) -> Callable[[tuple[Secret, ...]], DigestResult]:
    """Unless the call says otherwise a user who exists knows the password, as in `explain`."""

    def check(ha1s: tuple[Secret, ...]) -> DigestResult:
        if "digest" in call:
            return DigestResult(call["digest"])
        return DigestResult.OK if ha1s else DigestResult.WRONG

    return check
