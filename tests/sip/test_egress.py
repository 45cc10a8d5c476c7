"""Calls that leave from another edge, with two real ones: the way there and back, and by what proof."""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sipedge.instance import read_edge_secret
from sipedge.routing.relayed import Relayed, RelayTarget
from sipedge.routing.sealed import Proof
from sipedge.routing.siblings import RELAY_HEADER, RelayKeeper
from sipedge.secret import Secret
from sipedge.table import SiblingRow
from support.edge import Edge, connections, restart, running_edge, write_certificate
from support.events import events_of_caller
from support.lab import FAR_NUMBER, OWN_NUMBER, Lab
from support.patience import LATE_TICK_SECONDS, PATIENCE, SHORT_CALL_SECONDS
from support.sipmessage import Message, new_token, sdp
from support.sipua import Invite, UserAgent, callee_leg, send_invite
from support.tables import make_account, make_target

DUBLIN = 2


@dataclass
class Two:
    """The lab's edge is ashburn, where calls come in; `dublin` is another one of the same platform."""

    lab: Lab
    dublin: Edge

    def serve(self, *targets: Any, silent: int = 0, **changes: Any) -> None:
        """Both know the same trunk; ashburn knows so many addresses of dublin where nobody is, first."""
        nobody = tuple(self.lab.block.address(200 + number) for number in range(silent))
        siblings = (SiblingRow("dublin", (*nobody, self.dublin.address), 5060, 5061),)
        addresses = [self.lab.edge.address, self.dublin.address, *nobody]
        trunk = {"targets": targets, **changes.pop("trunk", {})}
        both = changes.pop("site_changes", {})
        for edge, site in ((self.lab.edge, {"siblings": siblings}), (self.dublin, {"edge": "dublin"})):
            told = {**both, **site}
            platform = self.lab.platform(trunk=trunk, addresses=addresses, site_changes=told, **changes)
            edge.publish(platform.table())

    def events(self, edge: Edge, call_id: str) -> list[str]:
        return [each["event"] for each in events_of_caller(edge, call_id)]


@contextmanager
def running_dublin(lab: Lab) -> Iterator[Edge]:
    secret = lab.edge.settings.edge_secret_file
    address = lab.block.address(DUBLIN)
    with running_edge(None, address, edge="dublin", edge_secret_file=secret) as dublin:
        yield dublin


@pytest.fixture
def two(lab: Lab, pbx: UserAgent) -> Iterator[Two]:
    with running_dublin(lab) as dublin:
        both = Two(lab, dublin)
        both.serve(by_dublin(pbx))
        yield both
        faults = [line for line in dublin.log().splitlines() if "fault in" in line]
        assert not faults, faults


def by_dublin(agent: UserAgent, **changes: Any) -> Any:
    return make_target(agent.address, 5060, egress=("dublin",), **changes)


def talk(two: Two, pbx: UserAgent, telco: UserAgent, **how: Any) -> tuple[Invite, Message]:
    invite = two.lab.call_in(telco, **how)
    received = pbx.wait("INVITE", call_id=invite.call_id)
    pbx.respond(received, 180)
    telco.wait("INVITE", status=180, call_id=invite.call_id)
    pbx.respond(received, 200, body=sdp(pbx.address))
    return invite, received


def test_a_call_travels_by_both_edges_whoever_speaks(two: Two, pbx: UserAgent, telco: UserAgent) -> None:
    """S55: INVITE, answers, re-INVITE of each side, BYE of each; the PBX sees dublin, the carrier ashburn."""
    for ends in ("carrier", "customer"):
        invite, received = talk(two, pbx, telco, headers=[("X-Trunkline-Relay", "1;2;3")])
        assert received.path == (two.dublin.address, 5060)
        assert received.uri == f"sip:{OWN_NUMBER}@{pbx.address}:5060"
        assert received.header("Diversion").startswith(f"<sip:{OWN_NUMBER}@")
        assert received.header("X-Trunkline-AccountSid").startswith("AC")
        assert received.header("X-Trunkline-CallSid").startswith("CA")
        assert not received.all("X-Trunkline-Relay")
        answer = telco.wait("INVITE", status=200, call_id=invite.call_id)
        assert answer.path == two.lab.edge_at
        leg = invite.leg(answer)
        leg.send("ACK")
        assert pbx.wait("ACK", call_id=invite.call_id).path == (two.dublin.address, 5060)
        back = callee_leg(pbx, received, (two.dublin.address, 5060))
        for speaker, sender, hearer, to in (
            (leg, telco, pbx, two.dublin.address),
            (back, pbx, telco, two.lab.edge.address),
        ):
            speaker.send("INVITE", body=sdp(sender.address))
            again = hearer.wait("INVITE", call_id=invite.call_id)
            assert again.path == (to, 5060)
            hearer.respond(again, 200, body=sdp(hearer.address))
            sender.wait("INVITE", status=200, call_id=invite.call_id)
            speaker.send("ACK")
            hearer.wait("ACK", call_id=invite.call_id)
        speaker, sender, hearer = (leg, telco, pbx) if ends == "carrier" else (back, pbx, telco)
        speaker.send("BYE")
        hearer.respond(hearer.wait("BYE", call_id=invite.call_id), 200)
        sender.wait("BYE", status=200, call_id=invite.call_id)
        until(lambda: not two.dublin.dialogs() and not two.lab.dialogs())
        until(lambda call_id=invite.call_id: two.events(two.lab.edge, call_id)[-1:] == ["ended"])
        assert two.events(two.lab.edge, invite.call_id) == ["begun", "ringing", "answered", "ended"]
        assert two.events(two.dublin, invite.call_id) == []


def until(fact: Any, seconds: float = PATIENCE) -> None:
    deadline = time.monotonic() + seconds
    while not fact():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_what_fails_there_lets_the_next_uri_try(two: Two, pbx: UserAgent, telco: UserAgent) -> None:
    """S62-S66 hold by way of another edge: also two URIs by the same one, and an address that is silent."""
    second = two.lab.agent(23)
    two.serve(by_dublin(pbx, priority=1), by_dublin(second, priority=2), make_target(telco.address, 5099))
    invite = two.lab.call_in(telco)
    pbx.respond(pbx.wait("INVITE", call_id=invite.call_id), 500)
    received = second.wait("INVITE", call_id=invite.call_id)
    assert received.path == (two.dublin.address, 5060)
    second.respond(received, 486, "Busy Here")
    answer = invite.final()
    assert (answer.status, answer.path) == (486, two.lab.edge_at)
    until(lambda: two.events(two.lab.edge, invite.call_id)[-1:] == ["ended"])
    assert two.events(two.lab.edge, invite.call_id) == ["begun", "attemptFailed", "attemptFailed", "ended"]
    # Nobody is at one of dublin's addresses, nor where the first URI leads.
    two.serve(by_dublin(pbx, priority=1), make_target(second.address, 5060, priority=2), silent=1)
    begun = time.monotonic()
    invite = two.lab.call_in(telco)
    pbx.wait("INVITE", call_id=invite.call_id)
    assert time.monotonic() - begun > 4 - LATE_TICK_SECONDS
    received = second.wait("INVITE", call_id=invite.call_id)
    assert received.path == two.lab.edge_at
    second.respond(received, 486, "Busy Here")
    assert invite.final().status == 486


def test_an_edge_without_addresses_or_that_drains_has_failed(
    two: Two, pbx: UserAgent, telco: UserAgent
) -> None:
    """At once: nothing is waited for."""
    second = two.lab.agent(23)
    targets = by_dublin(pbx, priority=1), make_target(second.address, 5060, priority=2)
    for how in ("nowhere", "drains"):
        if how == "drains":
            two.serve(*targets)
            two.dublin.rpc("htable.seti", "ctl", "drain", 1)
        else:
            two.lab.serve(trunk={"targets": targets})
        took: list[float] = []
        while not took or min(took) >= 3:  # as long as a target may be silent, and one second less
            begun = time.monotonic()
            invite = two.lab.call_in(telco)
            second.respond(second.wait("INVITE", call_id=invite.call_id), 486, "Busy Here")
            took.append(time.monotonic() - begun)
            assert invite.final().status == 486
            assert len(took) < 5, took
    assert pbx.silence(0.1) == []


def test_a_redirect_is_followed_by_the_same_edge(two: Two, pbx: UserAgent, telco: UserAgent) -> None:
    """S72-S77: once, and not by way of the edge that the Contact names."""
    desk, second = two.lab.agent(25), two.lab.agent(23)
    two.serve(by_dublin(pbx, priority=1), make_target(second.address, 5060, priority=2))
    invite = two.lab.call_in(telco)
    contact = f"<sip:desk@{desk.address}:5060;edge=ashburn?X-Desk=7>"
    pbx.respond(pbx.wait("INVITE", call_id=invite.call_id), 302, headers=[("Contact", contact)])
    received = desk.wait("INVITE", call_id=invite.call_id)
    assert received.path == (two.dublin.address, 5060)
    assert received.uri == f"sip:desk@{desk.address}:5060"
    assert received.header("X-Desk") == "7"
    assert received.header("Diversion").startswith(f"<sip:{OWN_NUMBER}@")
    assert [name for name, _ in received.headers if name.lower().startswith("x-trunkline-")] == []
    desk.respond(received, 302, headers=[("Contact", f"<sip:x@{second.address}>")])
    assert invite.final().status == 480
    assert second.silence(0.1) == []


def test_a_caller_who_gives_up_is_told_to_the_customer(two: Two, pbx: UserAgent, telco: UserAgent) -> None:
    """A CANCEL passes both edges."""
    invite = two.lab.call_in(telco)
    received = pbx.wait("INVITE", call_id=invite.call_id)
    pbx.respond(received, 180)
    telco.wait("INVITE", status=180, call_id=invite.call_id)
    invite.cancel()
    cancel = pbx.wait("CANCEL", call_id=invite.call_id)
    assert cancel.path == (two.dublin.address, 5060)
    pbx.respond(cancel, 200)
    pbx.respond(received, 487)
    assert invite.final().status == 487
    until(lambda: not two.dublin.dialogs() and not two.lab.dialogs())


def test_a_call_ends_in_time_and_over_a_restart_of_either_edge(
    two: Two, pbx: UserAgent, telco: UserAgent
) -> None:
    """S11: the edge where it came in ends it, on both sides. After a restart the tokens are all there is."""
    two.serve(by_dublin(pbx), accounts=[make_account(max_call_duration_seconds=SHORT_CALL_SECONDS)])
    invite, received = talk(two, pbx, telco)
    leg = invite.leg(telco.wait("INVITE", status=200, call_id=invite.call_id))
    leg.send("ACK")
    pbx.wait("ACK", call_id=invite.call_id)
    for side in (pbx, telco):
        side.respond(side.wait("BYE", call_id=invite.call_id), 200)
    until(lambda: not two.dublin.dialogs() and not two.lab.dialogs())
    two.serve(by_dublin(pbx))
    invite, received = talk(two, pbx, telco)
    leg = invite.leg(telco.wait("INVITE", status=200, call_id=invite.call_id))
    leg.send("ACK")
    pbx.wait("ACK", call_id=invite.call_id)
    restart(two.dublin)
    back = callee_leg(pbx, received, (two.dublin.address, 5060))
    back.send("INVITE", body=sdp(pbx.address))
    again = telco.wait("INVITE", call_id=invite.call_id)
    telco.respond(again, 200, body=sdp(telco.address))
    pbx.wait("INVITE", status=200, call_id=invite.call_id)
    back.send("ACK")
    telco.wait("ACK", call_id=invite.call_id)
    restart(two.lab.edge)
    with pytest.raises(RuntimeError):  # the one look-up that the fixture counts
        two.lab.edge.rpc("dns.lookup", "A", "no-such-name.invalid")
    leg.send("BYE")
    bye = pbx.wait("BYE", call_id=invite.call_id)
    assert bye.path == (two.dublin.address, 5060)
    pbx.respond(bye, 200)
    telco.wait("BYE", status=200, call_id=invite.call_id)


def test_a_secure_call_travels_between_edges_by_tls(two: Two, telco: UserAgent, tmp_path: Path) -> None:
    """S20: in both directions, and to the customer by TLS as well."""
    write_certificate(tmp_path, "pbx.example")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")
    desk = two.lab.agent(26, 5061, "tls", tls=context)
    target = make_target(desk.address, egress=("dublin",), transport="tls", uri_params=";transport=tls")
    two.serve(target, trunk={"secure": True})
    offer = sdp(telco.address, profile="RTP/SAVP")
    invite = two.lab.call_in(telco, body=offer)
    received = desk.wait("INVITE", call_id=invite.call_id)
    assert len(connections(two.dublin, two.lab.edge.address)) == 1
    ways = received.all("Record-Route")
    assert "transport=tls" in next(way for way in ways if two.lab.edge.address in way)
    desk.respond(received, 200, body=sdp(desk.address, profile="RTP/SAVP"))
    leg = invite.leg(telco.wait("INVITE", status=200, call_id=invite.call_id))
    leg.send("ACK")
    desk.wait("ACK", call_id=invite.call_id)
    leg.send("BYE")
    desk.respond(desk.wait("BYE", call_id=invite.call_id), 200)
    telco.wait("BYE", status=200, call_id=invite.call_id)


# --- by what proof


def relay_value(two: Two, call_id: str, uri: str, **changes: Any) -> str:
    """What ashburn would write for an INVITE with CSeq 1, but for the changes."""
    settings = two.lab.edge.settings
    told: dict[str, Any] = {
        "target": RelayTarget("acme/to-pbx", None, ()),
        "trunk": "acme/hq",
        "account": "acme",
        "account_sid": "AC1",
        "call_sid": "CA1",
        "secure": False,
        "calling": FAR_NUMBER,
        "max_duration_seconds": 60,
    }
    secret = changes.get("secret") or read_edge_secret(settings.edge_secret_file)
    proof = Proof(changes.get("receiver", two.dublin.address), call_id, 1, changes.get("proven", uri))
    at = time.time() + changes.get("late", 0)
    value = RelayKeeper(secret).value(Relayed(**told), proof, at)
    return value[: len(value) - changes.get("cut", 0)]


def test_a_header_that_proves_nothing_gets_what_a_stranger_gets(two: Two, pbx: UserAgent) -> None:
    """Silence: forged, too old, cut, for another message or another address."""
    stranger, uri = two.lab.agent(99), f"sip:desk@{pbx.address}:5060"
    for changes in (
        {"secret": Secret("0" * 64)},
        {"late": -31},
        {"late": 32},
        {"receiver": "192.0.2.1"},
        {"proven": "sip:1@192.0.2.1"},
        {"cut": 4},
    ):
        call_id = new_token()
        value = relay_value(two, call_id, uri, **changes)
        headers = [(RELAY_HEADER, value)]
        send_invite(stranger, (two.dublin.address, 5060), uri, call_id=call_id, headers=headers)
    assert pbx.silence(0.4) == []
    assert stranger.silence(0.05) == []


def test_a_header_is_good_once(two: Two, pbx: UserAgent) -> None:
    """Who has seen one pass and sends it again is a stranger; and no INVITE reaches an edge by one."""
    sender, thief, call_id = two.lab.agent(98), two.lab.agent(99), new_token()
    uri = f"sip:desk@{pbx.address}:5060"
    value = relay_value(two, call_id, uri)
    headers = [(RELAY_HEADER, value)]
    invite = send_invite(sender, (two.dublin.address, 5060), uri, call_id=call_id, headers=headers)
    received = pbx.wait("INVITE", call_id=call_id)
    pbx.respond(received, 486, "Busy Here")
    assert invite.final().status == 486
    pbx.wait("ACK", call_id=call_id)
    send_invite(thief, (two.dublin.address, 5060), uri, call_id=call_id, headers=headers)
    assert pbx.silence(0.3) == []
    assert thief.silence(0.05) == []
    for address in (two.lab.edge.address, two.dublin.address):
        call_id, uri = new_token(), f"sip:desk@{address}:5060"
        headers = [(RELAY_HEADER, relay_value(two, call_id, uri))]
        invite = send_invite(sender, (two.dublin.address, 5060), uri, call_id=call_id, headers=headers)
        assert invite.final().status == 480
