"""STIR/SHAKEN on the wire: a real Kamailio asks a real agent, with a certificate of the tests' own CA."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from sipedge.agent.stir.proving import Roots, certificates_of, prove
from sipedge.contract import STIR_FILES
from sipedge.instance import read_edge_secret
from sipedge.routing.handover import HEADER, PLACE, Placed
from sipedge.routing.sealed import Proof, Seal
from sipedge.routing.stir.passport import read_passport
from support.addresses import reserved_block
from support.agents import AgentRun, agent_of, running_kamailio
from support.events import whole_lines
from support.patience import PATIENCE
from support.sipmessage import Message
from support.sipua import Invite, UserAgent, send_invite, user_agent
from support.stir import URL, Signed, StirAuthority, part_of, shaken_identity, write_stir_files
from support.tables import Platform, make_account, make_carrier, make_gateway, make_target, make_trunk

pytestmark = pytest.mark.sip

CALLER, CALLED, FAR = "+14155550101", "+14155550100", "+442079460000"
AUTHORITY = StirAuthority()
SIGNER = AUTHORITY.issue("platform")


@dataclass
class Place:
    """An edge with its agent, a PBX and a carrier."""

    agent: AgentRun
    pbx: UserAgent
    telco: UserAgent

    @property
    def edge(self) -> tuple[str, int]:
        return (self.agent.settings.address, 5060)

    def call_out(self, called: str = FAR, *identities: str) -> Invite:
        """The PBX calls."""
        uri = f"sip:{called}@acme-hq.pstn.trunkline.test"
        headers = [("Identity", each) for each in identities]
        return send_invite(self.pbx, self.edge, uri, caller=CALLER, headers=headers)

    def place_call(self, caller: str) -> Invite:
        """The edge's own B2BUA calls, as it does for a transfer; the PBX lends it its socket."""
        uri, call_id = f"sip:{FAR}@trunkline.test", f"placed-{caller}"
        told = Placed("transfer", "acme/hq", "CA1", caller, False, CALLED, "").to_text()
        seal = Seal(read_edge_secret(self.agent.settings.edge_secret_file), PLACE)
        proven = seal.value(told, Proof(self.edge[0], call_id, 1, uri), time.time())
        return send_invite(
            self.pbx, self.edge, uri, caller=caller, call_id=call_id, headers=[(HEADER, proven)]
        )

    def call_in(self, *identities: str, caller: str = CALLER) -> Invite:
        """The carrier brings a call."""
        uri = f"sip:{CALLED}@{self.edge[0]}"
        headers = [("Identity", each) for each in identities]
        return send_invite(self.telco, self.edge, uri, caller=caller, headers=headers)

    def arrived(self, invite: Invite, at: UserAgent) -> Message:
        """The INVITE that came of it; refused there, so that nothing stays."""
        found = at.wait("INVITE", call_id=invite.call_id)
        at.respond(found, 486)
        at.wait("ACK", call_id=invite.call_id)
        assert invite.final().status == 486
        return found


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    directory = tmp_path_factory.mktemp("stir")
    files = write_stir_files(directory / "files", SIGNER, AUTHORITY.pem)
    with ExitStack() as stack:
        block = stack.enter_context(reserved_block())
        edge, pbx, telco = (block.address(number) for number in (1, 20, 30))
        agent, publisher = stack.enter_context(agent_of(directory, edge))
        stack.enter_context(running_kamailio(agent.settings))
        trunk = make_trunk(access=(f"{pbx}/32",), targets=(make_target(pbx, 5060),))
        publisher.publish(
            Platform(
                addresses=[edge],
                site_changes={"stir_shaken": True},
                accounts=[make_account()],
                trunks=[trunk],
                numbers={CALLER: trunk.id, CALLED: trunk.id},
                carriers=[make_carrier()],
                sources={f"{telco}/32": "telco"},
                routes={"+": [make_gateway(telco, 5060)]},
            ).table()
        )
        agent.environment = {STIR_FILES: str(files)}
        agent.start()
        agent.until(lambda said: said.get("ready") is True, "ready")
        agents = [stack.enter_context(user_agent(each, 5060)) for each in (pbx, telco)]
        yield Place(agent, *agents)


@pytest.fixture(autouse=True)
def quiet(place: Place) -> Iterator[None]:
    yield
    assert "unexpected" not in place.agent.log()


def names(message: Message) -> list[str]:
    return [name for name, _ in message.headers]


def test_a_call_is_signed_and_believed_when_it_comes_back(place: Place) -> None:
    """Our own signature is the one of this call, proven by the certificate; two calls have two."""
    invite = place.call_out(CALLED)
    sent = place.arrived(invite, place.telco)
    (identity,) = sent.all("Identity")
    passport = read_passport(identity)
    prove(passport, SIGNER.pem, Roots(certificates_of(AUTHORITY.pem), AUTHORITY.pem))
    assert (passport.originator, passport.destinations) == (CALLER[1:], (CALLED[1:],))
    assert passport.attestation == "A"
    assert abs(passport.issued_at - time.time()) < PATIENCE
    assert part_of(identity, 0)["x5u"] == URL
    assert sent.header("P-Asserted-Identity") == f"<sip:{CALLER}@trunkline.test>"
    again = place.arrived(place.call_out(CALLED), place.telco).header("Identity")
    assert again != identity
    came = place.arrived(place.call_in(identity), place.pbx)
    assert came.all("X-Trunkline-VerStat") == ["TN-Validation-Passed-A"]
    assert came.all("Identity") == [identity]


def test_what_is_signed_is_what_every_carrier_is_told(place: Place) -> None:
    """Whatever the caller wrote of itself; nothing of the platform's own can be smuggled in."""
    uri = f"sip:{FAR}@acme-hq.pstn.trunkline.test"
    headers = [("X-Trunkline-VerStat", "TN-Validation-Passed-A"), ("P-Asserted-Identity", "<sip:+19998@x>")]
    invite = send_invite(place.pbx, place.edge, uri, caller=CALLER, headers=headers)
    sent = place.arrived(invite, place.telco)
    assert not sent.all("X-Trunkline-VerStat")
    claims = part_of(sent.header("Identity"), 1)
    assert claims["orig"] == {"tn": CALLER[1:]}
    assert claims["dest"] == {"tn": [FAR[1:]]}


def test_a_carriers_call_without_one_is_told_nothing(place: Place) -> None:
    came = place.arrived(place.call_in(), place.pbx)
    assert not came.all("X-Trunkline-VerStat")
    assert not came.all("Identity")


@pytest.mark.parametrize(
    ("claims", "verdict"),
    (
        ({"iat": 1}, "No-TN-Validation"),
        ({"calling": "19998887777"}, "No-TN-Validation"),
        ({"called": "19998887777"}, "No-TN-Validation"),
        ({"attestation": "C"}, "TN-Validation-Passed-C"),
        ({"url": "https://127.0.0.1/a.pem"}, "TN-Validation-Failed-A"),
        ({"url": "http://a.example/a.pem"}, "No-TN-Validation"),
    ),
)
def test_the_customer_is_told_what_it_is_worth(place: Place, claims: dict[str, object], verdict: str) -> None:
    """A call is not refused for what its carrier has signed."""
    given = {"calling": CALLER[1:], "called": CALLED[1:], **claims}
    came = place.arrived(place.call_in(shaken_identity(SIGNER, **given)), place.pbx)  # type: ignore[arg-type]
    assert came.all("X-Trunkline-VerStat") == [verdict]


def test_another_key_or_rubbish_is_not_believed(place: Place) -> None:
    stranger: Signed = StirAuthority("stranger").issue()
    forged = shaken_identity(stranger, CALLER[1:], CALLED[1:])
    came = place.arrived(place.call_in(forged), place.pbx)
    assert came.all("X-Trunkline-VerStat") == ["TN-Validation-Failed-A"]
    for rubbish in ("", "x", "a.b.c;ppt=shaken", "\x01\xff;;", "a" * 5_000):
        came = place.arrived(place.call_in(rubbish), place.pbx)
        assert came.all("X-Trunkline-VerStat") in (["No-TN-Validation"], [])
    came = place.arrived(place.call_in(*[forged] * 5), place.pbx)
    assert came.all("X-Trunkline-VerStat") == ["No-TN-Validation"]


def test_a_customers_own_passes_if_it_is_good_and_is_refused_if_not(place: Place) -> None:
    """Here the customer has the platform's certificate, so that nobody else must be asked."""
    good = shaken_identity(SIGNER, CALLER[1:], FAR[1:], attestation="B")
    sent = place.arrived(place.call_out(FAR, good), place.telco)
    assert sent.all("Identity") == [good]
    for bad in (
        shaken_identity(SIGNER, CALLED[1:], FAR[1:]),
        shaken_identity(SIGNER, CALLER[1:], FAR[1:], iat=1),
        shaken_identity(StirAuthority().issue(), CALLER[1:], FAR[1:]),
        "rubbish",
    ):
        answer = place.call_out(FAR, bad).final()
        assert (answer.status, answer.reason) == (438, "Invalid Identity Header")
        assert answer.header("X-Trunkline-Error") == "32020 Invalid Identity Header"


def test_events_tell_what_was_attested_and_what_was_judged(place: Place) -> None:
    signed = place.call_out()
    place.arrived(signed, place.telco)
    judged = place.call_in(shaken_identity(SIGNER, CALLER[1:], CALLED[1:], attestation="C"))
    place.arrived(judged, place.pbx)
    refused = place.call_out(FAR, "rubbish")
    assert refused.final().status == 438
    signed_told, judged_told, refused_told = (told(place, each.call_id) for each in (signed, judged, refused))
    assert (signed_told["event"], signed_told.get("attestation"), signed_told.get("verstat")) == (
        "begun",
        "A",
        None,
    )
    assert (judged_told.get("attestation"), judged_told["verstat"]) == (None, "TN-Validation-Passed-C")
    assert (refused_told["event"], refused_told["reason"], refused_told["errorCode"]) == (
        "refused",
        "PassportInvalid",
        32020,
    )


def told(place: Place, call_id: str) -> dict[str, Any]:
    """The first event of a call."""
    deadline = time.monotonic() + PATIENCE
    while True:
        for path in sorted(place.agent.settings.directory.glob("events.jsonl*")):
            for line in whole_lines(path):
                if (said := json.loads(line)).get("sipCallId") == call_id:
                    return dict(said)
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pytest.mark.parametrize(("caller", "level"), ((CALLER, "A"), ("+12125550199", "B")))
def test_a_call_of_the_b2bua_is_signed_as_well(place: Place, caller: str, level: str) -> None:
    """A transfer to a telephone, and what call instructions dial; its record tells the same."""
    invite = place.place_call(caller)
    claims = part_of(place.arrived(invite, place.telco).header("Identity"), 1)
    assert (claims["orig"], claims["dest"]) == ({"tn": caller[1:]}, {"tn": [FAR[1:]]})
    assert claims["attest"] == level
    event = told(place, invite.call_id)
    assert (event["event"], event["origin"], event["attestation"]) == ("begun", "transfer", level)


def test_without_files_or_an_agent_calls_go_on_unsigned(place: Place) -> None:
    """The last test of this place: its agent is ended."""
    files = Path(place.agent.environment[STIR_FILES])
    (files / "tls.key").rename(files / "away")
    place.agent.until_error("tls.key cannot be read")
    assert place.arrived(place.call_out(), place.telco).all("Identity")  # the last ones stay in use
    for name in ("tls.crt", "x5u", "ca.crt"):
        (files / name).unlink()
    place.agent.until_error("the certificate is missing")
    assert not place.arrived(place.call_out(), place.telco).all("Identity")
    place.agent.end()
    assert not place.arrived(place.call_out(), place.telco).all("Identity")
    came = place.arrived(place.call_in(shaken_identity(SIGNER, CALLER[1:], CALLED[1:])), place.pbx)
    assert not came.all("X-Trunkline-VerStat")
