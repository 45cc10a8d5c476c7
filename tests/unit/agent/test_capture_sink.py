"""Where the collector of copies is."""

from __future__ import annotations

import asyncio
from typing import cast

import pytest

from sipedge.agent.capture_sink import Place
from sipedge.agent.location import Question, Record
from sipedge.agent.questions import Dns, NoAnswerError

KNOWN: dict[Question, tuple[str, ...]] = {
    Question("four.example", "A"): ("192.0.2.1",),
    Question("four.example", "AAAA"): ("2001:db8::1",),
    Question("six.example", "A"): (),
    Question("six.example", "AAAA"): ("2001:db8::1",),
}


class Names:
    """Stands in for DNS."""

    async def ask(self, question: Question) -> tuple[tuple[Record, ...], float]:
        if question not in KNOWN:
            raise NoAnswerError("no answer")
        return KNOWN[question], 60.0


@pytest.mark.parametrize(
    ("host", "address"),
    (
        ("four.example", "192.0.2.1"),
        ("six.example", "2001:db8::1"),
        ("nobody.example", None),
        ("192.0.2.7", "192.0.2.7"),
        ("[2001:db8::7]", "2001:db8::7"),
    ),
)
def test_a_collector_is_found_by_its_name(host: str, address: str | None) -> None:
    assert asyncio.run(Place(host, cast("Dns", Names())).find()) == address
