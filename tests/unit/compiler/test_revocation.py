"""Which changes of a row take a right away, and so never wait."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sipedge.secret import Secret
from sipedge.table import AccountRow, CallerIdRow, CredentialRow, DomainRow, NumberRow, Row, Section, TrunkRow
from sipedge.table.dialing import BlockedRow, CountryRow, DialingRow
from sipedge.table.media import TrunkMediaRow
from support.tables import make_site
from trunkline.compiler.revocation import revokes

TRUNK = TrunkRow("acme/hq", "TK", "acme", "acme", False, ("203.0.113.0/29",), ("acme/users",), None, None, ())
RECORDED = replace(TRUNK, media=TrunkMediaRow(recording="RecordFromRinging"))
ACCOUNT = AccountRow("acme", "AC", False, True, 14_400, None, None, ("10.0.0.0/8",))
USER = CredentialRow("pbx", Secret("0" * 32))
ONLY_US = DialingRow("acme", (), (CountryRow("US", ("LowRisk",)),))
NOWHERE = DialingRow("acme", (), ())
SITE = make_site(["198.51.100.1"])
NUMBER = NumberRow("acme/line", "acme", "acme/hq", "+14155550100", "+14155550100", None)


@pytest.mark.parametrize(
    ("section", "before", "now", "takes"),
    (
        (Section.CREDENTIAL, None, USER, False),
        (Section.CREDENTIAL, USER, None, True),
        (Section.CREDENTIAL, USER, replace(USER, ha1=Secret("1" * 32)), True),
        (Section.DOMAIN, DomainRow("acme/hq"), DomainRow("beta/hq"), True),
        (Section.CALLER_ID, CallerIdRow("acme", "+14155550100"), None, True),
        (Section.TRUNK, TRUNK, None, True),
        (Section.TRUNK, TRUNK, replace(TRUNK, access=()), True),
        (Section.TRUNK, TRUNK, replace(TRUNK, access=None), False),
        (Section.TRUNK, replace(TRUNK, access=None), TRUNK, True),
        (Section.TRUNK, TRUNK, replace(TRUNK, access=("203.0.113.0/29", "192.0.2.1")), False),
        (Section.TRUNK, TRUNK, replace(TRUNK, credential_lists=()), True),
        (Section.TRUNK, TRUNK, replace(TRUNK, secure=True), True),
        (Section.TRUNK, TRUNK, replace(TRUNK, max_concurrent_calls=5), False),
        (Section.TRUNK, RECORDED, TRUNK, True),
        (Section.TRUNK, RECORDED, replace(TRUNK, media=TrunkMediaRow()), True),
        (Section.TRUNK, TRUNK, RECORDED, False),
        (Section.ACCOUNT, ACCOUNT, replace(ACCOUNT, suspended=True), True),
        (Section.ACCOUNT, replace(ACCOUNT, suspended=True), ACCOUNT, False),
        (Section.ACCOUNT, ACCOUNT, replace(ACCOUNT, allow_deprecated_tls=False), True),
        (Section.ACCOUNT, ACCOUNT, replace(ACCOUNT, allowed_targets=()), True),
        (Section.ACCOUNT, ACCOUNT, replace(ACCOUNT, dialing=ONLY_US), True),
        (Section.ACCOUNT, replace(ACCOUNT, dialing=ONLY_US), replace(ACCOUNT, dialing=NOWHERE), True),
        (Section.ACCOUNT, replace(ACCOUNT, dialing=ONLY_US), ACCOUNT, False),
        (Section.ACCOUNT, ACCOUNT, replace(ACCOUNT, blocked=(BlockedRow("acme", ("+371",)),)), True),
        (Section.ACCOUNT, replace(ACCOUNT, blocked=(BlockedRow("acme", ("+371",)),)), ACCOUNT, False),
        (Section.SITE, SITE, replace(SITE, toll_fraud_prefixes=("+37190",)), True),
        (Section.SITE, replace(SITE, toll_fraud_prefixes=("+37190",)), SITE, False),
        (Section.NUMBER, NUMBER, None, False),
        (Section.NUMBER, NUMBER, replace(NUMBER, trunk="acme/lab"), False),
    ),
)
def test_what_takes_a_right_away(section: Section, before: Row | None, now: Row | None, takes: bool) -> None:
    assert revokes(section, before, now) is takes
