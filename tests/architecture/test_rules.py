"""The table of rules is whole, names tests that exist, and the pages made from it are up to date."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Collection
from functools import cache

import pytest

import rules

PROMISED = (
    12,
    13,
    22,
    *range(26, 39),
    40,
    41,
    *range(43, 55),
    *range(58, 67),
    81,
    *range(84, 91),
    92,
    95,
    97,
)
"""Numbers of the rules that must have a test: what README says works (S39 is advice, S42 is about trials)."""


@cache
def functions_of(file: str) -> frozenset[str]:
    """The tests that a file defines, as pytest names them but for their cases; none without the file."""
    path = rules.ROOT / file
    if not path.is_file():
        return frozenset()
    body = ast.parse(path.read_text(encoding="utf-8")).body
    found = [("", each) for each in body]
    found += [
        (f"{each.name}::", inner) for each in body if isinstance(each, ast.ClassDef) for inner in each.body
    ]
    return frozenset(
        f"{file}::{within}{each.name}"
        for within, each in found
        if isinstance(each, ast.FunctionDef | ast.AsyncFunctionDef) and each.name.startswith("test_")
    )


def cases_of(files: Collection[str]) -> frozenset[str]:
    """Every node id that pytest finds in these files."""
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", *sorted(files)],
        capture_output=True,
        text=True,
        cwd=rules.ROOT,
        check=False,
    )
    nodes = frozenset(line for line in run.stdout.splitlines() if line.startswith("tests/") and "::" in line)
    assert nodes, run.stdout + run.stderr
    return nodes


TABLE = (*rules.rules(), *rules.answers())


def test_every_rule_is_in_the_table_once_and_in_order() -> None:
    assert [rule.id for rule in rules.rules()] == [f"S{number}" for number in range(1, 99)]


def test_every_answer_is_in_the_table_once() -> None:
    ids = [answer.id for answer in rules.answers()]
    assert len(ids) == len(set(ids)) == 28


def test_every_row_has_a_proof_or_says_why_not() -> None:
    assert not [row.id for row in TABLE if not row.proof and not row.not_yet]


def test_every_test_that_a_row_names_exists() -> None:
    named = {node: node.partition("::")[0] for row in TABLE for node in row.proof}
    cases = {node for node in named if "[" in node}
    missing = {node for node, file in named.items() if node.partition("[")[0] not in functions_of(file)}
    missing |= cases - cases_of({named[node] for node in cases - missing})
    assert not missing, f"tests/rules.yaml names tests that do not exist: {sorted(missing)}"


def test_no_row_names_a_test_twice() -> None:
    assert not [row.id for row in TABLE if len(row.proof) != len(set(row.proof))]


def test_every_promised_rule_is_proven() -> None:
    promised = {f"S{number}" for number in PROMISED}
    assert not [rule.id for rule in rules.rules() if rule.id in promised and not rule.proof]


@pytest.mark.parametrize("page", rules.PAGES)
def test_the_generated_pages_are_up_to_date(page: str) -> None:
    kept = (rules.ROOT / page).read_text(encoding="utf-8")
    assert kept == rules.PAGES[page](), f"{page} is not up to date: run `make rules`"
