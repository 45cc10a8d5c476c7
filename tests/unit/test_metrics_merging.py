"""One page of several."""

from __future__ import annotations

from sipedge.metrics.catalogue import metric
from sipedge.metrics.merging import merged, page_of

PAGE = """# HELP trunkline_edge_calls_total Calls begun.
# TYPE trunkline_edge_calls_total counter
trunkline_edge_calls_total{edge="ashburn"} 4.0
# HELP process_open_fds Open files.
# TYPE process_open_fds gauge
process_open_fds 9.0
"""


def test_samples_of_a_metric_stand_together_and_say_where_they_are_from() -> None:
    """Prometheus refuses a metric that begins twice."""
    pages = [({"edge": "ashburn", "address": f"127.0.0.{number}"}, PAGE) for number in (1, 2)]
    assert merged(pages).splitlines() == [
        "# HELP trunkline_edge_calls_total Calls begun.",
        "# TYPE trunkline_edge_calls_total counter",
        'trunkline_edge_calls_total{edge="ashburn",address="127.0.0.1"} 4.0',
        'trunkline_edge_calls_total{edge="ashburn",address="127.0.0.2"} 4.0',
        "# HELP process_open_fds Open files.",
        "# TYPE process_open_fds gauge",
        'process_open_fds{edge="ashburn",address="127.0.0.1"} 9.0',
        'process_open_fds{edge="ashburn",address="127.0.0.2"} 9.0',
    ]


def test_what_is_no_sample_is_left_out_and_labels_are_escaped() -> None:
    page = "junk\n" + page_of(metric("trunkline_leader"), 1.0) + "{fault}\n"
    assert merged([({"edge": 'a"b\\c'}, page)]).splitlines()[-1] == 'trunkline_leader{edge="a\\"b\\\\c"} 1.0'
