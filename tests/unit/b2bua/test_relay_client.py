"""The media relay as the B2BUA asks it: one that hangs is not waited for twice, and is told what must end."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from sipedge.b2bua.hearing import RelayClient
from sipedge.media_settings import MediaSettings
from sipedge.ng.client import NgClient, NgError, NgRefusedError, NgUnreachableError
from sipedge.ng.packets import Read
from sipedge.routing.media.commands import Query
from support.patience import PATIENCE


def test_a_session_is_ended_at_a_relay_that_did_not_answer_lately() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        silent.settimeout(PATIENCE)
        client = RelayClient(MediaSettings(Path("spool"), ng_port=silent.getsockname()[1]))

        async def play() -> None:
            with pytest.raises(NgUnreachableError):
                await client.ask(Query("one"))
            with pytest.raises(NgUnreachableError, match="lately"):
                await client.ask(Query("two"))
            await client.end("three")

        asyncio.run(play())
        assert client._client is not None
        client._client.close()
        asked = [silent.recv(65_535)]
        while b"three" not in asked[-1]:
            asked.append(silent.recv(65_535))
        assert b'"delete"' in asked[-1]
        assert not [each for each in asked if b"two" in each]


@dataclass
class Told(NgClient):
    """A relay's answers, by the id of the session; it says them once it may."""

    answers: Mapping[str, NgError | None]
    may_answer: threading.Event = field(default_factory=threading.Event)
    asked: list[str] = field(default_factory=list)

    def ask(self, command: Mapping[str, Any], **_: Any) -> dict[str, Read]:
        ng_id = str(command["call-id"])
        self.asked.append(ng_id)
        assert self.may_answer.wait(PATIENCE)
        if (error := self.answers.get(ng_id)) is not None:
            raise error
        return {"result": "ok"}


def asking(relay: Told, mark: float | None = None) -> RelayClient:
    client = RelayClient(None)
    client._client, client._mark = relay, None if mark is None else int(mark)
    return client


@pytest.mark.parametrize(
    ("error", "is_asked_again"),
    (
        (None, True),
        (NgRefusedError("Unknown call-id"), True),
        (NgUnreachableError("connection refused", hangs=False), True),
        (NgUnreachableError("no answer", hangs=True), False),
    ),
    ids=("an answer", "a refusal", "nobody there", "silence"),
)
def test_what_came_of_one_command_says_whether_the_next_is_sent(
    error: NgError | None, is_asked_again: bool
) -> None:
    relay = Told({"one": error})
    relay.may_answer.set()

    async def play() -> None:
        client = asking(relay, asyncio.get_running_loop().time() - 1)
        await asyncio.gather(client.ask(Query("one")), return_exceptions=True)
        await asyncio.gather(client.ask(Query("two")), return_exceptions=True)

    asyncio.run(play())
    assert relay.asked == (["one", "two"] if is_asked_again else ["one"])


def test_one_that_hung_is_asked_by_one_and_once_it_answers_by_all() -> None:
    relay = Told({})

    async def play() -> None:
        client = asking(relay, asyncio.get_running_loop().time() - 1)
        first = asyncio.create_task(client.ask(Query("one")))
        await asyncio.sleep(0)
        with pytest.raises(NgUnreachableError, match="lately"):
            await client.ask(Query("two"))
        relay.may_answer.set()
        await first
        await client.ask(Query("three"))

    asyncio.run(play())
    assert relay.asked == ["one", "three"]


def test_without_a_relay_nothing_is_asked() -> None:
    with pytest.raises(NgUnreachableError, match="none"):
        asyncio.run(RelayClient(None).ask(Query("one")))
