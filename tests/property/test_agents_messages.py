"""What a test's agent gets: it takes any bytes, for an edge that is sent broken messages may pass some on."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from support.repetitions import Repetitions
from support.sipmessage import Message, parse, split_stream
from support.sipua import Invite, UserAgent, callee_leg, user_agent

WORDS = st.sampled_from(
    (b"SIP/2.0", b"INVITE", b"ACK", b"200", b"1", b"-1", b"0x1", b"1_0", "\u0661".encode(), b"9" * 5000)
) | st.binary(max_size=6)
NAMES = st.sampled_from(
    (b"CSeq", b"To", b"t", b"Call-ID", b"Contact", b"Via", b"Content-Length")
) | st.binary(max_size=4)
VALUES = st.lists(WORDS, max_size=3).map(b" ".join) | st.binary(max_size=20)


@st.composite
def datagrams(draw: st.DrawFn) -> bytes:
    """Mostly of a message's form, each part of it anything."""
    first = b" ".join(draw(st.lists(WORDS, max_size=4)))
    lines = [name + b":" + value for name, value in draw(st.lists(st.tuples(NAMES, VALUES), max_size=6))]
    return b"\r\n".join([first, *lines, b"", draw(st.binary(max_size=20))])


ANY = st.binary(max_size=200) | datagrams()


@pytest.fixture(scope="module")
def agents() -> Iterator[tuple[UserAgent, UserAgent]]:
    with user_agent("127.0.0.1") as one, user_agent("127.0.0.1") as other:
        yield one, other


@given(ANY)
@example(b"")
@example(b"SIP/2.0")
@example(b"SIP/2.0 2OO OK\r\nCSeq: one INVITE\r\n\r\n")
@example(b"ACK sip:a@b SIP/2.0\r\nCSeq: ACK\r\n\r\n")
def test_every_part_of_a_message_can_be_asked_for(data: bytes) -> None:
    message = parse(data)
    assert message.raw == data
    assert (message.status == 0) or not message.is_request
    assert message.cseq >= -1
    text = data.decode("utf-8", "surrogateescape")
    assert all(each in text for each in (message.method, message.uri, message.tag("To")))
    assert isinstance(message.reason + message.call_id + message.contact_uri, str)


@given(ANY, st.lists(st.integers(0, 200), max_size=4))
def test_a_stream_is_cut_anywhere_and_nothing_is_lost(data: bytes, cuts: list[int]) -> None:
    """Whatever the pieces, what is taken out and what is left are the bytes that came."""
    places = sorted({0, len(data), *(min(cut, len(data)) for cut in cuts)})
    taken, rest = [], b""
    for start, end in pairwise(places):
        messages, rest = split_stream(rest + data[start:end])
        taken += messages
    assert b"".join(taken) + rest == data


@given(ANY)
def test_what_comes_again_is_a_repetition(data: bytes) -> None:
    seen = Repetitions()
    message = parse(data)
    seen.accept(message)
    assert seen.take(message)
    assert not seen.take(message)
    seen.forget()
    assert seen.take(message)


@given(ANY)
def test_an_agent_takes_it_and_can_answer(agents: tuple[UserAgent, UserAgent], data: bytes) -> None:
    """Over a real socket: it is in the inbox, its answer comes back, and later requests can be sent."""
    one, other = agents
    for agent in agents:
        agent.forget()
    one.send(data, ("127.0.0.1", other.port))
    if not data.strip():
        assert other.until_pong().pop() == data
        return
    received = next_of(other)
    other.respond(received, 200, body="v=0\r\n")
    assert next_of(one).status == 200
    callee_leg(other, received, received.path).send("BYE")
    assert next_of(one).method == "BYE"
    invite = Invite(other, ("127.0.0.1", one.port), received.uri, received.call_id, "b", "<sip:a@b>", 1)
    invite.ack_refusal(received)
    assert next_of(one).first_line.split()[0] == "ACK"


def next_of(agent: UserAgent) -> Message:
    agent._receive(60)
    return agent.inbox.pop()
