"""What follows a failed attempt: S62 to S66 towards the customer, a rule of their own for carriers."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.routing.attempts import AttemptKind, plan_attempts
from sipedge.routing.decision import Direction
from sipedge.routing.failover import (
    CAUSES,
    CallState,
    Failure,
    FailureKind,
    FinalReply,
    NextAttempt,
    after_failure,
    begin_call,
    first_step,
    reply_for,
    told_causes,
)
from sipedge.routing.reasons import Reason
from sipedge.table import Table
from support.calls import forwarded, make_platform, make_pstn_request, make_request, table_of
from support.strategies import hostile_text
from support.tables import make_carrier, make_gateway, make_target

CUSTOMER_ANSWERED = frozenset({400, 404, 405, 410, 416, 482, 484, 486}) | frozenset(range(600, 700))
"""S64."""
NOT_FOR_THE_CALLER = frozenset(range(300, 400)) | {401, 407}


def make_call(direction: Direction, targets: int = 2, *, secure: bool = False) -> tuple[Table, CallState]:
    """A call whose first attempt is under way, with so many targets of one address each."""
    hosts = [f"192.0.2.{10 + each}" for each in range(targets)]
    platform = make_platform(
        {
            "secure": secure,
            "targets": tuple(
                make_target(host, id=f"acme/{host}", priority=each, transport="tls" if secure else None)
                for each, host in enumerate(hosts)
            ),
        },
        routes={"+": tuple(make_gateway(host, priority=each) for each, host in enumerate(hosts))},
        carriers=(make_carrier(calls_per_second=100),),
    )
    table = table_of(platform)
    request = make_request() if direction is Direction.TERMINATION else make_pstn_request()
    decision = forwarded(table, request)
    return table, begin_call(decision, plan_attempts(table, decision))


def response(status: int, contact: str = "", elapsed: float = 0.0) -> Failure:
    return Failure(FailureKind.RESPONSE, status, f"Text {status}", contact, elapsed=elapsed)


def step(table: Table, state: CallState, failure: Failure) -> tuple[CallState, NextAttempt | FinalReply]:
    """One transition, through the text in which a call's state is kept."""
    after, result = after_failure(table, CallState.from_text(state.to_text()), failure, looked_up=True)
    assert isinstance(result, NextAttempt | FinalReply)
    return after, result


@pytest.mark.parametrize("status", range(300, 700))
def test_a_customer_s_answer_ends_the_search_or_goes_on_as_s64_and_s66_say(status: int) -> None:
    table, state = make_call(Direction.ORIGINATION)
    after, result = step(table, state, response(status))
    if status in CUSTOMER_ANSWERED:
        assert result == FinalReply(status, f"Text {status}")
        return
    assert isinstance(result, NextAttempt)
    assert result.attempt.address == "192.0.2.11"
    _, last = step(table, after, response(status))
    if status == 302:
        assert last == reply_for(Reason.RedirectFailed)
    elif status in NOT_FOR_THE_CALLER:
        assert last == reply_for(Reason.TargetFailed)
    else:
        assert last == FinalReply(status, f"Text {status}")


@pytest.mark.parametrize("status", range(300, 700))
def test_a_carrier_s_answer_ends_the_search_but_for_408_and_5xx(status: int) -> None:
    table, state = make_call(Direction.TERMINATION)
    after, result = step(table, state, response(status))
    if status == 408 or 500 <= status < 600:
        assert isinstance(result, NextAttempt)
        assert step(table, after, response(status))[1] == FinalReply(status, f"Text {status}")
    elif status in NOT_FOR_THE_CALLER:
        assert result == reply_for(Reason.TargetFailed)
    else:
        assert result == FinalReply(status, f"Text {status}")


@pytest.mark.parametrize("direction", tuple(Direction))
@pytest.mark.parametrize("status", (401, 403, 404, 407, 480, 481, 487, 488, 503, 603))
def test_an_edge_that_has_not_the_call_lets_the_next_one_look(direction: Direction, status: int) -> None:
    """So does one that asks or refuses whoever asks: it may be older, and know nothing of this."""
    table, state = make_call(direction)
    asked = replace(
        state.attempts[0], kind=AttemptKind.CONSULTATION, relay='["consultation 1",null,[],"","c;d;e"]'
    )
    _, result = step(table, replace(state, attempts=(asked, state.attempts[1])), response(status))
    assert isinstance(result, NextAttempt) is (status not in (480, 487, 488, 603))


@pytest.mark.parametrize("direction", tuple(Direction))
@pytest.mark.parametrize("kind", (FailureKind.NO_RESPONSE, FailureKind.SEND_ERROR))
def test_silence_and_unreachable_addresses_go_on_and_end_in_408(
    direction: Direction, kind: FailureKind
) -> None:
    """S65; no response at all is 408."""
    table, state = make_call(direction, targets=3)
    for address in ("192.0.2.11", "192.0.2.12"):
        state, result = step(table, state, Failure(kind))
        assert isinstance(result, NextAttempt)
        assert result.attempt.address == address
    _, last = step(table, state, Failure(kind))
    assert last == reply_for(Reason.NoAnswer)
    assert (Reason.NoAnswer.value.status, Reason.NoAnswer.value.error_code) == (408, 32011)


def test_the_last_answer_of_any_target_is_what_the_caller_gets() -> None:
    table, state = make_call(Direction.ORIGINATION, targets=3)
    state, _ = step(table, state, response(488))
    state, _ = step(table, state, response(503))
    _, last = step(table, state, Failure(FailureKind.NO_RESPONSE))
    assert last == FinalReply(503, "Text 503")


@pytest.mark.parametrize("direction", tuple(Direction))
def test_a_ring_time_out_ends_the_call_without_trying_elsewhere(direction: Direction) -> None:
    table, state = make_call(direction)
    _, result = step(table, state, Failure(FailureKind.RING_TIMEOUT))
    assert result == reply_for(Reason.RingTimeout)
    assert result == FinalReply(480, "Temporarily Unavailable", Reason.RingTimeout)


@pytest.mark.parametrize(
    "failure", (response(503, elapsed=60), Failure(FailureKind.NO_RESPONSE, elapsed=61.5))
)
def test_carriers_are_tried_for_sixty_seconds_in_all(failure: Failure) -> None:
    """32016."""
    table, state = make_call(Direction.TERMINATION)
    _, result = step(table, state, failure)
    assert result == reply_for(Reason.PostDialDelayExceeded)
    assert Reason.PostDialDelayExceeded.value.error_code == 32016


def test_an_answer_that_ends_the_search_is_passed_on_however_late_it_comes() -> None:
    table, state = make_call(Direction.TERMINATION)
    assert step(table, state, response(486, elapsed=100))[1] == FinalReply(486, "Text 486")


def test_the_sixty_seconds_are_the_carriers_alone() -> None:
    table, state = make_call(Direction.ORIGINATION)
    assert isinstance(step(table, state, response(503, elapsed=100))[1], NextAttempt)


def test_a_carrier_over_its_limit_lets_the_next_one_try() -> None:
    table, state = make_call(Direction.TERMINATION)
    over = Failure(FailureKind.OVER_LIMIT, over=Reason.CarrierCpsExceeded)
    state, result = step(table, state, over)
    assert isinstance(result, NextAttempt)
    _, last = step(table, state, over)
    assert last == reply_for(Reason.CarrierCpsExceeded)
    _, last = step(table, state, response(503))
    assert last == FinalReply(503, "Text 503")


WHY = (("Reason", "Q.850;cause=34"), ("Warning", '399 carrier "no circuit, all busy"'))


@pytest.mark.parametrize(
    ("direction", "status", "reason"),
    (
        (Direction.ORIGINATION, 503, None),
        (Direction.ORIGINATION, 486, None),
        (Direction.ORIGINATION, 407, Reason.TargetFailed),
        (Direction.TERMINATION, 302, Reason.TargetFailed),
        (Direction.TERMINATION, 503, None),
    ),
)
def test_the_last_answer_s_cause_is_told(direction: Direction, status: int, reason: Reason | None) -> None:
    """RFC 3326: a caller's exchange decides by the Q.850 cause, whatever became of the status."""
    table, state = make_call(direction)
    state, _ = step(table, state, replace(response(500), why=(("Reason", "Q.850;cause=1"),)))
    state, result = step(table, state, replace(response(status), why=WHY))
    if isinstance(result, NextAttempt):
        _, result = step(table, state, Failure(FailureKind.NO_RESPONSE))
    assert isinstance(result, FinalReply)
    assert (result.reason, result.headers) == (reason, WHY)


def test_an_answer_of_our_own_tells_no_target_s_cause() -> None:
    """408 for silence, 480 after ringing for too long: nobody gave a cause."""
    table, state = make_call(Direction.ORIGINATION, targets=1)
    for kind in (FailureKind.NO_RESPONSE, FailureKind.RING_TIMEOUT):
        _, result = step(table, state, Failure(kind))
        assert isinstance(result, FinalReply)
        assert result.headers == ()


@pytest.mark.parametrize(
    ("values", "kept"),
    (
        ((), ()),
        ((("Reason", ""), ("Warning", " , ")), ()),
        (
            (("Reason", "Q.850;cause=34, SIP;cause=503"),),
            (("Reason", "Q.850;cause=34, SIP;cause=503"),),
        ),
        (WHY, WHY),
        ((("Reason", "a, " * 9),), (("Reason", "a, a, a, a"),)),
        ((("Reason", "x" * 256 + ", b"),), (("Reason", "b"),)),
        ((("Retry-After", "3600"), ("Via", "SIP/2.0/UDP x")), ()),
    ),
)
def test_causes_are_few_and_short(
    values: tuple[tuple[str, str], ...], kept: tuple[tuple[str, str], ...]
) -> None:
    """A Retry-After would be taken for the edge's own."""
    assert told_causes(values) == kept


@given(st.lists(st.tuples(st.sampled_from(CAUSES), hostile_text)))
def test_any_cause_is_bounded_and_travels_through_the_state(values: list[tuple[str, str]]) -> None:
    kept = told_causes(values)
    assert all(len(value) <= 4 * 257 for _, value in kept)
    _, state = make_call(Direction.ORIGINATION)
    state = replace(state, why=kept)
    assert CallState.from_text(state.to_text()) == state


def test_a_call_without_any_address_ends_before_it_begins() -> None:
    table, state = make_call(Direction.ORIGINATION, targets=1)
    nothing = CallState(state.direction, state.trunk, state.account, state.secure, ())
    assert nothing.current is None
    assert first_step(table, nothing) == reply_for(Reason.NoReachableTarget)


def test_a_call_begins_with_its_first_attempt() -> None:
    table, state = make_call(Direction.ORIGINATION)
    result = first_step(table, state)
    assert isinstance(result, NextAttempt)
    assert result.attempt == state.attempts[0]


@pytest.mark.parametrize("text", ("", "{}", "[]", "null", "{", '{"direction":"sideways"}'))
def test_text_that_holds_no_state_is_refused(text: str) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        CallState.from_text(text)


# ----------------------------------------------------------------------------------- Redirects


def redirected(contact: str, *, secure: bool = False) -> tuple[Table, CallState, NextAttempt | FinalReply]:
    table, state = make_call(Direction.ORIGINATION, secure=secure)
    state, result = step(table, state, response(302, contact))
    return table, state, result


def request_uri_and_address(result: NextAttempt | FinalReply) -> tuple[str, str, int, str]:
    assert isinstance(result, NextAttempt)
    attempt = result.attempt
    return attempt.request_uri, attempt.address, attempt.port, attempt.transport


@pytest.mark.parametrize(
    ("contact", "wanted"),
    (
        ("<sip:bell@203.0.113.50>", ("sip:bell@203.0.113.50", "203.0.113.50", 5060, "udp")),
        ("<sip:203.0.113.50:5070>;q=0.1", ("sip:203.0.113.50:5070", "203.0.113.50", 5070, "udp")),
        # S74: the first URI of the first Contact alone, whatever its q.
        (
            "<sip:a@203.0.113.50>;q=0.1, <sip:b@203.0.113.51>;q=1",
            ("sip:a@203.0.113.50", "203.0.113.50", 5060, "udp"),
        ),
        (
            "<sip:a@203.0.113.50;transport=tcp>",
            ("sip:a@203.0.113.50;transport=tcp", "203.0.113.50", 5060, "tcp"),
        ),
        # S54
        ("<sips:a@203.0.113.50>", ("sip:a@203.0.113.50;transport=tls", "203.0.113.50", 5061, "tls")),
        # S77, S78: edge and tnx are not followed, and not sent.
        (
            "<sip:a@203.0.113.50;edge=dublin;tnx=TX1;user=phone;maddr=192.0.2.99>",
            ("sip:a@203.0.113.50;user=phone", "203.0.113.50", 5060, "udp"),
        ),
        ("<sip:a@203.0.113.50?Replaces=x>", ("sip:a@203.0.113.50", "203.0.113.50", 5060, "udp")),
    ),
)
def test_a_302_moves_the_call_to_its_contact(contact: str, wanted: tuple[str, str, int, str]) -> None:
    """S72."""
    assert request_uri_and_address(redirected(contact)[2]) == wanted


def test_a_secure_call_stays_on_tls() -> None:
    """S79."""
    result = redirected("<sip:a@203.0.113.50;transport=udp>", secure=True)[2]
    assert request_uri_and_address(result) == (
        "sip:a@203.0.113.50;transport=tls",
        "203.0.113.50",
        5061,
        "tls",
    )


@pytest.mark.parametrize(
    "contact",
    (
        "",
        "garbage",
        "<tel:+14155550100>",
        "<sip:a@198.51.100.1>",
        "<sip:a@[::ffff:198.51.100.1]>",
        "<sip:+14155550100@acme-hq.pstn.trunkline.test>",
        "<sip:a@SIP.trunkline.test>",
        "<sip:a@unknown.example>",
        "<sip:a@203.0.113.50;transport=sctp>",
    ),
)
def test_a_redirect_that_leads_nowhere_counts_as_the_failure_of_its_uri(contact: str) -> None:
    """S75, 32219; the next URI is tried, and with none left the redirect has failed."""
    table, state, result = redirected(contact)
    assert request_uri_and_address(result)[1] == "192.0.2.11"
    _, last = step(table, state, Failure(FailureKind.NO_RESPONSE))
    assert last == reply_for(Reason.RedirectFailed)
    assert (Reason.RedirectFailed.value.status, Reason.RedirectFailed.value.error_code) == (480, 32219)


def test_a_second_302_ends_the_call() -> None:
    """S73: no failover."""
    table, state, _ = redirected("<sip:a@203.0.113.50>")
    _, result = step(table, state, response(302, "<sip:a@203.0.113.51>"))
    assert result == reply_for(Reason.RedirectFailed)


def test_a_redirect_target_that_fails_counts_as_the_failure_of_its_uri() -> None:
    table, state, _ = redirected("<sip:a@203.0.113.50>")
    _, result = step(table, state, response(503))
    assert request_uri_and_address(result)[1] == "192.0.2.11"
    _, result = step(table, state, response(486))
    assert result == FinalReply(486, "Text 486")


@pytest.mark.parametrize(
    ("asked", "told"),
    (
        ("", (("X-Env", "prod"),)),
        ("?X-Desk=7", (("X-Env", "prod"), ("X-Desk", "7"))),
        ("?x-env=a%20b&User-to-User=56%3Ba%3Db", (("x-env", "a b"), ("User-to-User", "56;a=b"))),
        # What the platform alone says, what would forge who calls or name another call, what is no header.
        ("?X-Trunkline-AccountSid=AC9&X-A=1", (("X-Env", "prod"), ("X-A", "1"))),
        ("?From=%3Csip:a@b%3E&P-Asserted-Identity=x&Diversion=y&Route=z", (("X-Env", "prod"),)),
        ("?Replaces=c%3Bto-tag%3Da%3Bfrom-tag%3Db", (("X-Env", "prod"),)),
        ("?X-A=1%0D%0AX-B:2", (("X-Env", "prod"),)),
        ("?X-A=%C3%A9", (("X-Env", "prod"),)),
        ("?X-A=" + 2_100 * "a", (("X-Env", "prod"),)),
        ("?" + "&".join(f"X-{each}=1" for each in range(17)), (("X-Env", "prod"),)),
    ),
)
def test_whom_a_302_names_gets_the_headers_of_uri_and_contact(
    asked: str, told: tuple[tuple[str, str], ...]
) -> None:
    """S50: on every INVITE; and RFC 3261 section 19.1.5, in place of one with the same name."""
    platform = make_platform({"targets": (make_target("192.0.2.10", headers=(("X-Env", "prod"),)),)})
    table = table_of(platform)
    decision = forwarded(table, make_pstn_request())
    state = begin_call(decision, plan_attempts(table, decision))
    assert state.attempts[0].headers == (("X-Env", "prod"),)
    _, result = step(table, state, response(302, f"<sip:a@203.0.113.50{asked}>"))
    assert isinstance(result, NextAttempt)
    assert result.attempt.request_uri == "sip:a@203.0.113.50"
    assert result.attempt.headers == told


def test_a_carrier_s_302_is_not_followed() -> None:
    """S72 speaks of origination only."""
    table, state = make_call(Direction.TERMINATION)
    _, result = step(table, state, response(302, "<sip:a@203.0.113.50>"))
    assert result == reply_for(Reason.TargetFailed)


def test_the_customer_s_denied_networks_hold_for_redirects() -> None:
    platform = make_platform(site_changes={"denied_targets": ("10.0.0.0/8",)})
    table = table_of(platform)
    decision = forwarded(table, make_pstn_request())
    state = begin_call(decision, plan_attempts(table, decision))
    _, result = step(table, state, response(302, "<sip:a@10.0.0.1>"))
    assert result == reply_for(Reason.RedirectFailed)
