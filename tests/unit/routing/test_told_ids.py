"""Who is told whose call it is, and which: the customer, whichever side of the call it is. Nobody else."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sipedge.routing.attempts import Attempt, AttemptKind, relayed_attempts
from sipedge.routing.decision import Direction, Forward
from sipedge.routing.dialog.answers import ids_for_caller
from sipedge.routing.dialog.new_call import headers_of_attempt
from sipedge.routing.relayed import Relayed, RelayTarget, forward_of
from sipedge.routing.sealed import Proof
from sipedge.routing.siblings import RelayKeeper
from sipedge.secret import Secret
from sipedge.table import ResolvedAddress
from support.calls import make_platform, make_pstn_request, table_of
from support.memories import make_facts

IDS = (("X-Trunkline-AccountSid", "AC1"), ("X-Trunkline-CallSid", "CA1"))
OF_URI = (("X-Env", "prod"),)
IN, OUT = Direction.ORIGINATION, Direction.TERMINATION


def attempt(kind: AttemptKind = AttemptKind.TARGET, relay: str | None = None) -> Attempt:
    return Attempt(
        "acme/to-pbx", "sip:a@192.0.2.7", "192.0.2.7", 5060, "udp", None, OF_URI, relay=relay, kind=kind
    )


@pytest.mark.parametrize(
    ("direction", "kind", "is_placed", "told"),
    (
        (IN, AttemptKind.TARGET, False, IDS),
        (IN, AttemptKind.REDIRECTED, False, ()),
        (IN, AttemptKind.TARGET, True, ()),
        (IN, AttemptKind.REDIRECTED, True, ()),
        (OUT, AttemptKind.TARGET, False, ()),
        (OUT, AttemptKind.TARGET, True, ()),
    ),
)
def test_whom_an_invite_tells(
    direction: Direction, kind: AttemptKind, is_placed: bool, told: tuple[tuple[str, str], ...]
) -> None:
    """The customer's own place; not a carrier, nor whom a transfer or a 302 names, who may be anybody.

    An attempt's own headers are the target's, or what a 302 or a REFER has asked for.
    """
    facts = make_facts(direction=direction, account_sid="AC1", call_sid="CA1")
    assert headers_of_attempt(facts, attempt(kind), is_placed=is_placed) == (*OF_URI, *told)


@pytest.mark.parametrize(
    ("direction", "account_sid", "told"), ((OUT, "AC1", IDS), (OUT, "", IDS[1:]), (IN, "AC1", ()))
)
def test_whom_a_2xx_tells(direction: Direction, account_sid: str, told: tuple[tuple[str, str], ...]) -> None:
    """A customer who calls; the account is not known any more after a restart."""
    facts = make_facts(direction=direction, account_sid=account_sid, call_sid="CA1")
    assert ids_for_caller(facts) == told


@pytest.mark.parametrize("kind", (AttemptKind.TARGET, AttemptKind.REDIRECTED))
def test_the_edge_that_a_call_leaves_from_tells_the_same(kind: AttemptKind) -> None:
    """Whom a 302 names is called by way of it as well (S77); an edge of an earlier version understands it."""
    keeper, proof = RelayKeeper(Secret("ab" * 32)), Proof("192.0.2.7", "call", 7, "sip:a@192.0.2.7")
    facts = make_facts(direction=IN, account_sid="AC1", call_sid="CA1")
    relay = RelayTarget("acme/to-pbx", "udp", (ResolvedAddress("192.0.2.7", 5060, "udp"),)).to_text()
    line = keeper.line(attempt(kind, relay), facts, "call", 7, 1_800_000_000)
    found = keeper.read(line.partition(": ")[2].strip(), proof, 1_800_000_000)
    assert found is not None
    relayed = found[0]
    assert isinstance(relayed, Relayed)
    invite = replace(make_pstn_request(), request_uri="sip:desk@pbx.example")
    forward = forward_of(invite, relayed)
    assert isinstance(forward, Forward)
    made = relayed_attempts(table_of(make_platform()), forward, relayed)
    assert {each.kind for each in made} == {kind}
    assert forward.account_sid == ("AC1" if kind is AttemptKind.TARGET else None)
    assert forward.changes.insert == ()
