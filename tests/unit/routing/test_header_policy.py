"""What a policy reads of a message and makes of numbers: each field, part, operator, target and type."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sipedge.routing.header_policy import View, changed, follow, holds
from sipedge.table.header_policy import PolicyConditionRow
from support.policies import HEADERS, OPERATORS, PARTS, action, condition, rule

ADDRESS = '"Bell, A." <sip:+14155550100;x=1@[2001:db8::1]:5070;user=phone>;tag=7'
TEXTS = {
    "Header": ADDRESS,
    "DisplayName": "Bell, A.",
    "Uri": "sip:+14155550100;x=1@[2001:db8::1]:5070;user=phone",
    "User": "+14155550100;x=1",
    "Host": "[2001:db8::1]",
}
BASE = "trunkline.test"


def view(**headers: str) -> View:
    values = {name.replace("_", "-"): (value,) for name, value in headers.items()}
    return View("sip:9011@acme-hq.pstn.trunkline.test", values, "9011", "0100")


def variants(text: str, operator: str) -> tuple[str, str]:
    """A value for which the operator holds, and one for which it does not."""
    half = len(text) // 2
    match operator:
        case "Equals":
            return text, text[:-1] or "-"
        case "StartsWith":
            return text[: half + 1], text[1:] + "-"
        case "EndsWith":
            return text[half:], "-" + text[half:]
    return text[1:-1] or text, text.swapcase() if text.lower() != text.upper() else text + "-"


@pytest.mark.parametrize("negated", (False, True))
@pytest.mark.parametrize("operator", OPERATORS)
@pytest.mark.parametrize("part", PARTS)
@pytest.mark.parametrize("field", sorted(HEADERS))
def test_each_part_of_each_header_by_each_operator(
    field: str, part: str, operator: str, negated: bool
) -> None:
    """Case-sensitive, and with `Not` the contrary; a header that is not there holds nothing."""
    seen = view(**{HEADERS[field].replace("-", "_"): ADDRESS})
    right, wrong = variants(TEXTS[part], operator)
    name = f"Not{operator}" if negated else operator
    assert holds(PolicyConditionRow(field, part, name, right), seen) is not negated
    assert holds(PolicyConditionRow(field, part, name, wrong), seen) is negated
    assert holds(PolicyConditionRow(field, part, name, right), view()) is negated


@pytest.mark.parametrize(
    ("part", "text"),
    (
        ("Uri", "sip:9011@acme-hq.pstn.trunkline.test"),
        ("User", "9011"),
        ("Host", "acme-hq.pstn.trunkline.test"),
    ),
)
def test_the_parts_of_the_request_uri(part: str, text: str) -> None:
    assert holds(PolicyConditionRow("RequestUri", part, "Equals", text), view())
    assert not holds(PolicyConditionRow("RequestUri", part, "Equals", text + "x"), view())


@pytest.mark.parametrize(
    ("value", "texts"),
    (
        ("<tel:+14155550100;ext=7>", ("", "tel:+14155550100;ext=7", "+14155550100", "")),
        ("sip:0100@pbx;tag=1", ("", "sip:0100@pbx", "0100", "pbx")),
        ("Bell <sip:pbx>", ("Bell", "sip:pbx", "", "pbx")),
        ("<sip:%2B1:secret@pbx:5060>", ("", "sip:%2B1:secret@pbx:5060", "%2B1", "pbx")),
        ("<urn:service:sos>", ("", "urn:service:sos", "", "")),
        ("<sip:never closed", ("", "", "", "")),
        ("", ("", "", "", "")),
    ),
)
def test_texts_are_as_they_were_written(value: str, texts: tuple[str, ...]) -> None:
    seen = view(**{"from": value})
    for part, text in zip(("DisplayName", "Uri", "User", "Host"), texts, strict=True):
        assert holds(PolicyConditionRow("From", part, "Equals", text), seen)


def test_of_several_identities_one_must_hold_and_with_not_none_may() -> None:
    headers = {"p-asserted-identity": ('"A" <sip:1@a>, <sip:2@b>', "<tel:3>")}
    seen = replace(view(), headers=headers)
    for user in ("1", "2", "3"):
        assert holds(condition(f"PAssertedIdentity User Equals {user}"), seen)
        assert not holds(condition(f"PAssertedIdentity User NotEquals {user}"), seen)
    assert holds(condition("PAssertedIdentity User NotEquals 4"), seen)


@pytest.mark.parametrize(
    ("match", "first", "second", "follows"),
    [
        (match, first, second, asked([first, second]))
        for match, asked in (("Any", any), ("All", all), ("None", lambda found: not any(found)))
        for first in (True, False)
        for second in (True, False)
    ],
)
def test_how_many_conditions_must_hold(match: str, first: bool, second: bool, follows: bool) -> None:
    when = tuple(f"RequestUri User {'Equals' if each else 'NotEquals'} 9011" for each in (first, second))
    after, _ = follow((rule("ToNumber AddPrefix 1", when=when, match=match),), view(), BASE)
    assert (after.to_number == "19011") is follows


@pytest.mark.parametrize("match", ("Any", "All", "None"))
def test_without_conditions_a_rule_is_always_followed(match: str) -> None:
    after, _ = follow((rule("ToNumber AddPrefix 1", match=match),), view(), BASE)
    assert after.to_number == "19011"


ACTIONS = (
    ("AddPrefix +1", "+19011", None),
    ("AddSuffix #", "9011#", None),
    ("RemovePrefix 90", "11", None),
    ("RemovePrefix 11", "9011", None),
    ("RemoveSuffix 11", "90", None),
    ("RemoveSuffix 90", "9011", None),
    ("RemoveSuffix 9011", "", None),
    ("ReplaceWith +14155550100", "+14155550100", "+14155550100"),
    ("RemoveLeading 1", "011", None),
    ("RemoveLeading 64", "", None),
    ("RemoveTrailing 1", "901", None),
    ("RemoveTrailing 4", "", None),
    ("RemoveTrailing 64", "", None),
)


@pytest.mark.parametrize(("what", "made", "of_none"), ACTIONS)
@pytest.mark.parametrize("target", ("ToNumber", "FromNumber"))
def test_each_action_on_each_target(target: str, what: str, made: str, of_none: str | None) -> None:
    """Where there is no number, only one that replaces it makes one."""
    one = action(f"{target} {what}")
    assert changed("9011", one) == made
    assert changed(None, one) == of_none
    before = replace(view(), to_number="9011", from_number="9011")
    after, _ = follow((rule(f"{target} {what}"),), before, BASE)
    numbers = {"ToNumber": after.to_number, "FromNumber": after.from_number}
    assert numbers.pop(target) == made
    assert list(numbers.values()) == ["9011"], "the other one stays"


def test_actions_follow_one_another() -> None:
    after, _ = follow((rule("ToNumber RemoveLeading 1", "ToNumber AddPrefix +1"),), view(), BASE)
    assert after.to_number == "+1011"


def test_a_rule_sees_what_the_one_before_has_made() -> None:
    """In every place where the number stands."""
    seen = view(
        **{
            "from": '"0100" <sip:0100@pbx>;tag=1',
            "to": "<sip:9011@acme>",
            "contact": "<sip:0100@192.0.2.1:5080;ob>",
            "p_asserted_identity": "<tel:0100>",
            "remote_party_id": "<sip:0100@pbx>;party=calling",
        }
    )
    made = (
        "RequestUri User Equals +1011",
        "To User Equals +1011",
        "From User Equals +14155550100",
        "From DisplayName Equals 0100",
        "Contact Uri Equals sip:+14155550100@192.0.2.1:5080;ob",
        "PAssertedIdentity Uri Equals tel:+14155550100",
        "RemotePartyId Header Equals <sip:+14155550100@pbx>;party=calling",
    )
    rules = (
        rule("ToNumber RemoveLeading 1", "ToNumber AddPrefix +1", "FromNumber AddPrefix +1415555"),
        rule("ToNumber ReplaceWith all", when=made, match="All"),
    )
    after, told = follow(rules, seen, BASE)
    assert after.to_number == "all", told


def test_what_each_rule_did_is_told() -> None:
    rules = (
        rule("ToNumber RemoveLeading 1"),
        rule("ToNumber AddPrefix 1", when=("From User Equals x", "To User Equals y"), match="All"),
        rule("ToNumber AddPrefix 1", when=("RequestUri User Equals 011",), match="None"),
        rule("ToNumber AddPrefix 1", when=("From User Equals x", "To User Equals y")),
        rule("ToNumber RemovePrefix 9"),
        rule("FromNumber RemoveLeading 4", "ToNumber ReplaceWith 1"),
    )
    _, told = follow(rules, view(), BASE)
    assert [each.finding.detail for each in told] == [
        "ToNumber 9011 -> 011",
        "From User Equals x: does not hold",
        "RequestUri User Equals 011: holds",
        "none of its conditions holds",
        "no number changes by it",
        "ToNumber 011 -> 1; FromNumber 0100 -> nothing",
    ]


def test_a_target_that_is_kept_stays_and_is_told() -> None:
    rules = (rule("ToNumber AddPrefix 9", "FromNumber AddPrefix 1"),)
    after, told = follow(rules, view(), BASE, keeps={"ToNumber": "an emergency number"})
    assert (after.to_number, after.from_number) == ("9011", "10100")
    assert told[0].finding.detail == ("FromNumber 0100 -> 10100; ToNumber stays: an emergency number")
