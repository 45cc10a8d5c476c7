"""What the operator logs, and what it leaves out."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import pytest

from trunkline.controllers.logs import configure_logs


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """What is logged; the loggers are as before afterwards."""
    names = ("", "trunkline", "kopf", "aiohttp.access")
    before = {name: logging.getLogger(name).level for name in names}
    handlers = logging.getLogger().handlers[:]
    yield io.StringIO()
    logging.getLogger().handlers[:] = handlers
    for name, level in before.items():
        logging.getLogger(name).setLevel(level)


class NotServedError(Exception):
    """As Kopf's own errors, it has the status of the answer."""

    def __init__(self, status: int) -> None:
        super().__init__("404 page not found")
        self.status = status


@pytest.mark.parametrize(("status", "lines"), ((404, 0), (500, 1)))
def test_a_kind_that_is_not_served_any_more_is_told_once(
    stream: io.StringIO, status: int, lines: int
) -> None:
    """By the watchdog, with the mend; Kopf's stack adds nothing to it. Its other faults are kept."""
    configure_logs(False, stream)
    try:
        raise NotServedError(status)
    except NotServedError:
        logging.getLogger("kopf._core.reactor").exception("Watcher has failed")
    assert len(stream.getvalue().splitlines()) == lines


@pytest.mark.parametrize("verbose", (False, True))
def test_the_kubelets_probes_are_no_news(stream: io.StringIO, verbose: bool) -> None:
    """They come every few seconds for as long as the operator runs; its own lines are kept."""
    configure_logs(verbose, stream)
    logging.getLogger("aiohttp.access").info("GET /healthz 200")
    logging.getLogger("trunkline.controllers").info("acting")
    assert [json.loads(line)["message"] for line in stream.getvalue().splitlines()] == ["acting"]
