"""Messages of a call whose media are relayed: what the relay is told, what is remembered, what is refused."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sipedge.routing.attempts import Attempt
from sipedge.routing.authenticate import DigestResult
from sipedge.routing.decision import Direction
from sipedge.routing.dialog.answers import judge_answer, judge_repeated_answer
from sipedge.routing.dialog.decisions import AnswerDecision, DialogDecision, Follow, RefuseInDialog
from sipedge.routing.dialog.hops import Hop
from sipedge.routing.dialog.judge import within_dialog
from sipedge.routing.dialog.later_media import refused_body
from sipedge.routing.dialog.memory import ADOPTED, CallMemory, SideKind, SideMemory
from sipedge.routing.handover import Spoken
from sipedge.routing.media.commands import Answer, Exchange, Offer
from sipedge.routing.media.new_attempt import media_of_attempt
from sipedge.routing.media.sides import AgreedPair, MediaMemory, MediaPlan, MediaSide
from sipedge.routing.message.messages import SipAnswer, SipRequest
from sipedge.routing.reasons import Reason
from sipedge.table import Table
from sipedge.table.media import TrunkMediaRow
from sipedge.table.tally_names import is_counted_together
from support.calls import CARRIER, EDGE_ADDRESS, PBX, make_platform, table_of
from support.descriptions import description, offer, secure_offer
from support.memories import make_facts
from support.tables import make_carrier

TABLE = table_of(make_platform(site_changes={"relay": "Always"}))
FACTS = make_facts(secure=True)
CALLER = SideMemory(SideKind.CUSTOMER, Hop(PBX, 5061, "tls"), f"sip:pbx@{PBX}", Hop(PBX, 5061, "tls"))
CALLEE = SideMemory(SideKind.CARRIER, Hop(CARRIER, 5060, "udp"), f"sip:gw@{CARRIER}")
PLAN = MediaPlan(Direction.TERMINATION, MediaSide(secure=True), MediaSide())
MEDIA = MediaMemory(PLAN, "CA1.0", AgreedPair("caller's last", "callee's last"))
MEMORY = CallMemory(
    True, Direction.TERMINATION, 2**31, CALLER, CALLEE, FACTS, caller_sdp="offered", media=MEDIA
)
REFUSED_LINE = "m=audio 0 "
VIAS = f"SIP/2.0/UDP {EDGE_ADDRESS};branch=z9hG4bK2, SIP/2.0/TLS {PBX};rport=5061;branch=z9hG4bK1"
ONE_PART = "--b\r\nContent-Type: application/sdp\r\n\r\n{}\r\n"


def followed(
    method: str, body: str, *, by_caller: bool = True, spoken: Spoken | None = None, **memory: Any
) -> DialogDecision:
    source, transport = (PBX, "tls") if by_caller else (CARRIER, "udp")
    request = SipRequest(
        method=method,
        request_uri=f"sip:gw@{CARRIER}",
        source=source,
        source_port=5060,
        transport=transport,
        received_on=EDGE_ADDRESS,
        call_id="id",
        from_tag="f",
        to_tag="t",
        headers={
            "from": ("<sip:a@pbx>;tag=f",),
            "to": ("<sip:c@edge>;tag=t",),
            "call-id": ("id",),
            "cseq": (f"7 {method}",),
            "contact": (f"<sip:a@{source}>",),
            "max-forwards": ("70",),
            **({"rack": ("1 1 INVITE",)} if method == "PRACK" else {}),
            **({"content-type": ("application/sdp",)} if body else {}),
        },
        body=body,
    )
    return within_dialog(
        TABLE,
        request,
        replace(MEMORY, **memory),
        by_caller=by_caller,
        digest=lambda _: DigestResult.MISSING,
        is_alive=lambda _: True,
        spoken=spoken,
    )


def answered(
    status: int, body: str = "", *, to_caller: bool = True, method: str = "INVITE", **how: Any
) -> AnswerDecision:
    memory = replace(MEMORY, **how.pop("memory", {}))
    return judge_answer(TABLE, an_answer(status, body, method, to_caller), memory, to_caller=to_caller, **how)


def an_answer(
    status: int, body: str, method: str = "INVITE", to_caller: bool = True, **headers: str
) -> SipAnswer:
    kinds = {"content-type": headers.pop("kind", "application/sdp")} if body else {}
    return SipAnswer(
        status=status,
        phrase="",
        method=method,
        source=CARRIER if to_caller else PBX,
        source_port=5060,
        transport="udp",
        from_tag="f",
        to_tag="t",
        headers={name: (value,) for name, value in ({"cseq": f"7 {method}"} | kinds | headers).items()},
        body=body,
    )


@pytest.mark.parametrize("method", ("INVITE", "UPDATE"))
@pytest.mark.parametrize("by_caller", (True, False))
def test_an_offer_later_is_told_to_the_relay(method: str, by_caller: bool) -> None:
    decision = followed(method, secure_offer() if by_caller else offer(), by_caller=by_caller)
    assert isinstance(decision, Follow)
    (told,) = decision.media.commands
    assert isinstance(told, Offer)
    assert told.gives_body
    assert decision.body is None
    assert told.sdp == decision.learned.sender_sdp
    assert told.sender.secure is by_caller
    assert decision.learned.agreed is None


@pytest.mark.parametrize("spoken", Spoken)
@pytest.mark.parametrize("is_relayed", (True, False))
def test_whom_the_b2bua_leads_back_hears_its_call_through_the_relay(spoken: Spoken, is_relayed: bool) -> None:
    """By what its other side has said last; its `o=` goes on from what the B2BUA has told meanwhile."""
    last, told = secure_offer(), offer().replace("o=pbx 7 8", "o=pbx 7 9")
    assert "o=pbx 7 9" in told
    media = MEDIA if is_relayed else None
    decision = followed("INVITE", told, spoken=spoken, caller_sdp=last, media=media, mark=ADOPTED[True])
    assert isinstance(decision, Follow)
    assert decision.body is None
    if spoken is not Spoken.BACK or not is_relayed:
        assert decision.media.commands == ()
        return
    (command,) = decision.media.commands
    own = followed("INVITE", last.replace("o=pbx 7 8", "o=pbx 7 9"))
    assert isinstance(own, Follow)
    assert own.media.commands == (command,)


def test_a_request_without_a_description_is_none_of_the_relay_s() -> None:
    for method in ("INVITE", "BYE", "ACK", "OPTIONS"):
        decision = followed(method, "")
        assert isinstance(decision, Follow)
        assert decision.media.commands == ()


@pytest.mark.parametrize(
    ("body", "reason"),
    (
        (offer(), Reason.MediaNotSecure),
        (secure_offer(payload_types="18"), Reason.NoCommonCodec),
        (description("m=image 4 udptl t38"), Reason.MediaNotServed),
        (description("m=audio 0 RTP/SAVP 0", "m=image 4 udptl t38"), Reason.MediaNotServed),
    ),
)
def test_an_offer_that_cannot_be_taken_is_refused_and_the_call_goes_on(body: str, reason: Reason) -> None:
    for method in ("INVITE", "UPDATE", "PRACK"):
        decision = followed(method, body)
        assert isinstance(decision, RefuseInDialog)
        assert decision.reason is reason


def test_the_answer_in_an_ack_is_told_and_agreed() -> None:
    for method in ("ACK", "PRACK"):
        decision = followed(method, secure_offer(), open_offer=False, callee_sdp="callee's offer")
        assert isinstance(decision, Follow)
        (told,) = decision.media.commands
        assert isinstance(told, Answer)
        assert not told.offered_by_caller
        assert decision.learned.agreed == AgreedPair(told.sdp, "callee's offer")


def test_a_prack_may_bring_an_offer_of_its_own() -> None:
    decision = followed("PRACK", secure_offer(), open_offer=None)
    assert isinstance(decision, Follow)
    assert isinstance(decision.media.commands[0], Offer)


def test_an_ack_that_cannot_be_refused_ends_the_call_without_media() -> None:
    decision = followed("ACK", offer(), open_offer=False)
    assert isinstance(decision, Follow)
    assert decision.end_call is Reason.MediaNotSecure
    assert decision.media.commands == ()
    assert decision.body is not None
    assert REFUSED_LINE in decision.body


@pytest.mark.parametrize("status", (180, 183, 200))
def test_an_answer_to_the_first_offer_is_told_and_agreed(status: int) -> None:
    hop = Hop(CARRIER, 5060, "udp")
    decision = answered(status, offer("0"), attempt=hop, asked_with_sdp=True)
    (told,) = decision.media.commands
    assert isinstance(told, Answer)
    assert told.offered_by_caller
    assert decision.learned.agreed == AgreedPair("offered", told.sdp)
    assert REFUSED_LINE in refused_body(decision.media)
    assert decision.end_call is None


def test_an_answer_without_an_offer_before_is_one() -> None:
    decision = answered(200, offer("0"), attempt=Hop(CARRIER, 5060, "udp"), asked_with_sdp=False)
    (told,) = decision.media.commands
    assert isinstance(told, Offer)
    assert not told.offered_by_caller
    assert decision.learned.open_offer


@pytest.mark.parametrize(("status", "ends"), ((183, False), (200, True)))
def test_a_plain_answer_to_an_offer_of_srtp_never_reaches_the_relay(status: int, ends: bool) -> None:
    """S20: else media would flow unencrypted. A 2xx cannot be refused, so that its call is ended."""
    decision = answered(
        status,
        offer("0"),
        to_caller=False,
        asked_with_sdp=True,
        memory={"callee_sdp": "the carrier's re-INVITE"},
    )
    assert decision.media.commands == ()
    assert decision.body is not None
    assert REFUSED_LINE in decision.body
    assert (decision.end_call is Reason.MediaNotSecure) is ends
    assert decision.learned.agreed is None
    assert decision.learned.sender_sdp is None


@pytest.mark.parametrize("kind", ("multipart/mixed", "multipart/mixed;boundary=b"))
def test_a_body_of_two_readings_never_reaches_the_relay(kind: str) -> None:
    message = an_answer(200, ONE_PART.format(offer()) * 2 + "--b--", kind=kind)
    decision = judge_answer(
        TABLE, message, MEMORY, to_caller=True, attempt=Hop(CARRIER, 5060, "udp"), asked_with_sdp=True
    )
    assert (decision.body, decision.end_call) == ("", Reason.MediaNotServed)


def test_a_description_among_others_is_changed_in_its_place() -> None:
    parts = ONE_PART.format(secure_offer()) + "--b\r\nContent-Type: a/b\r\n\r\nx\r\n--b--"
    message = an_answer(200, parts, kind="multipart/mixed;boundary=b")
    decision = judge_answer(
        TABLE, message, MEMORY, to_caller=True, attempt=Hop(CARRIER, 5060, "udp"), asked_with_sdp=True
    )
    assert decision.body is not None
    assert REFUSED_LINE in decision.body
    assert decision.body.startswith("--b\r\nContent-Type: application/sdp")
    assert decision.body.endswith("x\r\n--b--")


@pytest.mark.parametrize("to_caller", (True, False))
def test_a_refused_offer_is_made_good(to_caller: bool) -> None:
    decision = answered(488, to_caller=to_caller, asked_with_sdp=True)
    offered, taken = decision.media.commands
    assert isinstance(offered, Exchange)
    assert isinstance(taken, Exchange)
    pair = ("caller's last", "callee's last")
    assert (offered.sdp, taken.sdp) == (pair if to_caller else pair[::-1])
    assert answered(488, to_caller=to_caller, asked_with_sdp=False).media.commands == ()
    assert answered(481, to_caller=to_caller, method="BYE", asked_with_sdp=True).media.commands == ()


def test_a_2xx_that_is_repeated_late_is_rewritten_as_well() -> None:
    again = an_answer(200, offer("0"), via=VIAS)
    decision = judge_repeated_answer(TABLE, again, replace(MEMORY, open_offer=None), 0)
    assert not decision.drop
    (told,) = decision.media.commands
    assert isinstance(told, Answer)
    late = judge_repeated_answer(TABLE, again, replace(MEMORY, open_offer=False), 0)
    assert isinstance(late.media.commands[0], Offer)


def test_a_call_that_is_not_relayed_knows_no_commands() -> None:
    for decision in (
        followed("INVITE", secure_offer(), media=None),
        answered(200, secure_offer(), memory={"media": None}, attempt=Hop(CARRIER, 5060, "udp")),
        answered(488, memory={"media": None}, asked_with_sdp=True),
    ):
        assert isinstance(decision, Follow | AnswerDecision)
        assert decision.media.commands == ()
        assert decision.body is None


def test_a_memory_of_relayed_media_is_a_text() -> None:
    assert CallMemory.from_text(MEMORY.to_text()) == MEMORY
    assert CallMemory.from_text(MEMORY.to_text().replace("CA1.0", "")) is None


# --- attempts


def attempt_media(sdp: str, where: Table = TABLE, **how: Any) -> Any:
    attempt = Attempt("telco", f"sip:1@{CARRIER}", CARRIER, 5060, "udp", None, carrier="telco")
    return media_of_attempt(where, FACTS, CALLER, attempt, sdp=sdp, number=1, **how)


def test_an_attempt_that_can_be_made_has_an_offer() -> None:
    found = attempt_media(secure_offer(), former_ng_id="CA1.0")
    delete, told = found.commands
    assert delete.name == "delete"
    assert isinstance(told, Offer)
    assert told.ng_id == found.memory.ng_id == f"{FACTS.call_sid}.1"
    assert found.offer == told.sdp
    assert found.reason is None


def test_an_attempt_that_cannot_be_made_says_why() -> None:
    found = attempt_media(secure_offer(payload_types="18"))
    assert found.reason is Reason.NoCommonCodec
    assert found.commands == ()


def transcoding_at(most: int) -> Table:
    """The carrier has PCMU alone, the trunk G.729."""
    trunk = {"media": TrunkMediaRow(codecs=("G729",), transcoding=True)}
    site = {"relay": "Always", "transcoded_calls": most}
    return table_of(make_platform(trunk, site_changes=site, carriers=(make_carrier(codecs=("PCMU",)),)))


def test_an_attempt_counts_among_those_transcoded_where_it_is() -> None:
    found = attempt_media(secure_offer(payload_types="18"), where=transcoding_at(7))
    (limit,) = found.limits
    assert (limit.maximum, limit.per_second, limit.over) == (7, False, Reason.MediaFull)
    assert attempt_media(secure_offer()).limits == ()
    assert not is_counted_together(limit.key)


def test_a_call_whose_later_offer_has_to_be_transcoded_counts_then() -> None:
    plan = MediaPlan(
        Direction.TERMINATION, MediaSide(True, codecs=("G729", "PCMU"), transcode=True), PLAN.callee
    )
    told: dict[str, Any] = {
        "media": replace(MEDIA, plan=replace(plan, callee=MediaSide(codecs=("PCMU",), transcode=True)))
    }
    offered = secure_offer(payload_types="18")
    decision = followed("INVITE", offered, **told)
    assert isinstance(decision, Follow)
    assert [each.over for each in decision.media.limits] == [Reason.MediaFull]
    for body, changed in (
        (secure_offer(), {}),
        (offered, {"facts": None}),
        (offered, {"facts": replace(FACTS, emergency=True)}),
    ):
        decision = followed("INVITE", body, **told | changed)
        assert isinstance(decision, Follow)
        assert decision.media.limits == ()


def test_one_transcoded_too_many_leaves_no_offer_and_ends_the_session_before() -> None:
    made = attempt_media(secure_offer(payload_types="18"), where=transcoding_at(0), former_ng_id="CA1.0")
    assert [each.name for each in made.commands] == ["delete", "offer"]
    left = made.refused(Reason.MediaFull)
    assert [each.name for each in left.commands] == ["delete"]
    assert (left.offer, left.body, left.reason, left.limits) == ("", None, Reason.MediaFull, ())


def test_without_room_for_it_nothing_is_recorded() -> None:
    trunk = {"media": TrunkMediaRow(recording="RecordFromAnswer")}
    where = table_of(make_platform(trunk, site_changes={"relay": "Always"}))
    kept = attempt_media(secure_offer(), where=where)
    assert kept.memory.plan.recording is not None
    left_out = attempt_media(secure_offer(), where=where, may_record=False)
    assert left_out.memory.plan == replace(kept.memory.plan, recording=None)
