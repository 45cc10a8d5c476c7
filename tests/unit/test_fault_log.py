"""No line of a log shows the text of an exception that nobody expected."""

from __future__ import annotations

import asyncio
import gc
import io
import logging
from collections.abc import Iterator

import pytest

from sipedge.fault_log import FaultFormatter
from trunkline.controllers.logs import JsonLines

SECRET = "correct horse battery"


class Plain(FaultFormatter):
    def format(self, record: logging.LogRecord) -> str:
        end = f" {self.formatException(record.exc_info)}" if record.exc_info else ""
        return self.message_of(record) + end


@pytest.fixture(params=(Plain, JsonLines))
def stream(request: pytest.FixtureRequest) -> Iterator[io.StringIO]:
    root, stream = logging.getLogger(), io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(request.param())
    before, root.handlers[:] = root.handlers[:], [handler]
    yield stream
    root.handlers[:] = before


def test_a_logged_exception_is_said_by_type_and_place(stream: io.StringIO) -> None:
    try:
        raise ValueError(SECRET)
    except ValueError:
        logging.getLogger("trunkline.x").exception("a turn failed")
    assert "a turn failed" in stream.getvalue()
    assert "ValueError at test_fault_log.py:" in stream.getvalue()
    assert SECRET not in stream.getvalue()


def test_a_library_that_gives_the_exception_as_an_argument_is_described(stream: io.StringIO) -> None:
    logging.getLogger("kopf._core").error("gave up: %s %s", ValueError(SECRET), ValueError(SECRET))
    assert "gave up: ValueError ValueError" in stream.getvalue()
    assert SECRET not in stream.getvalue()


def test_a_task_that_nobody_waited_for_shows_no_text(stream: io.StringIO) -> None:
    async def fails() -> None:
        raise ValueError(SECRET)

    async def scenario() -> None:
        task = asyncio.create_task(fails())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        del task
        gc.collect()

    asyncio.run(scenario())
    assert "Task exception was never retrieved" in stream.getvalue()
    assert SECRET not in stream.getvalue()
