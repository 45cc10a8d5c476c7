"""The table of rules is whole, names tests that exist, and the pages made from it are up to date."""

from __future__ import annotations

import subprocess
import sys
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
def collected() -> frozenset[str]:
    """Every pytest node id of this repository, with and without its case."""
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "--collect-only", "-q", "-p", "no:cacheprovider", "tests"],
        capture_output=True,
        text=True,
        cwd=rules.ROOT,
        check=False,
    )
    nodes = [line for line in run.stdout.splitlines() if line.startswith("tests/") and "::" in line]
    assert nodes, run.stdout + run.stderr
    return frozenset(nodes) | frozenset(node.partition("[")[0] for node in nodes)


TABLE = (*rules.rules(), *rules.answers())


def test_every_rule_is_in_the_table_once_and_in_order() -> None:
    assert [rule.id for rule in rules.rules()] == [f"S{number}" for number in range(1, 99)]


def test_every_answer_is_in_the_table_once() -> None:
    ids = [answer.id for answer in rules.answers()]
    assert len(ids) == len(set(ids)) == 24


def test_every_row_has_a_proof_or_says_why_not() -> None:
    assert not [row.id for row in TABLE if not row.proof and not row.not_yet]


def test_every_test_that_a_row_names_exists() -> None:
    missing = [f"{row.id}: {node}" for row in TABLE for node in row.proof if node not in collected()]
    assert not missing, "tests/rules.yaml names tests that do not exist:\n" + "\n".join(missing)


def test_no_row_names_a_test_twice() -> None:
    assert not [row.id for row in TABLE if len(row.proof) != len(set(row.proof))]


def test_every_promised_rule_is_proven() -> None:
    promised = {f"S{number}" for number in PROMISED}
    assert not [rule.id for rule in rules.rules() if rule.id in promised and not rule.proof]


@pytest.mark.parametrize("page", rules.PAGES)
def test_the_generated_pages_are_up_to_date(page: str) -> None:
    kept = (rules.ROOT / page).read_text(encoding="utf-8")
    assert kept == rules.PAGES[page](), f"{page} is not up to date: run `make rules`"
