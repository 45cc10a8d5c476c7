"""What is read of rtpengine's own metrics."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from sipedge.ng.metrics import dropped_packets

LINES = """# TYPE rtpengine_interface_errors counter
rtpengine_interface_errors{name="default",address="192.0.2.1",direction="ingress"} 44
rtpengine_interface_errors{name="other",address="192.0.2.2",direction="ingress"} 2
rtpengine_interface_errors{name="default",address="192.0.2.1",direction="egress"} 7
rtpengine_packet_errors_total{type="userspace"} 9
"""


def test_what_came_and_was_not_passed_on_counts_at_every_interface() -> None:
    assert dropped_packets(LINES) == 46


def test_one_that_counts_nothing_says_nothing() -> None:
    """Release 10.5 has no such line."""
    assert dropped_packets(LINES.replace("interface", "proxy")) is None


@given(st.text() | st.text(alphabet=LINES))
def test_any_page_is_read(page: str) -> None:
    found = dropped_packets(page)
    assert found is None or found >= 0
