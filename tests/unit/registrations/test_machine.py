"""One registration: what comes of answers, silence and time."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.registrations.machine import (
    Account,
    Around,
    Patience,
    Register,
    State,
    anew,
    answered,
    leave,
    passed,
    shown,
)
from sipedge.registrations.messages import Answer
from sipedge.table.registration import RegistrationRow
from sipedge.table.rows import ResolvedAddress
from support.tables import make_ha1, make_ha1_sha256

REALM = "telco.example"
ROW = RegistrationRow(
    "sip.telco.example",
    None,
    "udp",
    600,
    "us",
    REALM,
    make_ha1("us", "pw", REALM),
    make_ha1_sha256("us", "pw", REALM),
)
ACCOUNT = Account(ROW, "sip:sip.telco.example", "sip:telco@192.0.2.1:5060", Patience(5, 60, 300, 32))
PLACES = tuple(ResolvedAddress(f"198.51.100.{n}", 5060, "udp") for n in (1, 2))


def around(now: float, draw: float = 0.0, places: tuple[ResolvedAddress, ...] = PLACES) -> Around:
    return Around(now, places, draw, "c0ffee")


def answer(status: int, cseq: int = 1, **headers: str) -> Answer:
    named = {name.replace("_", "-"): (value,) for name, value in headers.items()}
    return Answer(status, "Phrase", "call", cseq, named)


def challenge(nonce: str, *, realm: str = REALM, algorithm: str = "", extra: str = "") -> str:
    named = f", algorithm={algorithm}" if algorithm else ""
    return f'Digest realm="{realm}", nonce="{nonce}", qop="auth"{named}{extra}'


def asked() -> State:
    state, register = passed(ACCOUNT, State(), around(10))
    assert register == Register(PLACES[0], 1, 600)
    return state


def registered(**changes: object) -> State:
    state, register = answered(ACCOUNT, asked(), around(11), answer(200, expires="300"))
    assert register is None
    return replace(state, **changes)  # type: ignore[arg-type]


def test_a_binding_is_renewed_between_half_and_three_quarters_of_its_time() -> None:
    """The registrar grants what it likes: that counts, not what was asked for."""
    for draw, due in ((0.0, 11 + 150), (0.999, 11 + 225)):
        state, _ = answered(ACCOUNT, asked(), around(11, draw), answer(200, expires="300"))
        assert (state.until, shown(state, 310.0), state.failures) == (311, "", 0)
        assert state.due == pytest.approx(due, abs=1)
        assert passed(ACCOUNT, state, around(state.due - 1)) == (state, None)
        assert passed(ACCOUNT, state, around(state.due))[1] == Register(PLACES[0], 2, 600)


@pytest.mark.parametrize(
    ("contact", "granted"),
    (
        ("<sip:telco@192.0.2.1:5060>;expires=120", 120),
        ("<sip:telco@203.0.113.9:40000>;expires=120", 240),
        ("<sip:other@192.0.2.1:5060>;expires=9, <sip:telco@192.0.2.1:5060>;q=0.5;expires=120", 120),
        ("<sip:telco@192.0.2.1:5060>", 240),
        ("nonsense <", 240),
        ("<sip:telco@192.0.2.1:5060>;expires=99999999", 86_400),
    ),
)
def test_the_own_contact_says_for_how_long(contact: str, granted: int) -> None:
    said = answer(200, expires="240", contact=contact)
    assert answered(ACCOUNT, asked(), around(0), said)[0].until == granted


def test_a_binding_of_no_time_is_none() -> None:
    state, _ = answered(ACCOUNT, registered(is_asking=True), around(11), answer(200, expires="0"))
    assert "registers for 0 s" in shown(state, 12)


@pytest.mark.parametrize("algorithm", ("", "MD5", "SHA-256"))
def test_a_challenge_of_the_realm_is_answered_by_its_algorithm(algorithm: str) -> None:
    said = answer(401, www_authenticate=challenge("n1", algorithm=algorithm))
    state, register = answered(ACCOUNT, asked(), around(10), said)
    assert register is not None
    assert register.authorization is not None
    assert (register.cseq, state.answered, register.authorization[0]) == (2, ("n1",), "Authorization")
    digits = re.search(r'response="([0-9a-f]+)"', register.authorization[1])
    assert digits is not None
    assert len(digits[1]) == (64 if algorithm == "SHA-256" else 32)


def test_a_proxys_challenge_is_answered_as_such() -> None:
    said = answer(407, proxy_authenticate=challenge("n1"))
    register = answered(ACCOUNT, asked(), around(10), said)[1]
    assert register is not None
    assert register.authorization is not None
    assert register.authorization[0] == "Proxy-Authorization"


def test_a_stale_nonce_is_answered_once_more_and_a_wrong_password_is_not() -> None:
    first, _ = answered(ACCOUNT, asked(), around(10), answer(401, www_authenticate=challenge("n1")))
    stale = answer(401, 2, www_authenticate=challenge("n2", extra=", stale=true"))
    second, register = answered(ACCOUNT, first, around(10), stale)
    assert register is not None
    assert second.answered == ("n1", "n2")
    refused, register = answered(
        ACCOUNT, first, around(10, 0.999), answer(401, 2, www_authenticate=challenge("n2"))
    )
    assert register is None
    assert "refuses the user name or password" in shown(refused, 10)
    assert refused.due == pytest.approx(70, abs=1)


def test_another_realm_is_told_the_truth_and_no_digest() -> None:
    said = answer(401, www_authenticate=challenge("n1", realm="evil.example"))
    state, register = answered(ACCOUNT, asked(), around(10), said)
    assert register is None
    assert "no digest of the Secret's realm" in shown(state, 10)


def test_too_brief_an_interval_is_asked_for_as_the_registrar_says() -> None:
    state, register = answered(ACCOUNT, asked(), around(10), answer(423, min_expires="1800"))
    assert register == Register(PLACES[0], 2, 1800)
    # It cannot be led about: less than was asked for, or a day and more, is a refusal.
    for text in ("1800", "600", "100000", "x"):
        assert answered(ACCOUNT, state, around(10), answer(423, 2, min_expires=text))[1] is None


def test_silence_and_faults_of_one_address_lead_to_the_next() -> None:
    late, register = passed(ACCOUNT, asked(), around(42))
    assert register == Register(PLACES[1], 2, 600)
    gone, register = answered(ACCOUNT, late, around(43, 0.999), answer(503, 2))
    assert register is None
    assert (gone.failures, gone.place) == (1, 0)
    assert gone.due == pytest.approx(48, abs=0.1)


def test_attempts_come_further_apart_up_to_a_bound() -> None:
    state, now, waits = State(), 0.0, []
    for _ in range(9):
        state, _ = passed(ACCOUNT, replace(state, due=now), around(now, 0.9999, PLACES[:1]))
        state, register = passed(ACCOUNT, state, around(state.due, 0.9999, PLACES[:1]))
        assert register is None
        waits.append(round(state.due - (now + 32)))
        now = state.due
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300, 300]


def test_a_registrar_is_not_asked_before_it_says() -> None:
    state, _ = answered(ACCOUNT, asked(), around(10), answer(403, retry_after="1200 (busy)"))
    assert state.due == 1210
    state, _ = answered(ACCOUNT, asked(), around(10), answer(403, retry_after="999999"))
    assert state.due == 3610


def test_a_name_without_an_address_is_waited_for() -> None:
    state, register = passed(ACCOUNT, State(), around(10, places=()))
    assert register is None
    assert shown(state, 10) == "no address of sip.telco.example is known"


def test_a_binding_outlives_attempts_to_renew_it() -> None:
    state, _ = passed(ACCOUNT, registered(), around(170))
    state, _ = answered(ACCOUNT, state, around(170), answer(403, state.cseq))
    assert (shown(state, 310), shown(state, 312)) == ("", "sip.telco.example answers 403 Phrase")


def test_what_a_registrar_says_is_shown_without_its_escapes() -> None:
    said = Answer(403, "\x1b[31mno\u202e" + "x" * 500, "call", 1, {})
    state, _ = answered(ACCOUNT, asked(), around(10), said)
    assert shown(state, 10).isprintable()
    assert len(shown(state, 10)) < 120


def test_leaving_takes_the_binding_away_with_a_digest_if_asked() -> None:
    state, register = leave(ACCOUNT, registered(), around(20))
    assert register == Register(PLACES[0], 2, 0)
    state, register = answered(ACCOUNT, state, around(20), answer(401, 2, www_authenticate=challenge("n1")))
    assert register is not None
    assert (register.expires, register.cseq) == (0, 3)
    assert answered(ACCOUNT, state, around(20), answer(200, 3))[0].is_over


def test_leaving_ends_whatever_is_answered() -> None:
    state, _ = leave(ACCOUNT, registered(), around(20))
    assert answered(ACCOUNT, state, around(20), answer(500, 2))[0].is_over
    assert passed(ACCOUNT, state, around(60))[0].is_over
    assert leave(ACCOUNT, State(), around(20)) == (State(is_leaving=True, is_over=True), None)


def test_a_kamailio_that_was_started_anew_has_lost_connections_and_what_was_on_its_way() -> None:
    assert anew(ACCOUNT, registered(), around(20)).due > 20
    by_tcp = replace(ACCOUNT, row=replace(ROW, transport="tcp"))
    assert anew(by_tcp, registered(), around(20)).due == 20
    assert anew(ACCOUNT, asked(), around(20)) == replace(asked(), is_asking=False, due=20)


@given(
    st.integers(100, 699),
    st.integers(0, 5),
    st.dictionaries(
        st.sampled_from(["www-authenticate", "contact", "expires", "min-expires", "retry-after"]),
        st.tuples(st.text(max_size=60)),
    ),
    st.booleans(),
)
def test_any_answer_leads_somewhere(
    status: int, cseq: int, headers: dict[str, tuple[str, ...]], leaves: bool
) -> None:
    """There is always a time at which something is done next, and never at once a second time."""
    state = leave(ACCOUNT, registered(), around(20))[0] if leaves else asked()
    after, register = answered(ACCOUNT, state, around(20), Answer(status, "x", "call", cseq, headers))
    assert after.is_over or after.due > 20 or after == state
    assert register is None or after.is_asking
