"""TCP and TLS, towards the edge and from it: versions, ciphers, names, keep-alive (S12-S22, S51-S54, S95)."""

from __future__ import annotations

import socket
import ssl
import subprocess
import warnings
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from sipedge.table import ResolvedAddress, ResolvedRow
from sipedge.tls_files import write_pair, write_tls_config
from support.edge import running_edge, wait_until_hung_up, write_certificate
from support.lab import OWN_NUMBER, TELCO, Lab
from support.patience import PATIENCE, until
from support.sipmessage import sdp
from support.sipua import UserAgent, callee_leg, client_context
from support.tables import Platform, make_account, make_gateway, make_target, make_trunk


@pytest.fixture(scope="session")
def server_context(tmp_path_factory: pytest.TempPathFactory) -> ssl.SSLContext:
    """A PBX's own self-signed certificate."""
    directory = tmp_path_factory.mktemp("pbx")
    write_certificate(directory, "pbx.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(directory / "server.crt", directory / "server.key")
    return context


@pytest.mark.parametrize("transport", ("tcp", "tls"))
def test_a_customer_may_call_over_a_stream(lab: Lab, telco: UserAgent, transport: str) -> None:
    """INVITE by TCP or TLS on the same connection as everything after; the carrier's BYE comes back on it."""
    pbx = lab.agent(20, 0, transport, tls=client_context() if transport == "tls" else None)
    invite = lab.call_out(pbx)
    received = telco.wait("INVITE")
    telco.respond(received, 200, body=sdp(telco.address))
    answer = pbx.wait(status=200)
    assert f"transport={transport}" in answer.header("Record-Route") or len(answer.all("Record-Route")) == 2
    invite.leg(answer).send("ACK")
    telco.wait("ACK")
    callee_leg(telco, received, lab.edge_at).send("BYE")
    bye = pbx.wait("BYE")
    assert bye.path is answer.path, "the BYE opened a connection of its own"
    pbx.respond(bye, 200)
    telco.wait("BYE", status=200)


@pytest.mark.parametrize("transport", ("tcp", "tls"))
def test_the_customer_is_called_over_a_stream(
    lab: Lab, telco: UserAgent, server_context: ssl.SSLContext, transport: str
) -> None:
    """S52, S53: the connection leaves from the edge's own address; the PBX ends the call on it."""
    pbx = lab.agent(20, 5062, transport, tls=server_context if transport == "tls" else None)
    targets = (make_target(pbx.address, 5062, transport=transport, uri_params=f";transport={transport}"),)
    lab.serve(trunk={"targets": targets})
    invite = lab.call_in(telco)
    received = pbx.wait("INVITE")
    assert received.uri == f"sip:{OWN_NUMBER}@{pbx.address}:5062;transport={transport}"
    assert isinstance(received.path, socket.socket)
    assert received.path.getpeername()[0] == lab.edge.address
    pbx.respond(received, 200, body=sdp(pbx.address))
    leg = invite.leg(telco.wait(status=200))
    leg.send("ACK")
    pbx.wait("ACK")
    callee_leg(pbx, received, received.path).send("BYE")
    telco.respond(telco.wait("BYE"), 200)
    pbx.wait("BYE", status=200)


def test_tls_without_a_port_goes_to_5061(lab: Lab, telco: UserAgent, server_context: ssl.SSLContext) -> None:
    """S22, S53."""
    pbx = lab.agent(20, 5061, "tls", tls=server_context)
    lab.serve(trunk={"targets": (make_target(pbx.address, transport="tls"),)})
    invite = lab.call_in(telco)
    pbx.respond(pbx.wait("INVITE"), 486)
    assert invite.final().status == 486


def test_a_tls_target_is_asked_for_by_its_name(
    lab: Lab, telco: UserAgent, server_context: ssl.SSLContext
) -> None:
    """SNI is the host of the URI, not the address that it resolved to."""
    asked = []
    server_context.sni_callback = lambda _connection, name, _context: asked.append(name)
    pbx = lab.agent(20, 5061, "tls", tls=server_context)
    lab.serve(
        trunk={"targets": (make_target("pbx.acme.example", transport="tls"),)},
        resolved={"pbx.acme.example||tls": ResolvedRow((ResolvedAddress(pbx.address, 5061, "tls"),))},
    )
    invite = lab.call_in(telco)
    pbx.respond(pbx.wait("INVITE"), 486)
    assert invite.final().status == 486
    assert asked == ["pbx.acme.example"]


def test_a_gateway_is_asked_for_by_the_name_that_its_carrier_gives(
    lab: Lab, pbx: UserAgent, server_context: ssl.SSLContext
) -> None:
    """serverName: a gateway that is called by its address serves several names."""
    asked = []
    server_context.sni_callback = lambda _connection, name, _context: asked.append(name)
    telco = lab.agent(31, 5061, "tls", tls=server_context)
    gateway = make_gateway(telco.address, 5061, transport="tls", server_name="gw.telco.example")
    lab.serve(routes={"+": [gateway]})
    invite = lab.call_out(pbx)
    received = telco.wait("INVITE")
    assert received.uri == f"sip:+442079460000@{telco.address}:5061;transport=tls"
    telco.respond(received, 486)
    assert invite.final().status == 486
    assert asked == ["gw.telco.example"]


def test_a_secure_trunk_takes_srtp_over_tls_alone(lab: Lab, telco: UserAgent) -> None:
    """S20: UDP and TCP 403, plain RTP 488, SRTP over TLS passes."""
    lab.serve(trunk={"secure": True})
    over_tcp = lab.call_out(lab.agent(20, 0, "tcp")).final()
    assert (over_tcp.status, over_tcp.header("X-Trunkline-Error")) == (403, "32208 Secure Transport Required")
    pbx = lab.agent(20, 0, "tls", tls=client_context())
    plain = lab.call_out(pbx).final()
    assert (plain.status, plain.header("X-Trunkline-Error")) == (488, "32208 Secure Media Required")
    invite = lab.call_out(pbx, body=sdp(pbx.address, profile="RTP/SAVP"))
    telco.respond(telco.wait("INVITE"), 486)
    assert invite.final().status == 486


def test_pings_are_answered(lab: Lab) -> None:
    """S95: CRLFCRLF over TCP and TLS is answered by one CRLF; over UDP it is absorbed."""
    for transport in ("tcp", "tls"):
        pbx = lab.agent(20, 0, transport, tls=client_context() if transport == "tls" else None)
        pbx.send(b"\r\n\r\n", (lab.edge.address, 5061 if transport == "tls" else 5060))
        assert pbx.until_pong() == [b"\r\n"], transport
    pbx = lab.agent(20)
    pbx.send(b"\r\n\r\n", lab.edge_at)
    assert pbx.silence(0.2) == []
    assert pbx.pongs == []


class Dribble(UserAgent):
    """Sends every message byte by byte."""

    def send(self, data: bytes, to: object) -> None:
        for position in range(len(data)):
            super().send(data[position : position + 1], to)


def test_a_message_may_come_in_single_bytes(lab: Lab, telco: UserAgent) -> None:
    """A slow TCP peer is understood."""
    pbx = Dribble(lab.block.address(20), 0, "tcp")
    with closing(pbx):
        invite = lab.call_out(pbx)
        telco.respond(telco.wait("INVITE"), 486)
        assert invite.final().status == 486


def handshake(address: str, *options: str) -> tuple[bool, str]:
    """Whether openssl's client gets a connection, and what it says."""
    command = ["openssl", "s_client", "-connect", f"{address}:5061", *options]
    done = subprocess.run(command, input="", capture_output=True, text=True, timeout=PATIENCE, check=False)
    return "Cipher is (NONE)" not in done.stdout and done.returncode == 0, done.stdout + done.stderr


S15 = {
    "ECDHE-RSA-AES128-GCM-SHA256", "ECDHE-RSA-AES128-SHA256", "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-SHA384", "AES128-GCM-SHA256", "AES128-SHA256", "AES128-SHA", "AES256-GCM-SHA384",
    "AES256-SHA256", "AES256-SHA",
}  # fmt: skip
"""The suites of S15 that an RSA certificate can serve; the four ECDSA ones need another certificate."""


@pytest.mark.parametrize("version", ("-tls1", "-tls1_1"))
def test_old_tls_versions_are_refused(lab: Lab, version: str) -> None:
    """S12, S13: an alert, no connection."""
    connected, text = handshake(lab.edge.address, version, "-cipher", "ALL:@SECLEVEL=0")
    assert not connected
    assert "alert" in text


@pytest.mark.parametrize("version", ("-tls1_2", "-tls1_3"))
def test_current_tls_versions_are_taken(lab: Lab, version: str) -> None:
    """S13; TLS 1.3 stays on."""
    assert handshake(lab.edge.address, version)[0]


def takes_cipher(address: str, name: str) -> bool:
    """Whether a handshake with this suite alone succeeds."""
    context = client_context()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.set_ciphers(f"{name}:@SECLEVEL=0")
        with (
            socket.create_connection((address, 5061), timeout=PATIENCE) as plain,
            context.wrap_socket(plain) as connection,
        ):
            return connection.cipher() is not None
    except (ssl.SSLError, OSError):
        return False


def test_exactly_the_listed_cipher_suites_are_offered(lab: Lab) -> None:
    """S15, up to TLS 1.2."""
    known = subprocess.run(
        ["openssl", "ciphers", "-tls1_2", "ALL:@SECLEVEL=0"], capture_output=True, text=True, check=True
    )
    rsa = [
        name
        for name in known.stdout.strip().split(":")
        if not name.startswith(("TLS_", "PSK", "SRP", "RSA-PSK"))
    ]
    taken = {name for name in rsa if takes_cipher(lab.edge.address, name)}
    assert taken == S15


def test_old_tls_is_let_in_only_for_the_accounts_that_allow_it(lab: Lab, tmp_path: Path) -> None:
    """S14: the listener admits 1.1 while some account does; the others' calls are refused with 32222."""
    address, telco_address = lab.block.address(2), lab.block.address(TELCO)
    platform = Platform(
        addresses=[address],
        site_changes={"deprecated_tls": True},
        accounts=[make_account(), make_account("old", allow_deprecated_tls=True)],
        trunks=[make_trunk(), make_trunk("old/hq")],
        numbers={OWN_NUMBER: "acme/hq", "+14155550101": "old/hq"},
        routes={"+": [make_gateway(telco_address, 5060)]},
    )
    context = client_context()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # being deprecated is the point here
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    with running_edge(platform.table(), address, tmp_path) as edge:
        assert not handshake(address, "-tls1_1", "-cipher", "ALL:@SECLEVEL=0")[0]
        write_tls_config(replace(edge.settings, deprecated_tls=True))
        edge.rpc("tls.reload")
        other, telco = Lab(edge, lab.block, lab.stack), lab.agent(TELCO)
        pbx = lab.agent(40, 0, "tls", tls=context)
        refused = other.call_out(pbx).final()
        assert (refused.status, refused.header("X-Trunkline-Error")) == (403, "32222 TLS Version Too Low")
        invite = other.call_out(pbx, host="old-hq.pstn.trunkline.test", caller="+14155550101")
        telco.respond(telco.wait("INVITE"), 486)
        assert invite.final().status == 486


def test_a_new_certificate_is_served_without_a_restart(lab: Lab, tmp_path: Path) -> None:
    """Rotation by tls.reload: new connections see it, an open one keeps working."""
    address = lab.block.address(3)
    pbx = lab.agent(40, 0, "tls", tls=client_context())
    with running_edge(Platform(addresses=[address]).table(), address, tmp_path) as edge:
        pbx.send(b"\r\n\r\n", (address, 5061))
        pbx.until_pong()
        write_certificate(tmp_path, "renewed")
        pair = (tmp_path / "server.crt").read_bytes(), (tmp_path / "server.key").read_bytes()
        assert write_pair(edge.settings, *pair)
        edge.rpc("tls.reload")

        def shown() -> str:
            command = ["openssl", "s_client", "-connect", f"{address}:5061"]
            return subprocess.run(command, input="", capture_output=True, text=True, check=False).stdout

        until(lambda: "CN = renewed" in shown())
        pbx.pongs.clear()
        pbx.send(b"\r\n\r\n", (address, 5061))
        assert pbx.until_pong() == [b"\r\n"]


def test_a_new_connection_within_a_dialog_leaves_from_the_edges_address(lab: Lab) -> None:
    """The PBX has closed its connection: the BYE is brought on a new one, from the right address."""
    pbx, telco = lab.agent(20, 5060, "tcp"), lab.agent(TELCO, 5060, "tcp")
    lab.serve(routes={"+": [make_gateway(telco.address, 5060, transport="tcp")]})
    invite = lab.call_out(pbx)
    received = telco.wait("INVITE")
    telco.respond(received, 200, body=sdp(telco.address))
    invite.leg(pbx.wait(status=200)).send("ACK")
    telco.wait("ACK")
    pbx.hang_up_connections()
    wait_until_hung_up(lab.edge, pbx.address)
    leg = callee_leg(telco, received, received.path)
    # As from a PBX that is not behind NAT: its Contact is where it listens.
    leg.target = f"sip:pbx@{pbx.address}:5060;transport=tcp"
    leg.send("BYE")
    bye = pbx.wait("BYE")
    assert isinstance(bye.path, socket.socket)
    assert bye.path.getpeername()[0] == lab.edge.address
    pbx.respond(bye, 200)
    telco.wait("BYE", status=200)


@pytest.mark.parametrize("size", (3_000, 6_000, 14_000))
def test_a_large_invite_fits_over_tcp(lab: Lab, telco: UserAgent, size: int) -> None:
    """Long Identity headers and many codecs: larger than Kamailio's usual buffer."""
    pbx = lab.agent(20, 0, "tcp")
    invite = lab.call_out(
        pbx, headers=[("X-Long", "a" * (size // 2))], body=sdp(pbx.address) + "a=x:b\r\n" * (size // 14)
    )
    received = telco.wait("INVITE")
    assert len(received.raw) > size
    telco.respond(received, 486)
    assert invite.final().status == 486
