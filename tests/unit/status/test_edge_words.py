"""What edges say of Carriers and Accounts, and the conditions that follow."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from sipedge.agent.acknowledge import Acknowledgement
from sipedge.agent.lease import notes_of
from sipedge.contract import LONGEST_TOLD, TOLD
from trunkline.api import ObjectRef
from trunkline.status.edge_words import NO_WORDS, EdgeWords, opinions_told, words_in

CARRIER, ACCOUNT = ObjectRef("Carrier", None, "telco"), ObjectRef("Account", None, "acme")


def acknowledged(**fields: object) -> Acknowledgement:
    return Acknowledgement("ashburn", "192.0.2.1", 1, True, None, None, **fields)  # type: ignore[arg-type]


def test_what_an_agent_writes_on_its_lease_is_read_there() -> None:
    said = acknowledged(registrations=(("telco", "no"),), minutes_reached=(("acme", 80),))
    text = notes_of(said)[TOLD]
    assert text is not None
    assert words_in(text) == EdgeWords((("telco", "no"),), (("acme", 80),))
    assert notes_of(acknowledged())[TOLD] is None
    assert words_in("") == NO_WORDS


def test_more_than_fits_is_not_said() -> None:
    many = tuple((f"carrier-{n}", "x" * 200) for n in range(200))
    assert notes_of(acknowledged(registrations=many))[TOLD] is None


@given(st.text(max_size=200) | st.builds(json.dumps, st.dictionaries(
    st.sampled_from(["registrations", "minutes_reached"]),
    st.lists(st.lists(st.text(max_size=5) | st.integers() | st.none(), max_size=3), max_size=5),
)))  # fmt: skip
def test_any_annotation_is_words_or_none(text: str) -> None:
    opinions_told((("a", words_in(text)),))
    assert words_in("[" * (LONGEST_TOLD + 1)) == NO_WORDS


def test_a_carrier_is_registered_if_all_addresses_are() -> None:
    yes, no = EdgeWords((("telco", ""),)), EdgeWords((("telco", "sip.telco.example answers 403 Forbidden"),))
    (opinion,) = opinions_told((("ashburn 192.0.2.1", yes), ("ashburn 192.0.2.2", yes)))[CARRIER]
    assert (opinion.type, opinion.status, opinion.message) == (
        "Registered", "True", "2 addresses are registered",
    )  # fmt: skip
    (opinion,) = opinions_told((("ashburn 192.0.2.1", yes), ("ashburn 192.0.2.2", no)))[CARRIER]
    assert (opinion.status, opinion.reason) == ("False", "NotRegistered")
    assert "ashburn 192.0.2.2: sip.telco.example answers 403 Forbidden" in opinion.message


def test_minutes_are_told_at_the_highest_that_any_edge_counts() -> None:
    def told(*levels: int) -> tuple[str, str]:
        words = [("a", EdgeWords((), (("acme", level),))) for level in levels]
        (opinion,) = opinions_told(words)[ACCOUNT]
        return opinion.status, opinion.reason

    assert told(80) == ("True", "FewMinutesLeft")
    assert told(80, 100) == ("False", "NoMinutesLeft")


def test_an_account_of_many_namespaces_is_named_with_the_one() -> None:
    words = EdgeWords((), (("default/shop", 100), ("default/lab", 80)))
    (opinion,) = opinions_told((("a", words),))[ObjectRef("Account", None, "default")]
    assert "default/shop" in opinion.message
    assert "lab" not in opinion.message
