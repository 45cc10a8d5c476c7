"""What becomes of requests in a dialog and of answers, message by message."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.routing.authenticate import DigestResult
from sipedge.routing.decision import Direction
from sipedge.routing.dialog.answers import judge_answer, judge_repeated_answer, tag_fault
from sipedge.routing.dialog.decisions import (
    AnswerDecision,
    ChallengeInDialog,
    DialogDecision,
    DropInDialog,
    Follow,
    RefuseInDialog,
)
from sipedge.routing.dialog.hops import Hop
from sipedge.routing.dialog.judge import within_dialog
from sipedge.routing.dialog.later_checks import METHODS, MOST_REQUESTS
from sipedge.routing.dialog.memory import CallMemory, SideKind, SideMemory
from sipedge.routing.dialog.new_call import told_by_token
from sipedge.routing.dialog.tokens import DialogToken
from sipedge.routing.message.messages import SipAnswer, SipRequest
from sipedge.routing.reasons import Reason
from sipedge.table import Table
from support.calls import CARRIER, EDGE_ADDRESS, PBX, make_platform, table_of
from support.memories import make_facts, make_memory
from support.sipmessage import sdp
from support.strategies import hostile_text

TABLE = table_of(make_platform({"credential_lists": ("acme/users",)}))
PLAIN = table_of(make_platform())
FACTS = make_facts(
    from_received="<sip:a@pbx>",
    from_sent="<sip:+14155550100@trunkline.test>",
    to_received="<sip:c@edge>",
    to_sent="<sip:c@edge>",
)
CALLER = SideMemory(SideKind.CUSTOMER, Hop(PBX, 5060, "udp"), "sip:pbx@10.0.0.7", Hop(PBX, 5060, "udp"))
CALLEE = SideMemory(SideKind.CARRIER, Hop(CARRIER, 5060, "udp"), f"sip:gw@{CARRIER}")
MEMORY = CallMemory(False, Direction.TERMINATION, 2**31, CALLER, CALLEE, FACTS)
OURS = f"<sip:{EDGE_ADDRESS};lr;tk=1>"
SECURE = sdp(PBX, profile="RTP/SAVP") + "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:" + "A" * 40 + "\r\n"


def request(method: str = "INFO", *, source: str = PBX, body: str = "", **changes: Any) -> SipRequest:
    headers = {
        "from": ("<sip:a@pbx>;tag=f",),
        "to": ("<sip:c@edge>;tag=t",),
        "call-id": ("id",),
        "cseq": (f"7 {method}",),
        "contact": (f"<sip:pbx@{PBX}>",),
        "max-forwards": ("70",),
        "route": (OURS,),
        **({"content-type": ("application/sdp",)} if body else {}),
        **changes.pop("headers", {}),
    }
    return SipRequest(
        method=method,
        request_uri=changes.pop("request_uri", f"sip:gw@{CARRIER}"),
        source=source,
        source_port=5060,
        transport=changes.pop("transport", "udp"),
        received_on=EDGE_ADDRESS,
        call_id="id",
        from_tag="f",
        to_tag="t",
        headers=headers,
        body=body,
        **changes,
    )


def judged(
    message: SipRequest,
    memory: CallMemory | None = MEMORY,
    *,
    table: Table = PLAIN,
    by_caller: bool = True,
    digest: DigestResult = DigestResult.WRONG,
    lately: int = 1,
) -> DialogDecision:
    return within_dialog(
        table,
        message,
        memory,
        by_caller=by_caller,
        digest=lambda ha1s: digest,
        requests_lately=lately,
        own_addresses=(EDGE_ADDRESS,),
    )


def followed(*args: Any, **options: Any) -> Follow:
    decision = judged(*args, **options)
    assert isinstance(decision, Follow), decision
    return decision


def refused(*args: Any, **options: Any) -> Reason:
    decision = judged(*args, **options)
    assert isinstance(decision, RefuseInDialog), decision
    return decision.reason


@pytest.mark.parametrize("method", sorted(METHODS))
def test_a_request_of_a_side_goes_to_the_other(method: str) -> None:
    """To its hop, by its Contact, whatever the Request-URI says."""
    for uri in (f"sip:gw@{CARRIER}", "sip:x@1.2.3.4", "sip:x@name.example"):
        decision = followed(request(method, request_uri=uri))
        assert (decision.hop, decision.request_uri) == (CALLEE.hop, CALLEE.contact)
    assert [step.check for step in decision.steps][:3] == ["rate", "sender", "well-formed"]


@pytest.mark.parametrize(
    ("routes", "uri", "target"),
    (
        ((OURS,), "sip:x@y", CALLEE.contact),
        ((OURS, "<sip:p1;lr>"), "sip:x@y", None),
        ((f"{OURS}, <sip:p1;lr>",), "sip:x@y", None),
        (("<sip:x@y>",), OURS.strip("<>"), CALLEE.contact),
        (("<sip:p1;lr>", "<sip:x@y>"), OURS.strip("<>"), None),
    ),
)
def test_behind_further_routes_the_request_uri_is_left(
    routes: tuple[str, ...], uri: str, target: str | None
) -> None:
    """Also those of a strict router, whose last Route is the target."""
    for behind_proxy in (True, None):
        memory = replace(MEMORY, callee=replace(CALLEE, behind_proxy=behind_proxy))
        decision = followed(request(request_uri=uri, headers={"route": routes}), memory)
        assert (decision.hop, decision.request_uri) == (CALLEE.hop, target)
        assert "Route" not in decision.changes.remove
    direct = followed(request(request_uri=uri, headers={"route": routes}))
    assert direct.request_uri == CALLEE.contact
    assert ("Route" in direct.changes.remove) is (target is None)


def test_without_memory_only_the_token_is_known() -> None:
    """After a restart: to its hop, the Request-URI as it came, nobody's From."""
    decision = followed(request("INFO"), bare())
    assert (decision.hop, decision.request_uri) == (CALLEE.hop, None)
    assert ("CSeq", "8 INFO") in decision.changes.replace


def bare(**changes: Any) -> CallMemory:
    """As after a restart."""
    kinds = (CALLER.kind, CALLEE.kind)
    token = DialogToken(Direction.TERMINATION, 2**31, CALLER.hop, CALLEE.hop, *kinds, cseq_shift=1)
    return told_by_token(replace(token, **changes))


def test_after_a_restart_a_bye_skips_what_may_have_been_counted() -> None:
    """A challenge that was answered in the dialog is forgotten; a customer's is never answered."""
    assert ("CSeq", "108 BYE") in followed(request("BYE"), bare()).changes.replace
    turned = make_memory(None, direction=Direction.ORIGINATION, caller=CALLEE, callee=CALLER, ends=2**31)
    to_customer = within_dialog(
        TABLE, request("BYE", source=CARRIER), turned, by_caller=True, digest=lambda _: DigestResult.MISSING
    )
    assert isinstance(to_customer, Follow)
    assert "CSeq" not in dict(to_customer.changes.replace)


@pytest.mark.parametrize(("behind_proxy", "passes"), ((False, False), (True, True), (None, True)))
def test_after_a_restart_the_token_tells_whether_the_caller_is_behind_a_proxy(
    behind_proxy: bool | None, passes: bool
) -> None:
    """No Route beyond ours passes to a caller that has recorded none."""
    turned = make_memory(
        None,
        direction=Direction.ORIGINATION,
        caller=SideMemory(CALLEE.kind, CALLEE.hop, behind_proxy=behind_proxy),
        callee=CALLER,
    )
    sent = request(headers={"route": (OURS, "<sip:p1;lr>")})
    decision = within_dialog(TABLE, sent, turned, by_caller=False, digest=lambda _: DigestResult.MISSING)
    assert isinstance(decision, Follow)
    assert ("Route" not in decision.changes.remove) is passes


@pytest.mark.parametrize("method", ("INVITE", "ACK", "CANCEL"))
def test_who_holds_no_token_gets_silence_or_481(method: str) -> None:
    assert isinstance(judged(request(method), None), DropInDialog)
    assert refused(request("BYE"), None) is Reason.NoDialog


def test_a_stranger_with_the_token_is_a_stranger() -> None:
    """A trunk without passwords: 481. With some: 407, and an ACK nothing."""
    stranger = "198.51.100.66"
    for method in ("INVITE", "ACK"):
        assert isinstance(judged(request(method, source=stranger)), DropInDialog)
    assert refused(request(source=stranger)) is Reason.NoDialog
    challenged = judged(request(source=stranger), table=TABLE)
    assert isinstance(challenged, ChallengeInDialog)
    assert challenged.realm == "sip.trunkline.test"
    assert isinstance(judged(request("ACK", source=stranger), table=TABLE), DropInDialog)
    known = request(source=stranger, username="pbx")
    assert refused(known, table=TABLE) is Reason.CredentialsWrong
    assert isinstance(judged(known, table=TABLE, digest=DigestResult.STALE), ChallengeInDialog)
    assert followed(known, table=TABLE, digest=DigestResult.OK).hop == CALLEE.hop


def test_a_carrier_is_never_asked_for_a_password() -> None:
    assert refused(request(source="198.51.100.66"), by_caller=False, table=TABLE) is Reason.NoDialog
    assert followed(request(source="192.0.2.100"), by_caller=False, table=TABLE).hop == CALLER.hop


@pytest.mark.parametrize(
    ("message", "reason"),
    (
        (request("REFER"), Reason.TransferNotAllowed),
        (request("MESSAGE"), Reason.MethodNotAllowed),
        (request(headers={"max-forwards": ("0",)}), Reason.TooManyHops),
        (request(headers={"cseq": ("7 BYE",)}), Reason.MalformedRequest),
        (request(headers={"proxy-require": ("sec-agree",)}), Reason.ExtensionNotSupported),
        (request("INVITE", body=SECURE), Reason.MediaSecureRefused),
        (request("UPDATE", body=SECURE), Reason.MediaSecureRefused),
        (request("INVITE", body="x", headers={"content-type": ("text/plain",)}), Reason.BodyNotSupported),
    ),
)
def test_what_is_not_served_is_refused(message: SipRequest, reason: Reason) -> None:
    assert refused(message) is reason


def test_too_many_requests_are_refused_and_an_ack_is_dropped() -> None:
    assert refused(request(), lately=MOST_REQUESTS + 1) is Reason.DialogRateExceeded
    assert isinstance(judged(request("ACK"), lately=MOST_REQUESTS + 1), DropInDialog)


def test_no_request_goes_to_an_edge() -> None:
    side = replace(CALLEE, hop=Hop(EDGE_ADDRESS, 5060, "udp"))
    assert refused(request(), replace(MEMORY, callee=side)) is Reason.PeerNotReachable


def test_a_secure_trunks_customer_is_heard_over_tls_alone() -> None:
    secure = replace(MEMORY, secure=True)
    assert refused(request("INVITE", body=SECURE), secure) is Reason.TransportNotSecure
    assert followed(request("INVITE", body=SECURE, transport="tls"), secure).body is None
    assert refused(request("INVITE", body=sdp(PBX), transport="tls"), secure) is Reason.MediaNotSecure
    assert followed(request(source=CARRIER), secure, by_caller=False).hop == CALLER.hop


def test_what_cannot_be_refused_goes_on_without_media_and_ends_the_call() -> None:
    secure = replace(MEMORY, secure=True)
    ack = followed(request("ACK", body=sdp(PBX), transport="tls"), secure)
    assert ack.end_call is Reason.MediaNotSecure
    assert "m=audio 0 " in (ack.body or "")
    bye = followed(request("BYE", body="x", headers={"content-type": ("text/plain",)}))
    assert (bye.body, bye.end_call) == ("", None)


def test_sequence_numbers_are_shifted_for_the_side_that_was_challenged() -> None:
    shifted = replace(MEMORY, caller_shift=2)
    prack = request("PRACK", headers={"cseq": ("8 PRACK",), "rack": ("5 7 INVITE",)})
    assert {("CSeq", "10 PRACK"), ("RAck", "5 9 INVITE")} <= set(followed(prack, shifted).changes.replace)
    by_callee = followed(request(source=CARRIER), shifted, by_caller=False)
    assert "CSeq" not in dict(by_callee.changes.replace)


def test_offers_and_answers_are_told_apart() -> None:
    offer = followed(request("INVITE", body=sdp(PBX))).learned
    assert (offer.open_offer, offer.sender_sdp) == (True, sdp(PBX))
    theirs = replace(MEMORY, open_offer=False)
    assert followed(request("ACK", body=sdp(PBX)), theirs).learned.open_offer is False
    long = sdp(PBX) + "a=x\r\n" * 1_000
    assert followed(request("INVITE", body=long)).learned.sender_sdp == ""
    assert followed(request("INVITE")).learned.open_offer is None


def answer(status: int = 200, method: str = "INVITE", body: str = "", **changes: Any) -> SipAnswer:
    headers = {
        "from": ("<sip:+14155550100@trunkline.test>;tag=f",),
        "to": ("<sip:c@edge>;tag=t",),
        "call-id": ("id",),
        "cseq": (f"8 {method}",),
        "contact": (f"<sip:gw2@{CARRIER}:5070>",),
        **({"content-type": ("application/sdp",)} if body else {}),
        **changes.pop("headers", {}),
    }
    return SipAnswer(
        status=status,
        phrase="OK",
        method=method,
        source=changes.pop("source", CARRIER),
        source_port=5060,
        transport="udp",
        call_id="id",
        from_tag="f",
        to_tag="t",
        headers=headers,
        body=body,
        **changes,
    )


def back(message: SipAnswer, memory: CallMemory = MEMORY, **options: Any) -> AnswerDecision:
    return judge_answer(PLAIN, message, memory, to_caller=options.pop("to_caller", True), **options)


def test_an_answer_bears_the_number_and_the_names_that_the_asker_used() -> None:
    decision = back(answer(), cseq_of_sender=7, attempt=CALLEE.hop)
    assert dict(decision.changes.replace) == {"CSeq": "7 INVITE", "From": "<sip:a@pbx>;tag=f"}
    assert dict(decision.changes.append)["X-Trunkline-CallSid"] == "CA1"
    assert "CSeq" not in dict(back(answer(), cseq_of_sender=8).changes.replace)
    assert back(answer(180), attempt=CALLEE.hop).changes.append == ()


def test_a_callee_is_learned_with_its_tag() -> None:
    """By 18x and 2xx; 100 has no callee, a refusal forms nothing."""
    for status in (180, 183, 200):
        sender = back(answer(status), attempt=CALLEE.hop).learned.sender
        assert sender is not None
        assert sender.hop == Hop(CARRIER, 5070, "udp")
    for status in (100, 486):
        assert back(answer(status), attempt=CALLEE.hop).learned.sender is None


def test_a_later_answer_refreshes_its_side_and_a_strangers_does_not() -> None:
    sender = back(answer()).learned.sender
    assert sender is not None
    assert sender.contact == f"sip:gw2@{CARRIER}:5070"
    assert back(answer(method="INFO")).learned.sender == replace(CALLEE, source=CALLEE.hop)
    assert back(answer(source="198.51.100.66")).learned.sender is None


def test_an_answer_repeated_in_the_2xx_is_no_offer() -> None:
    """A 183 has answered already; the request's SDP tells, where the open offer is closed."""
    again = back(answer(body=sdp(CARRIER)), asked_with_sdp=True, attempt=CALLEE.hop)
    assert again.learned.open_offer is False
    offer = back(answer(body=sdp(CARRIER)), asked_with_sdp=False, attempt=CALLEE.hop)
    assert offer.learned.open_offer is True
    assert back(answer(488), asked_with_sdp=True).learned.open_offer is False


def test_media_that_may_not_be_ends_the_call_with_the_2xx() -> None:
    secure = replace(MEMORY, secure=True)
    for status, ends in ((183, None), (200, Reason.MediaNotSecure)):
        decision = back(answer(status, body=sdp(CARRIER)), secure)
        assert decision.end_call is ends
        assert "m=audio 0 " in (decision.body or "")
    assert back(answer(body=SECURE), secure).body is None
    assert back(answer(488, body=sdp(CARRIER)), secure).body is None


def test_an_answer_without_a_transaction_goes_to_the_caller_alone() -> None:
    own = f"SIP/2.0/UDP {EDGE_ADDRESS};branch=z9hG4bKx"
    to_caller = answer(headers={"via": (own, f"SIP/2.0/UDP {PBX};rport=5060;branch=z9hG4bKy")})
    decision = judge_repeated_answer(PLAIN, to_caller, MEMORY, 1)
    assert (decision.drop, dict(decision.changes.replace)["CSeq"]) == (False, "7 INVITE")
    elsewhere = answer(headers={"via": (own, "SIP/2.0/UDP 1.2.3.4;rport=5060")})
    for message, memory in (
        (elsewhere, MEMORY),
        (to_caller, None),
        (replace(to_caller, status=180), MEMORY),
        (replace(to_caller, method="BYE"), MEMORY),
    ):
        assert judge_repeated_answer(PLAIN, message, memory, 0).drop


def test_an_answer_without_a_transaction_brings_no_plain_media_to_a_secure_trunk() -> None:
    """It may be another fork's, which nobody has judged yet."""
    own, caller = (
        f"SIP/2.0/UDP {EDGE_ADDRESS};branch=z9hG4bKx",
        f"SIP/2.0/UDP {PBX};rport=5060;branch=z9hG4bKy",
    )
    secure = replace(MEMORY, secure=True)
    for body, drops in ((sdp(CARRIER), True), (SECURE, False)):
        repeated = answer(headers={"via": (own, caller)}, body=body)
        assert judge_repeated_answer(PLAIN, repeated, secure, 0).drop is drops


def test_an_answers_tags_tell_its_sides_and_can_be_written_again() -> None:
    assert "the same" in tag_fault("a", "a")
    for tag in ("a,b", "<b>", '"q"', "\u2028", "a b", "a;b", "a\x7f"):
        assert "no token" in tag_fault("a", tag)
    for tag in ("", "b", "\u00e9", "a@b", "(x)", "x" * 255):
        assert tag_fault("a", tag) == ""
    assert tag_fault("", "") == ""


@given(
    st.sampled_from(("INVITE", "ACK", "BYE", "UPDATE", "", "\udc80")) | hostile_text,
    st.dictionaries(
        st.sampled_from(("route", "contact", "cseq", "rack", "from", "to", "content-type", "via")),
        st.tuples(hostile_text) | st.tuples(hostile_text, hostile_text),
    ),
    hostile_text,
    hostile_text,
    st.booleans(),
    st.none() | st.booleans(),
)
def test_any_text_gives_a_decision(
    method: str,
    headers: dict[str, tuple[str, ...]],
    body: str,
    uri: str,
    by_caller: bool,
    secure: bool | None,
) -> None:
    memory = replace(MEMORY, secure=secure, caller_shift=1)
    message = replace(request(method, body=body, request_uri=uri), headers=headers)
    decision = judged(message, memory, by_caller=by_caller)
    assert isinstance(decision, Follow | RefuseInDialog | DropInDialog | ChallengeInDialog)
    if isinstance(decision, Follow):
        assert decision.hop in (CALLEE.hop, CALLER.hop)
    message_back = replace(answer(method=method, body=body), headers=headers)
    assert isinstance(back(message_back, memory, to_caller=by_caller, cseq_of_sender=1), AnswerDecision)
