"""Calls of a trunk with a policy: what it sees, what each side is shown, then and later in the call."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from sipedge.routing.attempts import plan_attempts
from sipedge.routing.authenticate import DigestResult
from sipedge.routing.decision import Direction, Forward, HeaderChanges, Reject
from sipedge.routing.dialog.answers import judge_answer
from sipedge.routing.dialog.carried import texts_of
from sipedge.routing.dialog.decisions import Follow
from sipedge.routing.dialog.hops import Hop
from sipedge.routing.dialog.judge import within_dialog
from sipedge.routing.dialog.memory import CallFacts, CallMemory, SideKind, SideMemory
from sipedge.routing.dialog.new_call import facts_of, token_of, told_by_token
from sipedge.routing.failover import begin_call
from sipedge.routing.message.messages import SipAnswer, SipRequest
from sipedge.routing.message.privacy import ANONYMOUS
from sipedge.routing.reasons import Reason
from sipedge.table.header_policy import HeaderPolicyRow
from support.calls import (
    CARRIER,
    EDGE_ADDRESS,
    OWN_NUMBER,
    PBX,
    PSTN_NUMBER,
    decide,
    forwarded,
    make_platform,
    make_request,
    table_of,
)
from support.policies import HEADERS, OPERATORS, PARTS, named, policy, rule
from support.tables import Platform, make_target

CALLER = "+12125550199"
BASE = "trunkline.test"
TARGETS = (make_target("192.0.2.10"), make_target("192.0.2.11", uri_user="desk", priority=20))


def terminating(*rules: Any) -> Platform:
    return make_platform(named(termination=policy(*rules)))


def originating(*rules: Any) -> Platform:
    return make_platform({**named(origination=policy(*rules)), "targets": TARGETS})


def from_pbx(
    number: str = PSTN_NUMBER, caller: str = f"<sip:{OWN_NUMBER}@pbx>;tag=1", **headers: str
) -> SipRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return make_request(f"sip:{number}@acme-hq.pstn.trunkline.test", caller=caller, headers=named)


def from_pstn(caller: str = f'"Bell" <sip:{CALLER}@telco>;tag=1', **headers: str) -> SipRequest:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    named.setdefault("To", f"<sip:{OWN_NUMBER}@{EDGE_ADDRESS}>")
    return make_request(f"sip:{OWN_NUMBER}@{EDGE_ADDRESS}", source=CARRIER, caller=caller, headers=named)


# ----------------------------------------------------------------------------------- termination

NINE = rule("ToNumber RemoveLeading 1", "ToNumber AddPrefix +", when=("RequestUri User StartsWith 9",))
EXTENSION = rule("FromNumber AddPrefix +1415555", when=("From User StartsWith 01",))


def test_every_rule_goes_by_the_number_that_the_policy_has_made() -> None:
    """The called number, the carriers' prefixes, To and the Request-URI."""
    decision = forwarded(terminating(NINE), from_pbx("9" + PSTN_NUMBER[1:], To="<sip:9442@acme-hq>"))
    assert decision.called == PSTN_NUMBER
    assert decision.targets[0].request_uri == f"sip:{PSTN_NUMBER}@192.0.2.129;transport=udp".split(";")[0]
    assert decision.parties.to_sent == f"<sip:{PSTN_NUMBER}@{BASE}>"
    assert decision.parties.to_received == "<sip:9442@acme-hq>"


def test_the_called_number_is_the_dialled_one_whatever_to_says() -> None:
    """A proxy before the PBX changes the Request-URI and leaves To as it was (RFC 3261 section 16.6)."""
    decision = forwarded(terminating(NINE), from_pbx("9" + PSTN_NUMBER[1:], To="<sip:+33123456789@x>"))
    assert decision.called == PSTN_NUMBER


@pytest.mark.parametrize(
    ("caller", "headers"),
    (
        ("<sip:0100@pbx>;tag=1", {}),
        ('"Front desk" <sip:0100@pbx>;tag=1', {"P_Asserted_Identity": "<sip:0199@pbx>"}),
        ("<sip:0100@pbx>;tag=1", {"Remote_Party_ID": "<sip:0100@pbx>;party=calling"}),
    ),
)
def test_an_extension_becomes_a_number_of_the_account(caller: str, headers: dict[str, str]) -> None:
    request = from_pbx(caller=caller, Contact="<sip:0100@203.0.113.1:5080;ob>", **headers)
    decision = forwarded(terminating(EXTENSION), request)
    assert decision.calling == OWN_NUMBER
    assert decision.parties.from_sent.endswith(f"<sip:{OWN_NUMBER}@{BASE}>")
    assert decision.parties.from_received == caller.removesuffix(";tag=1")
    assert ("P-Asserted-Identity", f"<sip:{OWN_NUMBER}@{BASE}>") in decision.changes.append
    assert ("Contact", f"<sip:{OWN_NUMBER}@203.0.113.1:5080;ob>") in decision.changes.replace


@pytest.mark.parametrize(("dialled", "reason"), (("9911", Reason.NoRoute), ("9912", Reason.BodyNotSupported)))
def test_a_call_that_is_made_an_emergency_call_may_bring_its_location(dialled: str, reason: Reason) -> None:
    """What its body may be is known once the called number is. No carrier of this platform takes the call."""
    emergency = rule("ToNumber ReplaceWith 911", when=("RequestUri User Equals 9911",))
    request = from_pbx(dialled, Content_Type="application/pidf+xml")
    decision = decide(terminating(emergency), replace(request, body="<presence/>", body_size=11))
    assert isinstance(decision, Reject)
    assert decision.reason is reason
    assert bool(decision.headers) is (reason is Reason.BodyNotSupported)


def test_a_caller_by_another_header_than_from_is_changed_there() -> None:
    """S41: From has no number, so the calling number is that of P-Asserted-Identity."""
    request = from_pbx(caller=ANONYMOUS + ";tag=1", P_Asserted_Identity="<sip:14155550100@pbx>")
    plain = rule("FromNumber RemoveTrailing 3", "FromNumber AddSuffix 100")
    decision = forwarded(terminating(plain), request)
    assert decision.calling == OWN_NUMBER
    assert decision.parties.from_sent == ANONYMOUS


@pytest.mark.parametrize(
    ("what", "reason", "said"),
    (
        ("ToNumber RemoveLeading 64", Reason.NumberNotE164, "an empty user (made by HeaderMan"),
        ("ToNumber AddPrefix x", Reason.NumberNotE164, f"x{PSTN_NUMBER} (made by Header"),
        ("FromNumber AddPrefix x", Reason.CallerIdMalformed, "(made by HeaderManipulationPolicy acme/p"),
        ("FromNumber ReplaceWith +19998887777", Reason.CallerIdNotAllowed, "+19998887777 (made by"),
    ),
)  # fmt: skip
def test_what_is_no_number_is_refused_and_the_policy_named(what: str, reason: Reason, said: str) -> None:
    decision = decide(terminating(rule(what)), from_pbx(), explained=False)
    assert isinstance(decision, Reject)
    assert decision.reason is reason
    assert said in decision.steps[-1].detail


def test_a_policy_comes_after_authentication() -> None:
    """Who may not call learns nothing of it."""
    request = replace(from_pbx(), source="203.0.113.200")
    decision = decide(make_platform(named(termination=HeaderPolicyRow("acme/gone", None))), request)
    assert isinstance(decision, Reject)
    assert decision.reason is Reason.SourceNotAllowed


def test_an_emergency_number_stays_and_one_that_is_made_is_one() -> None:
    routes = make_platform().routes
    platform = replace(
        terminating(rule("ToNumber RemovePrefix 9")), routes={**routes, "emergency": routes["+"]}
    )
    for dialled in ("911", "9911", "9112"):
        decision = forwarded(platform, from_pbx(dialled))
        assert decision.called == dialled[-3:]
        assert decision.targets
    plus = replace(platform, trunks=terminating(rule("ToNumber AddPrefix +1")).trunks)
    decision = forwarded(plus, from_pbx("911"))
    assert decision.called == "911"
    assert "ToNumber stays: an emergency number" in str(decision.steps)
    made = replace(platform, trunks=terminating(rule("ToNumber ReplaceWith +1911")).trunks)
    assert forwarded(made, from_pbx("0911")).called == "911"


@pytest.mark.parametrize("direction", tuple(Direction))
def test_a_policy_that_is_not_there_refuses_that_direction_alone(direction: Direction) -> None:
    gone = HeaderPolicyRow("acme/gone", None)
    platform = make_platform({**named(**{direction.value: gone}), "targets": TARGETS})
    requests = {Direction.TERMINATION: from_pbx(), Direction.ORIGINATION: from_pstn()}
    refused = decide(platform, requests.pop(direction))
    assert isinstance(refused, Reject)
    assert refused.reason is Reason.PolicyNotFound
    assert isinstance(decide(platform, requests.popitem()[1]), Forward)


# ----------------------------------------------------------------------------------- origination

NATIONAL = rule("FromNumber RemovePrefix +1", "FromNumber AddPrefix 0")
SHORT = rule("ToNumber RemovePrefix +1415")


def test_the_pbx_is_shown_what_the_policy_makes_and_the_dialled_number_stays_in_diversion() -> None:
    """S49; an OriginationUri with a user part of its own keeps it (S48)."""
    request = from_pstn(
        Contact=f"<sip:{CALLER}@192.0.2.65>",
        P_Asserted_Identity=f'"{CALLER}" <sip:{CALLER}@telco>, <tel:{CALLER}>',
        Remote_Party_ID=f"<sip:{CALLER}@telco>;party=calling;privacy=off",
        P_Preferred_Identity="<urn:x>",
        Identity="a.b.c;info=<https://a.example>",
    )
    decision = forwarded(originating(NATIONAL, SHORT), request)
    assert decision.called == OWN_NUMBER
    assert decision.calling == CALLER
    assert [each.request_uri for each in decision.targets] == [
        "sip:5550100@192.0.2.10",
        "sip:desk@192.0.2.11",
    ]
    assert decision.parties.to_sent == f"<sip:5550100@{EDGE_ADDRESS}>"
    assert decision.parties.from_sent == '"Bell" <sip:02125550199@telco>'
    changes = decision.changes
    assert ("Diversion", f"<sip:{OWN_NUMBER}@{BASE}>;reason=unconditional") in changes.insert
    assert set(changes.remove) == {
        "P-Asserted-Identity",
        "P-Preferred-Identity",
        "Remote-Party-ID",
        "Identity",
    }
    assert changes.append == (
        ("P-Asserted-Identity", "<sip:02125550199@telco>"),
        ("P-Asserted-Identity", f"<sip:02125550199@{BASE}>"),
        ("Remote-Party-ID", "<sip:02125550199@telco>;party=calling;privacy=off"),
    )
    assert ("Contact", "<sip:02125550199@192.0.2.65>") in changes.replace


def test_a_policy_sees_diversion_and_the_number_as_the_pbx_would() -> None:
    when = (
        f"Diversion User Equals {OWN_NUMBER}",
        f"RequestUri User Equals {OWN_NUMBER}",
        f"From User Equals {CALLER}",
    )
    decision = forwarded(
        originating(replace(rule("ToNumber ReplaceWith 1", when=when), match="All")), from_pstn()
    )
    assert decision.targets[0].request_uri == "sip:1@192.0.2.10"


@pytest.mark.parametrize("target", ("ToNumber", "FromNumber"))
@pytest.mark.parametrize("what", ("RemoveLeading 64", "AddPrefix " + "1" * 64))
def test_what_cannot_be_a_user_part_is_a_refusal_with_a_reason(target: str, what: str) -> None:
    decision = decide(originating(rule(f"{target} {what}")), from_pstn(), explained=False)
    assert isinstance(decision, Reject)
    assert decision.reason is Reason.PolicyResultInvalid
    assert f"HeaderManipulationPolicy acme/policy makes {target} " in decision.steps[-1].detail


HIDING = (
    {"Privacy": "id"},
    {"Remote_Party_ID": f"<sip:{CALLER}@telco>;privacy=full"},
    {
        "P_Asserted_Identity": f"<sip:{CALLER}@telco>",
        "P_Charge_Info": f"<sip:{CALLER}@telco>",
        "Privacy": "user",
    },
    {"Diversion": f"<sip:{CALLER}@telco>;privacy=full", "Privacy": "id"},
    {"Contact": f"<sip:{CALLER}@192.0.2.65>", "Privacy": "id"},
)


@pytest.mark.parametrize("hiding", HIDING)
def test_no_condition_asks_for_the_number_of_a_hidden_caller(hiding: dict[str, str]) -> None:
    """Each field and part, by parts of the number: a tenant could else read it, digit by digit."""
    parts = [(field, part) for field in HEADERS for part in PARTS]
    when = [
        f"{field} {part} {operator} {value}"
        for field, part in parts
        for operator, value in zip(OPERATORS, (CALLER, CALLER[:4], CALLER[-4:], CALLER[3:6]), strict=True)
    ]
    for each in (when[place : place + 20] for place in range(0, len(when), 20)):
        decision = forwarded(
            originating(rule("ToNumber ReplaceWith 1", when=tuple(each))), from_pstn(**hiding)
        )
        assert decision.shaped is None, [each for each in decision.steps if each.check == "policy"]


@pytest.mark.parametrize(
    "what",
    ("AddPrefix 1", "AddSuffix 1", "RemovePrefix a", "RemoveSuffix s", "ReplaceWith 1", "RemoveLeading 1"),
)
def test_a_hidden_caller_has_no_number_to_change(what: str) -> None:
    decision = forwarded(originating(rule(f"FromNumber {what}")), from_pstn(Privacy="id"))
    assert decision.parties.from_sent == ANONYMOUS
    assert decision.shaped is None


# ------------------------------------------------------------------------------- later in the call


def facts(platform: Platform, request: SipRequest) -> CallFacts:
    decision = forwarded(platform, request)
    state = begin_call(decision, plan_attempts(table_of(platform), decision))
    return facts_of(decision, state, "CA1")


def side(kind: SideKind, address: str, contact: str, proxy: bool = False) -> SideMemory:
    return SideMemory(kind, Hop(address, 5060, "udp"), contact, Hop(address, 5060, "udp"), behind_proxy=proxy)


def call(platform: Platform, request: SipRequest, *, proxy: bool = False) -> CallMemory:
    known = facts(platform, request)
    contact = request.header("contact").strip("<>")
    ends = [
        side(SideKind.CUSTOMER, PBX, "sip:desk@203.0.113.1"),
        side(SideKind.CARRIER, CARRIER, "sip:gw@192.0.2.65"),
    ]
    if known.direction is Direction.ORIGINATION:
        ends.reverse()
    caller = replace(ends[0], contact=contact, behind_proxy=proxy)
    return CallMemory(False, known.direction, 2**31, caller, ends[1], known)


def later(
    platform: Platform,
    memory: CallMemory,
    method: str,
    *,
    by_caller: bool,
    uri: str = "sip:x@y",
    **headers: str,
) -> Follow:
    """A later request; From and To have the tags of the call, and numbers that are nobody's."""
    source = memory.side(caller=by_caller).hop.address
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    whole = {
        "To": "<sip:nobody@x>;tag=t", "CSeq": f"7 {method}", "Route": f"<sip:{EDGE_ADDRESS};lr;tk=1>", **named
    }  # fmt: skip
    request = make_request(uri, method=method, source=source, caller="<sip:somebody@x>;tag=f", headers=whole)
    request = replace(request, from_tag="f", to_tag="t", call_id=request.header("call-id"))
    decision = within_dialog(
        table_of(platform), request, memory, by_caller=by_caller, digest=lambda _: DigestResult.WRONG
    )
    assert isinstance(decision, Follow), decision
    return decision


def answered(
    platform: Platform, memory: CallMemory, method: str, *, by_caller: bool, **headers: str
) -> HeaderChanges:
    named = {name.replace("_", "-").lower(): (value,) for name, value in headers.items()}
    values = {"from": ("<sip:a@b>;tag=f",), "to": ("<sip:c@d>;tag=t",), "cseq": (f"7 {method}",), **named}
    answer = SipAnswer(
        source=memory.side(caller=by_caller).hop.address, source_port=5060, transport="udp",
        from_tag="f", to_tag="t", headers=values, status=200, phrase="OK", method=method,
    )  # fmt: skip
    return judge_answer(table_of(platform), answer, memory, to_caller=not by_caller).changes


SHOWN = '"Bell" <sip:02125550199@telco>'
FROM_PSTN = from_pstn(Contact=f"<sip:{CALLER}@192.0.2.65>")
ORIGINATING = originating(NATIONAL, SHORT)


@pytest.mark.parametrize("method", ("INVITE", "UPDATE", "INFO", "BYE", "ACK", "OPTIONS"))
def test_each_side_goes_on_seeing_the_from_and_to_that_it_knows(method: str) -> None:
    memory = call(ORIGINATING, FROM_PSTN)
    caller = dict(later(ORIGINATING, memory, method, by_caller=True).changes.replace)
    assert caller["From"] == f"{SHOWN};tag=f"
    assert caller["To"] == f"<sip:5550100@{EDGE_ADDRESS}>;tag=t"
    callee = dict(later(ORIGINATING, memory, method, by_caller=False).changes.replace)
    assert callee["To"] == f'"Bell" <sip:{CALLER}@telco>;tag=t'
    assert callee["From"] == f"<sip:{OWN_NUMBER}@{EDGE_ADDRESS}>;tag=f"
    answer = dict(answered(ORIGINATING, memory, method, by_caller=False).replace)
    assert answer["From"] == f'"Bell" <sip:{CALLER}@telco>;tag=f'
    answer = dict(answered(ORIGINATING, memory, method, by_caller=True).replace)
    assert answer["To"] == f"{SHOWN};tag=t"


@pytest.mark.parametrize("method", ("INVITE", "UPDATE", "ACK", "OPTIONS"))
def test_the_callers_contact_and_identities_never_tell_the_number_that_was(method: str) -> None:
    """Neither in its requests nor in its answers, nor beside a new wish to stay unknown."""
    memory = call(ORIGINATING, FROM_PSTN)
    tells = {"Contact": f"<sip:{CALLER}@192.0.2.65:5070>", "P_Asserted_Identity": f"<sip:{CALLER}@telco>"}
    for changes in (
        later(ORIGINATING, memory, method, by_caller=True, **tells).changes,
        answered(ORIGINATING, memory, method, by_caller=True, **tells),
    ):
        assert ("Contact", "<sip:02125550199@192.0.2.65:5070>") in changes.replace
        asserted = [value for name, value in changes.append if name == "P-Asserted-Identity"]
        assert asserted in ([], ["<sip:02125550199@telco>"])
        assert CALLER not in str((changes.append, changes.replace))
    private = later(ORIGINATING, memory, method, by_caller=True, Privacy="id", **tells).changes
    assert [name for name, _ in private.replace].count("Contact") == 1
    assert not [name for name, _ in private.append if name == "P-Asserted-Identity"]


@pytest.mark.parametrize("proxy", (True, False))
def test_a_request_for_the_contact_that_was_shown_reaches_the_true_one(proxy: bool) -> None:
    memory = call(ORIGINATING, FROM_PSTN, proxy=proxy)
    shown = "sip:02125550199@192.0.2.65"
    routes = f"<sip:{EDGE_ADDRESS};lr;tk=1>, <sip:192.0.2.66;lr>"
    decision = later(ORIGINATING, memory, "BYE", by_caller=False, uri=shown, Route=routes)
    assert decision.request_uri == f"sip:{CALLER}@192.0.2.65"


def test_the_callees_own_contact_is_left_alone() -> None:
    memory = call(ORIGINATING, FROM_PSTN)
    changes = later(ORIGINATING, memory, "UPDATE", by_caller=False, Contact="<sip:desk@203.0.113.1>").changes
    assert "Contact" not in dict(changes.replace)


def test_after_a_restart_no_true_number_takes_the_place_of_the_one_that_was_made() -> None:
    """The token knows neither of them: a carrier's caller whose number was changed stays unknown."""
    known = facts(ORIGINATING, FROM_PSTN)
    decision = forwarded(ORIGINATING, FROM_PSTN)
    (attempt, *_) = plan_attempts(table_of(ORIGINATING), decision)
    caller = side(SideKind.CARRIER, CARRIER, "")
    token = token_of(known, caller, attempt, number=0, cseq_shift=0, now=0.0, ring_seconds=1)
    memory = replace(told_by_token(token), ends=2**31)
    tells = {"Contact": f"<sip:{CALLER}@192.0.2.65>", "P_Asserted_Identity": f"<sip:{CALLER}@telco>"}
    changes = later(ORIGINATING, memory, "INVITE", by_caller=True, **tells).changes
    assert dict(changes.replace)["From"] == f"{ANONYMOUS};tag=f"
    assert dict(changes.replace)["Contact"] == "<sip:anonymous@192.0.2.65>"
    assert "P-Asserted-Identity" in changes.remove
    unchanged = facts(originating(SHORT), FROM_PSTN)
    assert not token_of(unchanged, caller, attempt, number=0, cseq_shift=0, now=0.0, ring_seconds=1).anonymous


@pytest.mark.parametrize(("rules", "plain"), (((SHORT,), True), ((NATIONAL,), False)))
def test_a_call_whose_caller_is_shown_another_number_is_judged_message_by_message(
    rules: tuple[Any, ...], plain: bool
) -> None:
    """An ACK has a Contact, which Kamailio's own routes would carry as it is."""
    platform = originating(*rules)
    known, decision = facts(platform, FROM_PSTN), forwarded(platform, FROM_PSTN)
    (attempt, *_) = plan_attempts(table_of(platform), decision)
    caller = side(SideKind.CARRIER, CARRIER, "")
    token = token_of(known, caller, attempt, number=0, cseq_shift=0, now=0.0, ring_seconds=1)
    texts = texts_of(known, attempt, token, ";tk=" + "0" * 32 + token.to_text(), "f", 7, with_sdp=True)
    assert bool(texts.call) is plain


def test_a_trunk_without_a_policy_has_nothing_changed() -> None:
    for request in (from_pbx(), from_pstn()):
        assert forwarded(make_platform(), request).shaped is None
