"""sipp as PBX and as carrier: one scenario file per behaviour, its name saying what is expected."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from support.lab import FAR_NUMBER, OWN_NUMBER, PBX, TELCO, Lab
from support.sipp import running_scenario

SCENARIOS = Path(__file__).parent / "scenarios"
CALLERS = sorted(path.stem for path in SCENARIOS.glob("*-expect-*.xml"))
CALLEES = {
    "ended-by-caller": "callee-answers-and-waits-for-bye",
    "ended-by-callee": "callee-answers-and-hangs-up",
    "busy": "callee-is-busy",
    "cancelled": "callee-rings-until-cancelled",
    "held": "callee-answers-and-takes-a-re-invite",
    "right-password": "callee-answers-and-waits-for-bye",
}
"""What the other side plays, by a part of the caller's file name; nobody is called otherwise."""


@pytest.mark.parametrize("name", CALLERS)
def test_scenario(lab: Lab, name: str) -> None:
    """Both sipps must see exactly what their files say."""
    outgoing = name.startswith("termination")
    changes: dict[str, Any] = {}
    if "password" in name or "credentials" in name:
        changes = {
            "trunk": {"credential_lists": ("acme/users",)},
            "credentials": {("acme/users", "pbx"): "Correct-Horse-9"},
        }
    lab.serve(**changes)
    caller, callee = (PBX, TELCO) if outgoing else (TELCO, PBX)
    numbers = (OWN_NUMBER, FAR_NUMBER) if outgoing else (FAR_NUMBER, OWN_NUMBER)
    keys = {"caller": numbers[0], "called": numbers[1]}
    with ExitStack() as stack:
        for part, scenario in CALLEES.items():
            if part in name:
                stack.enter_context(
                    running_scenario(SCENARIOS / f"{scenario}.xml", lab.block.address(callee))
                )
        peer = f"{lab.edge.address}:5060"
        stack.enter_context(
            running_scenario(
                SCENARIOS / f"{name}.xml",
                lab.block.address(caller),
                keys=keys,
                peer=peer,
                digest_uri=f"{numbers[1]}@acme-hq.pstn.trunkline.test",
            )
        )


def test_every_scenario_file_is_played() -> None:
    """No file lies here unused."""
    files = {path.stem for path in SCENARIOS.iterdir()}
    assert files == {*CALLERS, *CALLEES.values()}
