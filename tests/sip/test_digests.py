"""Digests that the edge asks of a PBX: worth nothing elsewhere, and not twice (S38)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from support.lab import FAR_NUMBER, Lab
from support.patience import until
from support.sipmessage import Message, digest_answer
from support.sipua import Invite, UserAgent

PASSWORD = "Correct-Horse-9"
NEIGHBOUR = 21
"""Last byte of another address of the customer's network."""
URI = f"sip:{FAR_NUMBER}@acme-hq.pstn.trunkline.test"


@dataclass
class Challenged:
    """A call that was challenged, and how its digest may be shown."""

    lab: Lab
    first: Invite
    challenge: str
    cseq: int = 1

    def value(self, **how: Any) -> str:
        return digest_answer(self.challenge, "pbx", PASSWORD, "INVITE", **{"uri": URI, **how})

    def show(self, value: str, agent: UserAgent | None = None, **changes: Any) -> Invite:
        """The INVITE again with this digest, as its PBX would repeat it unless told otherwise."""
        self.cseq += 1
        options: dict[str, Any] = {
            "call_id": self.first.call_id,
            "from_header": self.first.local,
            "cseq": self.cseq,
        }
        headers = [("Proxy-Authorization", value)]
        return self.lab.call_out(agent or self.first.agent, headers=headers, **{**options, **changes})


@pytest.fixture
def challenged(lab: Lab, pbx: UserAgent) -> Challenged:
    lab.serve(
        trunk={"access": ("127.0.0.0/8",), "credential_lists": ("acme/users",)},
        credentials={("acme/users", "pbx"): PASSWORD},
    )
    first = lab.call_out(pbx)
    return Challenged(lab, first, first.final().header("Proxy-Authenticate"))


def served(invite: Invite, telco: UserAgent) -> Message:
    """The INVITE as the carrier got it; the call is then declined and over."""
    received = telco.wait("INVITE")
    telco.respond(received, 486)
    assert invite.final().status == 486
    return received


def asked_again(invite: Invite) -> bool:
    """True if it got a fresh challenge that does not call the password wrong."""
    answer = invite.final()
    return answer.status == 407 and "stale=true" in answer.header("Proxy-Authenticate")


@pytest.mark.parametrize(
    "change",
    (
        lambda one: {"agent": one.lab.agent(NEIGHBOUR)},
        lambda one: {"from_header": one.first.local[:-1] + "x"},
        lambda _: {"from_header": "<sip:+14155550100@pbx.example>;tag=other"},
        lambda _: {"call_id": "another-call"},
        lambda _: {"called": "+4912345678"},
    ),
    ids=("source", "From-tag", "From", "Call-ID", "called number"),
)
def test_a_captured_digest_is_worth_nothing_elsewhere(
    challenged: Challenged, telco: UserAgent, change: Callable[[Challenged], dict[str, Any]]
) -> None:
    """The nonce holds for one source, From-tag, Call-ID and Request-URI; its own PBX may still use it."""
    value, changes = challenged.value(), change(challenged)
    if called := changes.pop("called", None):
        value = challenged.value(uri=f"sip:{called}@acme-hq.pstn.trunkline.test")
        changes["called"] = called
    assert asked_again(challenged.show(value, **changes))
    served(challenged.show(challenged.value()), telco)


def test_a_digest_that_was_taken_is_not_taken_again(challenged: Challenged, telco: UserAgent) -> None:
    """Whoever captured it, at the PBX's own address even; the PBX goes on with a grown count."""
    value = challenged.value()
    served(challenged.show(value), telco)
    assert asked_again(challenged.show(value))
    assert asked_again(challenged.show(challenged.value()))
    served(challenged.show(challenged.value(count=2)), telco)
    assert asked_again(challenged.show(challenged.value(count=2)))
    assert telco.has_only("ACK", "ACK")


def test_a_repeated_invite_with_a_digest_is_the_same_call(challenged: Challenged, telco: UserAgent) -> None:
    """Over UDP a PBX repeats what was not answered yet."""
    invite = challenged.show(challenged.value())
    for _ in range(5):
        invite.send_again()
    served(invite, telco)
    assert telco.has_only("ACK")


def test_a_repeated_invite_gets_the_same_refusal(challenged: Challenged, lab: Lab) -> None:
    """A refusal that no transaction remembers does not turn into a challenge: the digest was seen before."""
    lab.serve(
        trunk={"access": ("127.0.0.0/8",), "credential_lists": ("acme/users",)},
        credentials={("acme/users", "pbx"): PASSWORD},
        routes={},
    )
    invite = challenged.show(challenged.value())

    def repeat() -> bool:
        """A repetition of what is still being processed is dropped: then it is sent once more."""
        invite.send_again()
        return invite.agent.silence(0.2) != []

    assert invite.final().status == 503
    for _ in range(2):
        invite.agent.forget()
        until(repeat, "it is answered again")
        assert invite.final().status == 503


@pytest.mark.parametrize(
    ("uri", "extra"),
    (
        ("sip:+4912345678@acme-hq.pstn.trunkline.test", ""),
        (f"sip:{FAR_NUMBER}@acme-lab.pstn.trunkline.test", ""),
        ("sip:sip.trunkline.test", ""),
        (URI, "SHA-256"),
        (URI, "MD5-sess"),
    ),
)
def test_a_digest_for_another_uri_or_algorithm_is_refused(
    challenged: Challenged, telco: UserAgent, uri: str, extra: str
) -> None:
    """However right its password is."""
    value = challenged.value(uri=uri)
    if extra:
        value = value.replace("algorithm=MD5", f"algorithm={extra}")
    answer = challenged.show(value).final()
    assert (answer.status, answer.header("X-Trunkline-Error")) == (403, "32202 Forbidden")
    assert telco.silence(0.1) == []
