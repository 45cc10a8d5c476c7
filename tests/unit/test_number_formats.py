"""How carriers write numbers: to their form and back, with nothing that comes to mean another number."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.e164 import is_e164
from sipedge.numbering import countries, plan_of_code, spellings
from sipedge.numbering.formats import NumberFormat, read, written

NATIONAL, ZEROS, PLAIN, E164 = (
    NumberFormat.NATIONAL,
    NumberFormat.INTERNATIONAL_00,
    NumberFormat.WITHOUT_PLUS,
    NumberFormat.E164,
)


@pytest.mark.parametrize(
    ("number", "form", "code", "text"),
    (
        ("+493012345678", E164, "49", "+493012345678"),
        ("+493012345678", PLAIN, "49", "493012345678"),
        ("+493012345678", ZEROS, "", "00493012345678"),
        ("+493012345678", NATIONAL, "49", "03012345678"),
        ("+442079460000", NATIONAL, "49", "00442079460000"),
        ("+14155550100", NATIONAL, "1", "4155550100"),
        ("+442079460000", NATIONAL, "1", "011442079460000"),
        ("+390612345678", NATIONAL, "39", "0612345678"),
        ("+78121234567", NATIONAL, "7", "88121234567"),
        ("+819012345678", NATIONAL, "81", "09012345678"),
        ("+14155550100", NATIONAL, "81", "01014155550100"),
        ("+493012345678", NATIONAL, "999", "00493012345678"),
    ),
)
def test_a_number_is_written_and_read_again(number: str, form: NumberFormat, code: str, text: str) -> None:
    assert written(number, form, code) == text
    assert read(text, form, code) == number


@pytest.mark.parametrize(
    ("text", "form", "code", "number"),
    (
        ("+442079460000", NATIONAL, "49", "+442079460000"),
        ("3012345678", NATIONAL, "49", "+493012345678"),
        ("14155550100", NATIONAL, "1", "+14155550100"),
        ("442079460000", ZEROS, "49", "442079460000"),
        ("442079460000", E164, "", "+442079460000"),
        ("reception", NATIONAL, "49", "reception"),
        ("", ZEROS, "49", ""),
        ("0" * 400, NATIONAL, "49", "0" * 400),
        ("030;phone-context=x", NATIONAL, "49", "030;phone-context=x"),
    ),
)
def test_what_else_carriers_send_is_read_too(text: str, form: NumberFormat, code: str, number: str) -> None:
    """A plus says itself what follows, and what is no number stays what it is."""
    assert read(text, form, code) == number


@pytest.mark.parametrize(
    "number", ("+44001900555010", "+440019005550100"[:16], "+1011442079460", "+390019005550")
)
def test_a_national_number_never_becomes_one_of_another_country(number: str) -> None:
    """Its own zeros, with the one that is written before them, would be the prefix of another country."""
    code = next(code for code in ("44", "1", "39") if number[1:].startswith(code))
    text = written(number, NATIONAL, code)
    assert spellings(read(text, NATIONAL, code))[-1].startswith(f"+{code}")


CODES = st.sampled_from(sorted(code for code in map(str, range(1, 1000)) if plan_of_code(code)))
NUMBERS = st.from_regex(r"\+[1-9][0-9]{1,14}", fullmatch=True, alphabet=st.characters(codec="ascii"))


@given(CODES, CODES, st.text("0123456789", min_size=1, max_size=12), st.sampled_from(NumberFormat))
def test_whoever_reads_what_was_written_calls_the_same(
    code: str, other: str, digits: str, form: NumberFormat
) -> None:
    """Whatever the number, and in whichever country: at most a trunk prefix has gone."""
    for number in (f"+{code}{digits}"[:16], f"+{other}{digits}"[:16]):
        if is_e164(number):
            back = read(written(number, form, code), form, code)
            assert spellings(back)[-1] == spellings(number)[-1]


@given(st.text(max_size=40), st.sampled_from(NumberFormat), st.text(max_size=4))
def test_any_text_can_be_read_and_written(text: str, form: NumberFormat, code: str) -> None:
    read(text, form, code)
    assert is_e164(text) or written(text, form, code) == text
    assert countries()
