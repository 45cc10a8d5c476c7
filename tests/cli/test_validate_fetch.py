"""`trunkline validate --fetch`: the documents of call instructions are asked for, and read."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from sipedge.b2bua.twiml.asking import SIGNATURE_HEADER, signature
from sipedge.secret import Secret
from support.trunkline_command import run_trunkline
from trunkline.cli.instructions import instruction_findings
from trunkline.cli.reading import read_with

DOCUMENTS = {
    "/good": b"<Response><Say>We will be back soon.</Say></Response>",
    "/odd": b"<Response><Enqueue>x</Enqueue><Say colour='red'>Hello</Say></Response>",
    "/broken": b"<Response>\n<Say>Hello</Response>",
    "/empty": b"<Response/>",
}
TOKEN = "a-token-of-twelve"


class _Handler(BaseHTTPRequestHandler):
    asked: dict[str, tuple[list[tuple[str, str]], str]]

    def do_POST(self) -> None:
        form = parse_qsl(self.rfile.read(int(self.headers["Content-Length"])).decode())
        self.asked[self.path] = form, self.headers.get(SIGNATURE_HEADER, "")
        document = DOCUMENTS.get(self.path)
        self.send_response(404 if document is None else 200)
        self.end_headers()
        self.wfile.write(document or b"")

    def log_message(self, format: str, *args: object) -> None:
        """Nothing."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    _Handler.asked = {}
    with ThreadingHTTPServer(("127.0.0.1", 0), _Handler) as found:
        thread = threading.Thread(target=found.serve_forever)
        thread.start()
        yield found
        found.shutdown()
        thread.join()


def manifests(port: int) -> str:
    account: dict[str, Any] = {
        "apiVersion": "trunkline.dev/v1alpha1",
        "kind": "Account",
        "metadata": {"name": "acme"},
        "spec": {"namespaces": ["acme"], "authTokenSecretRef": {"name": "token", "key": "authToken"}},
    }
    secret: dict[str, Any] = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "token", "namespace": "trunkline-system"},
        "stringData": {"authToken": TOKEN},
    }
    trunks = [
        {
            "apiVersion": "trunkline.dev/v1alpha1",
            "kind": "Trunk",
            "metadata": {"name": name, "namespace": "acme"},
            "spec": {"origination": {"disasterRecovery": {"url": f"http://127.0.0.1:{port}/{name}"}}},
        }
        for name in ("good", "odd", "broken", "empty", "absent")
    ]
    # JSON is YAML, and one document is one line: a finding's line names its trunk.
    return "\n---\n".join(json.dumps(each) for each in (account, secret, *trunks))


def test_documents_are_asked_for_and_read(server: ThreadingHTTPServer, tmp_path: Path) -> None:
    file, port = tmp_path / "all.yaml", server.server_address[1]
    file.write_text(manifests(port))
    done = run_trunkline("validate", "--fetch", "-o", "json", str(file))
    found = {(each["name"], each["reason"]): each for each in json.loads(done.stdout)}
    told = {key: each["severity"] for key, each in found.items() if key[1].startswith("Instruction")}
    assert told == {
        ("odd", "InstructionPassedOver"): "warning",
        ("broken", "InstructionsNotReadable"): "error",
        ("empty", "InstructionsEmpty"): "warning",
        ("absent", "InstructionsNotFetched"): "error",
    }
    assert done.returncode == 1
    broken = found["broken", "InstructionsNotReadable"]
    assert "line 2" in broken["message"]
    assert (broken["line"], broken["field"]) == (9, "spec.origination.disasterRecovery.url")
    assert "HTTP status 404" in found["absent", "InstructionsNotFetched"]["message"]
    form, signed = _Handler.asked["/good"]
    assert dict(form)["CallSid"] == "CA" + "0" * 32
    assert signed == signature(Secret(TOKEN), f"http://127.0.0.1:{port}/good", form)


def test_trunks_without_a_file_have_instructions_too(server: ThreadingHTTPServer) -> None:
    """As those that are read from a cluster: unsigned, since no Secret is read there."""
    reading = read_with({"all.yaml": manifests(server.server_address[1]).encode()}, [], None)
    resources = replace(reading.loaded.resources, secrets={})
    found = {each.ref.name: each for each in instruction_findings(resources) if each.ref is not None}
    assert (found["absent"].file, found["absent"].reason) == ("-", "InstructionsNotFetched")
    assert "good" not in found
    assert _Handler.asked["/good"][1] == ""
