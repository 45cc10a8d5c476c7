"""The layers hold: who may import whom, and which libraries each part may use."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
EDGE = sorted((ROOT / "edge" / "sipedge").rglob("*.py"))
CONTROL = sorted((ROOT / "operator" / "trunkline").rglob("*.py"))
EDGE_LIBRARIES = {"lmdb", "msgpack"}


def imports(path: Path) -> Iterator[str]:
    """The full names of the modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0 and node.module:
            yield node.module


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_the_import_contracts_of_pyproject_are_kept() -> None:
    run = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-logo"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("path", EDGE, ids=relative)
def test_the_edge_imports_the_standard_library_lmdb_and_msgpack(path: Path) -> None:
    """The agent may also ask DNS, write metrics and, in one place, sign; the B2BUA reads and fetches what
    strangers write; the KEMI shell knows Kamailio."""
    allowed = {"sipedge"} | EDGE_LIBRARIES | set(sys.stdlib_module_names)
    own = path.relative_to(ROOT / "edge" / "sipedge")
    allowed |= {"agent": {"dns"}, "kemi": {"KSR"}}.get(own.parts[0], set())
    if own.parts[:2] == ("agent", "stir"):
        allowed |= {"jwt", "cryptography", "OpenSSL"}
    # `_sha2` is the standard library's too, since Python 3.12.
    allowed |= {
        "agent/metrics.py": {"prometheus_client"},
        "sha256.py": {"_sha2"},
        "name_servers.py": {"dns"},
        "b2bua/twiml/read.py": {"defusedxml"},
        "b2bua/voice/fetch.py": {"aiohttp", "yarl"},
        "b2bua/voice/names.py": {"dns"},
    }.get(str(own), set())
    foreign = sorted({name for name in imports(path) if name.partition(".")[0] not in allowed})
    assert not foreign


def test_the_edge_is_loaded_by_the_python_that_kamailio_embeds() -> None:
    """Every pure module of the edge, imported by the interpreter of the edge with only Debian's libraries."""
    modules = [
        ".".join(path.relative_to(ROOT / "edge").with_suffix("").parts).removesuffix(".__init__")
        for path in EDGE
        if "kemi" not in path.parts and path.name != "__main__.py"
    ]
    run = subprocess.run(
        ["/usr/bin/python3", "-I", "-c", f"import sys; sys.path.insert(0, {str(ROOT / 'edge')!r})\n"
         + "\n".join(f"import {module}" for module in modules)],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr


def test_nothing_shadows_pythons_own_operator_module() -> None:
    """An operator/__init__.py would break the interpreter whenever the repository is on its path."""
    assert not (ROOT / "operator" / "__init__.py").exists()


def test_test_folders_are_no_packages() -> None:
    assert not list((ROOT / "tests").rglob("__init__.py"))


def test_every_package_of_the_control_plane_has_a_place_among_the_layers() -> None:
    """A new folder must be put into the import contracts before it can grow."""
    contracts = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    folders = {
        f"trunkline.{entry.stem}"
        for entry in (ROOT / "operator" / "trunkline").iterdir()
        if not entry.name.startswith("__") and (entry.is_dir() or entry.suffix == ".py")
    }
    assert not {name for name in folders if name not in contracts}
