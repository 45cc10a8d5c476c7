"""A head is read at one go only where it can be read in one way, and then as any other reader reads it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sipedge.routing.message.bounds import LONGEST_IDENTIFIER, LONGEST_URI, MOST_HEADERS, excess_of
from sipedge.routing.message.headers import passes
from sipedge.routing.message.heads import LONGEST_HEAD, Head, plain_answer, plain_request
from support.strategies import hostile_text
from trunkline.cli.explain.message import read_message

LINE = "INVITE sip:+442079460000@acme-hq.pstn.trunkline.test SIP/2.0"
HEADERS = (
    "Via: SIP/2.0/UDP 192.0.2.10:5060;branch=z9hG4bK1",
    "Max-Forwards: 70",
    "From: <sip:+14155550100@192.0.2.10>;tag=1",
    "t: <sip:+442079460000@acme-hq.pstn.trunkline.test>",
    "Call-ID: one@192.0.2.10",
    "CSeq: 1 INVITE",
    "k: timer, 100rel",
    "User-Agent: PBX 1",
    "Content-Length: 4",
)


def request(*headers: str, line: str = LINE, end: str = "\r\n") -> str:
    return end.join((line, *headers, "", "")) + "v=0\n"


def test_a_plain_request_is_read_at_one_go() -> None:
    head = plain_request(request(*HEADERS))
    assert head is not None
    assert (head.method, head.version) == ("INVITE", "SIP/2.0")
    assert head.request_uri == "sip:+442079460000@acme-hq.pstn.trunkline.test"
    assert list(head.headers) == [
        "via", "max-forwards", "from", "to", "call-id", "cseq", "supported", "user-agent", "content-length",
    ]  # fmt: skip
    assert head.headers["to"] == ("<sip:+442079460000@acme-hq.pstn.trunkline.test>",)
    assert (head.removed, head.options, head.body) == (("User-Agent",), ("k",), "v=0\n")


@pytest.mark.parametrize("line", ("Expires:60", "Expires:   60"))
def test_blanks_after_the_colon_are_no_part_of_a_value(line: str) -> None:
    """Some telephones write the length of a body in a column of its own, others without any blank."""
    head = plain_request(request(*HEADERS, line))
    assert head is not None
    assert head.headers["expires"] == ("60",)


def test_a_way_of_several_hops_is_read_in_order() -> None:
    head = plain_request(request("Via: SIP/2.0/UDP a;branch=2", *HEADERS, "v: SIP/2.0/UDP b;branch=3"))
    assert head is not None
    assert head.headers["via"] == (
        "SIP/2.0/UDP a;branch=2", HEADERS[0].removeprefix("Via: "), "SIP/2.0/UDP b;branch=3",
    )  # fmt: skip


def test_an_answer_is_read_alike() -> None:
    head = plain_answer(request(*HEADERS, line="SIP/2.0 200 OK"), "INVITE")
    assert head is not None
    assert (head.method, head.request_uri, head.removed) == ("INVITE", "", ())


@pytest.mark.parametrize(
    "text",
    (
        request(*HEADERS, "X-Folded: one,\r\n two"),
        request(*HEADERS, "X-Blanks: one  two"),
        request(*HEADERS, "X-Tab: one\ttwo"),
        request(*HEADERS, "X-Behind: one "),
        request(*HEADERS, "X-Blank : one"),
        request(*HEADERS, "X-Empty: "),
        request(*HEADERS, "X_Odd: one"),
        request(*HEADERS, "X-Name: M\xfcller"),
        request(*HEADERS, "X-Escape: \x1b[2J"),
        request(*HEADERS, "no header"),
        request(*HEADERS, "Supported: 100rel"),
        request(*HEADERS, "x: 60", "Session-Expires: 90"),
        request(*HEADERS, f"{'X' * 65}: one"),
        request(*HEADERS, f"Contact: <sip:{'x' * LONGEST_URI}@192.0.2.10>"),
        request(f"Via: SIP/2.0/UDP a;branch={'x' * LONGEST_IDENTIFIER}", *HEADERS),
        request(*HEADERS, *(f"X-{number}: one" for number in range(MOST_HEADERS))),
        request(*HEADERS, *(f"X-{number}: {'x' * 1_000}" for number in range(LONGEST_HEAD // 1_000))),
        request(*HEADERS, end="\n"),
        request(*HEADERS, line=LINE.lower()),
        request(*HEADERS, line=f"INVITE sip:{'x' * LONGEST_URI} SIP/2.0"),
        "\r\n" + request(*HEADERS),
        LINE + "\r\n\r\n",
        LINE,
        "",
    ),
)
def test_what_might_be_read_otherwise_is_left_to_kamailio(text: str) -> None:
    assert plain_request(text) is None


_names = (
    st.sampled_from(
        (
            "Via",
            "v",
            "From",
            "To",
            "Call-ID",
            "CSeq",
            "Contact",
            "m",
            "Supported",
            "X-A",
            "x-trunkline-b",
            "User-Agent",
        )
    )
    | hostile_text
)
_lines = st.builds("{}{}{}".format, _names, st.sampled_from((": ", ":", " : ", ":\t")), hostile_text)


@given(st.lists(_lines, max_size=12), hostile_text, st.sampled_from(("", "sip:1@x", "SIP:a b")))
def test_what_is_read_at_one_go_is_what_anybody_reads(lines: list[str], body: str, uri: str) -> None:
    text = "\r\n".join((f"INVITE {uri} SIP/2.0", *lines, "", "")) + body
    head = plain_request(text)
    if head is not None:
        _agrees(head, text)


def _agrees(head: Head, text: str) -> None:
    other = read_message(text.encode("utf-8", "surrogatepass"))
    assert (head.method, head.request_uri, head.version) == (other.method, other.request_uri, other.version)
    assert dict(head.headers) == {name: tuple(values) for name, values in other.values.items()}
    assert head.body == text.partition("\r\n\r\n")[2]
    kept = {name for name in head.headers if passes("INVITE", name, is_answer=False)}
    assert len(head.removed) == len(head.headers) - len(kept)
    assert excess_of(other.sizes) is None or "tag" in str(excess_of(other.sizes))
