"""Identity, Diversion and privacy in what follows the first INVITE: requests in its dialog, and answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from sipedge.routing.decision import Direction, HeaderChanges
from sipedge.routing.dialog.memory import CallFacts, SideKind
from sipedge.routing.identity import later_changes
from sipedge.routing.message.headers import passes
from sipedge.routing.message.messages import Message, SipAnswer
from sipedge.routing.message.privacy import TELLING
from support.calls import CARRIER, OWN_NUMBER, make_platform, make_request, table_of
from support.memories import make_facts, make_memory

FOREIGN = "+19998887777"
BASE = "trunkline.test"
OUR_IDENTITY = ("P-Asserted-Identity", f"<sip:{OWN_NUMBER}@{BASE}>")
TELLS = dict.fromkeys(TELLING, f"<sip:{FOREIGN}@bank.example>")
FACTS = make_facts()
HIDDEN_FROM_PSTN = replace(FACTS, direction=Direction.ORIGINATION, calling=FOREIGN, anonymous=True)
Headers = Mapping[str, str | Sequence[str]]


def changes(
    sender: SideKind, method: str, headers: Headers, facts: CallFacts | None = FACTS, **told: Any
) -> HeaderChanges:
    """Of a request, or for a method `200 INVITE` of that answer."""
    message: Message = make_request(method=method, headers=headers)
    if method[0].isdigit():
        status, _, asked = method.partition(" ")
        message = SipAnswer(
            source=CARRIER, source_port=5060, transport="udp", headers=message.headers,
            status=int(status), phrase="OK", method=asked,
        )  # fmt: skip
    table = table_of(make_platform())
    site = table.site()
    assert site is not None
    return later_changes(table, site, make_memory(facts, **told), sender, message)


def travelling(method: str) -> tuple[str, ...]:
    """Headers that would tell the sender: the others are no business of this method."""
    is_answer = method[0].isdigit()
    return tuple(name for name in TELLING if passes(method.split()[-1], name.lower(), is_answer=is_answer))


ANY_MESSAGE = (
    "INVITE", "UPDATE", "INFO", "NOTIFY", "ACK", "BYE", "180 INVITE", "200 INVITE", "200 UPDATE", "603 INVITE"
)  # fmt: skip


@pytest.mark.parametrize("method", ANY_MESSAGE)
@pytest.mark.parametrize("facts", (FACTS, HIDDEN_FROM_PSTN, None))
def test_a_customer_never_asserts_who_it_is(method: str, facts: CallFacts | None) -> None:
    found = changes(SideKind.CUSTOMER, method, TELLS, facts)
    assert found.remove == travelling(method)
    asserted = method in ("INVITE", "UPDATE") and facts is FACTS
    assert found.append == ((OUR_IDENTITY,) if asserted else ())


def test_a_plain_message_is_left_alone() -> None:
    for method in ("INFO", "BYE", "ACK", "200 INVITE"):
        assert changes(SideKind.CUSTOMER, method, {}) == HeaderChanges()
        assert changes(SideKind.CARRIER, method, TELLS) == HeaderChanges()


@pytest.mark.parametrize(
    ("headers", "facts"),
    (
        ({"Privacy": "user"}, FACTS),
        ({"Remote-Party-ID": f"<sip:{FOREIGN}@x>;privacy=full"}, FACTS),
        ({}, replace(FACTS, anonymous=True)),
    ),
)
def test_a_hidden_customer_stays_hidden(headers: Headers, facts: CallFacts) -> None:
    found = changes(SideKind.CUSTOMER, "UPDATE", headers, facts)
    assert found.append == (OUR_IDENTITY, ("Privacy", "id"))
    assert ("Privacy" in found.remove) is ("Privacy" in headers)


@pytest.mark.parametrize(
    ("diversion", "facts", "kept"),
    (
        (f"<sip:{OWN_NUMBER}@{BASE}>", FACTS, None),
        (f"<sip:{FOREIGN}@elsewhere.example>", FACTS, None),
        (f"<sip:{FOREIGN}@{BASE}>, <sip:a@b>", FACTS, ["<sip:a@b>"]),
        (f"<sip:{FOREIGN}@{BASE}>", HIDDEN_FROM_PSTN, []),
        (f"<sip:{OWN_NUMBER}@{BASE}>", None, []),
        (f"<sip:{FOREIGN}@elsewhere.example>", None, None),
    ),
)
@pytest.mark.parametrize("method", ("INVITE", "302 INVITE", "200 UPDATE"))
def test_a_later_diversion_is_judged_as_the_first(
    diversion: str, facts: CallFacts | None, kept: list[str] | None, method: str
) -> None:
    """S83. Nobody is known to own a number after a restart."""
    found = changes(SideKind.CUSTOMER, method, {"Diversion": diversion}, facts)
    assert ("Diversion" in found.remove) is (kept is not None)
    assert [value for name, value in found.append if name == "Diversion"] == (kept or [])


@pytest.mark.parametrize("method", ANY_MESSAGE)
@pytest.mark.parametrize(
    ("asked", "facts"),
    (
        ({"Privacy": "id"}, FACTS),
        ({"Privacy": "header;critical"}, FACTS),
        ({"Remote-Party-ID": "<sip:+1@x>;privacy=name"}, FACTS),
        ({}, HIDDEN_FROM_PSTN),
        ({}, None),
    ),
)
def test_a_carrier_s_hidden_party_is_shown_nowhere(
    asked: Headers, facts: CallFacts | None, method: str
) -> None:
    contact = f"<sip:{FOREIGN}@192.0.2.65:5060>"
    found = changes(SideKind.CARRIER, method, {**TELLS, **asked, "Contact": contact}, facts)
    assert found.remove == travelling(method)
    # Without facts nobody could put the true Contact back.
    replaced = facts is not None and passes(method.split()[-1], "contact", is_answer=method[0].isdigit())
    hidden = (("Contact", "<sip:anonymous@192.0.2.65:5060>"),) if replaced else ()
    assert (found.replace, found.append) == (hidden, ())


@pytest.mark.parametrize("direction", Direction)
@pytest.mark.parametrize("anonymous", (True, False, None))
def test_after_a_restart_the_token_tells_whether_a_carriers_caller_is_hidden(
    direction: Direction, anonymous: bool | None
) -> None:
    """The Contact as well, which the customer was shown hidden; what is not known may be hidden."""
    contact = f"<sip:{FOREIGN}@192.0.2.65:5060>"
    headers = {**TELLS, "Contact": contact}
    told = {"direction": direction, "anonymous": anonymous}
    found = changes(SideKind.CARRIER, "UPDATE", headers, None, **told)
    is_hidden = anonymous is None or (anonymous and direction is Direction.ORIGINATION)
    assert found.remove == (travelling("UPDATE") if is_hidden else ())
    replaced = anonymous and direction is Direction.ORIGINATION
    assert found.replace == ((("Contact", "<sip:anonymous@192.0.2.65:5060>"),) if replaced else ())


@pytest.mark.parametrize(
    ("name", "value", "stays"),
    (
        ("X-Caller", FOREIGN, False),
        ("X-Caller", "0 999 888-7777", False),
        ("X-Caller", "tel:0999.888.7777", False),
        ("X-Other", "+12015550177", True),
        ("X-Short", "7777", True),
        ("User-to-User", "2b31393939383838373737373b;encoding=hex", False),
        ("User-to-User", "313233;encoding=hex", True),
        ("Reason", f"SIP;text={FOREIGN}", True),
    ),
)
def test_no_other_header_holds_a_hidden_number(name: str, value: str, stays: bool) -> None:
    """Of a call from the PSTN; what every message needs stays whatever it holds."""
    found = changes(SideKind.CARRIER, "INVITE", {name: value}, HIDDEN_FROM_PSTN)
    assert (name.lower() not in map(str.lower, found.remove)) is stays
    shown = replace(HIDDEN_FROM_PSTN, anonymous=False)
    assert changes(SideKind.CARRIER, "INVITE", {name: value}, shown).remove == ()
    unknown = replace(HIDDEN_FROM_PSTN, calling="")
    assert changes(SideKind.CARRIER, "INVITE", {name: value}, unknown).remove == ()


def test_what_a_sibling_or_the_b2bua_sends_was_judged_where_it_came_in() -> None:
    for sender in (SideKind.SIBLING, SideKind.B2BUA):
        assert changes(sender, "UPDATE", {**TELLS, "Privacy": "id"}) == HeaderChanges()
