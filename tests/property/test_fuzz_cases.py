"""The generator of `make fuzz`: the same numbers give the same case, a short run holds every kind."""

from __future__ import annotations

import hashlib
import os
import random
import socket
import subprocess
import sys
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuzz import telephone, torture, words
from fuzz.__main__ import found_cases
from fuzz.cases import Case, case, parse
from fuzz.draft import CANARY, Draft, World, header_names
from fuzz.hand import Hand
from fuzz.isolation import Packet, parse_packet
from fuzz.operators import OPERATORS, apply
from fuzz.platform import denied_targets
from sipedge.table.lookup import in_any
from support.edge import ROOT

WORLD = World("127.30.0.1", "127.30.0.20", "127.30.0.30", "127.30.0.66", "127.30.0.21")
INVITE = telephone.invite(
    "sip:+442079460000@acme-hq.pstn.trunkline.test",
    "+14155550100",
    WORLD.customer,
    f"SIP/2.0/UDP {WORLD.customer}:5060;branch=z9hG4bKfz-1-1.1",
    f"sip:customer@{WORLD.customer}:5060",
    "fz-1-1",
)
RECEIVED = telephone.read(
    INVITE.render().replace(
        b"\r\nVia", b"\r\nRecord-Route: <sip:127.30.0.1;lr>\r\nVia: SIP/2.0/UDP e\r\nVia", 1
    )
)
ANSWER = telephone.answer(RECEIVED, "503", f"sip:carrier@{WORLD.carrier}:5060", "uas")
IN_DIALOG = telephone.callee_side(RECEIVED, "uas").request(
    "BYE", "SIP/2.0/UDP x;branch=z9hG4bKa", "sip:c@d", 2
)
SHORT = 4_000


@cache
def short_run() -> tuple[Case, ...]:
    return tuple(case(20261129, number) for number in range(SHORT))


def draft_of(one: Case) -> Draft:
    if one.moment == "stray-answer":
        via = f"SIP/2.0/UDP {WORLD.stranger}:5060;branch=z9hG4bKa"
        return telephone.stray_answer(telephone.callee_side(RECEIVED, "uas"), one.subject, WORLD.edge, via)
    if one.moment in ("answer", "in-dialog-answer"):
        return ANSWER
    return IN_DIALOG if one.moment in ("in-dialog", "ended") else INVITE


def digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:8]


def fingerprint() -> str:
    return digest(
        b"".join(f"{one} ".encode() + one.broken(draft_of(one), WORLD) for one in short_run()[:500])
    )


@given(st.integers(), st.integers(min_value=0))
def test_a_case_is_the_same_each_time_and_its_text_names_it(seed: int, number: int) -> None:
    one = case(seed, number)
    assert one == case(seed, number)
    assert parse(str(one)) == one
    data = one.broken(draft_of(one), WORLD)
    assert data == parse(str(one)).broken(draft_of(one), WORLD)
    assert len(data) <= words.LARGEST


def test_another_process_makes_the_same_messages() -> None:
    """Nothing hangs on the order of a set or on a hash that each process draws."""
    code = "import test_fuzz_cases; print(test_fuzz_cases.fingerprint())"
    folders = ("tests/property", "tests", "operator", "edge")
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(str(ROOT / each) for each in folders)}
    for seed in ("1", "2"):
        told = subprocess.check_output(
            [sys.executable, "-c", code], env={**environment, "PYTHONHASHSEED": seed}, text=True
        )
        assert told.strip() == fingerprint()


def test_a_short_run_breaks_every_message_in_every_way() -> None:
    cases = short_run()
    assert {one.operators[0] for one in cases if one.operators} == set(OPERATORS)
    senders = {(one.moment, one.sender) for one in cases}
    for moment in (
        "invite",
        "answer",
        "cancel",
        "ack",
        "in-dialog",
        "in-dialog-answer",
        "stray-answer",
        "ended",
    ):
        assert {"customer", "carrier"} <= {sender for each, sender in senders if each == moment}, moment
    for moment in ("invite", "outside", "in-dialog", "stray-answer", "ended", "torture"):
        assert (moment, "stranger") in senders
    assert {one.transport for one in cases} == {"udp", "tcp"}
    answers = {one.subject[0] for one in cases if one.moment == "answer"}
    assert answers == set("123456")
    in_dialog = {one.subject for one in cases if one.moment == "in-dialog"}
    assert {"INVITE", "INFO", "BYE", "UPDATE", "PRACK", "OPTIONS", "NOTIFY"} <= in_dialog
    assert {one.subject for one in cases if one.moment == "torture"} == set(torture.MESSAGES)


@pytest.mark.parametrize("name", OPERATORS)
def test_every_operator_changes_a_message(name: str) -> None:
    """Of at least one kind of message, and none of them raises for any dice."""
    changed = 0
    for draft in (INVITE, ANSWER, IN_DIALOG):
        whole = draft.render()
        for seed in range(30):
            data = apply((name,), draft, Hand(random.Random(seed), WORLD))
            changed += data != whole
    assert changed > 20


@pytest.mark.parametrize(
    ("name", "header", "bound"),
    (("call-id-length", "Call-ID", 255), ("contact-length", "Contact", 1400), ("branch-length", "Via", 255)),
)
def test_lengths_are_tried_at_their_bounds(name: str, header: str, bound: int) -> None:
    """Just below, at, just above, ten times: what is counted is the Call-ID, the URI, the branch."""
    seen = set()
    for seed in range(400):
        data = apply((name,), INVITE, Hand(random.Random(seed), WORLD))
        value = telephone.read(data).header(header.lower())
        if header == "Via":
            value = value.rpartition("branch=z9hG4bK")[2]
        seen.add(len(value.partition("<")[2].partition(">")[0]) if header == "Contact" else len(value))
    for length in (bound - 1, bound, bound + 1, bound * 10):
        assert any(abs(length - each) <= (60 if header == "Contact" else 0) for each in seen), length


def test_all_messages_of_rfc_4475_are_there_and_reach_the_edge() -> None:
    assert len(torture.MESSAGES) == 49
    for name in torture.MESSAGES:
        data = torture.draft(name, INVITE, WORLD).render()
        assert b"$" not in data.replace(b"it$/crazy", b"").replace(b"pas$wo", b""), name
        assert b"fz-1-1" in data, name
        assert b"\r\n\r\n" in data, name


@pytest.mark.parametrize("one", found_cases(), ids=str)
def test_a_case_that_found_something_still_is_what_it_was(one: Case) -> None:
    """If it is not, the words of its operators have changed: look for dice that say what it said."""
    assert digest(one.broken(draft_of(one), WORLD)) == found_cases()[one]


def test_a_canary_is_found_where_a_lenient_reader_finds_it() -> None:
    """In the head, in any spelling; not in a folded line, not in a body."""
    for head in (f"{CANARY}: 1", f"{CANARY.lower()} : 1", f"A: b\r\n{CANARY.upper()}\t:1"):
        assert CANARY.lower() in header_names(f"BYE x SIP/2.0\r\n{head}\r\n\r\n".encode())
    for rest in (f"A: b\r\n {CANARY}: 1\r\n\r\n", f"A: b\r\n\r\n{CANARY}: 1\r\n"):
        assert CANARY.lower() not in header_names(f"BYE x SIP/2.0\r\n{rest}".encode())


def packet(protocol: int, rest: bytes) -> bytes:
    ends = socket.inet_aton("127.30.0.1") + socket.inet_aton("192.0.2.7")
    return bytes((0x45, 0, 0, 0, 0, 0, 0, 0, 64, protocol, 0, 0)) + ends + rest


def test_packets_are_read_as_datagrams_and_openings_of_connections() -> None:
    ports = (5060).to_bytes(2, "big") + (5099).to_bytes(2, "big")
    assert parse_packet(packet(17, ports + bytes(4) + b"BYE")) == Packet(
        "udp", 5060, "192.0.2.7", 5099, b"BYE"
    )
    opening, answered = (ports + bytes(9) + bytes((flags, 0)) for flags in (0x02, 0x12))
    assert parse_packet(packet(6, opening)) == Packet("tcp", 5060, "192.0.2.7", 5099, b"")
    assert parse_packet(packet(6, answered)) is None
    assert parse_packet(packet(1, ports + bytes(9))) is None
    assert parse_packet(b"\x45") is None


def test_every_address_but_the_parties_is_denied() -> None:
    denied = denied_targets(frozenset({"127.30.0.20", "127.30.0.30"}))
    for address in ("127.30.0.66", "127.30.0.21", "10.96.0.1", "0.0.0.0", "255.255.255.255", "::1"):
        assert in_any(address, denied)
    for address in ("127.30.0.20", "127.30.0.30"):
        assert not in_any(address, denied)
