"""Who asks too often gets silence, and nobody else: not behind the same address, not on the same trunk."""

from __future__ import annotations

import time
from itertools import count

import pytest

from sipedge.routing.brakes import (
    CHALLENGES,
    DROPS,
    MOST_NOTED,
    OPTIONS_AT_ONCE,
    OPTIONS_SECONDS,
    SOURCE_TIMES,
    SPAN_SECONDS,
    WRONG_DIGESTS,
)
from support.asking import (
    HOST,
    PASSWORD,
    answered,
    ask,
    goes_on,
    is_silent,
    refused,
    serve_users,
    shown,
)
from support.edge import probe
from support.lab import FAR_NUMBER, PBX, Lab
from support.patience import in_time, until
from support.sipmessage import digest_answer
from support.sipua import UserAgent, user_agent


@pytest.fixture
def asking(lab: Lab) -> Lab:
    """The trunk asks any source for a digest."""
    serve_users(lab)
    return lab


def test_options_are_answered_six_times_at_once_and_then_seldom(lab: Lab) -> None:
    """S93: for each source and trunk; another source, or another name, is answered."""
    sources = count(66)

    def asked() -> tuple[list[int], int]:
        """By a source that has not asked yet: its answers, and how often it was refused."""
        poller, before = lab.agent(next(sources)), refused(lab, "OptionsTooOften")
        got = [answered(lab, poller, 1) for _ in range(OPTIONS_AT_ONCE + 3)]
        got += [answered(lab, poller, 1, host) for host in (lab.edge.address, HOST.upper())]
        return got, refused(lab, "OptionsTooOften") - before

    assert in_time(asked, OPTIONS_SECONDS) == ([1] * OPTIONS_AT_ONCE + [0] * 3 + [1, 0], 4)
    assert answered(lab, lab.agent(next(sources)), 1) == 1


def test_a_source_has_no_more_by_many_names(lab: Lab) -> None:
    """Any label before the edge's own name is answered: all of them together have ten times as many."""
    poller = lab.agent(66)
    hosts = [f"n{number}.sip.ashburn.trunkline.test" for number in range(OPTIONS_AT_ONCE * SOURCE_TIMES + 40)]
    before = refused(lab, "OptionsTooOften")
    for host in hosts:
        ask(lab, poller, host)

    def got() -> int:
        return len(poller.silence(0.1))

    until(lambda: got() + refused(lab, "OptionsTooOften") - before == len(hosts), "each is judged")
    assert OPTIONS_AT_ONCE * SOURCE_TIMES <= got() <= OPTIONS_AT_ONCE * SOURCE_TIMES + 20


def test_a_client_whose_calls_go_on_has_options_of_its_own(
    lab: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """Whatever a neighbour behind the same address asks."""
    invite = lab.call_out(pbx)
    telco.respond(telco.wait("INVITE"), 486)
    assert invite.final().status == 486
    neighbour = lab.agent(PBX, 5099)
    assert answered(lab, neighbour, 30) < 30
    assert answered(lab, neighbour, 1) == 0
    assert answered(lab, pbx, 1) == 1


def test_what_is_forged_by_udp_uses_up_no_options_of_a_connection(lab: Lab) -> None:
    """An address that stands in packets proves nothing, the end of a connection does."""
    forger, owner = lab.agent(66), lab.agent(66, 0, "tcp")
    before = refused(lab, "OptionsTooOften")
    for _ in range(2 * OPTIONS_AT_ONCE):
        ask(lab, forger, HOST)
    until(lambda: refused(lab, "OptionsTooOften") > before, "the forged ones have used up what there is")
    for _ in range(OPTIONS_AT_ONCE):
        owner.wait(status=200, call_id=ask(lab, owner, HOST))


def test_who_guesses_gets_silence_and_a_neighbour_does_not(asking: Lab, telco: UserAgent) -> None:
    """Ten wrong digests; then the right one of another client of the same address and trunk goes on."""
    guesser, user = asking.agent(PBX, 5098), asking.agent(PBX, 5099)
    for _ in range(WRONG_DIGESTS):
        assert shown(asking, guesser, "wrong").final().status == 403
    before = refused(asking, "WrongDigestsTooOften")
    for password in ("wrong", PASSWORD):
        assert is_silent(asking, guesser, password)
    assert refused(asking, "WrongDigestsTooOften") == before + 2
    assert goes_on(asking, telco, user)
    assert goes_on(asking, telco, guesser, user="desk")
    elsewhere = asking.agent(67)
    assert goes_on(asking, telco, elsewhere)
    assert asking.edge.logs("silence for wrong digests begins")


def test_who_guesses_by_many_ports_silences_no_client_that_was_right(asking: Lab, telco: UserAgent) -> None:
    """A hundred wrong ones of a source: only who was right lately goes on, for any trunk."""
    user = asking.agent(PBX, 5099)
    assert goes_on(asking, telco, user)
    for number in range(SOURCE_TIMES):
        guesser = asking.agent(PBX, 6000 + number)
        for each in range(WRONG_DIGESTS):
            invite = shown(asking, guesser, "wrong", user=f"guess-{each}")
            assert invite.final().status == 403
    late = asking.agent(PBX, 5097)
    assert is_silent(asking, late, PASSWORD)
    assert goes_on(asking, telco, user)


def test_a_digest_to_no_challenge_of_ours_counts_for_nobody(asking: Lab, telco: UserAgent) -> None:
    """Whoever writes another's address into his packets has no nonce: he silences nobody."""
    pbx = asking.agent(PBX)
    made_up = f'Digest realm="sip.trunkline.test", nonce="{"A" * 48}", algorithm=MD5, qop="auth"'
    value = digest_answer(made_up, "pbx", "wrong", "INVITE", uri=f"sip:{FAR_NUMBER}@{HOST}")
    for _ in range(WRONG_DIGESTS + 3):
        assert asking.call_out(pbx, headers=[("Proxy-Authorization", value)]).final().status == 407
    assert goes_on(asking, telco, pbx)


def test_a_flood_is_challenged_without_python_and_calls_still_go_on(asking: Lab, telco: UserAgent) -> None:
    """Anybody may have a challenge at any time; made-up nonces get one too."""
    sources = count(66)
    made_up = f'Digest realm="sip.trunkline.test", nonce="{"A" * 48}", algorithm=MD5, qop="auth"'
    value = digest_answer(made_up, "pbx", "wrong", "INVITE", uri=f"sip:{FAR_NUMBER}@{HOST}")

    def flood() -> tuple[UserAgent, str]:
        """Who has asked too often, and what the log tells of what it asks after that."""
        pbx = asking.agent(next(sources))
        for _ in range(CHALLENGES):
            assert asking.call_out(pbx).final().status == 407
        start = len(asking.edge.log())
        assert asking.call_out(pbx).final().status == 407
        assert asking.call_out(pbx, headers=[("Proxy-Authorization", value)]).final().status == 407
        return pbx, asking.edge.log()[start:]

    pbx, told = in_time(flood, SPAN_SECONDS)
    assert "reason=Credentials" not in told
    assert goes_on(asking, telco, pbx)


def test_who_scans_is_no_longer_read(lab: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """Two hundred requests to names of others. Read on is who calls where calls go, or whose calls go on."""
    invite = lab.call_out(pbx)
    telco.respond(telco.wait("INVITE"), 486)
    assert invite.final().status == 486
    scanner, before = lab.agent(PBX, 5098), refused(lab)
    for _ in range(DROPS):
        ask(lab, scanner, "victim.example")
    until(lambda: refused(lab) >= before + DROPS, "each is dropped")
    before = refused(lab, "SourceScans")
    assert answered(lab, scanner, 1, lab.edge.address) == 0
    assert refused(lab, "SourceScans") == before + 1
    assert answered(lab, pbx, 1, lab.edge.address) == 1
    again = lab.call_out(lab.agent(PBX, 5099))
    telco.respond(telco.wait("INVITE", call_id=again.call_id), 486)
    assert again.final().status == 486


def test_nobody_brakes_the_edge_itself(lab: Lab) -> None:
    """Its address may be in anybody's packets; its agent asks from there whether it lives."""
    with user_agent(lab.edge.address, 5999) as forger:
        for _ in range(DROPS):
            ask(lab, forger, "victim.example")
        answered(lab, forger, OPTIONS_AT_ONCE * SOURCE_TIMES + 5, lab.edge.address)
    assert "X-Trunkline-Revision" in probe(lab.edge)


def test_sources_without_number_are_served_as_if_none_were_counted(lab: Lab) -> None:
    """Else forged addresses would fill memory, or silence who comes after them."""
    now = int(time.time()) // 60  # once: a minute that begins meanwhile would be left out
    for minute in (now, now + 1):
        lab.edge.rpc("htable.seti", "wrong", f"made|options|{minute}", MOST_NOTED)
    poller = lab.agent(66)
    assert answered(lab, poller, OPTIONS_AT_ONCE + 3) == OPTIONS_AT_ONCE + 3
