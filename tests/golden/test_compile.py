"""Whole inputs against whole outputs: `trunkline compile CASE.in.yaml` prints CASE.out.yaml."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from trunkline.cli.compilation import run_compile

CASES = Path(__file__).parent / "compile"
NAMES = sorted(path.name.removesuffix(".in.yaml") for path in CASES.glob("*.in.yaml"))


@pytest.mark.parametrize("name", NAMES)
def test_an_input_compiles_to_its_output(
    name: str, golden: Callable[[Path, str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    run_compile([str(CASES / f"{name}.in.yaml")], "trunkline.test", as_json=False)
    golden(CASES / f"{name}.out.yaml", capsys.readouterr().out)


def test_every_output_has_its_input() -> None:
    assert sorted(path.name.removesuffix(".out.yaml") for path in CASES.glob("*.out.yaml")) == NAMES
