"""`trunkline --help` teaches, and loads nothing that it does not need."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from sipedge import __version__
from support.trunkline_command import LOCAL, ROOT, environment, run_trunkline

COMMANDS = ("up", "validate", "compile", "explain", "status", "call", "network", "run", "uninstall")
HEAVY = ("pydantic", "kopf", "kubernetes", "yaml", "cryptography", "phonenumbers", "watchfiles", "asyncio")


def test_help_loads_no_library_but_the_command_lines_own() -> None:
    """What makes it quick (0.1 s of CPU) is told by the modules that are loaded, whatever the machine."""
    script = (
        "import sys\n"
        "sys.argv = ['trunkline', '--help']\n"
        "from trunkline.cli import main\n"
        "try:\n"
        "    main()\n"
        "except SystemExit as end:\n"
        "    print('exit', end.code)\n"
        "print('loaded', *sorted({name.partition('.')[0] for name in sys.modules}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment(), capture_output=True, text=True, check=True
    )
    *_, ended, loaded = done.stdout.splitlines()
    assert ended == "exit 0"
    assert "typer" in loaded.split()
    assert not set(HEAVY) & set(loaded.split())


@pytest.mark.parametrize(
    "arguments",
    (
        ("validate", "examples/quickstart/tenant"),
        ("explain", "examples/quickstart/tenant", "--edge=a", "--source=192.0.2.1", "--request-uri=sip:1@a"),
        ("status", "examples/quickstart/tenant"),
    ),
    ids=lambda arguments: arguments[0],
)
def test_a_command_that_reads_files_loads_no_kubernetes(arguments: tuple[str, ...]) -> None:
    """Reading a cluster costs half a second of imports, which files need not pay for."""
    script = (
        "import sys\n"
        f"sys.argv = ['trunkline', *{arguments!r}]\n"
        "from trunkline.cli import main\n"
        "try:\n"
        "    main()\n"
        "except SystemExit:\n"
        "    pass\n"
        "print('loaded', 'trunkline.compiler' in sys.modules, 'kubernetes' in sys.modules)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.splitlines()[-1] == "loaded True False"


def test_help_names_every_command_both_directions_and_the_exit_codes() -> None:
    """A newcomer reads the two words before the first mistake."""
    shown = run_trunkline("--help").stdout
    for word in (*COMMANDS, "termination", "origination", "PBX to the PSTN", "Exit codes"):
        assert word in shown


@pytest.mark.parametrize("command", COMMANDS)
def test_each_commands_help_has_an_example_of_it(command: str) -> None:
    """An example says more than a list of options."""
    done = run_trunkline(command, "--help")
    assert done.returncode == 0
    assert f"  trunkline {command} " in done.stdout


def test_version_is_the_packages() -> None:
    """`--version` prints one line."""
    done = run_trunkline("--version")
    assert done.returncode == 0
    assert done.stdout.split() == ["trunkline", __version__]


@pytest.mark.parametrize(
    "arguments",
    (("nonsense",), ("compile",), ("explain", "examples/quickstart"), ("call", "--from", "+14155550100")),
)
def test_wrong_usage_ends_with_2_and_says_where_help_is(arguments: tuple[str, ...]) -> None:
    """Usage errors differ from a "no", so that scripts can tell them apart."""
    done = run_trunkline(*arguments)
    assert done.returncode == 2
    assert "Usage:" in done.stderr
    assert "-h" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("command", ("validate", "compile", "explain"))
def test_a_missing_path_is_named(command: str) -> None:
    """No such directory: the path and exit code 2."""
    options = ("--edge", "a", "--source", "127.0.0.1", "--request-uri", "sip:a@b")
    done = run_trunkline(command, "no/such/place", *(options if command == "explain" else ()))
    assert done.returncode == 2
    assert "no/such/place" in done.stderr
    assert done.stdout == ""


@pytest.mark.parametrize("command", ("validate", "compile"))
def test_a_base_domain_that_is_none_is_refused(command: str) -> None:
    """The option and the mend are in the message."""
    done = run_trunkline(command, "examples/quickstart", "--base-domain", "not a domain")
    assert done.returncode == 2
    assert "--base-domain 'not a domain'" in done.stderr


def test_the_base_domain_may_come_from_the_environment() -> None:
    """TRUNKLINE_BASE_DOMAIN works for every command that reads files."""
    shown = run_trunkline("compile", *LOCAL, TRUNKLINE_BASE_DOMAIN="Voice.Example.com").stdout
    assert "acme-hq.pstn.voice.example.com" in shown


def test_a_reader_that_goes_away_is_no_error_message() -> None:
    """`trunkline compile ... | head -1` ends in silence."""
    script = f"{sys.executable} -m trunkline compile {' '.join(map(str, LOCAL))} | head -1"
    done = subprocess.run(
        ["sh", "-c", script], cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
    )
    assert done.stdout == "tables:\n"
    assert done.stderr == ""


@pytest.mark.parametrize(
    ("words", "wanted"),
    (
        ("trunkline ex", ["explain"]),
        ("trunkline validate --out", ["--output"]),
        (f"trunkline explain {' '.join(map(str, LOCAL))} --edge a", ["ashburn"]),
        ("trunkline status --context pro", ["production"]),
    ),
)
def test_a_shell_completes_commands_options_and_names(words: str, wanted: list[str], tmp_path: Path) -> None:
    """As bash asks for it once `trunkline --install-completion` was run."""
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text("contexts: [{name: production}, {name: dev}]\n")
    asked = {"_TRUNKLINE_COMPLETE": "complete_bash", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    asked["KUBECONFIG"] = f"{tmp_path}/none:{kubeconfig}"
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            "import sys; sys.argv = ['trunkline']; from trunkline.cli import main; main()",
        ],
        env=environment(**asked),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.split() == wanted
