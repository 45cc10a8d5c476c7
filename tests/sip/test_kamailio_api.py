"""The edge calls only what the real Kamailio has, and its configuration holds what its comments promise."""

from __future__ import annotations

import ast
import json
import re
import subprocess
from pathlib import Path

from support.edge import ROOT, make_settings, running_edge, started
from support.lab import Lab
from support.tables import Platform

KEMI = ROOT / "edge" / "sipedge" / "kemi"

PROBE = """
import json
import KSR

NAMES = json.loads({names!r})
OUT = {out!r}


class Probe:
    def child_init(self, rank):
        if rank == 1:
            missing = []
            for module, function in NAMES:
                holder = getattr(KSR, module, None) if module else KSR
                if not hasattr(holder, function):
                    missing.append(f"{{module}}.{{function}}")
            with open(OUT, "w") as file:
                json.dump(missing, file)
        return 0

    def ksr_request_route(self, message):
        return 1


def mod_init():
    return Probe()
"""


def declared_names() -> list[tuple[str, str]]:
    """(Kamailio module or "", function) of every stub in ksr.py."""
    tree = ast.parse((KEMI / "ksr.py").read_text())
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    modules = {
        node.annotation.id: node.target.id
        for node in classes["Ksr"].body
        if isinstance(node, ast.AnnAssign)
        and isinstance(node.annotation, ast.Name)
        and isinstance(node.target, ast.Name)
    }
    return [
        ("" if name == "Ksr" else modules[name], function.name)
        for name, node in classes.items()
        for function in node.body
        if isinstance(function, ast.FunctionDef)
    ]


def test_every_function_that_we_call_is_there(lab: Lab, tmp_path: Path) -> None:
    """Asked of a Kamailio with our own list of modules."""
    names, out = declared_names(), tmp_path / "missing.json"
    directory = tmp_path / "kamailio"
    directory.mkdir()
    (directory / "kamailio.cfg").write_text((ROOT / "edge" / "kamailio" / "kamailio.cfg").read_text())
    (directory / "kemi_main.py").write_text(PROBE.format(names=json.dumps(names), out=str(out)))
    settings = make_settings(tmp_path, lab.block.address(2), kamailio_dir=directory)
    with started(settings):
        for _ in range(200):
            if out.exists() and out.read_text():
                break
            subprocess.run(["sleep", "0.05"], check=True)
    assert len(names) > 40
    assert json.loads(out.read_text()) == []


def test_the_stubs_hold_what_is_called_and_nothing_else() -> None:
    """A stub that nobody calls any more is removed."""
    source = "\n".join(path.read_text() for path in KEMI.glob("*.py") if path.name != "ksr.py")
    called = {
        (module or "", name) for module, name in re.findall(r"KSR\.(?:([a-z]+)\.)?([a-z_0-9]+)\(", source)
    }
    assert called == set(declared_names())


def test_no_other_package_touches_kamailio() -> None:
    """KSR is imported in one place."""
    sources = (ROOT / "edge" / "sipedge").rglob("*.py")
    importers = [path for path in sources if re.search(r"^\s*import KSR", path.read_text(), re.MULTILINE)]
    assert importers == [KEMI / "ksr.py"]


def test_the_log_of_a_start_has_no_error(lab: Lab, tmp_path: Path) -> None:
    """A clean start: nothing to get used to."""
    table = Platform(addresses=[lab.block.address(2)]).table()
    with running_edge(table, lab.block.address(2), tmp_path) as edge:
        assert [line for line in edge.log().splitlines() if " ERROR " in line or " CRITICAL " in line] == []


def test_a_large_header_and_a_long_uri_are_handled(lab: Lab) -> None:
    """MAX_URI_SIZE and the header limit of Kamailio: refused or dropped, never half-read."""
    pbx = lab.agent(20)
    lab.call_out(pbx, "+" + "1" * 1500)
    pbx.silence(0.3)
    assert all(message.status in (400, 414, 0) for message in pbx.inbox)
