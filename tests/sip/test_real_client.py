"""A client that customers really use (PJSIP) over TLS, checking the edge's certificate (S13, S16, S98)."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from sipedge.tls_files import current_pair
from support.lab import FAR_NUMBER, OWN_NUMBER, PBX, Lab
from support.patience import PATIENCE
from support.sipmessage import sdp
from support.sipua import UserAgent

CALLER = Path(__file__).parents[1] / "support" / "pjsua_caller.py"
PASSWORD = "Correct-Horse-9"


@contextmanager
def calling(lab: Lab, ca_file: Path, *credentials: str) -> Iterator[subprocess.Popen[str]]:
    """PJSIP calls the PSTN: the trunk's name in the URI, the edge as outbound proxy."""
    uri = f"sip:{FAR_NUMBER}@acme-hq.pstn.trunkline.test;transport=tls"
    proxy = f"sip:{lab.edge.address}:5061;transport=tls;lr;hide"
    sender = f"sip:{OWN_NUMBER}@acme-hq.pstn.trunkline.test"
    command = [
        sys.executable,
        str(CALLER),
        uri,
        sender,
        lab.block.address(PBX),
        str(ca_file),
        proxy,
        *credentials,
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def result(process: subprocess.Popen[str]) -> dict[str, Any]:
    output, errors = process.communicate(timeout=PATIENCE)
    assert process.returncode == 0, errors[-2000:]
    # PJSIP may write a line of its own when the process ends.
    answer = next(line for line in output.splitlines() if line.startswith("{"))
    found: dict[str, Any] = json.loads(answer)
    return found


@pytest.fixture
def ca_file(lab: Lab) -> Path:
    """The self-signed certificate is its own CA."""
    pair = current_pair(lab.edge.settings.tls_directory)
    assert pair is not None
    return pair.certificate


def test_pjsip_calls_over_tls_with_digest(lab: Lab, telco: UserAgent, ca_file: Path) -> None:
    """Handshake, 407, digest, 200, ACK, BYE: by a client that the project did not write."""
    lab.serve(trunk={"credential_lists": ("acme/users",)}, credentials={("acme/users", "pbx"): PASSWORD})
    with calling(lab, ca_file, "pbx", PASSWORD) as process:
        received = telco.wait("INVITE")
        assert received.all("Proxy-Authorization") == []
        telco.respond(received, 180)
        telco.respond(received, 200, body=sdp(telco.address))
        telco.wait("ACK")
        telco.respond(telco.wait("BYE"), 200)
        answer = result(process)
    assert (answer["status"], answer["ended"]) == (200, True)
    assert "CONFIRMED" in answer["states"]


def test_pjsip_with_a_wrong_password_is_refused(lab: Lab, telco: UserAgent, ca_file: Path) -> None:
    """403, and nothing at the carrier."""
    lab.serve(trunk={"credential_lists": ("acme/users",)}, credentials={("acme/users", "pbx"): PASSWORD})
    with calling(lab, ca_file, "pbx", "Wrong-Horse-99") as process:
        answer = result(process)
    assert answer["status"] == 403
    assert telco.silence(0.1) == []


def test_pjsip_that_does_not_trust_the_ca_does_not_call(lab: Lab, telco: UserAgent, tmp_path: Path) -> None:
    """The other way round: verification is really on in these tests."""
    from support.edge import write_certificate

    write_certificate(tmp_path, "another CA")
    with calling(lab, tmp_path / "server.crt") as process:
        answer = result(process)
    assert answer["status"] in (503, 502)
    assert telco.silence(0.1) == []
