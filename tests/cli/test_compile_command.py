"""`trunkline compile`: tables and verdicts, stable and without secrets."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

from support.trunkline_command import LOCAL, QUICKSTART, run_trunkline


def test_text_and_json_say_the_same() -> None:
    """The text is YAML of the same document."""
    text, as_json = run_trunkline("compile", *LOCAL), run_trunkline("compile", "-o", "json", *LOCAL)
    assert text.returncode == as_json.returncode == 0
    document = json.loads(as_json.stdout)
    assert yaml.safe_load(text.stdout) == document
    assert list(document) == ["tables", "verdicts", "facts"]
    assert set(document["tables"]) == {"ashburn", "dublin"}
    assert document["tables"]["dublin"]["number"]["+14155550100"]["trunk"] == "acme/hq"


def test_secrets_are_redacted() -> None:
    """Neither the password nor its HA1 leaves."""
    shown = run_trunkline("compile", *LOCAL).stdout
    assert "ha1: (redacted)" in shown
    assert "Quickstart-2026" not in shown


def test_the_order_of_paths_does_not_matter() -> None:
    """Equal inputs give equal bytes."""
    one = run_trunkline("compile", QUICKSTART / "tenant", QUICKSTART / "platform-local").stdout
    other = run_trunkline("compile", QUICKSTART / "platform-local", QUICKSTART / "tenant").stdout
    assert one == other


def test_errors_make_the_exit_code_1_and_the_rest_is_still_compiled(tmp_path: Path) -> None:
    """A broken file beside good ones takes nothing from them."""
    (tmp_path / "broken.yaml").write_text("kind: [")
    done = run_trunkline("compile", *LOCAL, tmp_path)
    assert done.returncode == 1
    assert "acme/hq" in done.stdout
    assert "1 error" in done.stderr
    assert "trunkline validate" in done.stderr
