"""What edge and B2BUA tell one another: read as it was written, and nothing else."""

from __future__ import annotations

import base64
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.routing.handover import (
    ANSWER_SECONDS,
    Adopted,
    End,
    Placed,
    Sought,
    is_waited_for,
    packed,
    unpacked,
)
from sipedge.routing.sealed import MOST_SECONDS, Proof, Seal
from sipedge.secret import Secret

END = End("t", "<sip:a@b>", "sip:a@b", ("<sip:p;lr>",), 7, "v=0\r\n", True)
PLACED = Placed("transfer", "acme/hq", "CA1", "+1", False, "+2", "telco", (("X-A", "b"),))
ADOPTED = Adopted("id", END, END, "<sip:e;lr>", "CA1", PLACED, "sip:b@c", "<sip:a@b>", True)
PROOF = Proof("192.0.2.1", "id", 7, "sip:a@b")
SEAL = Seal(Secret("a" * 64), "adopt")


@pytest.mark.parametrize("told", (ADOPTED, PLACED, Sought("a;b", "acme/hq")))
def test_what_is_told_is_read(told: Adopted | Placed | Sought) -> None:
    assert type(told).from_text(told.to_text()) == told


def test_what_is_of_another_type_is_not() -> None:
    plain = json.loads(base64.urlsafe_b64decode(ADOPTED.to_text()))
    for name, value in (("near", "x"), ("call_id", 7), ("is_silent", "no"), ("placed", None), ("other", 1)):
        text = base64.urlsafe_b64encode(json.dumps(plain | {name: value}).encode()).decode()
        assert Adopted.from_text(text) is None
    plain["near"]["cseq"] = "7"
    assert Adopted.from_text(base64.urlsafe_b64encode(json.dumps(plain).encode()).decode()) is None


@pytest.mark.parametrize(
    ("after", "is_late"), ((-1.0, False), (0.0, False), (1.4, False), (1.6, True), (60.0, True))
)
def test_what_was_handed_over_long_ago_is_no_longer_waited_for(after: float, is_late: bool) -> None:
    """Before the edge gives up, to which the time of the seal is fine enough."""
    found = SEAL.read(SEAL.value("abcd", PROOF, 1_000.999), PROOF, 1_001, longest=10)
    assert found is not None
    assert is_waited_for(1_000.999 + after - found.at) is not is_late
    assert ANSWER_SECONDS > 1.6


@given(st.text(max_size=60))
def test_any_text_is_read_or_not(text: str) -> None:
    assert Adopted.from_text(text) is None
    assert unpacked(packed(text)) == text or not text.isprintable()
    unpacked(text)


def test_a_seal_holds_for_its_message_purpose_and_time_alone() -> None:
    value = SEAL.value("abcd", PROOF, 1_000)
    assert SEAL.read(value, PROOF, 1_000 + MOST_SECONDS, longest=10)
    assert SEAL.read(value, PROOF, 1_001 + MOST_SECONDS, longest=10) is None
    assert SEAL.read(value, PROOF, 1_000, longest=3 - 100) is None
    assert Seal(Secret("a" * 64), "place").read(value, PROOF, 1_000, longest=10) is None
    assert Seal(Secret("b" * 64), "adopt").read(value, PROOF, 1_000, longest=10) is None
    for other in (Proof("192.0.2.2", "id", 7, "sip:a@b"), Proof("192.0.2.1", "id", 8, "sip:a@b")):
        assert SEAL.read(value, other, 1_000, longest=10) is None


def test_no_sdp_with_keys_is_shown() -> None:
    assert "crypto" not in repr(End("t", "a", "c", (), 1, "a=crypto:1 x inline:key", True))
