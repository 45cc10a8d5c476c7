"""May this peer call? Account, transport, TLS version, source address, digest, in that order."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sipedge.routing.authenticate import DigestResult
from sipedge.routing.decision import Challenge, Forward, Reject
from sipedge.routing.reasons import Reason
from sipedge.secret import Secret
from sipedge.table import MemoryRows, Table
from sipedge.table.codec import pack_row
from sipedge.table.rows import Section, TallyRow
from sipedge.table.tally_names import account_minutes, tally_key
from support.calls import decide, forwarded, make_platform, make_pstn_request, make_request
from support.tables import REALM, Platform, make_account, make_ha1

SURROGATE = "\ud800"
"""What no text of UTF-8 holds, but undecodable bytes may become."""
USERS = {("acme/users", "pbx"): "Correct-Horse-1"}


def with_digest(access: tuple[str, ...] | None = None) -> Platform:
    return make_platform({"access": access, "credential_lists": ("acme/users",)}, credentials=USERS)


def reason_of(platform: Platform, *, digest: DigestResult = DigestResult.OK, **request: str) -> Reason:
    decision = decide(platform, make_request(**request), digest=digest)  # type: ignore[arg-type]
    assert isinstance(decision, (Reject, Challenge))
    return decision.reason


@pytest.mark.parametrize("source", ("203.0.113.0", "203.0.113.7", "::ffff:203.0.113.1"))
def test_a_source_inside_an_access_list_may_call(source: str) -> None:
    assert isinstance(decide(make_platform(), make_request(source=source)), Forward)


@pytest.mark.parametrize(
    "source",
    (
        "203.0.113.8",
        "203.0.112.255",
        "2001:db8::1",
        "",
        "unknown",
        "203.0.113.1 ",
        "203.0.113",
        "203.0.113.01",
    ),
)
def test_any_other_source_is_refused_unreadable_ones_included(source: str) -> None:
    assert reason_of(make_platform(), source=source) is Reason.SourceNotAllowed


def test_ipv6_sources_are_compared_as_networks() -> None:
    platform = make_platform({"access": ("2001:db8:1::/48",)})
    assert isinstance(decide(platform, make_request(source="2001:DB8:1:0::99")), Forward)
    assert reason_of(platform, source="2001:db8:2::1") is Reason.SourceNotAllowed


def test_an_access_list_without_entries_admits_nobody() -> None:
    assert reason_of(make_platform({"access": ()})) is Reason.SourceNotAllowed


def test_credential_lists_without_users_admit_nobody() -> None:
    platform = make_platform({"access": None, "credential_lists": ()})
    assert reason_of(platform) is Reason.CredentialsRequired
    decision = decide(platform, make_request(username="pbx"))
    assert isinstance(decision, Reject)
    assert decision.reason is Reason.CredentialsWrong


def test_a_trunk_without_either_kind_of_list_takes_no_calls() -> None:
    """S26, S34."""
    assert reason_of(make_platform({"access": None, "credential_lists": None})) is Reason.NoAuthentication


def test_a_call_without_credentials_is_challenged_in_the_one_realm() -> None:
    """S38; the realm is the platform's, not the trunk's."""
    decision = decide(with_digest(), make_request())
    assert isinstance(decision, Challenge)
    assert (decision.reason, decision.realm) == (Reason.CredentialsRequired, REALM)


@pytest.mark.parametrize(
    ("result", "reason"),
    (
        (DigestResult.MISSING, Reason.CredentialsRequired),
        (DigestResult.STALE, Reason.CredentialsStale),
        (DigestResult.WRONG, Reason.CredentialsWrong),
    ),
)
def test_each_digest_result_has_its_answer(result: DigestResult, reason: Reason) -> None:
    assert reason_of(with_digest(), digest=result, username="pbx") is reason


def test_a_right_digest_passes() -> None:
    assert forwarded(with_digest(), make_request(username="pbx")).trunk


def test_the_digest_is_checked_against_the_lists_of_this_trunk_alone() -> None:
    platform = replace(
        make_platform({"access": None, "credential_lists": ("acme/users", "acme/more")}),
        credentials={
            ("acme/users", "pbx"): "Correct-Horse-1",
            ("acme/more", "pbx"): "Correct-Horse-2",
            ("other/users", "pbx"): "Correct-Horse-3",
        },
    )
    seen: list[tuple[Secret, ...]] = []

    def check(ha1s: tuple[Secret, ...]) -> DigestResult:
        seen.append(ha1s)
        return DigestResult.OK

    forwarded(platform, make_request(username="pbx"), digest=check)
    assert seen == [(make_ha1("pbx", "Correct-Horse-1"), make_ha1("pbx", "Correct-Horse-2"))]


@pytest.mark.parametrize("username", ("pbx|x", "x", "", SURROGATE, "p" * 5000, "PBX"))
def test_an_unknown_user_is_refused(username: str) -> None:
    assert reason_of_user(username) is Reason.CredentialsWrong


def reason_of_user(username: str) -> Reason:
    decision = decide(with_digest(), make_request(username=username))
    assert isinstance(decision, (Reject, Challenge))
    return decision.reason


def test_both_kinds_of_list_are_enforced_together() -> None:
    """S35."""
    platform = with_digest(access=("203.0.113.0/29",))
    assert isinstance(decide(platform, make_request(username="pbx")), Forward)
    assert reason_of(platform) is Reason.CredentialsRequired
    assert reason_of(platform, source="203.0.113.99", username="pbx") is Reason.SourceNotAllowed


def test_a_blocked_source_is_never_challenged_and_its_digest_never_looked_at() -> None:
    """A source that may not call must not learn which users exist."""

    def check(ha1s: tuple[Secret, ...]) -> DigestResult:
        raise AssertionError("nobody asked")

    request = make_request(source="198.51.100.99", username="pbx")
    decision = decide(with_digest(access=("203.0.113.0/29",)), request, digest=check)
    assert isinstance(decision, Reject)


def test_a_suspended_account_declines_before_anything_else() -> None:
    platform = make_platform({"secure": True, "access": ()}, accounts=(make_account(suspended=True),))
    decision = decide(platform, make_request(source="198.51.100.99"))
    assert isinstance(decision, Reject)
    assert decision.reason is Reason.AccountSuspended
    assert (decision.reason.value.status, decision.reason.value.error_code) == (603, 32005)


def test_a_trunk_whose_account_is_unknown_is_treated_as_suspended() -> None:
    assert reason_of(make_platform(accounts=())) is Reason.AccountSuspended


@pytest.mark.parametrize("transport", ("udp", "tcp", "", "TLS", "ws"))
def test_a_secure_trunk_takes_signalling_over_tls_alone(transport: str) -> None:
    """S20, before the access list is looked at."""
    platform = make_platform({"secure": True, "access": ()})
    assert reason_of(platform, transport=transport) is Reason.TransportNotSecure


def test_a_secure_trunk_takes_a_call_over_tls() -> None:
    assert isinstance(decide(make_platform({"secure": True}), make_request(transport="tls")), Forward)


@pytest.mark.parametrize("version", ("TLSv1", "TLSv1.0", "TLSv1.1", "SSLv3"))
def test_old_tls_needs_the_account_s_word(version: str) -> None:
    """S13, S14."""
    request = make_request(transport="tls", tls_version=version)
    decision = decide(make_platform(), request)
    assert isinstance(decision, Reject)
    assert decision.reason is Reason.TlsVersionTooLow
    willing = make_platform(accounts=(make_account(allow_deprecated_tls=True),))
    assert isinstance(decide(willing, request), Forward)


@pytest.mark.parametrize("version", ("TLSv1.2", "TLSv1.3"))
def test_present_tls_needs_nobody_s_word(version: str) -> None:
    assert isinstance(decide(make_platform(), make_request(transport="tls", tls_version=version)), Forward)


def table_with_minutes(used: int | None, most: int | None) -> Table:
    """The platform, whose account has used so many minutes today, the last two at another address."""
    table = make_platform(accounts=(make_account(daily_minutes=most),)).table()
    rows = {
        section: {key.encode(): pack_row(row) for key, row in rows.items()}
        for section, rows in table.sections.items()
    }
    if used is not None:
        tally = pack_row(TallyRow(0, (used - 2,), (2,)))
        rows[Section.TALLY] = {tally_key(account_minutes("acme")).encode(): tally}
    return Table(MemoryRows.of_packed(rows))


@pytest.mark.parametrize(
    ("used", "most", "reason"),
    (
        (None, None, None),
        (None, 1, None),
        (99, 100, None),
        (100, 100, Reason.DailyMinutesReached),
        (101, 100, Reason.DailyMinutesReached),
        (101, None, None),
    ),
)
def test_an_account_whose_minutes_are_used_calls_no_more_today(
    used: int | None, most: int | None, reason: Reason | None
) -> None:
    """What all addresses together have counted; it is still called, and still gets help."""
    table = table_with_minutes(used, most)
    decision = decide(table, make_request())
    assert (decision.reason if isinstance(decision, Reject) else None) == reason
    assert isinstance(decide(table, make_pstn_request()), Forward)
    emergency = decide(table, make_request("sip:112@acme-hq.pstn.trunkline.test"))
    assert not isinstance(emergency, Reject) or emergency.reason is not Reason.DailyMinutesReached
