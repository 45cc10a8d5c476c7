"""Writes docs/rules.md from tests/rules.yaml, and pages of reasons and metrics from the code.

python scripts/rules.py --write    writes both;    --check    fails if one is not what it would write.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from trunkline.api.explained import ExplainedReason

ROOT = Path(__file__).parent.parent
TABLE = ROOT / "tests" / "rules.yaml"
GENERATED = "<!-- Written by `make rules`; edit {source} instead. -->"


@dataclass(frozen=True, slots=True)
class Rule:
    """One row of the table: a rule S1-S98, or an answer to a refused call."""

    id: str
    title: str
    group: str
    status: str
    proof: tuple[str, ...]
    """pytest node ids, relative to the repository."""
    not_yet: str
    """Why no test proves it, or what of it is not proven."""


def rules() -> tuple[Rule, ...]:
    """The rules of a call, in the order of tests/rules.yaml."""
    return tuple(_rules("rules"))


def answers() -> tuple[Rule, ...]:
    """The answers to refused calls."""
    return tuple(_rules("answers"))


def _rules(section: str) -> Iterable[Rule]:
    known = {"id", "title", "group", "status", "proof", "not_yet"}
    for row in yaml.safe_load(TABLE.read_text(encoding="utf-8"))[section]:
        fields: Mapping[str, Any] = row
        if unknown := set(fields) - known:
            raise ValueError(f"tests/rules.yaml: {fields.get('id')}: unknown {', '.join(sorted(unknown))}")
        yield Rule(
            id=fields["id"],
            title=fields["title"],
            group=fields.get("group", ""),
            status=fields.get("status", ""),
            proof=tuple(fields.get("proof", ())),
            not_yet=fields.get("not_yet", ""),
        )


def rules_page() -> str:
    """docs/rules.md."""
    table, refusals = rules(), answers()
    proven = sum(1 for rule in table if rule.proof)
    lines = [
        "# What a call may rely on",
        "",
        GENERATED.format(source="tests/rules.yaml"),
        "",
        "The rules of a trunk, numbered as code, tests and commit messages cite them, and the tests that",
        f"hold Trunkline to each: {proven} of {len(table)} have tests. _Not yet_ says what has none, why.",
        "",
    ]
    for group in dict.fromkeys(rule.group for rule in table):
        lines += [f"## {group}", "", "| | rule | proof |", "|---|---|---|"]
        lines += [f"| {rule.id} | {rule.title} | {_proof(rule)} |" for rule in table if rule.group == group]
        lines.append("")
    lines += [
        "## Answers to refused calls",
        "",
        "A number travels in the answer's `X-Trunkline-Error` header. Every reason is explained in",
        "[reasons.md](reasons.md).",
        "",
        "| number | SIP | cause | proof |",
        "|---|---|---|---|",
    ]
    lines += [f"| {row.id} | {row.status} | {row.title} | {_proof(row)} |" for row in refusals]
    return "\n".join(lines) + "\n"


def _proof(rule: Rule) -> str:
    """Tests grouped by file, each file a link, each test once without its cases."""
    by_file: dict[str, dict[str, None]] = {}
    for node in rule.proof:
        file, _, test = node.partition("::")
        by_file.setdefault(file, {})[test.replace("test_", "", 1).replace("|", "\\|")] = None
    parts = [
        f"[{file.removeprefix('tests/')}](../{file}): {', '.join(f'`{test}`' for test in tests)}"
        for file, tests in by_file.items()
    ]
    if rule.not_yet:
        parts.append(f"_not yet: {rule.not_yet}_")
    return "<br>".join(parts)


def reasons_page() -> str:
    """docs/reasons.md."""
    from sipedge.routing.reasons import Reason
    from trunkline.cli.explain.deciding import deciding_fields

    lines = [
        "# Every reason, explained",
        "",
        GENERATED.format(source="the code"),
        "",
        "## Why a call is refused",
        "",
        "The name is what logs, counters and `trunkline explain` print; the number goes into",
        "`X-Trunkline-Error`. Rules are explained in [rules.md](rules.md).",
        "Source: [edge/sipedge/routing/reasons.py](../edge/sipedge/routing/reasons.py).",
        "",
        "| reason | answer | number | rule | meaning | decided by |",
        "|---|---|---|---|---|---|",
    ]
    for reason in Reason:
        answer = reason.value
        shown = f"{answer.status} {answer.text}" if answer.status else "none (dropped)"
        fields = "<br>".join(f"`{field}`" for field in deciding_fields(reason))
        cells = reason.name, shown, answer.error_code or "", answer.rule, answer.meaning, fields
        lines.append(f"| {' | '.join(map(str, cells))} |")
    lines += _condition_reasons()
    return "\n".join(lines) + "\n"


def _condition_reasons() -> list[str]:
    from trunkline.api.faults import FieldReason
    from trunkline.compiler.reasons import ConditionReason
    from trunkline.status.reasons import StatusReason

    return [
        "",
        "## Why an object is not ready",
        "",
        "The reason of a condition in an object's `status`, and of a line of `trunkline validate`. Sources:",
        "[operator/trunkline/compiler/reasons.py](../operator/trunkline/compiler/reasons.py),",
        "[operator/trunkline/status/reasons.py](../operator/trunkline/status/reasons.py).",
        "",
        "| reason | meaning |",
        "|---|---|",
        *_rows(ConditionReason),
        *_rows(StatusReason),
        "",
        "## Why a field is refused",
        "",
        "Source: [operator/trunkline/api/faults.py](../operator/trunkline/api/faults.py).",
        "",
        "| reason | meaning |",
        "|---|---|",
        *_rows(FieldReason),
    ]


def _rows(vocabulary: type[ExplainedReason]) -> Iterable[str]:
    return (f"| {reason.value} | {reason.meaning} |" for reason in vocabulary)


def metrics_page() -> str:
    """docs/metrics.md."""
    from sipedge.metrics.catalogue import (
        BUILD_INFO,
        CALL_METRICS,
        EDGE_METRICS,
        OPERATOR_METRICS,
        PROCESS_METRICS,
        Metric,
    )

    def rows(metrics: Iterable[Metric]) -> Iterable[str]:
        for each in metrics:
            labels = ", ".join(f"`{label}`" for label in each.labels)
            yield f"| `{each.sample_name}` | {each.kind} | {labels} | {each.meaning} |"

    head = ("| metric | type | labels | meaning |", "|---|---|---|---|")
    text = (ROOT / "scripts/metrics.md").read_text(encoding="utf-8").rstrip().split("\n")
    lines = [
        *text,
        *("", "## Calls", "", "Counted by each edge's agent from call records.", "", *head),
        *rows(CALL_METRICS),
        *("", "## Edges", "", "Told by each edge's agent, of itself and of its Kamailio.", "", *head),
        *rows(EDGE_METRICS),
        *("", "## The operator", "", *head),
        *rows(OPERATOR_METRICS),
        *rows(each for each in EDGE_METRICS if len(each.tellers) > 1),
        *("", "## Both", "", *head),
        *rows((BUILD_INFO, *PROCESS_METRICS)),
    ]
    return "\n".join(lines) + "\n"


def refusals_page() -> str:
    """docs/guides/refused-calls.md: every reason by the answer that a PBX or carrier sees."""
    from sipedge.routing.reasons import Reason

    text = (ROOT / "scripts/refused-calls.md.in").read_text(encoding="utf-8").rstrip()
    lines = [
        text,
        "",
        "## Every reason, by the answer",
        "",
        "The number is that of `X-Trunkline-Error`.",
        "",
        "| answer | number | reason | means |",
        "|---|---|---|---|",
    ]
    for reason in sorted(Reason, key=lambda each: each.value.status):
        answer = reason.value
        shown = f"{answer.status} {answer.text}" if answer.status else "none"
        lines.append(f"| {shown} | {answer.error_code or ''} | `{reason.name}` | {answer.meaning} |")
    return "\n".join(lines) + "\n"


PAGES = {
    "docs/rules.md": rules_page,
    "docs/reasons.md": reasons_page,
    "docs/metrics.md": metrics_page,
    "docs/guides/refused-calls.md": refusals_page,
}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true")
    action.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    stale = [
        name
        for name, page in PAGES.items()
        if not (ROOT / name).exists() or (ROOT / name).read_text(encoding="utf-8") != page()
    ]
    for name in stale:
        if arguments.write:
            (ROOT / name).write_text(PAGES[name](), encoding="utf-8")
            print(f"wrote {name}")
        else:
            print(f"{name} is not up to date; run `make rules`", file=sys.stderr)
    return 1 if stale and arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
