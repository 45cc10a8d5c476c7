"""The name of who calls: whose it is, when it is asked for, and where it goes (S68-S71)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.routing.authenticate import DigestResult
from sipedge.routing.decision import Decision, Forward
from sipedge.routing.lookups import CallerNameQuestion, Lookups
from sipedge.routing.route import route
from sipedge.routing.stir.questions import verify_question
from sipedge.secret import Secret
from sipedge.table import AnswerRow, EdgeTable, NumberRow, Section, Table
from support.calls import (
    OWN_NUMBER,
    decide,
    forwarded,
    make_platform,
    make_pstn_request,
    make_request,
    table_of,
)
from support.passports import value_of

CALLER = "+12125550199"
"""Of `make_pstn_request`."""
SOURCE = Secret("https://cnam.example/{number}?key=s3cret")
CONTACT = "<sip:12125550199@192.0.2.65:5070;transport=udp>;expires=60"


def platform(
    *,
    wanted: bool = True,
    source: Secret | None = SOURCE,
    answers: Mapping[str, str] | None = None,
    named: Mapping[str, str] | None = None,
    signed: Mapping[str, str] | None = None,
) -> Table:
    """acme/hq wants names; `answers` are the source's, `named` Numbers of another account.

    `signed`: signatures are judged, with these verdicts by the questions' keys.
    """
    table = make_platform({"caller_name_lookup": wanted}).table()
    sections: dict[Section, dict[str, Any]] = {each: dict(rows) for each, rows in table.sections.items()}
    site = sections[Section.SITE]["site"]
    changes = {"caller_name_url": source, "stir_shaken": signed is not None}
    sections[Section.SITE]["site"] = type(site)(**{**_fields(site), **changes})
    sections[Section.ANSWER] = {
        f"callerName|{number}": AnswerRow(name) for number, name in (answers or {}).items()
    } | {key: AnswerRow(text) for key, text in (signed or {}).items()}
    for number, name in (named or {}).items():
        sections[Section.NUMBER][number] = NumberRow("beta/n", "beta", None, number, number, name)
    return table_of(EdgeTable(table.edge, sections))


def _fields(row: Any) -> dict[str, Any]:
    return {name: getattr(row, name) for name in row.__slots__}


def invite(caller: str = CALLER, **headers: Any) -> Any:
    values = {"contact": (CONTACT,), "from": (f'"Wire" <sip:{caller}@telco.example;x=y>;tag=1;z=1',)}
    values |= {
        name.replace("_", "-"): value if isinstance(value, tuple) else (value,)
        for name, value in headers.items()
    }
    request = make_pstn_request()
    return type(request)(**{**request.__dict__, "headers": {**request.headers, **values}})


def asked(table: Table, request: Any) -> Decision | Lookups:
    return route(table, request, digest=lambda _: DigestResult.MISSING, dice=lambda: 0.5)


def test_the_name_goes_into_from_contact_and_the_identity_of_the_caller() -> None:
    """S69: whatever the carrier called it; an identity of another number keeps what it has."""
    request = invite(
        p_asserted_identity=(f'"X" <sip:{CALLER}@telco.example>, <tel:+442079460000>', f"<tel:{CALLER}>")
    )
    call = forwarded(platform(answers={CALLER: "ACME LONDON"}), request)
    assert call.caller_name == "ACME LONDON"
    assert call.parties.from_sent == f'"ACME LONDON" <sip:{CALLER}@telco.example;x=y>;z=1'
    assert call.parties.from_received == f'"Wire" <sip:{CALLER}@telco.example;x=y>;z=1'
    assert ("Contact", f'"ACME LONDON" {CONTACT}') in call.changes.replace
    assert [value for name, value in call.changes.append if name == "P-Asserted-Identity"] == [
        f'"ACME LONDON" <sip:{CALLER}@telco.example>',
        "<tel:+442079460000>",
        f'"ACME LONDON" <tel:{CALLER}>',
    ]
    assert "P-Asserted-Identity" in call.changes.remove
    without = forwarded(platform(answers={CALLER: "ACME LONDON"}), invite())
    assert "P-Asserted-Identity" not in [name for name, _ in without.changes.append]


@pytest.mark.parametrize(
    ("how", "caller", "name"),
    (
        ({"wanted": False, "answers": {CALLER: "X"}}, CALLER, ""),
        ({"answers": {CALLER: "X"}}, CALLER, "X"),
        ({"answers": {CALLER: "X"}, "source": None}, CALLER, "X"),
        ({"answers": {CALLER: ""}}, CALLER, ""),
        ({}, CALLER, ""),
        ({"named": {CALLER: "BETA"}, "answers": {CALLER: "X"}}, CALLER, "BETA"),
        ({"named": {"+442079460000": "BETA UK"}}, "+442079460000", "BETA UK"),
        ({"answers": {"+442079460000": "X"}}, "+442079460000", ""),
        ({"answers": {"+18765550100": "X"}}, "+18765550100", ""),
        ({"answers": {"+16045550100": "X"}}, "+16045550100", "X"),
        ({"answers": {CALLER: 'A"<B>\r\n;C'}}, CALLER, "A B C"),
    ),
)
def test_whose_name_is_shown(how: dict[str, Any], caller: str, name: str) -> None:
    """Off by default; the platform's own Numbers first, in any country; else S70."""
    call = forwarded(platform(**how), invite(caller))
    assert call.caller_name == name
    assert call.parties.from_sent.startswith(f'"{name or "Wire"}" <sip:{caller}@')


@pytest.mark.parametrize(
    ("verdict", "name"),
    (
        (None, ""),
        ("", ""),
        ("TN-Validation-Passed-A", "BETA"),
        ("TN-Validation-Passed-A-Diverted", "BETA"),
        ("TN-Validation-Passed-B", ""),
        ("TN-Validation-Failed-A it is stale", ""),
        ("No-TN-Validation orig is not the caller", ""),
    ),
)
def test_a_number_lends_its_name_to_who_has_proven_it(verdict: str | None, name: str) -> None:
    """Where signatures are judged: anybody can write a customer's number into From."""
    identity = value_of()
    question = verify_question((identity,), CALLER, OWN_NUMBER, is_customers=False)
    answers = {} if verdict is None else {question.key: verdict}
    call = forwarded(
        platform(named={CALLER: "BETA"}, answers={CALLER: "X"}, signed=answers), invite(identity=identity)
    )
    assert call.caller_name == name


def test_it_is_asked_for_once_and_only_where_it_may_be_shown() -> None:
    """S70; and nothing is asked of anybody for who is refused, hides, or cannot be named."""
    wanted = asked(platform(), invite())
    assert wanted == Lookups("acme", (CallerNameQuestion(CALLER),))
    assert isinstance(wanted, Lookups)
    assert wanted.milliseconds <= 300
    for table, request in (
        (platform(wanted=False), invite()),
        (platform(source=None), invite()),
        (platform(answers={CALLER: ""}), invite()),
        (platform(named={CALLER: "BETA"}), invite()),
        (platform(), invite("+442079460000")),
        (platform(), invite("+18095550100")),
        (platform(), invite(privacy="id")),
        (platform(), invite("anonymous")),
    ):
        assert isinstance(asked(table, request), Forward), request.headers
    nobodys = type(invite())(**{**invite().__dict__, "request_uri": "sip:+14155559999@198.51.100.1"})
    assert not isinstance(asked(platform(), nobodys), Lookups)


def test_who_wants_to_stay_unknown_has_no_name() -> None:
    """Privacy goes before names, also before those that are known."""
    call = forwarded(platform(answers={CALLER: "ACME"}), invite(privacy="id"))
    assert call.caller_name == ""
    assert "ACME" not in repr(call)


def test_a_call_to_the_pstn_has_no_name() -> None:
    """The carrier's network looks names up by itself."""
    table = platform(answers={OWN_NUMBER: "ACME"})
    assert "ACME" not in repr(forwarded(table, make_request()))


@given(st.text(max_size=300), st.text(max_size=80))
def test_any_name_and_any_contact_make_one_header(contact: str, name: str) -> None:
    """Total; no name ends its quotes, no line ends."""
    decision = decide(platform(answers={CALLER: name}), invite(contact=contact))
    if isinstance(decision, Forward):
        shown = decision.caller_name
        assert len(shown) <= 64
        assert not set(shown) & set('<>@:;"\\\r\n\0')
