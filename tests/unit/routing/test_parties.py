"""From and To of a call: what is remembered, what is shown, and which stands in which message."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import pytest

from sipedge.routing.decision import Parties
from sipedge.routing.dialog.memory import SideKind
from sipedge.routing.message.messages import Message, SipAnswer, SipRequest
from sipedge.routing.message.privacy import ANONYMOUS
from sipedge.routing.parties import LONGEST_PARTY, exchanged, harmless_name
from sipedge.uri import without_tag
from support.calls import (
    CARRIER,
    EDGE_ADDRESS,
    OWN_NUMBER,
    PSTN_NUMBER,
    forwarded,
    make_platform,
    make_request,
)
from support.memories import make_facts

BASE = "trunkline.test"
JUDGED = f"<sip:{OWN_NUMBER}@{BASE}>"
FOREIGN = "+19998887777"
OWN = {"Remote-Party-ID": f"<sip:{OWN_NUMBER}@pbx>"}


def from_pbx(caller: str, headers: Mapping[str, str] | None = None, number: str = PSTN_NUMBER) -> Parties:
    uri = f"sip:{number}@acme-hq.pstn.trunkline.test"
    platform = make_platform(
        routes={"+": make_platform().routes["+"], "emergency": make_platform().routes["+"]}
    )
    return forwarded(platform, make_request(uri, caller=caller, headers=headers)).parties


def from_pstn(caller: str, to: str = "", **headers: str) -> Parties:
    request = make_request(
        f"sip:{OWN_NUMBER}@{EDGE_ADDRESS}", source=CARRIER, caller=caller, headers={"To": to, **headers}
    )
    return forwarded(make_platform(), request).parties


# ------------------------------------------------------------------------------ towards a carrier


@pytest.mark.parametrize(
    ("caller", "headers", "sent"),
    (
        (f"<sip:{OWN_NUMBER}@pbx.acme.example>;tag=1", {}, JUDGED),
        (f"sip:{OWN_NUMBER[1:]}@my_pbx:0;tag=1;cpc=x", {}, JUDGED),
        (f'"Bell, A." <sip:{OWN_NUMBER};x=1@pbx;y=2>;tag=1', {}, f'"Bell, A." {JUDGED}'),
        (f"Bell <tel:{OWN_NUMBER}>;tag=1", {}, f'"Bell" {JUDGED}'),
        (f'"{FOREIGN}" <sip:{OWN_NUMBER}@x>', {}, JUDGED),
        (f"<sip:{OWN_NUMBER}@x> <sip:{FOREIGN}@y>", {}, JUDGED),
        (f"<sip:{FOREIGN}@x@y>", OWN, JUDGED),
        ("<sip:+1-999-888-7777@x>", OWN, JUDGED),
        ("<sip:0019998887777@x>", OWN, JUDGED),
        ("<sip:9998887777;phone-context=+1@x>", OWN, JUDGED),
        ("<tel:9998887777;phone-context=+1>", OWN, JUDGED),
        ("<sip:bell@pbx>", OWN, JUDGED),
        ("<sip:bell@pbx>", {**OWN, "Privacy": "id"}, ANONYMOUS),
        (f"<sip:{OWN_NUMBER}@pbx>", {"Privacy": "id"}, JUDGED),
        (f"<sip:{OWN_NUMBER}@pbx>", {"Privacy": "user;id"}, ANONYMOUS),
        (f"<sip:{OWN_NUMBER}@pbx>", {"Remote-Party-ID": "<sip:x@y>;privacy=full"}, ANONYMOUS),
        (f'"{FOREIGN}" <sip:anonymous@{FOREIGN}>', OWN, ANONYMOUS),
        (ANONYMOUS, {**OWN, "Privacy": "none"}, ANONYMOUS),
    ),
)
def test_a_carrier_is_shown_the_judged_number_or_nobody(
    caller: str, headers: Mapping[str, str], sent: str
) -> None:
    assert from_pbx(caller, headers).from_sent == sent


@pytest.mark.parametrize(
    ("written", "name"),
    (
        ("Bell", "Bell"),
        ('"Bell, A."', "Bell, A."),
        ('"Studio 54"', "Studio 54"),
        (r'"a \"<sip:+1999@x>\" b"', ""),
        (r'"a \"<sip:ceo@bank>\" b"', "a sip ceo bank b"),
        ('"(415) 555-0100"', "(415) 555-0100"),
        ('"+1 415 555 0100"', "+1 415 555 0100"),
        ('"+1 999 888 7777"', ""),
        ('"Police 112"', ""),
        ('"\uff19\uff19\uff19"', ""),
        ('"\u0661\u0664\u0661\u0665"', ""),
        ('"\u2460\u2461\u2462"', ""),
        ('"a\x00b\r\nc\u202ed\ud800"', "a b c d"),
        ("x" * 500, "x" * 64),
        ('"', ""),
        ("", ""),
    ),
)
def test_a_name_is_kept_if_it_holds_no_other_number(written: str, name: str) -> None:
    assert harmless_name(written, OWN_NUMBER) == name


@pytest.mark.parametrize(
    ("to", "sent"),
    (
        (
            f"<sip:{PSTN_NUMBER}@acme-hq.pstn.trunkline.test>",
            f"<sip:{PSTN_NUMBER}@acme-hq.pstn.trunkline.test>",
        ),
        (f"sip:{PSTN_NUMBER[1:]}@pbx;x=1", f"sip:{PSTN_NUMBER[1:]}@pbx;x=1"),
        (f'"Mum" <sip:{PSTN_NUMBER}@pbx>', f"<sip:{PSTN_NUMBER}@{BASE}>"),
        (f"<sip:{FOREIGN}@pbx>", f"<sip:{PSTN_NUMBER}@{BASE}>"),
        (f"<sip:{PSTN_NUMBER}@pbx?Subject=x>", f"<sip:{PSTN_NUMBER}@{BASE}>"),
        (f"<tel:{PSTN_NUMBER}>", f"<sip:{PSTN_NUMBER}@{BASE}>"),
        (f"<sip:{PSTN_NUMBER}@{'x' * LONGEST_PARTY}>", f"<sip:{PSTN_NUMBER}@{BASE}>"),
        ("", ""),
    ),
)
def test_to_names_the_called_number_and_nothing_private(to: str, sent: str) -> None:
    assert from_pbx(f"<sip:{OWN_NUMBER}@pbx>", {"To": to}).to_sent == sent


@pytest.mark.parametrize(
    ("to", "sent"),
    (("<sip:911@pbx>", "<sip:911@pbx>"), ("<sip:11@pbx>", f"<sip:911@{BASE}>")),
)
def test_a_short_code_is_no_number_without_its_plus(to: str, sent: str) -> None:
    assert from_pbx(f"<sip:{OWN_NUMBER}@pbx>", {"To": to}, "911").to_sent == sent


# ----------------------------------------------------------------------------- towards a customer


@pytest.mark.parametrize(
    ("caller", "sent"),
    (
        (
            '"Bell" <sip:+12025550142@telco.example;user=phone>;tag=1',
            '"Bell" <sip:+12025550142@telco.example;user=phone>',
        ),
        ("<sip:2025550142@telco_gw>;tag=1;verstat=x", "<sip:2025550142@telco_gw>;verstat=x"),
        ('"a\x00b" <sip:+12025550142@telco>', '"a b" <sip:+12025550142@telco>'),
        ("<tel:+1-202-555-0142>;tag=1", f"<sip:+12025550142@{BASE}>"),
        ("<sip:+12025550142\u2028@telco>", ANONYMOUS),
        ("<tel:5550142;phone-context=+1>", ANONYMOUS),
        (f"<sip:+12025550142@{'x' * LONGEST_PARTY}>", f"<sip:+12025550142@{BASE}>"),
        ("<sip:+12025550142@telco", ANONYMOUS),
        ("", ANONYMOUS),
    ),
)
def test_a_customer_is_shown_what_the_carrier_says(caller: str, sent: str) -> None:
    assert from_pstn(caller).from_sent == sent


def test_a_hidden_caller_is_nobody() -> None:
    parties = from_pstn('"Bell" <sip:+12025550142@telco.example>;tag=1', Privacy="id")
    assert parties.from_sent == ANONYMOUS
    assert parties.from_received == '"Bell" <sip:+12025550142@telco.example>'


@pytest.mark.parametrize(
    ("to", "sent"),
    (
        ('"Acme" <sip:+14155551111@telco.example>', '"Acme" <sip:+14155551111@telco.example>'),
        (f"<tel:{OWN_NUMBER}>", f"<sip:{OWN_NUMBER}@{BASE}>"),
        ("", ""),
    ),
)
def test_to_towards_a_pbx_is_the_carrier_s(to: str, sent: str) -> None:
    """A PBX may go by the number that was called first."""
    assert from_pstn("<sip:+12025550142@telco.example>", to).to_sent == sent


# ---------------------------------------------------------------------------------- what is kept


@pytest.mark.parametrize(
    ("value", "kept"),
    (
        ("<sip:a@b>;tag=1", "<sip:a@b>"),
        ("  <sip:a;tag=2@b;tag=3> ; tag = 1 ; x=y", "<sip:a;tag=2@b;tag=3>;x=y"),
        ('"x;tag=1" <sip:a@b>;TAG=1', '"x;tag=1" <sip:a@b>'),
        ("sip:a@b;x;tag=1 ", "sip:a@b;x"),
        ("<sip:a@b>", "<sip:a@b>"),
        ("sip:a@b", "sip:a@b"),
        ('<sip:a@b>;x=";tag=2;";tag=1', "<sip:a@b>"),
        ("<sip:a@b", "<sip:a@b"),
        ("", ""),
    ),
)
def test_a_value_without_its_tag(value: str, kept: str) -> None:
    assert without_tag(value) == kept


def test_what_is_remembered_is_bounded() -> None:
    long = "x" * LONGEST_PARTY
    assert from_pbx(f'"{long}" <sip:{OWN_NUMBER}@pbx>;tag=1').from_received == f"<sip:{OWN_NUMBER}@pbx>"
    assert from_pbx(f"<sip:{OWN_NUMBER}@{long}>;tag=1").from_received == ANONYMOUS


# --------------------------------------------------------------------------------- the exchange

FACTS = make_facts(
    from_received="<sip:bell@pbx>",
    from_sent=JUDGED,
    to_received='"Mum" <sip:+44@pbx>',
    to_sent="<sip:+44@base>",
)


def request(method: str, sender: str, receiver: str, **more: str) -> SipRequest:
    made = make_request(method=method, caller=sender, headers={"To": receiver})
    return replace(made, from_tag=more.get("from_tag", "f"), to_tag=more.get("to_tag", "t"))


def answer(sender: str, receiver: str) -> SipAnswer:
    headers = {"from": (sender,), "to": (receiver,)}
    return SipAnswer(
        source=CARRIER, source_port=5060, transport="udp", from_tag="f", to_tag="t", headers=headers,
        status=200, phrase="OK", method="INVITE",
    )  # fmt: skip


def values(message: Message, *, by_caller: bool, is_answer: bool) -> list[str]:
    found = dict(exchanged(FACTS, message, by_caller=by_caller, is_answer=is_answer))
    return [found[name] for name in ("From", "To")]


def test_each_side_sees_what_it_was_shown_or_has_sent() -> None:
    own, callee = "<sip:forged@x>;tag=f", "<sip:forged@y>;tag=t"
    invite = request("INVITE", own, callee)
    assert values(invite, by_caller=True, is_answer=False) == [f"{JUDGED};tag=f", "<sip:+44@base>;tag=t"]
    assert values(invite, by_caller=False, is_answer=False) == [
        '"Mum" <sip:+44@pbx>;tag=f',
        "<sip:bell@pbx>;tag=t",
    ]
    reply = answer(own, callee)
    assert values(reply, by_caller=False, is_answer=True) == [
        "<sip:bell@pbx>;tag=f",
        '"Mum" <sip:+44@pbx>;tag=t',
    ]
    assert values(reply, by_caller=True, is_answer=True) == ["<sip:+44@base>;tag=f", f"{JUDGED};tag=t"]


def test_nothing_is_changed_that_is_right_already() -> None:
    assert (
        exchanged(
            FACTS, request("BYE", f"{JUDGED};tag=f", "<sip:+44@base>;tag=t"), by_caller=True, is_answer=False
        )
        == ()
    )


def test_where_the_tag_stands_is_no_difference() -> None:
    facts = replace(FACTS, from_sent=f"{JUDGED};x=1", to_sent="")
    for sender, tag, is_left in ((f"{JUDGED};tag=f;x=1", "f", True), (f"{JUDGED};x=1;tag=f<", "f<", False)):
        bye = request("BYE", sender, "", from_tag=tag)
        assert (exchanged(facts, bye, by_caller=True, is_answer=False) == ()) is is_left


def test_a_first_invite_has_no_tag_to_keep() -> None:
    invite = request("INVITE", "<sip:bell@pbx>;tag=f", "<sip:+44@pbx>", to_tag="")
    assert values(invite, by_caller=True, is_answer=False) == [f"{JUDGED};tag=f", "<sip:+44@base>"]


def test_a_tag_cannot_bring_in_another_address() -> None:
    invite = request("INVITE", "x", "y", from_tag=f'a<sip:{FOREIGN}@x>,"b')
    assert values(invite, by_caller=True, is_answer=False)[0] == f"{JUDGED};tag=a_sip:{FOREIGN}@x___b"


def test_what_is_not_known_stays_as_it_came() -> None:
    facts = replace(FACTS, to_sent="")
    invite = request("INVITE", f"{JUDGED};tag=f", "<sip:+45@pbx>;tag=t")
    assert exchanged(facts, invite, by_caller=True, is_answer=False) == ()


@pytest.mark.parametrize(
    ("method", "sender", "is_hidden"),
    (
        ("INVITE", SideKind.CUSTOMER, True),
        ("UPDATE", SideKind.CUSTOMER, True),
        ("INFO", SideKind.CUSTOMER, True),
        ("NOTIFY", SideKind.CUSTOMER, True),
        ("ACK", SideKind.CUSTOMER, False),
        ("BYE", SideKind.CUSTOMER, False),
        ("PRACK", SideKind.CUSTOMER, False),
        ("BYE", SideKind.CARRIER, True),
        ("ACK", SideKind.CARRIER, True),
        ("INVITE", SideKind.CARRIER, True),
    ),
)
def test_after_a_restart_nobody_is_shown_who_calls(method: str, sender: SideKind, is_hidden: bool) -> None:
    message = request(method, "<sip:bell@pbx>;tag=f", "<sip:+44@pbx>;tag=t")
    found = exchanged(None, message, by_caller=True, is_answer=False, sender=sender)
    assert found == ((("From", f"{ANONYMOUS};tag=f"),) if is_hidden else ())


def test_after_a_restart_answers_pass_as_they_are() -> None:
    message = answer("<sip:bell@pbx>;tag=f", "<sip:+44@pbx>;tag=t")
    assert exchanged(None, message, by_caller=False, is_answer=True) == ()
