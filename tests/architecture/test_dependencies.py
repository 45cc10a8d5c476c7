"""What the packages import is what pyproject.toml declares, and in the right extra: no less, no more."""

from __future__ import annotations

import ast
import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
PROJECT: Final = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
DISTRIBUTIONS: Final = {
    "OpenSSL": "pyopenssl",
    "dns": "dnspython",
    "phonenumbers": "phonenumberslite",
    "pydantic_core": "pydantic",
    "prometheus_client": "prometheus-client",
    "yaml": "pyyaml",
}
"""Those that are not named as their module."""
OURS: Final = {"trunkline", "sipedge", "siprecorder", "KSR", "_sha2"}
"""And Kamailio's, and one of the standard library of Python 3.12."""
DEBIANS: Final = ("edge/sipedge/agent", "edge/sipedge/kemi")
"""Run by Debian's Python, with Debian's libraries."""
EXTRAS: Final = {
    "operator/trunkline/kube": "cluster",
    "operator/trunkline/controllers": "operator",
    "recorder/siprecorder": "recorder",
}
"""What stands in a folder may import the libraries of its extra."""


def declared(extra: str | None = None) -> set[str]:
    """The distributions that the package asks for, or one of its extras; the extras of an extra count."""
    found: set[str] = set()
    for each in PROJECT["optional-dependencies"][extra] if extra else PROJECT["dependencies"]:
        if inner := re.fullmatch(r"trunkline\[([\w,]+)\]", each):
            found |= set().union(*map(declared, inner[1].split(",")))
        else:
            found.add(re.split(r"[<>=!~ ]", each)[0])
    return found


def imported(tree: ast.AST, *, lazily: bool) -> Iterator[str]:
    """The modules that are imported, in functions only if `lazily`; what only types need is not."""
    for node in ast.iter_child_nodes(tree):
        if isinstance(node, ast.Import):
            yield from (each.name for each in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield str(node.module)
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            continue
        elif lazily or not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield from imported(node, lazily=lazily)


def used(folder: str, *, lazily: bool) -> set[str]:
    """The distributions that modules below the folder import, beside those of folders with an extra."""
    elsewhere = [ROOT / each for each in (*EXTRAS, *DEBIANS) if each != folder]
    modules = {
        module.partition(".")[0]
        for path in (ROOT / folder).rglob("*.py")
        if not any(path.is_relative_to(each) for each in elsewhere)
        for module in imported(ast.parse(path.read_text(encoding="utf-8")), lazily=lazily)
    }
    foreign = modules - OURS - set(sys.stdlib_module_names)
    return {DISTRIBUTIONS.get(module, module) for module in foreign}


@pytest.mark.parametrize("folder", ("operator/trunkline", "edge/sipedge"))
def test_what_every_command_imports_is_the_packages_own(folder: str) -> None:
    assert used(folder, lazily=False) <= declared()


@pytest.mark.parametrize("folder", EXTRAS)
def test_what_some_import_is_in_their_extra(folder: str) -> None:
    assert used(folder, lazily=True) <= declared() | declared(EXTRAS[folder])


def test_what_a_command_imports_when_it_runs_is_in_some_extra() -> None:
    every = set().union(*map(declared, PROJECT["optional-dependencies"]))
    assert used("operator/trunkline", lazily=True) <= declared() | every


def test_nothing_is_declared_that_nobody_imports() -> None:
    everywhere = (*EXTRAS, "operator/trunkline", "edge/sipedge", *DEBIANS)
    imports = set().union(*(used(folder, lazily=True) for folder in everywhere))
    assert declared() | declared("operator") | declared("recorder") | declared("records") <= imports
