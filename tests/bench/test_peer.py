"""The native peer keeps the rules that the edge keeps: what does less work would make the edge look slow."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import cast

import pytest

from bench.native import x_names
from bench.peers import Peer
from bench.room import (
    DIGEST_NUMBER,
    FAR_BUSY,
    PASSWORD,
    PBX_ANSWERS,
    TELCO_ANSWERS,
    TELCO_BUSY,
    TELCO_BUSY_TOO,
    TLS_CALLER,
    Room,
)
from bench.sizes import SMALL
from support.edge import Edge
from support.lab import FAR_NUMBER, PBX, TELCO, Lab
from support.patience import until
from support.sipmessage import Message, digest_answer, sdp
from support.sipua import Leg, UserAgent, callee_leg, client_context

PEERS = ("product", "native")
DIGEST_DOMAIN = "acme-digest.pstn.trunkline.test"
TLS_DOMAIN = "acme-tls.pstn.trunkline.test"


@pytest.fixture(scope="module")
def room() -> Iterator[Room]:
    one = Room(SMALL)
    with one.stack:
        yield one


@dataclass
class Scene:
    """One peer, and those who call and are called by it."""

    peer: Peer
    lab: Lab
    pbx: UserAgent
    telco: UserAgent
    pbx_answers: UserAgent
    telco_answers: UserAgent

    def talking(self) -> tuple[Leg, Leg]:
        """A termination that has been answered: the customer's side and the carrier's."""
        invite = self.lab.call_out(self.pbx)
        received = self.telco_answers.wait("INVITE")
        self.telco_answers.respond(received, 200, body=sdp(self.telco_answers.address))
        near = invite.leg(self.pbx.wait("INVITE", status=200))
        near.send("ACK")
        self.telco_answers.wait("ACK")
        return near, callee_leg(self.telco_answers, received, self.lab.edge_at)

    def events(self, call_id: str) -> list[str]:
        """The events of the call whose INVITE from outside had this Call-ID, in their order."""
        assert self.peer.events is not None
        text = self.peer.events.read_text(errors="replace") if self.peer.events.exists() else ""
        lines = [json.loads(line) for line in re.findall(r'\{"schema":.*\}', text)]
        sids = {each.get("callSid") for each in lines if each.get("sipCallId") == call_id}
        return [each["event"] for each in lines if each.get("callSid") in sids]


@pytest.fixture(params=PEERS)
def scene(room: Room, request: pytest.FixtureRequest) -> Iterator[Scene]:
    peer: Peer = getattr(room, request.param)
    with ExitStack() as stack:
        # All that a Lab asks of its edge here is the address.
        edge = cast("Edge", SimpleNamespace(address=peer.address))
        lab = Lab(edge, room.block, stack)
        agents = (lab.agent(number) for number in (PBX, TELCO, PBX_ANSWERS, TELCO_ANSWERS))
        yield Scene(peer, lab, *agents)


def told(answer: Message) -> tuple[int, str]:
    return answer.status, answer.header("X-Trunkline-Error").partition(" ")[0]


def test_who_may_not_call_is_refused(scene: Scene) -> None:
    """By source, caller id, number, and domain; nothing reaches the carrier."""
    stranger, pbx, call_out = scene.lab.agent(50), scene.pbx, scene.lab.call_out
    assert told(call_out(stranger).final()) == (403, "32201")
    assert told(call_out(pbx, caller="+19998887777").final()) == (403, "32204")
    assert told(call_out(pbx, called="12").final()) == (400, "")
    assert told(scene.lab.call_in(scene.telco, called="+19998887777").final()) == (404, "")
    call_out(stranger, host="nobody.pstn.trunkline.test")
    assert not stranger.silence()
    assert not scene.telco_answers.silence(0)


def test_a_digest_must_be_right(scene: Scene) -> None:
    """None is challenged, a wrong one refused, and the right one admitted once for its number."""
    pbx, uri = scene.pbx, f"sip:{FAR_NUMBER}@{DIGEST_DOMAIN}"

    def invite(password: str | None, challenge: Message | None) -> Message:
        headers: tuple[tuple[str, str], ...] = ()
        if password is not None and challenge is not None:
            value = digest_answer(challenge.header("Proxy-Authenticate"), "pbx", password, "INVITE", uri)
            headers = (("Proxy-Authorization", value),)
        from_header = f"<sip:{DIGEST_NUMBER}@{pbx.address}>;tag={password or 'none'}"
        if challenge is not None:
            from_header = challenge.header("From")
        sent = scene.lab.call_out(
            pbx,
            host=DIGEST_DOMAIN,
            from_header=from_header,
            headers=headers,
            call_id=challenge.call_id if challenge else None,
            cseq=2 if challenge else 1,
        )
        if password == PASSWORD:
            scene.telco_answers.respond(scene.telco_answers.wait("INVITE"), 486)
        return sent.final()

    challenge = invite(None, None)
    assert challenge.status == 407
    assert told(invite("Wrong-Horse-9", challenge)) == (403, "32202")
    again = invite(None, None)
    assert invite(PASSWORD, again).status == 486


def another_end(route: str) -> str:
    """The Route with another last character of its token, which is part of what is signed."""

    def change(match: re.Match[str]) -> str:
        return f"{match[1]}{'b' if match[2] == 'a' else 'a'}"

    return re.sub(r"(tk=[^;>]*)([^;>])", change, route)


def test_a_token_must_be_the_edges_own(scene: Scene) -> None:
    """With another one, or another dialog's, a request in a dialog goes nowhere; REFER is refused."""
    near, far = scene.talking()
    signed = near.routes[0]
    for changed in ([signed.replace("tk=", "tk=0")], [another_end(signed)], []):
        forged = replace(near, routes=changed, cseq=near.cseq + 10)
        forged.send("BYE")
        assert scene.pbx.wait("BYE", status=0).status == 481
    other = replace(near, local=near.local.replace("tag=", "tag=x"), routes=list(near.routes))
    other.send("BYE")
    assert scene.pbx.wait("BYE", status=0).status == 481
    assert not scene.telco_answers.silence()
    near.send("REFER")
    assert told(scene.pbx.wait("REFER", status=0)) == (403, "32218")
    far.send("BYE")
    scene.pbx.respond(scene.pbx.wait("BYE"), 200)
    assert scene.telco_answers.wait("BYE", status=0).status == 200


def test_a_malformed_request_is_refused(scene: Scene) -> None:
    """With a header twice, or another length than its body has; an answer so goes nowhere."""
    for wrong in (("Content-Length", "3000"), ("Contact", "<sip:x@192.0.2.1>")):
        assert scene.lab.call_out(scene.pbx, headers=(wrong,)).final().status == 400, wrong
    invite = scene.lab.call_out(scene.pbx)
    received = scene.telco_answers.wait("INVITE")
    scene.telco_answers.respond(received, 180, headers=(("CSeq", "1 INVITE"),))
    scene.telco_answers.respond(received, 486)
    assert invite.final().status == 486
    assert all(each.status != 180 for each in scene.pbx.inbox)


def test_each_side_is_reached_by_its_contact(scene: Scene) -> None:
    """At another port than it writes from: the hop, and what the Request-URI says."""
    listening = scene.lab.agent(PBX, 5070)
    invite = scene.lab.call_out(scene.pbx, contact=f"sip:pbx@{listening.address}:5070")
    received = scene.telco_answers.wait("INVITE")
    far = callee_leg(scene.telco_answers, received, scene.lab.edge_at)
    scene.telco_answers.respond(received, 200, body=sdp(scene.telco_answers.address))
    near = invite.leg(scene.pbx.wait("INVITE", status=200))
    near.send("ACK")
    scene.telco_answers.wait("ACK")
    far.send("BYE")
    brought = listening.wait("BYE")
    assert brought.uri == f"sip:pbx@{listening.address}:5070"
    listening.respond(brought, 200)
    assert scene.telco_answers.wait("BYE", status=200).status == 200


@pytest.mark.parametrize("outwards", (True, False))
def test_nobody_changes_who_calls_whom_in_a_call(scene: Scene, outwards: bool) -> None:
    """By another From or To, with the tags of the call, in a later request."""
    callee = scene.telco_answers if outwards else scene.pbx_answers
    caller = scene.pbx if outwards else scene.telco
    invite = (scene.lab.call_out if outwards else scene.lab.call_in)(caller)
    received = callee.wait("INVITE")
    callee.respond(received, 200, body=sdp(callee.address))
    leg = invite.leg(caller.wait("INVITE", status=200))
    leg.send("ACK")
    callee.wait("ACK")
    forged = replace(
        leg,
        local=f'"Somebody" <sip:+19998887777@x.example>;tag={invite.local.partition("tag=")[2]}',
        remote=f"<sip:+18887776666@x.example>;tag={leg.remote.partition('tag=')[2]}",
    )
    forged.send("BYE")
    brought = callee.wait("BYE")
    callee.respond(brought, 200)
    caller.wait("BYE", status=200)
    shown = [received.header("From"), received.header("To")]
    assert [brought.header("From"), brought.header("To").partition(";tag=")[0]] == shown


def test_a_carrier_sees_numbers_and_no_name_of_the_called(scene: Scene) -> None:
    """The caller sees its own To all the same; of its own name what is no number goes on."""
    uri = f"sip:{FAR_NUMBER}@acme-hq.pstn.trunkline.test"
    invite = scene.lab.call_out(
        scene.pbx,
        to_header=f'"Aunt Jo" <{uri}>',
        from_header=f'"Reception" <sip:+14155550100@{scene.pbx.address}>;tag=named',
    )
    received = scene.telco_answers.wait("INVITE")
    assert received.header("To") == f"<sip:{FAR_NUMBER}@trunkline.test>"
    assert received.header("From").startswith('"Reception" <sip:+14155550100@trunkline.test>')
    scene.telco_answers.respond(received, 486)
    assert invite.final().header("To").startswith(f'"Aunt Jo" <{uri}>')


def test_calls_are_told(scene: Scene) -> None:
    """By a line for each thing that happens to a call, through a queue into a file."""
    near, _ = scene.talking()
    near.send("BYE")
    scene.telco_answers.respond(scene.telco_answers.wait("BYE"), 200)
    until(lambda: scene.events(near.call_id)[-1:] == ["ended"], "the call's end was not told")
    assert scene.events(near.call_id) == ["begun", "answered", "ended"]


def test_an_invite_that_came_twice_is_refused(scene: Scene) -> None:
    """RFC 3261 8.2.2.2: by two ways, with another branch."""
    invite = scene.lab.call_out(scene.pbx)
    scene.telco_answers.wait("INVITE")
    again = scene.lab.call_out(scene.pbx, call_id=invite.call_id, from_header=invite.local)
    assert again.final().status == 482


def test_an_answer_that_nobody_waits_for_is_dropped(scene: Scene) -> None:
    """Else its Via would name whom the edge sends it to."""
    victim = scene.lab.agent(51)
    edge = scene.lab.edge_at[0]
    answer = (
        f"SIP/2.0 200 OK\r\nVia: SIP/2.0/UDP {edge}:5060;branch=z9hG4bK1.2.0\r\n"
        f"Via: SIP/2.0/UDP {victim.address}:5060;branch=z9hG4bK3;rport=5060\r\n"
        f"From: <sip:a@b>;tag=1\r\nTo: <sip:c@d>;tag=2\r\nCall-ID: x\r\nCSeq: 1 INVITE\r\n"
        f"Record-Route: <sip:{edge};lr;tk={'0' * 32}*t0*99999999999*a*b>\r\nContent-Length: 0\r\n\r\n"
    )
    scene.telco.send(answer.encode(), scene.lab.edge_at)
    assert not victim.silence()


def test_only_encrypted_media_passes_a_secure_trunk(scene: Scene) -> None:
    """And signalling over TLS alone."""
    caller = scene.lab.agent(TLS_CALLER)
    options = {"host": TLS_DOMAIN, "caller": "+14155550103"}
    assert told(scene.lab.call_out(caller, **options).final()) == (403, "32208")
    caller.close()
    by_tls = scene.lab.agent(TLS_CALLER, transport="tls", tls=client_context())
    assert told(scene.lab.call_out(by_tls, **options).final()) == (488, "32208")
    encrypted = sdp(scene.pbx.address, profile="RTP/SAVP")
    assert told(scene.lab.call_out(scene.pbx, body=encrypted).final()) == (488, "32207")


def test_the_platform_speaks_for_the_caller(scene: Scene) -> None:
    """Identity of the customer's own making is taken out, a PAI of the judged number put in."""
    scene.lab.call_out(
        scene.pbx,
        headers=(
            ("P-Asserted-Identity", "<sip:+19998887777@x.example>"),
            ("X-Trunkline-CallSid", "forged"),
            ("Subject", "does not travel"),
            ("X-Own", "travels"),
            ("Supported", "timer, path"),
        ),
    )
    received = scene.telco_answers.wait("INVITE")
    scene.telco_answers.respond(received, 486)
    (asserted,) = received.all("P-Asserted-Identity")
    assert asserted.startswith("<sip:+14155550100@")
    assert (received.header("X-Own"), received.header("Supported")) == ("travels", "path")
    assert not received.header("X-Trunkline-CallSid")
    assert not received.header("Subject")
    scene.lab.call_in(scene.telco)
    brought = scene.pbx_answers.wait("INVITE")
    scene.pbx_answers.respond(brought, 486)
    assert brought.header("Diversion").startswith("<sip:+14155550100@trunkline.test>")
    assert brought.header("X-Trunkline-CallSid").startswith("CA")
    assert brought.header("X-Trunkline-AccountSid").startswith("AC")


def test_the_next_target_is_tried(scene: Scene) -> None:
    """After 503 and 503 the third; its dialog works like any other."""
    busy = [scene.lab.agent(number) for number in (TELCO_BUSY, TELCO_BUSY_TOO)]
    invite = scene.lab.call_out(scene.pbx, called=FAR_BUSY)
    for each in busy:
        each.respond(each.wait("INVITE"), 503)
    received = scene.telco_answers.wait("INVITE")
    scene.telco_answers.respond(received, 200, body=sdp(scene.telco_answers.address))
    leg = invite.leg(scene.pbx.wait("INVITE", status=200))
    leg.send("ACK")
    leg.send("BYE")
    assert scene.telco_answers.wait("BYE").header("From") == received.header("From")


def test_the_peers_expression_for_headers_is_the_platforms() -> None:
    """POSIX has no look-ahead: every prefix of the platform's own must be spelt out."""
    expression = re.compile(f"^({x_names()})$", re.IGNORECASE)
    for name in ("X-Own", "X-Trunk", "X-Trunkline", "x-trunklines-a", "X-T", "X-trunkline_-"):
        assert expression.match(name), name
    for name in ("X-Trunkline-CallSid", "x-trunkline-", "Own"):
        assert not expression.match(name), name


@pytest.mark.parametrize("scene", ("native",), indirect=True)
def test_the_native_peer_exchanges_from_for_the_life_of_a_call(scene: Scene) -> None:
    """Each side sees the From and To that it has sent or was shown first, in each request."""
    invite = scene.lab.call_out(scene.pbx)
    received = scene.telco_answers.wait("INVITE")
    assert received.header("From").startswith("<sip:+14155550100@trunkline.test>;tag=")
    scene.telco_answers.respond(received, 200, body=sdp(scene.telco_answers.address))
    answer = scene.pbx.wait("INVITE", status=200)
    assert answer.header("From") == invite.local
    near = invite.leg(answer)
    near.send("ACK")
    # An ACK that another worker has at once may find the dialog as it was before the 2xx.
    scene.telco_answers.wait("ACK")
    near.send("INFO")
    told = scene.telco_answers.wait("INFO")
    assert told.header("From") == received.header("From")
    scene.telco_answers.respond(told, 200)
    scene.pbx.wait("INFO", status=200)
    far = callee_leg(scene.telco_answers, received, scene.lab.edge_at)
    for method in ("INFO", "BYE"):
        far.send(method)
        brought = scene.pbx.wait(method)
        assert brought.header("To") == invite.local
        scene.pbx.respond(brought, 200)
        # Kamailio's uac module, 5.6.3, exchanges nothing in answers to the callee's requests.
        assert scene.telco_answers.wait(method, status=200).tag("To") == received.tag("From")


@pytest.mark.parametrize("scene", ("native",), indirect=True)
def test_the_native_peer_hides_who_asks_for_it(scene: Scene) -> None:
    """Privacy: id: the customer is shown nobody, by From and PAI."""
    scene.lab.call_in(
        scene.telco,
        headers=(("Privacy", "id"), ("P-Asserted-Identity", f"<sip:{FAR_NUMBER}@telco.example>")),
    )
    brought = scene.pbx_answers.wait("INVITE")
    scene.pbx_answers.respond(brought, 486)
    assert "anonymous@anonymous.invalid" in brought.header("From")
    assert not brought.header("P-Asserted-Identity")
