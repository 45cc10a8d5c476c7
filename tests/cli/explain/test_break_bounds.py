"""explain measures what the edge measures."""

from __future__ import annotations

from sipedge.routing.message.bounds import LONGEST_WAY, MOST_HEADERS_OF_ANSWER, excess_of
from trunkline.cli.explain.message import SipText, tag_of

VIAS = tuple(("v" if n % 2 else "Via", f"SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{'b' * 200}") for n in range(40))


def test_all_vias_of_a_request_are_measured_and_of_an_answer_none() -> None:
    sizes = SipText("INVITE", "sip:x@y", headers=VIAS).sizes
    assert sizes.way > LONGEST_WAY
    assert excess_of(sizes) is not None
    assert SipText("INVITE", status=200, headers=VIAS).sizes.way == 0


def test_an_answer_may_have_more_headers() -> None:
    text = SipText("INVITE", status=200, headers=(("X-A", "1"),) * MOST_HEADERS_OF_ANSWER)
    assert excess_of(text.sizes, MOST_HEADERS_OF_ANSWER) is None


def test_a_tag_is_read_as_kamailio_reads_it() -> None:
    assert tag_of("<sip:a@b>;tag=a,b;x=y") == "a,b"
