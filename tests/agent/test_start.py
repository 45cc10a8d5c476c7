"""How the agent starts, or says why it cannot."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from sipedge.instance import agent_command, process_environment
from support.edge import make_settings
from support.patience import PATIENCE

ADDRESS = "127.20.6.1"


def start(
    directory: Path, resolver: str | None = None, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run an agent that is expected to end by itself."""
    settings = make_settings(directory, ADDRESS, resolver=resolver)
    return subprocess.run(
        agent_command(),
        env={**process_environment(settings), **environment},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.mark.parametrize(
    ("environment", "message"),
    (
        ({"TRUNKLINE_INSTANCE": ""}, "TRUNKLINE_INSTANCE is not set"),
        ({"TRUNKLINE_INSTANCE": "/nowhere/instance.json"}, "/nowhere/instance.json: cannot be read"),
        ({"TRUNKLINE_DRAIN_SECONDS": "soon"}, "TRUNKLINE_DRAIN_SECONDS: 'soon' is not a number of seconds"),
        ({"TRUNKLINE_DRAIN_SECONDS": "-1"}, "TRUNKLINE_DRAIN_SECONDS: '-1' is not a number of seconds"),
    ),
    ids=("no settings", "no such file", "drain in words", "negative drain"),
)
def test_settings_that_cannot_be_used_end_with_one_line(
    tmp_path: Path, environment: dict[str, str], message: str
) -> None:
    """Exit 2, and no traceback."""
    ended = start(tmp_path, **environment)
    assert ended.returncode == 2
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize("resolver", ("dns.example:53", "127.0.0.1", "127.0.0.1:many", "127.0.0.1:70000"))
def test_resolver_that_is_no_address_and_port_is_refused(tmp_path: Path, resolver: str) -> None:
    """The message shows the value and the form that is wanted."""
    ended = start(tmp_path, resolver)
    assert ended.returncode == 2
    assert f"{resolver!r} is not ADDR:PORT" in ended.stderr
    assert "Traceback" not in ended.stderr
