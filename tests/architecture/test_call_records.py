"""The page of call records has every key that records and events have."""

from __future__ import annotations

import call_records


def test_the_page_is_as_the_code_says() -> None:
    """`make call-records` would change nothing."""
    assert call_records.PAGE.read_text(encoding="utf-8") == call_records.page()
