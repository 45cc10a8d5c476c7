"""URIs that mean TLS without saying so, from what users write to the wire (S21, S54)."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest

from sipedge.table import Section, TargetRow, TrunkRow
from support.edge import write_certificate
from support.lab import Lab
from support.objects import make_edge, make_origination_uri, make_resources, make_trunk
from support.sipmessage import sdp
from support.sipua import UserAgent
from trunkline.compiler import compile_resources


def targets_of(sip_uri: str, secure: bool) -> tuple[TargetRow, ...]:
    """What an edge is told of a trunk with this one OriginationUri."""
    uri = make_origination_uri(trunkRef={"name": "hq"}, sipUri=sip_uri)
    compilation = compile_resources(make_resources(make_edge(), make_trunk(secure=secure), uri))
    row = compilation.tables["ashburn"].sections[Section.TRUNK]["acme/hq"]
    assert isinstance(row, TrunkRow)
    return row.targets


@pytest.mark.parametrize(
    ("form", "secure"),
    (("sips:{}", False), ("sip:{};transport=udp", True)),
    ids=("sips", "a secure trunk's transport=udp"),
)
def test_the_call_goes_out_over_tls(
    lab: Lab, telco: UserAgent, tmp_path: Path, form: str, secure: bool
) -> None:
    """The INVITE arrives on the PBX's TLS port 5061, and names `sip:` with transport=tls."""
    write_certificate(tmp_path, "pbx.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    pbx = lab.agent(20, 5061, "tls", tls=context)
    lab.serve(trunk={"secure": secure, "targets": targets_of(form.format(pbx.address), secure)})
    profile = "RTP/SAVP" if secure else "RTP/AVP"
    invite = lab.call_in(telco, body=sdp(telco.address, profile=profile))
    request = pbx.wait("INVITE")
    assert request.uri.startswith("sip:")
    assert ";transport=tls" in request.uri
    assert "transport=udp" not in request.uri
    pbx.respond(request, 486)
    assert invite.final().status == 486
