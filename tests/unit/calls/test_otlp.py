"""Call records as logs of OpenTelemetry."""

from __future__ import annotations

import json

import pytest

from sipedge.calls.otlp import Endpoint, logs_request, read_endpoint, refused_in
from sipedge.calls.record import Record, Result


def test_a_record_is_one_log_with_its_values_as_attributes() -> None:
    """Times in nanoseconds, whole numbers as texts, as this JSON has them; what is no record is left out."""
    record = Record(
        call_sid="CA1",
        result=Result.BUSY,
        sip_status=486,
        duration_seconds=1.5,
        started_at="2026-01-01T00:00:00.000Z",
        ended_at="2026-01-01T00:00:02.250Z",
    )
    lines = [record.to_line().encode(), b"{}", b"junk", b"\xff"]
    said = json.loads(logs_request(lines, {"service.name": "trunkline-edge"}, 1_767_225_603.5))
    (resource,) = said["resourceLogs"]
    assert resource["resource"]["attributes"] == [
        {"key": "service.name", "value": {"stringValue": "trunkline-edge"}}
    ]
    (log,) = resource["scopeLogs"][0]["logRecords"]
    assert log["timeUnixNano"] == "1767225602250000000"
    assert log["observedTimeUnixNano"] == "1767225603500000000"
    assert log["eventName"] == "trunkline.call"
    assert json.loads(log["body"]["stringValue"]) == record.to_json()
    attributes = {each["key"]: each["value"] for each in log["attributes"]}
    assert attributes["sipStatus"] == {"intValue": "486"}
    assert attributes["durationSeconds"] == {"doubleValue": 1.5}
    assert attributes["result"] == {"stringValue": "busy"}


@pytest.mark.parametrize(
    ("text", "wanted"),
    (
        ("http://collector:4318", Endpoint(False, "collector", 4318, "/v1/logs")),
        ("http://collector", Endpoint(False, "collector", 4318, "/v1/logs")),
        ("https://[2001:db8::1]/otlp/", Endpoint(True, "2001:db8::1", 443, "/otlp/v1/logs")),
    ),
)
def test_an_endpoint_is_a_url_below_which_logs_are_taken(text: str, wanted: Endpoint) -> None:
    assert read_endpoint(text) == wanted


@pytest.mark.parametrize(
    "text",
    (
        "collector:4318",
        "grpc://collector",
        "http://",
        "http://u:p@c",
        "http://c:x",
        "http://c?a",
        "http://c d",
    ),
)
def test_what_is_none_is_refused_with_the_mend(text: str) -> None:
    with pytest.raises(ValueError, match="write http://HOST:4318"):
        read_endpoint(text)


def test_a_collector_may_take_a_part() -> None:
    assert refused_in(b'{"partialSuccess": {"rejectedLogRecords": "3"}}') == 3
    for answer in (b"{}", b"", b"junk", b'{"partialSuccess": 1}', b"\xff"):
        assert refused_in(answer) == 0


@pytest.mark.parametrize("text", ("http://u:hunter2@c:x", "grpc://u:hunter2@c", "http://c:99999@hunter2"))
def test_what_may_be_a_password_is_not_told(text: str) -> None:
    with pytest.raises(ValueError, match="user name") as caught:
        read_endpoint(text)
    assert "hunter2" not in str(caught.value)
