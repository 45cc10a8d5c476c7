"""Whatever a policy says: a decision, bounded numbers, legal SIP, and nothing of who hides."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import assume, given
from hypothesis import strategies as st

from sipedge.e164 import EMERGENCY_NUMBERS, is_e164
from sipedge.routing.authenticate import DigestResult
from sipedge.routing.decision import Direction, Forward, Reject
from sipedge.routing.header_policy import View, follow
from sipedge.routing.message.messages import SipRequest
from sipedge.routing.message.renumber import LONGEST_NUMBER, number_in
from sipedge.routing.reasons import Reason
from sipedge.table.header_policy import HeaderPolicyRow, PolicyActionRow, PolicyConditionRow, PolicyRuleRow
from sipedge.uri import address_part, parse_uri, split_header
from support.calls import CARRIER, OWN_NUMBER, PSTN_NUMBER, decide, make_platform, make_request
from support.policies import BY_COUNT, BY_VALUE, HEADERS, OPERATORS, PARTS, named
from support.strategies import FRAGMENTS, hostile_text, requests, values_of
from support.tables import make_target

PIECES = ("+1", "9", "+14155550100", OWN_NUMBER[:7], "0", "front.desk", "%23", "(1)", "sip:", "*31*", "tag=1")
texts = st.one_of(st.sampled_from(PIECES), st.text("+0123456789ab%-_.!~*'()&=$,/", min_size=1, max_size=64))
conditions = st.builds(
    PolicyConditionRow,
    st.sampled_from((*HEADERS, "From", "To")),
    st.sampled_from(PARTS),
    st.sampled_from([f"{negation}{each}" for each in OPERATORS for negation in ("", "Not")]),
    st.one_of(texts, st.sampled_from([each for each in FRAGMENTS if each.isascii() and each.isprintable()])),
)
of_uri = st.builds(
    PolicyConditionRow, st.just("RequestUri"), st.sampled_from(PARTS[2:]), st.sampled_from(OPERATORS), texts
)
targets = st.sampled_from(("ToNumber", "FromNumber"))
actions = st.one_of(
    st.builds(PolicyActionRow, targets, st.sampled_from(BY_VALUE), texts),
    st.builds(PolicyActionRow, targets, st.sampled_from(BY_COUNT), count=st.integers(1, 64)),
)
rules = st.builds(
    PolicyRuleRow,
    st.sampled_from(("Any", "All", "None")),
    st.lists(st.one_of(conditions, of_uri), max_size=3).map(tuple),
    st.lists(actions, min_size=1, max_size=4).map(tuple),
)
policies = st.lists(rules, min_size=1, max_size=4).map(
    lambda members: HeaderPolicyRow("acme/policy", tuple(members))
)


def platform(policy: HeaderPolicyRow, **changes: object):  # type: ignore[no-untyped-def]
    both = named(termination=policy, origination=policy)
    targets = (make_target("192.0.2.10"), make_target("192.0.2.11", uri_user="desk"))
    return make_platform(trunk={**both, "targets": targets, **changes})


@given(policies, requests)
def test_what_goes_on_is_legal_sip(policy: HeaderPolicyRow, request: SipRequest) -> None:
    """A number that cannot be one is a refusal with a reason, never a message."""
    decision = decide(platform(policy), request, digest=DigestResult.OK)
    if not isinstance(decision, Forward):
        return
    if decision.direction is Direction.TERMINATION:
        assert is_e164(decision.called) or decision.called in EMERGENCY_NUMBERS
        assert is_e164(decision.calling)
    for target in decision.targets:
        assert parse_uri(target.request_uri) is not None
        assert 0 < len(number_in(target.request_uri)) <= LONGEST_NUMBER
    shaped = decision.shaped
    for value in (decision.parties.from_sent, decision.parties.to_sent):
        assert value.isprintable()
        if shaped is not None and value in (shaped.from_value, shaped.to_value):
            assert parse_uri(address_part(value)) is not None or request.header("from") == value
    if shaped is None or not shaped.from_number:
        return
    for name, value in (*decision.changes.append, *decision.changes.replace):
        if name in ("P-Asserted-Identity", "P-Preferred-Identity", "Remote-Party-ID"):
            assert len(split_header(value)) == 1
            assert value.isprintable()


@given(policies, requests)
def test_the_same_call_by_the_same_policy_is_the_same(policy: HeaderPolicyRow, request: SipRequest) -> None:
    first, again = (decide(platform(policy), request, digest=DigestResult.OK) for _ in range(2))
    assert first == again


@given(
    st.lists(rules, max_size=20).map(tuple),
    hostile_text,
    st.dictionaries(st.sampled_from([*HEADERS.values()]), st.lists(hostile_text, max_size=3).map(tuple)),
    st.none() | hostile_text,
)
def test_rules_are_followed_whatever_they_read(
    members: tuple[PolicyRuleRow, ...], uri: str, headers: dict[str, tuple[str, ...]], number: str | None
) -> None:
    """Each is told, and no number grows beyond what the actions can add."""
    view = View(uri, headers, number, number)
    after, told = follow(members, view, "trunkline.test")
    assert [each.place for each in told] == list(range(len(members)))
    added = sum(len(action.value) for each in members for action in each.actions)
    for made in (after.to_number, after.from_number):
        assert len(made or "") <= len(number or "") + added


HIDDEN = ("+12125550199", "+442079460999", "+33123456789")


@given(policies, st.sampled_from(HIDDEN), st.sampled_from(HIDDEN), st.booleans())
def test_a_policy_tells_nothing_of_a_caller_who_hides(
    policy: HeaderPolicyRow, one: str, other: str, by_rpid: bool
) -> None:
    """The PBX gets the same, whoever it is: no condition can ask for the number."""

    def seen(number: str) -> object:
        headers = {
            "Contact": f"<sip:{number}@192.0.2.70>",
            "P-Asserted-Identity": f"<sip:{number}@telco>",
            "P-Charge-Info": f"<sip:{number}@telco>",
            "Remote-Party-ID": f"<sip:{number}@telco>;privacy=full",
            "Diversion": f"<sip:{number}@telco>;privacy=full",
            "Identity": f"{number};info=<https://a.example>",
            "To": f"<sip:{OWN_NUMBER}@x>",
        }
        if not by_rpid:
            headers["Privacy"] = "id"
        request = make_request(
            f"sip:{OWN_NUMBER}@198.51.100.1",
            source=CARRIER,
            caller=f'"{number}" <sip:{number}@telco>;tag=1',
            headers=headers,
        )
        decision = decide(platform(policy), request)
        if isinstance(decision, Forward):
            parties = replace(decision.parties, from_received="")
            shown = [each for each in decision.steps if each.check == "policy"]
            return parties, decision.changes, decision.targets, decision.shaped, shown
        assert isinstance(decision, Reject)
        return decision.reason

    assert seen(one) == seen(other)


@given(policies)
def test_an_emergency_number_is_never_changed(policy: HeaderPolicyRow) -> None:
    request = make_request("sip:911@acme-hq.pstn.trunkline.test")
    decision = decide(platform(policy), request)
    assert decision.called == "911"


@given(values_of(HeaderPolicyRow), requests)
def test_words_of_another_version_refuse_the_call(row: HeaderPolicyRow, request: SipRequest) -> None:
    """No random row has words that are known: such a policy is as one that is missing."""
    assume(row.rules)
    decision = decide(platform(row), request, digest=DigestResult.OK)
    assert not isinstance(decision, Forward)


def test_a_policy_of_the_largest_size_is_followed() -> None:
    """20 rules of 20 conditions and 20 actions, each as long as can be; the number is then far too long."""
    when = tuple(PolicyConditionRow("From", "User", "NotEquals", "x" * 64) for _ in range(20))
    long = tuple(PolicyActionRow(target, "AddPrefix", "1" * 64) for target in ("ToNumber", "FromNumber") * 10)
    policy = HeaderPolicyRow("acme/policy", (PolicyRuleRow("All", when, long),) * 20)
    request = make_request(f"sip:{PSTN_NUMBER}@acme-hq.pstn.trunkline.test")
    decision = decide(platform(policy), request)
    assert isinstance(decision, Reject)
    assert decision.reason is Reason.NumberNotE164
