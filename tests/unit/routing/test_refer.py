"""What a REFER names, and whether its trunk may have that (S23)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.routing.authenticate import DigestResult
from sipedge.routing.dialog.later_checks import LaterRequest
from sipedge.routing.dialog.refer import (
    MOST_HEADERS,
    Referral,
    Replaces,
    judge_referral,
    read_referral,
    read_replaces,
)
from sipedge.routing.reasons import Reason
from support.calls import make_platform, make_request, table_of
from support.memories import make_facts, make_memory

DOMAINS = ("acme-hq.pstn.trunkline.test",)


def referral(value: str, **headers: str) -> Referral | str:
    named = {name.replace("_", "-"): (each,) for name, each in headers.items()}
    return read_referral(make_request(method="REFER", headers={"refer-to": (value,)} | named), DOMAINS)


@pytest.mark.parametrize(
    ("value", "expected"),
    (
        ("<sip:bob@pbx.example>", Referral("sip:bob@pbx.example")),
        ('"B" <sip:bob@pbx.example:5070;transport=tcp>', Referral("sip:bob@pbx.example:5070;transport=tcp")),
        ("sip:bob@pbx.example", Referral("sip:bob@pbx.example")),
        ("<sip:bob@pbx.example;method=INVITE>", Referral("sip:bob@pbx.example")),
        ("<tel:+44-20-7946-0001>", Referral("", "+442079460001")),
        ("<sip:+442079460001@acme-hq.pstn.trunkline.test>", Referral("", "+442079460001")),
        ("<sip:+442079460001@pbx.example>", Referral("sip:+442079460001@pbx.example")),
        (
            "<sip:bob@p.example?X-Team=blue&Subject=no&X-Trunkline-Hand-Over=no&User-to-User=56%3Bencoding%3Dhex>",
            Referral("sip:bob@p.example", headers=(("X-Team", "blue"), ("User-to-User", "56;encoding=hex"))),
        ),
        (
            "<sip:bob@pbx.example?Replaces=one%40pbx%3Bto-tag%3Db%3Bfrom-tag%3Da%3Bearly-only>",
            Referral("sip:bob@pbx.example", replaces=Replaces("one@pbx", "b", "a", True)),
        ),
    ),
)  # fmt: skip
def test_what_a_refer_names(value: str, expected: Referral) -> None:
    assert referral(value) == expected


@pytest.mark.parametrize(
    "value",
    (
        "", "mailto:bob@example.com", "<sip:a@b>, <sip:c@d>", "<sip:bob@pbx.example;method=BYE>", "<sip:bob@",
        "<sip:b@p?Replaces=x>",
        "<sip:b@p?Replaces=x%3Bto-tag%3Da%3Bfrom-tag%3Db&Replaces=y%3Bto-tag%3Da%3Bfrom-tag%3Db>",
        "<sip:b@p?" + "&".join(f"X-{number}=1" for number in range(MOST_HEADERS + 1)) + ">",
        "<sip:b@p?X-A=" + "x" * 3_000 + ">",
    ),
)  # fmt: skip
def test_what_names_nobody(value: str) -> None:
    assert isinstance(referral(value), str)


def test_headers_of_a_target_cannot_break_the_message() -> None:
    found = referral("<sip:b@p.example?X-A=one%0d%0aX-Trunkline-Hand-Over%3a%20two>")
    assert isinstance(found, Referral)
    assert found.headers == ()


@pytest.mark.parametrize(
    ("mode", "value", "reason"),
    (
        ("DisableAll", "sip:bob@pbx.example", Reason.TransferNotAllowed),
        ("SipOnly", "sip:bob@pbx.example", None),
        ("SipOnly", "tel:+442079460001", Reason.TransferNotAllowed),
        ("EnableAll", "tel:+442079460001", None),
        ("EnableAll", "tel:911", Reason.TransferNotAllowed),
        ("EnableAll", "sip:112@acme-hq.pstn.trunkline.test", Reason.TransferNotAllowed),
        ("EnableAll", "tel:+39112", Reason.TransferNotAllowed),
        ("EnableAll", "tel:+1-911", Reason.TransferNotAllowed),
        ("EnableAll", "tel:+33911", None),
        ("EnableAll", "tel:12345;phone-context=acme.example", Reason.MalformedRequest),
        ("EnableAll", "mailto:bob", Reason.MalformedRequest),
    ),
)
def test_what_a_trunk_may_have(mode: str, value: str, reason: Reason | None) -> None:
    assert judge_referral(referral(f"<{value}>"), mode).reason is reason


@pytest.mark.parametrize(
    "user", ("+442079460001@", "442079460001@", "911@", "bob@", "", "+442079460001%3bx@")
)
@pytest.mark.parametrize("host", ("trunkline.test", "TRUNKLINE.test.", "trunkline.test:5060;user=phone"))
@pytest.mark.parametrize("scheme", ("sip", "sips"))
def test_a_number_at_the_platform_is_a_telephone_whatever_its_name_says(
    user: str, host: str, scheme: str
) -> None:
    """What is placed there goes to the PSTN: a trunk that may transfer to SIP alone has it not."""
    request = make_request(method="REFER", headers={"refer-to": (f"<{scheme}:{user}{host}>",)})
    memory = make_memory(make_facts())
    later = LaterRequest(
        table_of(make_platform()), request, memory, True, lambda ha1s: DigestResult.MISSING, 1, (), bool
    )
    assert judge_referral(later.referral, "SipOnly").reason is not None


@given(st.text(max_size=80))
def test_any_text_is_read(text: str) -> None:
    referral(text)
    read_replaces(text)


@given(
    st.from_regex(r"[a-zA-Z0-9@.]{1,20}", fullmatch=True),
    st.from_regex(r"[a-zA-Z0-9.-]{1,10}", fullmatch=True),
)
def test_a_replaces_is_read_as_it_is_written(call_id: str, tag: str) -> None:
    for early in (True, False):
        named = Replaces(call_id, tag, tag + "x", early)
        assert read_replaces(str(named)) == named
