"""Without PATH: the `up` of this machine, a cluster, or neither."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from support.trunkline_command import run_trunkline
from support.trunkline_platform import Platform

KUBECONFIG = """\
apiVersion: v1
kind: Config
clusters: [{name: dead, cluster: {server: "http://127.0.0.1:1"}}]
contexts: [{name: dead, context: {cluster: dead}}]
current-context: dead
"""


def _nowhere(directory: Path) -> dict[str, str]:
    """An environment in which no `up` runs and no cluster is named."""
    home = str(directory)
    return {"XDG_STATE_HOME": home, "HOME": home, "KUBECONFIG": "", "KUBERNETES_SERVICE_HOST": ""}


def test_without_hints_and_without_anything_that_runs_both_mends_are_told(tmp_path: Path) -> None:
    """Start an `up`, or name a cluster."""
    done = run_trunkline("status", **_nowhere(tmp_path))
    assert done.returncode == 1
    assert "trunkline up PATH..." in done.stderr
    assert "there is no kubeconfig ~/.kube/config; name one by --kubeconfig or KUBECONFIG" in done.stderr
    assert done.stderr.count("\n") == 1


def test_without_hints_an_up_that_runs_is_shown_before_any_cluster(
    platform: Platform, tmp_path: Path
) -> None:
    """Also one with a state directory of its own. An option of kubeconfig asks the API server."""
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(KUBECONFIG)
    nowhere = {**_nowhere(tmp_path), "KUBECONFIG": str(kubeconfig)}
    environment = {**nowhere, "XDG_STATE_HOME": str(platform.home)}
    done = run_trunkline("status", **environment)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("up: process ")
    assert run_trunkline("status", platform.directory, **environment).stdout == done.stdout
    assert run_trunkline("calls", "list", **environment).returncode == 0
    asked = run_trunkline("status", "--context", "dead", **environment)
    assert (asked.returncode, asked.stdout) == (1, "")
    assert "the API server http://127.0.0.1:1 of context dead does not answer" in asked.stderr


@pytest.mark.parametrize("command", ("validate", "explain"))
def test_neither_files_nor_a_cluster_is_wrong_usage(command: str, tmp_path: Path) -> None:
    """One line says how to name a cluster."""
    options = ("--edge", "a", "--source", "127.0.0.1", "--request-uri", "sip:a@b")
    done = run_trunkline(command, *(options if command == "explain" else ()), **_nowhere(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"trunkline {command}: no cluster to read: ")
    assert done.stderr.count("\n") == 1


def test_an_uninstallation_without_a_cluster_names_the_file_that_is_missing(tmp_path: Path) -> None:
    """And nothing of the library's own."""
    done = run_trunkline("uninstall", "--yes", **_nowhere(tmp_path))
    assert (done.returncode, done.stdout) == (1, "")
    assert f"there is no kubeconfig {tmp_path}/.kube/config; set KUBECONFIG" in done.stderr
    assert done.stderr.count("\n") == 1


def test_an_up_and_a_cluster_cannot_be_meant_at_once(tmp_path: Path) -> None:
    """The message names both options."""
    done = run_trunkline("status", "--state-dir", tmp_path, "-n", "acme")
    assert done.returncode == 2
    assert "--state-dir and -n do not go together" in done.stderr


@contextmanager
def _answering(status: int, body: bytes) -> Iterator[str]:
    """The URL of a server on loopback that answers everything alike."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            """Standard error is pytest's."""

    server = ThreadingHTTPServer(("127.62.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.62.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.mark.parametrize(
    ("status", "body", "words"),
    (
        (200, b"<html>Log in</html>", "does not answer"),
        (200, b"{}", "Trunkline is not installed"),
        (403, b"<html>Blocked</html>", "lets you read nothing"),
        (429, b"", "cannot answer now: try again"),
        (503, b"upstream", "cannot answer now: try again"),
    ),
    ids=("page", "other", "forbidden", "busy", "down"),
)
def test_what_is_no_api_server_or_cannot_answer_is_told_in_one_line(
    status: int, body: bytes, words: str, tmp_path: Path
) -> None:
    """A proxy before the API server, or one that starts."""
    kubeconfig = tmp_path / "kubeconfig"
    with _answering(status, body) as url:
        kubeconfig.write_text(KUBECONFIG.replace("http://127.0.0.1:1", url))
        done = run_trunkline("validate", **{**_nowhere(tmp_path), "KUBECONFIG": str(kubeconfig)})
    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr
    assert done.stderr.count("\n") == 1


@pytest.mark.parametrize(
    "text",
    ("", "[1, 2]", "{", "apiVersion: v1\nkind: Config\n"),
    ids=("empty", "list", "no YAML", "no context"),
)
def test_a_kubeconfig_that_is_none_is_named(text: str, tmp_path: Path) -> None:
    """Its file and the fault, on one line without a traceback."""
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(text)
    done = run_trunkline("validate", "--kubeconfig", kubeconfig, **_nowhere(tmp_path))
    assert (done.returncode, done.stdout) == (2, "")
    assert f"kubeconfig {kubeconfig} cannot be used: " in done.stderr
    assert done.stderr.count("\n") == 1


def test_kubeconfig_may_be_several_files(tmp_path: Path) -> None:
    """As kubectl merges them; one that is missing is passed over."""
    (tmp_path / "one").write_text(KUBECONFIG)
    (tmp_path / "two").write_text(KUBECONFIG.replace("dead", "gone"))
    files = ":".join(str(tmp_path / name) for name in ("none", "one", "two"))
    done = run_trunkline("validate", "--context", "gone", **{**_nowhere(tmp_path), "KUBECONFIG": files})
    assert "of context gone does not answer" in done.stderr


def test_a_plugin_for_credentials_that_is_missing_is_named(tmp_path: Path) -> None:
    """It is told before what the API server says to somebody without credentials."""
    plugin = "{apiVersion: client.authentication.k8s.io/v1, command: no-such-plugin}"
    kubeconfig = tmp_path / "kubeconfig"
    with_user = KUBECONFIG.replace("context: {cluster: dead}", "context: {cluster: dead, user: u}")
    with _answering(401, b"") as url:
        text = (
            with_user.replace("http://127.0.0.1:1", url) + f"users: [{{name: u, user: {{exec: {plugin}}}}}]\n"
        )
        kubeconfig.write_text(text)
        done = run_trunkline("validate", "--kubeconfig", kubeconfig, **_nowhere(tmp_path))
    assert done.returncode == 1
    cause, told = done.stderr.splitlines()
    assert "no-such-plugin" in cause
    assert "rejects your credentials" in told
