"""The edge calls only what the real Kamailio has, and its configuration holds what its comments promise."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path

from sipedge.instance import kamailio_command, process_environment
from support.edge import ROOT, START_SECONDS, Edge, make_settings, running_edge, started
from support.lab import Lab
from support.sipmessage import sdp
from support.sipua import UserAgent
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


def missing_names(place: Path, address: str, prefix: Sequence[str] = ()) -> list[str]:
    """What a Kamailio with our own list of modules lacks of the functions that we call."""
    out, directory = place / "missing.json", place / "kamailio"
    directory.mkdir()
    for name in ("kamailio.cfg", "carried.cfg", "brakes.cfg", "probes.cfg", "registrations.cfg"):
        (directory / name).write_text((ROOT / "edge" / "kamailio" / name).read_text())
    probe = PROBE.format(names=json.dumps(declared_names()), out=str(out))
    (directory / "kemi_main.py").write_text(probe)
    with started(make_settings(place, address, kamailio_dir=directory), prefix):
        deadline = time.monotonic() + START_SECONDS
        while not (text := out.read_text() if out.exists() else ""):
            assert time.monotonic() < deadline, (place / "i" / "kamailio.log").read_text()[-3000:]
            time.sleep(0.05)
    missing: list[str] = json.loads(text)
    return missing


def test_every_function_that_we_call_is_there(lab: Lab, tmp_path: Path) -> None:
    """In this machine's Kamailio."""
    assert len(declared_names()) > 40
    assert missing_names(tmp_path, lab.block.address(2)) == []


def test_the_images_kamailio_has_every_function_too(lab: Lab, tmp_path: Path, in_image: list[str]) -> None:
    """Another release, another Python: the names, and a configuration that it takes without a complaint."""
    assert missing_names(tmp_path, lab.block.address(2), in_image) == []
    settings = make_settings(tmp_path, lab.block.address(2))
    command = [*in_image, *kamailio_command(settings), "-c"]
    done = subprocess.run(
        command, env=process_environment(settings), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert [line for line in done.stderr.splitlines() if "ERROR" in line or "CRITICAL" in line] == []


def test_the_images_kamailio_carries_and_counts_calls(
    lab: Lab, tmp_path: Path, in_image: list[str], telco: UserAgent
) -> None:
    """Over UDP and TCP, against a limit on calls in progress: another arity would log errors."""
    with running_edge(None, lab.block.address(2), tmp_path, prefix=in_image) as edge:
        one = Lab(edge, lab.block, lab.stack)
        one.serve(trunk={"max_concurrent_calls": 1})
        for pbx in (lab.agent(20), lab.agent(20, 0, "tcp")):
            invite = one.call_out(pbx)
            telco.respond(telco.wait("INVITE"), 200, body=sdp(telco.address))
            leg = invite.leg(pbx.wait("INVITE", status=200))
            leg.send("ACK")
            telco.wait("ACK")
            assert one.call_out(pbx).final().status == 503
            leg.send("BYE")
            telco.respond(telco.wait("BYE"), 200)
            pbx.wait("BYE", status=200)
        assert complaints(edge) == []


def complaints(edge: Edge) -> list[str]:
    return [
        line
        for line in edge.log().splitlines()
        if re.search(r"\b(ERROR|CRITICAL|ALERT|BUG)\b|fault in", line)
    ]


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
        assert complaints(edge) == []


def test_a_large_header_and_a_long_uri_are_handled(lab: Lab) -> None:
    """MAX_URI_SIZE and the header limit of Kamailio: refused or dropped, never half-read."""
    pbx = lab.agent(20)
    lab.call_out(pbx, "+" + "1" * 1500)
    pbx.silence(0.3)
    assert all(message.status in (400, 414, 0) for message in pbx.inbox)
