"""Every reason is one answer: complete, and with the number that the rules give it."""

from __future__ import annotations

import pytest

from sipedge.routing.reasons import Reason

NUMBERS = {
    Reason.AccountSuspended: (603, 32005),
    Reason.TransportNotSecure: (403, 32208),
    Reason.TlsVersionTooLow: (403, 32222),
    Reason.NoAuthentication: (403, 32200),
    Reason.SourceNotAllowed: (403, 32201),
    Reason.CredentialsWrong: (403, 32202),
    Reason.CallerIdMalformed: (403, 32206),
    Reason.CallerIdNotAllowed: (403, 32204),
    Reason.PassportInvalid: (438, 32020),
    Reason.MediaNotSecure: (488, 32208),
    Reason.MediaSecureRefused: (488, 32207),
    Reason.NoEnabledUri: (480, 32010),
    Reason.TrunkCpsExceeded: (503, 32001),
    Reason.AccountCpsExceeded: (503, 32012),
    Reason.NumberBlocked: (403, 32203),
    Reason.CountryNotPermitted: (403, 32205),
    Reason.ForwardedCallBlocked: (403, 32224),
    Reason.TransferNotAllowed: (403, 32218),
    Reason.RedirectFailed: (480, 32219),
    Reason.NoAnswer: (408, 32011),
    Reason.PostDialDelayExceeded: (503, 32016),
}
"""Status and error number of each; every other reason has no number."""

TEXTS = {
    Reason.TrunkCpsExceeded: "Trunk CPS limit exceeded",
    Reason.TrunkConcurrencyExceeded: "Trunk concurrent call limit exceeded",
    Reason.NumberNotE164: "Invalid Phone Number",
    Reason.CallerIdNotAllowed: "Invalid Caller ID",
    Reason.AccountSuspended: "Decline",
    Reason.CountryNotPermitted: "No International Authorization",
}
"""Texts that the rules give word for word."""


@pytest.mark.parametrize("reason", tuple(Reason), ids=lambda reason: reason.name)
def test_a_reason_has_the_status_and_number_of_the_rules(reason: Reason) -> None:
    status, number = NUMBERS.get(reason, (reason.value.status, None))
    assert (reason.value.status, reason.value.error_code) == (status, number)


@pytest.mark.parametrize("reason", tuple(TEXTS), ids=lambda reason: reason.name)
def test_a_reason_has_the_text_of_the_rules(reason: Reason) -> None:
    assert reason.value.text == TEXTS[reason]


@pytest.mark.parametrize("reason", tuple(Reason), ids=lambda reason: reason.name)
def test_a_reason_is_documented(reason: Reason) -> None:
    answer = reason.value
    assert answer.meaning
    assert answer.rule
    assert (answer.status == 0) == (answer.text == "")
    assert answer.status == 0 or 400 <= answer.status < 700


def test_no_two_reasons_are_one() -> None:
    """Equal members of an Enum would become aliases: one of the two names would be lost."""
    assert len(Reason.__members__) == len(list(Reason))
