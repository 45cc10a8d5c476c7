"""What people are given to remove records by hand; that a server takes it, tests/apiserver shows."""

from __future__ import annotations

import pytest

from trunkline.dns.providers.rfc2136.leaving import removal_script
from trunkline.plan.dns_records import EdgeSite

OSLO = EdgeSite("oslo", "no1", ("192.0.2.1",), ("192.0.2.1",))


@pytest.mark.parametrize(
    ("server", "line"),
    (
        ("ns.example", "server ns.example"),
        ("192.0.2.53:5353", "server 192.0.2.53 5353"),
        ("[2001:db8::53]:53", "server 2001:db8::53 53"),
        ("2001:db8::53", "server 2001:db8::53"),
    ),
)
def test_it_names_the_server_as_nsupdate_wants_it(server: str, line: str) -> None:
    """With a space before the port, and no brackets."""
    first, second, *_ = removal_script(server, "example", "voice.example", [OSLO]).splitlines()
    assert (first, second) == (line, "zone example")


def test_it_removes_records_first_and_marks_last() -> None:
    """Should it be cut short, the marks still say whose the rest is."""
    lines = removal_script("ns.example", "example", "voice.example", [OSLO]).splitlines()
    removals = [line.removeprefix("update delete ") for line in lines[2:-1]]
    assert lines[-1] == "send"
    for wanted in ("*.pstn.oslo.voice.example A", "a1.sip.oslo.voice.example A", "pstn.no1.voice.example A"):
        assert wanted in removals
    marks = [f"_trunkline.{group}.voice.example TXT" for group in ("no1", "oslo", "pstn")]
    marks.append("_trunkline.voice.example TXT")
    assert [each for each in removals if "_trunkline" in each] == removals[-4:]
    assert sorted(removals[-4:]) == sorted(marks)
