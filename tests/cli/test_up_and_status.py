"""`trunkline up` and `trunkline status`, as the shell sees them."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from support.trunkline_command import COMMAND, ROOT, environment, run_trunkline
from support.trunkline_platform import Platform

KEYS = ["running", "ready", "pid", "stateDir", "baseDomain", "dns", "edges", "trunks", "notReady", "notices"]


def test_a_ready_platform_is_told_with_0(platform: Platform) -> None:
    """Edges, the revision and readiness of each address, trunks."""
    done = run_trunkline("status", "--state-dir", platform.state)
    assert done.returncode == 0, done.stdout
    assert platform.edge in done.stdout
    assert "forum-shop.pstn.trunkline.test" in done.stdout
    assert "forum/shop" in done.stdout


def test_json_has_stable_keys(platform: Platform) -> None:
    """For scripts."""
    done = run_trunkline("status", "--state-dir", platform.state, "-o", "json")
    found = json.loads(done.stdout)
    assert list(found) == KEYS
    assert found["running"] is True
    assert found["ready"] is True
    (edge,) = found["edges"]
    assert (edge["name"], edge["ready"], len(edge["addresses"])) == ("rome", True, 2)
    assert all(list(each) == ["address", "ready", "revision", "error", "pod"] for each in edge["addresses"])
    assert {each["revision"] for each in edge["addresses"]} == {edge["revision"]}
    (trunk,) = found["trunks"]
    assert (trunk["namespace"], trunk["name"], trunk["ready"], trunk["numberCount"]) == (
        "forum",
        "shop",
        True,
        1,
    )
    assert found["notReady"] == []


def test_an_object_that_is_not_ready_makes_it_1_until_it_is_mended(platform: Platform) -> None:
    """The reason is in the text; deleting the file mends it."""
    added = platform.directory / "second.yaml"
    added.write_text(
        "apiVersion: trunkline.dev/v1alpha1\nkind: Number\nmetadata: {name: thief, namespace: forum}\n"
        'spec: {number: "+390612345678"}\n'
    )
    try:
        text = _until(lambda: run_trunkline("status", "--state-dir", platform.state), 1)
        assert "Number forum/thief: " in text
        assert "Conflict" in text
    finally:
        added.unlink()
    _until(lambda: run_trunkline("status", "--state-dir", platform.state), 0)


def _until(ask: Callable[[], subprocess.CompletedProcess[str]], wanted: int, seconds: float = 20.0) -> str:
    """The output of the first run that ends with `wanted`."""
    deadline = time.monotonic() + seconds
    while True:
        done = ask()
        if done.returncode == wanted:
            return done.stdout
        assert time.monotonic() < deadline, done
        time.sleep(0.2)


def test_status_is_watched_until_it_is_interrupted(platform: Platform) -> None:
    """What it shows once, it shows again when it has changed."""
    with subprocess.Popen(
        [*COMMAND, "status", "--state-dir", str(platform.state), "--watch"],
        cwd=ROOT,
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert any("rome" in line for line in process.stdout)
        added = platform.directory / "watched.yaml"
        added.write_text(
            "apiVersion: trunkline.dev/v1alpha1\nkind: Number\nmetadata: {name: watched, namespace: forum}\n"
            'spec: {number: "+390612345678"}\n'
        )
        try:
            assert any("Number forum/watched: " in line for line in process.stdout)
        finally:
            added.unlink()
            process.send_signal(signal.SIGINT)
        process.stdout.read()
        assert process.wait() == 130
    _until(lambda: run_trunkline("status", "--state-dir", platform.state), 0)


def test_nothing_that_runs_is_1_and_says_how_to_start(tmp_path: Path) -> None:
    """Text on standard error; JSON still has its keys."""
    done = run_trunkline("status", "--state-dir", tmp_path)
    assert done.returncode == 1
    assert "no `trunkline up` is running" in done.stderr
    assert done.stdout == ""
    as_json = run_trunkline("status", "--state-dir", tmp_path, "-o", "json")
    assert as_json.returncode == 1
    assert list(json.loads(as_json.stdout)) == KEYS


def test_paths_name_the_state_directory_that_up_would_choose(tmp_path: Path) -> None:
    """So that both commands are given the same words."""
    done = run_trunkline("status", "examples/quickstart", XDG_STATE_HOME=str(tmp_path))
    assert done.returncode == 1
    assert f"{tmp_path}/trunkline/" in done.stderr
    assert "trunkline up examples/quickstart" in done.stderr


@pytest.mark.parametrize(
    ("arguments", "message"),
    (
        (("no/such/place",), "no/such/place"),
        (("examples/quickstart", "--dns", "nowhere"), "--dns"),
        (("examples/quickstart", "--resolver", "1.2.3.4"), "--resolver"),
        (("examples/quickstart", "--base-domain", "a b"), "--base-domain"),
        (("examples/quickstart", "--calls-per-second", "0"), "--calls-per-second 0 is not between"),
        (("examples/quickstart", "--calls-in-progress", "0"), "--calls-in-progress 0 is not between"),
    ),
)
def test_up_with_wrong_options_ends_with_2(arguments: tuple[str, ...], message: str, tmp_path: Path) -> None:
    """The option at fault, no traceback."""
    done = run_trunkline("up", *arguments, "--state-dir", tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr


def test_a_second_up_on_one_state_directory_is_refused(platform: Platform) -> None:
    """Two would fight over the same edges."""
    done = run_trunkline("up", platform.directory, "--state-dir", platform.state)
    assert done.returncode == 1
    assert "another `trunkline up`" in done.stderr
