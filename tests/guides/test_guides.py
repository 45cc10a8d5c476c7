"""Each command of the guides, as it stands there, on one `trunkline up`; and what the calls have left."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from support.asterisk_machine import running, write_machine
from support.pages import ROOT, Block, blocks
from support.scenes import SECONDS, Scene, scene

GUIDES = ROOT / "examples" / "guides"
BLOCKS = tuple(block for block in blocks() if block.scene == "guides")
MACHINES = {"asterisk-udp": "udp", "asterisk-tls": "tls"}
TRUNKS = {"acme/office": False, "acme/branch": True, "acme/desk": True, "acme/lab": False, "acme/sbc": False}
"""The trunks of the guides: whether they speak SRTP."""


@pytest.fixture(scope="module")
def place(root_of_asterisk: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """With two machines that have Asterisk."""
    folder = tmp_path_factory.mktemp("guides")
    home = folder / "home"
    home.mkdir()
    keys = home / "pbx-keys"
    machines = {
        name: write_machine(root_of_asterisk, folder / name, GUIDES / "asterisk" / files, keys)
        for name, files in MACHINES.items()
    }
    with scene(home, machines) as found:
        yield found


@pytest.fixture(scope="module")
def booted(place: Scene) -> set[str]:
    """Names of machines that run."""
    return set()


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.name)
def test_a_block_does_what_its_page_says(place: Scene, booted: set[str], block: Block) -> None:
    """In the order of the pages: later ones stand on earlier ones."""
    if block.machine and block.machine not in booted:
        place.stack.enter_context(running(place.machines[block.machine]))
        booted.add(block.machine)
    place.run(block)


@pytest.mark.parametrize("direction", ("termination", "origination"))
@pytest.mark.parametrize("trunk", TRUNKS)
def test_each_trunk_has_had_a_call_with_sound(place: Scene, trunk: str, direction: str) -> None:
    """Answered, heard on both sides, and encrypted where the guide says so."""
    call = _answered_call(place, trunk, direction)
    is_secure = TRUNKS[trunk]
    assert call["transport"] == ("tls" if is_secure and direction == "termination" else "udp"), call
    media = call["media"]
    for party in ("caller", "callee"):
        assert media[party]["packetsToParty"] > 0, call
        assert media[party]["packetsFromParty"] > 0, call
    assert call["secure"]["media"] is is_secure, call


def _answered_call(place: Scene, trunk: str, direction: str) -> dict[str, Any]:
    """The call's record, which may come a moment after its end."""
    deadline = time.monotonic() + SECONDS
    while True:
        records = _records(place)
        for record in records:
            if (record.get("trunk"), record["direction"], record["result"]) == (trunk, direction, "answered"):
                return record
        assert time.monotonic() < deadline, json.dumps(records, indent=1)
        time.sleep(0.2)


def _records(place: Scene) -> list[dict[str, Any]]:
    command = ["trunkline", "calls", "list", "-o", "json"]
    done = subprocess.run(
        command, cwd=ROOT, env=place.environment(), capture_output=True, text=True, check=True
    )
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found
