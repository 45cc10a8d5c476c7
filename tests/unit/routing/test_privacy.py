"""Who asks to stay unknown, and what is then told to nobody but carriers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest

from sipedge.routing.message.privacy import (
    ANONYMOUS,
    TELLING,
    hides_from,
    is_anonymous,
    is_private,
    true_contact,
)
from support.calls import OWN_NUMBER, forwarded, make_platform, make_pstn_request, make_request

HIDDEN = "+12125550199"
TELLS = dict.fromkeys(TELLING, f"<sip:{HIDDEN}@telco.example>")


def from_pstn(**headers: str | Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    values = {"From": f"<sip:{HIDDEN}@telco.example>;tag=1", **headers}
    return {
        name.lower().replace("_", "-"): (value,) if isinstance(value, str) else tuple(value)
        for name, value in values.items()
    }


@pytest.mark.parametrize(
    ("privacy", "private"),
    (
        ("id", True),
        ("ID", True),
        ("header; id;critical", True),
        (("user", "id"), True),
        ("user,id", True),
        ("user", True),
        ("header", True),
        ("session;critical", True),
        ("full", True),
        ("none; id", True),
        ("identity", True),
        ("id critical", True),
        ("none", False),
        ("None ; critical", False),
        ("critical", False),
        ("", False),
        ((), False),
    ),
)
def test_what_privacy_asks_for(privacy: str | Sequence[str], private: bool) -> None:
    """What is not understood is taken for the wish to stay unknown."""
    assert is_private(make_request(headers={"Privacy": privacy})) is private


@pytest.mark.parametrize(
    ("value", "private"),
    (
        ("<sip:+1@a>;party=calling;privacy=full", True),
        ('"Bell" <sip:+1@a>;privacy = "name";screen=yes', True),
        ("<sip:+1@a>;Privacy=URI", True),
        ("<sip:+1@a>;privacy=off, <sip:+1@a>;privacy=uri-network", True),
        ("<sip:+1@a>;privacy=off", False),
        ("<sip:+1@a>;party=calling", False),
        ("<sip:+1@a;privacy>", False),
    ),
)
def test_what_a_remote_party_id_asks_for(value: str, private: bool) -> None:
    assert is_private(make_request(headers={"Remote-Party-ID": value})) is private


@pytest.mark.parametrize(
    ("value", "anonymous"),
    (
        (ANONYMOUS, True),
        ("<sip:Anonymous@pbx>;tag=1", True),
        ("sip:anonymous@pbx:5060;tag=1", True),
        ("<sip:x@anonymous.invalid:5060;user=phone>", True),
        ("<sip:anonymous.invalid>", True),
        ('"Anonymous" <sip:+14155550100@pbx>', False),
        ("<sip:anonymous.bell@pbx>", False),
        ("<sip:a@anonymous.invalid.example>", False),
        ("<tel:+1415>", False),
        ("", False),
    ),
)
def test_a_from_that_names_nobody(value: str, anonymous: bool) -> None:
    assert is_anonymous(value) is anonymous


def test_an_anonymous_from_asks_by_itself_unless_privacy_says_none() -> None:
    assert is_private(make_request(caller=ANONYMOUS))
    assert not is_private(make_request(caller=ANONYMOUS, headers={"Privacy": "none"}))


@pytest.mark.parametrize(
    ("headers", "hides"),
    (
        ({"Privacy": "user;id"}, True),
        ({"Remote-Party-ID": "<sip:+1@a>;privacy=full"}, True),
        ({"Privacy": "id;header"}, False),
    ),
)
def test_who_asks_to_have_its_from_hidden(headers: Mapping[str, str], hides: bool) -> None:
    assert hides_from(make_request(headers=headers)) is hides


# ------------------------------------------------------------------------------ towards a customer


@pytest.mark.parametrize(
    "asked", ({"Privacy": "id"}, {"Privacy": "user;critical"}, {"Remote_Party_ID": "<sip:x@y>;privacy=full"})
)
def test_a_hidden_caller_is_shown_nowhere(asked: Mapping[str, str]) -> None:
    headers = from_pstn(**{**TELLS, **asked}, Contact=f'"Bell" <sip:{HIDDEN}@192.0.2.65:5070;transport=tcp>')
    decision = forwarded(make_platform(), make_pstn_request(headers=headers))
    changes = decision.changes
    assert decision.parties.anonymous
    # P-Charge-Info travels in no request.
    assert set(changes.remove) >= set(TELLING) - {"P-Charge-Info"}
    assert dict(changes.replace)["From"].startswith(f"{ANONYMOUS};tag=")
    assert ("Contact", "<sip:anonymous@192.0.2.65:5070;transport=tcp>") in changes.replace
    for _, value in (*changes.insert, *changes.append, *changes.replace):
        assert HIDDEN[1:] not in value


@pytest.mark.parametrize(
    ("number", "value"),
    (
        ("+3541234567", "123-4567"),
        ("+3541234567", "+3541234567"),
        ("+442079460123", "020 7946 0123"),
        ("+298123456", "00298123456"),
    ),
)
def test_no_other_header_tells_it_in_the_way_of_its_country(number: str, value: str) -> None:
    """Iceland's numbers have seven digits, and no prefix before them."""
    headers = from_pstn(Privacy="id", From=f"<sip:{number}@telco.example>;tag=1", X_Caller=value)
    decision = forwarded(make_platform(), make_pstn_request(headers=headers))
    assert decision.calling == number
    assert "X-Caller" in decision.changes.remove


@pytest.mark.parametrize("name", ("P_Asserted_Identity", "Remote_Party_ID", "P_Charge_Info"))
def test_nor_the_number_that_the_network_asserts_beside_that_of_from(name: str) -> None:
    """A PBX shows its main number in From; who really calls is asserted."""
    told = {
        name: "<tel:+44-20-7946-0123>",
        "Privacy": "id",
        "User_To_User": "3037393436303132333b",
        "X_Kept": "1",
    }
    headers = from_pstn(**told, X_Caller="020 7946 0123")
    decision = forwarded(make_platform(), make_pstn_request(headers=headers))
    assert decision.calling == HIDDEN
    assert "X-Caller" in decision.changes.remove
    assert "X-Kept" not in decision.changes.remove


def test_a_caller_who_asks_for_nothing_is_shown() -> None:
    headers = from_pstn(**TELLS, Contact=f"<sip:{HIDDEN}@192.0.2.65>")
    decision = forwarded(make_platform(), make_pstn_request(headers=headers, from_tag="1"))
    assert not decision.parties.anonymous
    assert decision.changes.remove == ()
    assert decision.changes.replace == ()


@pytest.mark.parametrize(
    ("contact", "sent"),
    (
        (f"<sip:{HIDDEN}@192.0.2.65>", "<sip:anonymous@192.0.2.65>"),
        (f"sip:{HIDDEN}@192.0.2.65;q=1", "<sip:anonymous@192.0.2.65>;q=1"),
        (f"<sips:x{HIDDEN[1:]};p=1@[2001:db8::1]:5061;x>;y", "<sips:anonymous@[2001:db8::1]:5061;x>;y"),
        ("<sip:%2B%31@192.0.2.65>", "<sip:anonymous@192.0.2.65>"),
        ('"Bell" <sip:gw@192.0.2.65>', "<sip:gw@192.0.2.65>"),
        ("Bell <sip:192.0.2.65>", "<sip:192.0.2.65>"),
        ("<sip:gw1@192.0.2.65:5060>", None),
        ("<sip:192.0.2.65:5060>", None),
    ),
)
def test_the_contact_of_a_hidden_caller_goes_on_working(contact: str, sent: str | None) -> None:
    headers = from_pstn(Privacy="id", Contact=contact)
    replace = dict(forwarded(make_platform(), make_pstn_request(headers=headers)).changes.replace)
    assert replace.get("Contact") == sent


@pytest.mark.parametrize(
    ("request_uri", "contact", "true"),
    (
        ("sip:anonymous@192.0.2.65:5070;x=1", f"sip:{HIDDEN}@192.0.2.65:5070;x=1", True),
        ("sip:anonymous@192.0.2.66", f"sip:{HIDDEN}@192.0.2.65", False),
        ("sip:gw@192.0.2.65", "sip:gw@192.0.2.65", False),
        ("sip:anonymous@192.0.2.65", "", False),
        ("", "", False),
    ),
)
def test_a_request_for_a_hidden_contact_finds_the_true_one(
    request_uri: str, contact: str, true: bool
) -> None:
    assert true_contact(request_uri, contact) == (contact if true else "")


@pytest.mark.parametrize(
    ("sent", "kept"),
    (
        ("<sip:+1@a>;privacy=full, <sip:+2@b>;privacy=off", ["<sip:+2@b>;privacy=off"]),
        ("<sip:+1@a>;privacy=name", []),
        ("<sip:+1@a>;privacy=off", None),
        ("<sip:+1@a>", None),
    ),
)
def test_who_forwarded_and_stays_unknown_is_not_told(sent: str, kept: list[str] | None) -> None:
    """RFC 5806 section 4."""
    changes = forwarded(make_platform(), make_pstn_request(headers=from_pstn(Diversion=sent))).changes
    assert ("Diversion" in changes.remove) is (kept is not None)
    assert [value for name, value in changes.append if name == "Diversion"] == (kept or [])
    assert "Diversion" in dict(changes.insert)


# ------------------------------------------------------------------------------- towards a carrier


@pytest.mark.parametrize(
    ("headers", "removed", "added"),
    (
        ({"Privacy": "id"}, False, False),
        ({"Privacy": "header;critical"}, True, True),
        ({"Privacy": ("id", "user")}, True, True),
        ({"Remote-Party-ID": "<sip:x@y>;privacy=full"}, False, True),
        ({"Privacy": "none", "Remote-Party-ID": "<sip:x@y>;privacy=uri"}, True, True),
        ({"Privacy": "none"}, False, False),
        ({}, False, False),
    ),
)
def test_a_customer_s_wish_becomes_one_that_every_carrier_reads(
    headers: Mapping[str, str | Sequence[str]], removed: bool, added: bool
) -> None:
    changes = forwarded(make_platform(), make_request(headers=headers)).changes
    assert ("Privacy" in changes.remove) is removed
    assert (("Privacy", "id") in changes.append) is added


def test_an_anonymous_from_alone_is_such_a_wish() -> None:
    request = make_request(caller=ANONYMOUS, headers={"P-Asserted-Identity": f"<sip:{OWN_NUMBER}@pbx>"})
    decision = forwarded(make_platform(), request)
    assert ("Privacy", "id") in decision.changes.append
    assert decision.parties.from_sent == ANONYMOUS
