"""From a digest and the stack's word on it to a result."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.routing.authenticate import DigestFacts, DigestResult, authenticate
from sipedge.routing.message.digest import Credentials
from sipedge.secret import Secret
from support.strategies import hostile_text

URI = "sip:+442079460000@acme-hq.pstn.trunkline.test"
RIGHT, NOBODY = Secret("right"), Secret("nobody")
GOOD = Credentials("pbx", "sip.trunkline.test", "n1", URI, "", "auth", "00000001")


class Stack:
    """Takes one HA1 for right, and keeps the uses of nonces as an instance does."""

    def __init__(self) -> None:
        self.asked: list[Secret] = []
        self.uses: dict[str, str] = {}

    def verify(self, ha1: Secret) -> DigestResult:
        self.asked.append(ha1)
        return DigestResult.OK if ha1 == RIGHT else DigestResult.WRONG

    def take(self, use: str, via: str) -> bool:
        return self.uses.setdefault(use, via) == via


def facts(
    credentials: Credentials | None = GOOD, *, method: str = "INVITE", uri: str = URI, via: str = "b1"
) -> DigestFacts:
    return DigestFacts(method, uri, via, credentials)


def result_of(
    facts: DigestFacts, *ha1s: Secret, stack: Stack | None = None, word: DigestResult | None = None
) -> DigestResult:
    stack = stack or Stack()
    verify = stack.verify if word is None else lambda _: word
    return authenticate(facts, ha1s or (RIGHT,), nobody=NOBODY, verify=verify, take=stack.take)


def test_a_right_digest_passes_whichever_list_knows_it() -> None:
    assert result_of(facts()) is DigestResult.OK
    assert result_of(facts(), Secret("other"), RIGHT) is DigestResult.OK
    assert result_of(facts(), Secret("other")) is DigestResult.WRONG


def test_an_unknown_user_is_refused_after_the_same_work_as_a_known_one() -> None:
    stack = Stack()
    result = authenticate(facts(), (), nobody=NOBODY, verify=stack.verify, take=stack.take)
    assert (result, stack.asked) == (DigestResult.WRONG, [NOBODY])
    stack = Stack()
    assert authenticate(facts(), (), nobody=RIGHT, verify=stack.verify, take=stack.take) is DigestResult.WRONG


@pytest.mark.parametrize("word", (DigestResult.MISSING, DigestResult.STALE, DigestResult.WRONG))
def test_what_the_stack_says_of_all_lists_stands(word: DigestResult) -> None:
    assert result_of(facts(), RIGHT, NOBODY, word=word) is word


def test_no_credentials_are_asked_for() -> None:
    assert result_of(facts(None)) is DigestResult.MISSING


@pytest.mark.parametrize(
    "uri",
    (
        URI,
        "SIP:+442079460000@ACME-HQ.pstn.trunkline.test:5060;transport=tcp",
        "sip:%2B442079460000@acme-hq.pstn.trunkline.test",
        "sips:+442079460000@acme-hq.pstn.trunkline.test.",
        "sip:+442079460000;x=y@acme-hq.pstn.trunkline.test",
    ),
)
def test_the_uri_of_a_digest_may_be_written_otherwise(uri: str) -> None:
    assert result_of(facts(replace(GOOD, uri=uri))) is DigestResult.OK


@pytest.mark.parametrize(
    "uri",
    (
        "sip:+442079460001@acme-hq.pstn.trunkline.test",
        "sip:+442079460000@acme-lab.pstn.trunkline.test",
        "sip:acme-hq.pstn.trunkline.test",
        "sip:sip.trunkline.test",
        "/",
        "",
    ),
)
def test_a_digest_for_another_number_or_host_is_refused_before_any_password_is_asked(uri: str) -> None:
    stack = Stack()
    assert result_of(facts(replace(GOOD, uri=uri)), stack=stack) is DigestResult.OTHER_URI
    assert not stack.asked


def test_a_request_uri_that_is_no_sip_uri_is_compared_as_text() -> None:
    assert result_of(facts(replace(GOOD, uri="tel:+1"), uri="tel:+1")) is DigestResult.OK
    assert result_of(facts(replace(GOOD, uri="tel:+1"), uri="tel:+2")) is DigestResult.OTHER_URI


@pytest.mark.parametrize(
    ("changes", "result"),
    (
        ({"algorithm": "md5"}, DigestResult.OK),
        ({"algorithm": "md5-sess"}, DigestResult.OTHER_ALGORITHM),
        ({"algorithm": "sha-256"}, DigestResult.OTHER_ALGORITHM),
        ({"qop": ""}, DigestResult.OK),
        ({"qop": "", "nonce_count": "x" * 5000}, DigestResult.OK),
        ({"qop": "auth-int"}, DigestResult.OTHER_ALGORITHM),
        ({"qop": "auth,auth-int"}, DigestResult.OTHER_ALGORITHM),
        ({"nonce_count": "1"}, DigestResult.WRONG),
        ({"nonce_count": ""}, DigestResult.WRONG),
        ({"nonce_count": "0000000g"}, DigestResult.WRONG),
        ({"nonce_count": "00000001\n"}, DigestResult.WRONG),
    ),
)
def test_only_what_was_asked_for_is_taken(changes: dict[str, str], result: DigestResult) -> None:
    assert result_of(facts(replace(GOOD, **changes))) is result


@pytest.mark.parametrize("method", ("ACK", "CANCEL", "PRACK"))
def test_what_cannot_be_challenged_is_not_authenticated_by_a_digest(method: str) -> None:
    """Kamailio would take any digest of it for right."""
    assert result_of(facts(method=method)) is DigestResult.WRONG


def test_each_use_of_a_nonce_is_taken_once() -> None:
    stack = Stack()
    assert result_of(facts(), stack=stack) is DigestResult.OK
    assert result_of(facts(via="b2"), stack=stack) is DigestResult.STALE
    grown = replace(GOOD, nonce_count="00000002")
    assert result_of(facts(grown, via="b3"), stack=stack) is DigestResult.OK
    assert result_of(facts(replace(GOOD, nonce="n2"), via="b4"), stack=stack) is DigestResult.OK


def test_a_repetition_of_the_same_request_passes() -> None:
    """Over UDP a second worker may meet it before the first has made a transaction of it."""
    stack = Stack()
    assert result_of(facts(), stack=stack) is DigestResult.OK
    assert result_of(facts(), stack=stack) is DigestResult.OK


def test_a_via_that_is_too_long_to_keep_is_like_no_other() -> None:
    stack = Stack()
    assert result_of(facts(via="x" * 256), stack=stack) is DigestResult.OK
    assert list(stack.uses.values()) == [""]


def test_the_count_has_no_second_spelling_and_without_qop_counts_for_nothing() -> None:
    stack = Stack()
    assert result_of(facts(replace(GOOD, nonce_count="0000000A")), stack=stack) is DigestResult.OK
    again = facts(replace(GOOD, nonce_count="0000000a"), via="b2")
    assert result_of(again, stack=stack) is DigestResult.STALE
    plain = replace(GOOD, nonce="n2", qop="")
    assert result_of(facts(plain), stack=stack) is DigestResult.OK
    assert result_of(facts(replace(plain, nonce_count="2"), via="b2"), stack=stack) is DigestResult.STALE


def test_a_wrong_digest_takes_no_use() -> None:
    """A stranger fills no memory, and does not spoil a nonce for its owner."""
    stack = Stack()
    result_of(facts(), NOBODY, stack=stack)
    assert not stack.uses
    assert result_of(facts(), stack=stack) is DigestResult.OK


@given(st.builds(Credentials, *[hostile_text] * 7), hostile_text, hostile_text, st.sampled_from(DigestResult))
def test_any_digest_gives_a_result(
    credentials: Credentials, method: str, uri: str, word: DigestResult
) -> None:
    """Total."""
    assert result_of(facts(credentials, method=method, uri=uri), word=word) in DigestResult
