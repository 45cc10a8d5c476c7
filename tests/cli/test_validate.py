"""`trunkline validate`: every fault at its line, and an exit code for scripts."""

from __future__ import annotations

import json
import os
import re
import subprocess
from pathlib import Path

import yaml

from support.trunkline_command import COMMAND, LOCAL, QUICKSTART, ROOT, environment, run_trunkline

KEYS = ["file", "line", "kind", "namespace", "name", "field", "reason", "message", "severity", "waiting"]

BAD = """\
apiVersion: trunkline.dev/v1alpha1
kind: Trunk
metadata: {name: hq, namespace: acme}
spec:
  maxConcurentCalls: 5
---
apiVersion: trunkline.dev/v1alpha1
kind: Number
metadata: {name: main-line, namespace: acme}
spec:
  number: +14155550100
---
apiVersion: trunkline.dev/v1alpha1
kind: Number
metadata: {name: lost, namespace: acme}
spec:
  number: "+14155550101"
  trunkRef: {name: nowhere}
---
apiVersion: trunkline.dev/v1alpha1
kind: IpAccessControlList
metadata: {name: tape, namespace: acme}
spec:
  entries: [{cidr: "2001:db8::/32"}]
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: other}
"""


def _write(directory: Path, text: str = BAD) -> Path:
    path = directory / "bad.yaml"
    path.write_text(text)
    return path


def test_the_quickstart_is_valid() -> None:
    """No error and no warning in what we ship; the summary goes to standard error."""
    done = run_trunkline("validate", *LOCAL)
    assert done.returncode == 0
    assert done.stdout == ""
    assert re.fullmatch(r"0 errors, 0 warnings in \d+ objects of \d+ files\n", done.stderr)


def test_the_quickstart_for_a_cluster_is_valid() -> None:
    """With the very files of the tenant that one machine takes."""
    done = run_trunkline("validate", QUICKSTART / "tenant", QUICKSTART / "platform-cluster")
    assert (done.returncode, done.stdout) == (0, "")


def test_each_fault_is_one_line_with_file_line_object_field_reason_and_mend(tmp_path: Path) -> None:
    """A misspelt field, a number that YAML read as an integer, and a missing trunk."""
    path = _write(tmp_path)
    done = run_trunkline("validate", path)
    lines = done.stdout.splitlines()
    assert done.returncode == 1
    assert all(re.match(rf"{re.escape(str(path))}:\d+: \w+ acme/[a-z-]+: ", line) for line in lines)
    assert any(
        line.startswith(f"{path}:5: Trunk acme/hq: spec.maxConcurentCalls: UnknownField: ")
        and "maxConcurrentCalls" in line
        for line in lines
    )
    assert any(
        line.startswith(f"{path}:11: Number acme/main-line: spec.number: ") and "quote" in line
        for line in lines
    )
    assert any(
        line.startswith(f"{path}:18: Number acme/lost: spec.trunkRef: TrunkNotFound: ")
        or line.startswith(f"{path}:18: Number acme/lost: spec.trunkRef.name: TrunkNotFound: ")
        for line in lines
    )


def test_a_feature_that_is_not_there_yet_is_a_warning(tmp_path: Path) -> None:
    """It is marked, and alone it does not fail the check."""
    done = run_trunkline("validate", _write(tmp_path, BAD.split("---\n")[3]))
    warned = [line for line in done.stdout.splitlines() if line.endswith("[warning]")]
    assert len(warned) == 1
    assert "spec.entries[0].cidr" in warned[0]
    assert done.returncode == 0


def test_a_foreign_kind_is_a_note_and_no_finding(tmp_path: Path) -> None:
    """It is skipped; standard output stays empty."""
    done = run_trunkline("validate", _write(tmp_path, BAD.split("---\n")[-1]))
    assert done.returncode == 0
    assert done.stdout == ""
    assert "note: " in done.stderr
    assert "Deployment" in done.stderr


def test_json_is_a_list_with_stable_keys(tmp_path: Path) -> None:
    """The same findings, and nothing but JSON on standard output."""
    done = run_trunkline("validate", "-o", "json", _write(tmp_path))
    found = json.loads(done.stdout)
    assert done.returncode == 1
    assert all(list(each) == KEYS for each in found)
    assert {each["severity"] for each in found} == {"error", "warning"}
    assert {"UnknownField", "TrunkNotFound"} <= {each["reason"] for each in found}
    assert [(each["file"], each["line"]) for each in found] == sorted(
        (each["file"], each["line"]) for each in found
    )


def test_a_pipe_is_read_as_a_file_is() -> None:
    """`kustomize build . | trunkline validate -`."""
    done = run_trunkline("validate", "-", stdin=BAD)
    assert done.returncode == 1
    assert "<stdin>:5: Trunk acme/hq: spec.maxConcurentCalls: UnknownField: " in done.stdout
    good = run_trunkline(
        "validate", "-", LOCAL[1], stdin=(LOCAL[0] / "trunks.yaml").read_text(), NO_COLOR="1"
    )
    assert "Trunk acme/hq: spec.termination" in good.stdout, "its lists are in no file that was given"


def test_a_check_that_has_looked_at_nothing_is_not_green(tmp_path: Path) -> None:
    """A wrong path, files that are no YAML, a command before the pipe that failed: 2, and what to do."""
    (tmp_path / "trunks.json").write_text("{}")
    (tmp_path / "empty.yaml").write_text("# nothing\n---\n")
    for path, said in (
        (tmp_path, "have *.yaml or *.yml files"),
        ("-", "did the command before the pipe fail?"),
    ):
        done = run_trunkline("validate", path)
        assert done.returncode == 2
        assert said in done.stderr
        assert done.stdout == ""


def test_a_form_for_ci_is_all_that_standard_output_has(tmp_path: Path) -> None:
    """The counts are on standard error."""
    done = run_trunkline("validate", "-o", "github", _write(tmp_path))
    assert done.returncode == 1
    assert all(line.startswith(("::error file=", "::warning file=")) for line in done.stdout.splitlines())


def test_the_pre_commit_hook_runs_as_it_is_declared() -> None:
    """Its entry with its arguments, in a directory of manifests."""
    (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())
    program, *arguments = hook["entry"].split()
    assert (program, hook["language"], hook["pass_filenames"]) == ("trunkline", "python", False)
    done = subprocess.run(
        [*COMMAND, *arguments, *hook["args"]],
        cwd=QUICKSTART / "tenant",
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_json_of_good_files_is_an_empty_list() -> None:
    """So that `jq length` counts."""
    assert json.loads(run_trunkline("validate", "-o", "json", *LOCAL).stdout) == []


def test_broken_yaml_is_told_with_its_line_and_the_rest_is_checked(tmp_path: Path) -> None:
    """One broken document hides no fault of another."""
    (tmp_path / "broken.yaml").write_text("kind: Trunk\nmetadata: {name: [\n")
    path = _write(tmp_path)
    done = run_trunkline("validate", tmp_path)
    assert done.returncode == 1
    assert re.search(r"broken\.yaml:\d+: InvalidYAML: ", done.stdout)
    assert f"{path}:5: Trunk acme/hq: spec.maxConcurentCalls" in done.stdout


def test_two_claims_on_one_number_name_the_loser(tmp_path: Path) -> None:
    """By namespace and name when the files give no times; the winner has no finding."""
    number = (
        "apiVersion: trunkline.dev/v1alpha1\nkind: Number\nmetadata: {{name: {}, namespace: acme}}\n"
        "spec: {{number: '+14155550100'}}\n"
    )
    done = run_trunkline("validate", _write(tmp_path, number.format("a") + "---\n" + number.format("b")))
    assert done.returncode == 1
    assert "Number acme/b: spec.number: Conflict: " in done.stdout
    assert "Number acme/a" not in done.stdout.replace("acme/a:", "").split("Conflict")[0]


def test_no_password_is_printed(tmp_path: Path) -> None:
    """Not even a weak one in the very message about it."""
    text = "\n---\n".join(
        (
            "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: acme}\n"
            "stringData: {password: hunter2}",
            "apiVersion: trunkline.dev/v1alpha1\nkind: CredentialList\nmetadata: {name: c, namespace: acme}\n"
            "spec: {credentials: [{username: pbx, passwordSecretRef: {name: s, key: password}}]}",
        )
    )
    done = run_trunkline("validate", _write(tmp_path, text))
    assert done.returncode == 1
    assert "WeakPassword" in done.stdout
    assert "hunter2" not in done.stdout + done.stderr


def test_a_file_name_that_is_no_text_can_be_told(tmp_path: Path) -> None:
    """Any bytes may be a name on Linux."""
    name = os.fsencode(tmp_path) + b"/\xff.yaml"
    with open(name, "w") as file:
        file.write(BAD)
    for options in ((), ("-o", "json")):
        done = run_trunkline("validate", *options, tmp_path)
        assert done.returncode == 1
        assert "Traceback" not in done.stderr
        assert "udcff.yaml" in done.stdout


def test_a_password_that_cannot_be_used_is_told_where_it_is_named_and_shown_nowhere(tmp_path: Path) -> None:
    """Bytes that are no UTF-8, and the line break of echo: one error each, the other objects are judged."""
    user = "{username: %s, passwordSecretRef: {name: s, key: %s}}"
    path = _write(
        tmp_path,
        "apiVersion: trunkline.dev/v1alpha1\nkind: CredentialList\nmetadata: {name: l, namespace: acme}\n"
        f"spec: {{credentials: [{user % ('a', 'latin')}, {user % ('b', 'echoed')}]}}\n---\n"
        "apiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: acme}\n"
        "data: {latin: RmllbGT//lBhc3MtMjAyNng=, echoed: RmllbGQtUGFzcy0yMDI2eAo=}\n---\n" + BAD,
    )
    done = run_trunkline("validate", "-o", "json", str(path))
    found = [each for each in json.loads(done.stdout) if each["kind"] == "CredentialList"]
    assert done.returncode == 1
    assert [(each["reason"], each["line"]) for each in found] == [("SecretNotValid", 4)]
    assert "is not UTF-8 text" in found[0]["message"]
    assert "ends with a line break" in found[0]["message"]
    assert "Trunk" in {each["kind"] for each in json.loads(done.stdout)}
    assert not [part for part in ("Field-", "Pass-", "2026x", "RmllbG") if part in done.stdout + done.stderr]


def test_what_an_api_server_refuses_of_metadata_is_refused(tmp_path: Path) -> None:
    """A label that YAML reads as a number, of ours and of a Secret; at the label's own line."""
    path = _write(
        tmp_path,
        "apiVersion: trunkline.dev/v1alpha1\n"
        "kind: Trunk\n"
        "metadata:\n"
        "  name: hq\n"
        "  labels:\n"
        "    release: 1.10\n"
        "---\n"
        "apiVersion: v1\n"
        "kind: Secret\n"
        "metadata: {name: Upper_Case, annotations: {since: 2026}}\n"
        "stringData: {password: Field-Pass-2026x}\n",
    )
    done = run_trunkline("validate", path)
    found = [line.removeprefix(f"{path}:").split(": ")[:4] for line in done.stdout.splitlines()]
    assert done.returncode == 1
    assert found == [
        ["1", "Trunk default/hq", "spec", "Required"],
        ["6", "Trunk default/hq", "metadata.labels.release", "InvalidType"],
        ["10", "Secret default/Upper_Case", "metadata.annotations.since", "InvalidType"],
        ["10", "Secret default/Upper_Case", "metadata.name", "InvalidValue"],
    ]


def test_what_a_file_says_cannot_steer_a_terminal(tmp_path: Path) -> None:
    """Names, kinds, versions and names of fields and files, of ours and foreign: escaped, one line each."""
    hostile = r'"\e[31mx\nfoo.yaml:1: Trunk a/b: all is well\u202e"'
    directory = tmp_path / "\x1b[2J\n"
    directory.mkdir()
    path = _write(
        directory,
        "---\n".join(
            f"apiVersion: {version}\nkind: {kind}\n"
            f"metadata: {{name: {hostile}, {hostile}: 1, labels: {{{hostile}: 1}}}}\n"
            for version in ("trunkline.dev/v1alpha1", '"trunkline.dev/v2\\e[31m"', "v1", hostile)
            for kind in ("Trunk", "Secret", hostile)
        ),
    )
    request = ("--source", "192.0.2.1", "--request-uri", "sip:a@b", "--from", "sip:a@b")
    for command, given in (("validate", ()), ("compile", ()), ("explain", request)):
        done = run_trunkline(command, *given, path)
        told = done.stdout + done.stderr
        assert "Traceback" not in told
        assert all(char.isprintable() for char in told.replace("\n", "")), command
        assert not any(line.startswith("foo.yaml") for line in told.splitlines()), command
