"""Gateways and registrars whose certificates are verified: those of a wrong CA get nothing. Real agents, and
Kamailios."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from sipedge.table.registration import RegistrationRow
from sipedge.table.rows import CarrierRow, GatewayPlaceRow
from sipedge.tls_files import CONFIG
from support.addresses import reserved_block
from support.agents import AgentRun, Publisher, agent_of
from support.edge import started
from support.key_pairs import make_pair
from support.other_release import image_prefix
from support.patience import PATIENCE, until
from support.sipua import UserAgent, send_invite, user_agent
from support.tables import (
    Platform,
    make_account,
    make_carrier,
    make_gateway,
    make_ha1,
    make_ha1_sha256,
    make_target,
    make_trunk,
)

NUMBER, FAR = "+14155550100", "+442079460000"


class Scene:
    """An edge, the gateway of its one carrier, and CAs."""

    def __init__(self, folder: Path, agent: AgentRun, publisher: Publisher, address: str) -> None:
        self.folder, self.agent, self.publisher, self.gateway = folder, agent, publisher, address
        self.edge = agent.settings.address
        self.known: tuple[str, ...] = ()
        """The CAs that Kamailio knows."""
        for name in ("ours", "theirs"):
            make_pair(folder, name)

    def authority(self, name: str) -> str:
        return (self.folder / f"{name}.crt").read_text()

    def context(self, authority: str) -> ssl.SSLContext:
        """A server's, with a certificate that this CA has signed."""
        leaf = self.folder / f"of-{authority}"
        request = ["openssl", "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
        request += ["-subj", "/CN=gw", "-keyout", f"{leaf}.key", "-out", f"{leaf}.csr"]
        subprocess.run(request, check=True, capture_output=True)
        sign = ["openssl", "x509", "-req", "-in", f"{leaf}.csr", "-days", "2", "-CAcreateserial"]
        sign += [
            "-CA",
            str(self.folder / f"{authority}.crt"),
            "-CAkey",
            str(self.folder / f"{authority}.key"),
        ]
        subprocess.run([*sign, "-out", f"{leaf}.crt"], check=True, capture_output=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(f"{leaf}.crt", f"{leaf}.key")
        return context

    def kamailio_log(self) -> str:
        return (self.agent.settings.directory / "kamailio.log").read_text()

    def registering(self, port: int) -> CarrierRow:
        """A carrier whose registrar is at that port of the gateway."""
        who = "us", "r", make_ha1("us", "secret", "r"), make_ha1_sha256("us", "secret", "r")
        registration = RegistrationRow(self.gateway, port, "tls", 600, *who, (), "sip.telco.example")
        return make_carrier(f"at-{port}", registration=registration)

    def serve(
        self, pbx: str, *, authorities: tuple[str, ...], verify: bool = True, registrars: tuple[int, ...] = ()
    ) -> None:
        """Calls go out to the gateway, and in to the PBX, both over TLS; returns when Kamailio knows."""
        config = self.agent.settings.tls_directory / CONFIG
        before, reloads = config.read_text(), self.reloads()
        target = make_target(pbx, 5071, transport="tls")
        platform = Platform(
            [self.edge],
            accounts=[make_account()],
            trunks=[make_trunk(targets=(target,), access=(f"{pbx}/32",))],
            numbers={NUMBER: "acme/hq"},
            carriers=[make_carrier(), *(self.registering(port) for port in registrars)],
            sources={f"{self.gateway}/32": "telco"},
            routes={"+": [make_gateway(self.gateway, 5061, transport="tls")]},
            places=[GatewayPlaceRow(self.gateway, port, "tls", verify) for port in (5061, *registrars)],
            authorities=authorities,
        )
        self.publisher.publish(platform.table())
        self.agent.until_revision(self.publisher.sequence)
        if authorities == self.known:
            return
        self.known = authorities
        until(lambda: config.read_text() != before, "the CAs are written")
        until(lambda: self.reloads() > reloads, "Kamailio has read them")

    def reloads(self) -> int:
        """How often Kamailio has read its certificates and CAs anew, as the agent tells."""
        return self.agent.log().count("is served now")


@pytest.fixture(scope="module", params=("here", "image"))
def scene(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """With this machine's Kamailio, and with that of the edge's image."""
    folder = tmp_path_factory.mktemp("verified")
    with reserved_block() as block, agent_of(folder, block.address(1)) as (agent, publisher):
        prefix = image_prefix(folder) if request.param == "image" else []
        with started(agent.settings, prefix):
            publisher.publish(Platform([block.address(1)]).table())
            agent.start()
            agent.until(lambda said: said.get("ready") is True, "ready")
            yield Scene(folder, agent, publisher, block.address(30))


def outcome(scene: Scene, pbx: UserAgent, gateway: UserAgent) -> int:
    """The final answer to a call to the PSTN, which the gateway refuses by 486 if it gets it."""
    uri = f"sip:{FAR}@acme-hq.pstn.trunkline.test"
    invite = send_invite(pbx, (scene.edge, 5060), uri, caller=NUMBER)
    received = invite.reached(gateway)
    if received is not None:
        gateway.respond(received, 486)
    return invite.final().status


@pytest.mark.parametrize("is_ours", (True, False), ids=("ours", "theirs"))
def test_only_a_certificate_of_a_known_ca_gets_calls(scene: Scene, is_ours: bool) -> None:
    pbx_at = scene.gateway.rpartition(".")[0] + ".20"
    with (
        user_agent(pbx_at, 5060) as pbx,
        user_agent(scene.gateway, 5061, "tls", tls=scene.context("ours" if is_ours else "theirs")) as gateway,
    ):
        if scene.publisher.sequence == 1:
            scene.serve(pbx_at, authorities=(scene.authority("ours"),))
        assert outcome(scene, pbx, gateway) in ((486,) if is_ours else (408, 503))


def test_others_are_called_whatever_their_certificate(scene: Scene) -> None:
    """A PBX has one of its own making."""
    pbx_at = scene.gateway.rpartition(".")[0] + ".20"
    with (
        user_agent(pbx_at, 5071, "tls", tls=scene.context("theirs")) as pbx,
        user_agent(scene.gateway, 5060) as carrier,
    ):
        invite = send_invite(carrier, (scene.edge, 5060), f"sip:{NUMBER}@{scene.edge}", caller=FAR)
        pbx.respond(pbx.wait("INVITE", call_id=invite.call_id), 486)
        assert invite.final().status == 486


def test_only_a_registrar_with_a_certificate_of_a_known_ca_is_told_anything(scene: Scene) -> None:
    """Nobody else may learn the digests of the edge, or bring calls in the carrier's name."""
    with (
        user_agent(scene.gateway, 5062, "tls", tls=scene.context("ours")) as ours,
        user_agent(scene.gateway, 5063, "tls", tls=scene.context("theirs")) as theirs,
    ):
        pbx_at = scene.gateway.rpartition(".")[0] + ".20"
        scene.serve(pbx_at, authorities=(scene.authority("ours"),), registrars=(5062, 5063))
        asked = ours.wait("REGISTER", seconds=PATIENCE)
        contact = ("Contact", f"{asked.header('Contact')};expires=600")
        ours.respond(asked, 200, headers=[contact])
        scene.agent.until(lambda said: dict(said["registrations"])["at-5062"] == "", "registered")
        until(lambda: "certificate verify failed" in scene.kamailio_log(), "theirs is refused")
        assert dict(scene.agent.said()["registrations"])["at-5063"] != ""
        assert not theirs.silence(0.1)


def test_what_cannot_be_read_as_a_ca_lets_nobody_pass(scene: Scene) -> None:
    """It is told; a platform that verifies nothing any more verifies nothing."""
    pbx_at = scene.gateway.rpartition(".")[0] + ".20"
    broken = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    with (
        user_agent(pbx_at, 5060) as pbx,
        user_agent(scene.gateway, 5061, "tls", tls=scene.context("ours")) as gateway,
    ):
        scene.serve(pbx_at, authorities=(broken,))
        scene.agent.until_error("CAs of gateways cannot be read")
        assert outcome(scene, pbx, gateway) in (408, 503)
        scene.serve(pbx_at, authorities=(), verify=False)
        scene.agent.until_no_error("CAs of gateways")
        assert outcome(scene, pbx, gateway) == 486
