"""Documents of call instructions: what is read, what is passed over with a note, what is no document."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.b2bua.twiml.read import LONGEST, MOST_LOOPS, MOST_NOTES, MOST_VERBS, DocumentError, read
from sipedge.b2bua.twiml.verbs import (
    Callback,
    Dial,
    DialNumber,
    DialSip,
    Gather,
    Hangup,
    Pause,
    Play,
    Record,
    Redirect,
    Reject,
    Say,
    Verb,
)


def document(body: str) -> bytes:
    return f"<Response>{body}</Response>".encode()


@pytest.mark.parametrize(
    ("body", "verb"),
    (
        ("<Say>Hello  there\n you</Say>", Say("Hello there you")),
        ('<Say language="de-DE" loop="2" voice="alice">Hallo</Say>', Say("Hallo", "de-DE", 2)),
        ('<Say loop="0">again</Say>', Say("again", loop=MOST_LOOPS)),
        ("<Play>https://a.example/x.wav</Play>", Play("https://a.example/x.wav")),
        ('<Play loop="3">x.wav</Play>', Play("x.wav", 3)),
        ("<Pause/>", Pause(1)),
        ('<Pause length="7"/>', Pause(7)),
        ('<Gather numDigits="4" timeout="2" action="/got"/>', Gather((), Callback("/got"), 2, "#", 4)),
        ("<Gather><Say>Type</Say><Pause/></Gather>", Gather((Say("Type"), Pause(1)))),
        ('<Gather finishOnKey="" actionOnEmptyResult="true"/>', Gather(finish_on="", is_told_empty=True)),
        ('<Record maxLength="30" playBeep="false"/>', Record(most_seconds=30, has_beep=False)),
        ("<Dial>+1 415 555 0100</Dial>", Dial(DialNumber("+14155550100"))),
        ("<Dial><Number>+14155550100</Number></Dial>", Dial(DialNumber("+14155550100"))),
        ("<Dial><Sip>sip:a@b.example</Sip></Dial>", Dial(DialSip("sip:a@b.example"))),
        (
            '<Dial action="/after" method="GET" callerId="+14155550199" timeLimit="60">+14155550100</Dial>',
            Dial(DialNumber("+14155550100"), Callback("/after", "GET"), 30, "+14155550199", 60),
        ),
        ('<Redirect method="GET">/next</Redirect>', Redirect(Callback("/next", "GET"))),
        ("<Reject/>", Reject()),
        ('<Reject reason="busy"/>', Reject(is_busy=True)),
        ("<Hangup/>", Hangup()),
    ),
)
def test_each_verb_is_read(body: str, verb: Verb) -> None:
    found = read(document(body))
    assert found.verbs == (verb,)
    assert found.notes == ()


@pytest.mark.parametrize(
    ("body", "note"),
    (
        ("<Enqueue>x</Enqueue>", "<Enqueue> is no verb"),
        ('<Pause length="soon"/>', "attribute length of <Pause>"),
        ('<Pause length="-1"/>', "attribute length of <Pause>"),
        ('<Say colour="red">x</Say>', "attribute colour of <Say>"),
        ("<Play>ftp://a.example/x</Play>", "<Play> without a URL"),
        ("<Play>file:///etc/passwd</Play>", "<Play> without a URL"),
        ("<Redirect>javascript:1</Redirect>", "<Redirect> without a URL"),
        ("<Redirect>http://[::1/x</Redirect>", "<Redirect> without a URL"),
        ("<Play>//[/x.wav</Play>", "<Play> without a URL"),
        ("<Dial><Sip>sip:a@b.example?Replaces=c</Sip></Dial>", "headers of a <Sip>"),
        ("<Dial>911</Dial>", "<Dial> without a number"),
        ("<Dial><Client>joe</Client></Dial>", "<Dial> without a number"),
        ("<Dial><Number>+14155550100</Number><Number>+14155550101</Number></Dial>", "calls its first target"),
        ("<Gather><Dial>+14155550100</Dial></Gather>", "<Dial> in <Gather>"),
        ("<Say>" + "x" * 5_000 + "</Say>", "is cut"),
        ("<Pause/>" * (MOST_VERBS + 1), "the rest is passed over"),
    ),
)
def test_what_cannot_be_followed_is_told(body: str, note: str) -> None:
    assert note in " ".join(read(document(body)).notes)


def test_headers_of_a_uri_are_no_part_of_whom_is_called() -> None:
    (verb,) = read(document("<Dial><Sip>sip:a@b.example;transport=tcp?X-Room=7</Sip></Dial>")).verbs
    assert verb == Dial(DialSip("sip:a@b.example;transport=tcp"))


@pytest.mark.parametrize(
    "text",
    (
        b"",
        b"hello",
        b"<Answer/>",
        b"<Response>",
        b"\xff\xfe\x00",
        b"<Response>" + b" " * LONGEST + b"</Response>",
        b'<!DOCTYPE x [<!ENTITY a "b">]><Response>&a;</Response>',
        b'<!DOCTYPE x SYSTEM "http://169.254.169.254/"><Response/>',
        b"<?xml version='1.0' encoding='no-such'?><Response/>",
        b"<Response>" + b"<Say>" * 8_000 + b"</Say>" * 8_000,
    ),
)
def test_what_is_no_document_is_refused(text: bytes) -> None:
    with pytest.raises(DocumentError) as caught:
        read(text)
    assert "169.254" not in str(caught.value)


def test_notes_are_bounded_and_name_no_text_to_be_spoken() -> None:
    found = read(document("".join(f"<Nobody{number}>secret</Nobody{number}>" for number in range(90))))
    assert len(found.notes) == MOST_NOTES
    assert "secret" not in "".join(found.notes)


@given(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: document(text)))
def test_any_text_is_a_document_or_none(text: bytes) -> None:
    with contextlib.suppress(DocumentError):
        read(text)
