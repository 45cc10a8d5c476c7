"""A command that lacks a library names the extra that brings it."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from trunkline.cli.extras import EXTRAS, missing_extra

ROOT = Path(__file__).resolve().parents[3]
_DISTRIBUTIONS = {"prometheus_client": "prometheus-client"}


@pytest.mark.parametrize("module", EXTRAS)
def test_the_extra_that_is_named_brings_the_library(module: str) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    told = missing_extra(f"{module}.part")
    assert told is not None
    extra = re.search(r"'trunkline\[(\w+)\]'$", told)
    assert extra, told
    brought = {re.match(r"[\w-]+", each)[0] for each in project["optional-dependencies"][extra[1]]}  # type: ignore[index]
    assert _DISTRIBUTIONS.get(module, module) in brought


@pytest.mark.parametrize("module", ("yaml", "trunkline", "", None))
def test_what_no_extra_brings_is_a_fault_of_ours(module: str | None) -> None:
    assert missing_extra(module) is None
