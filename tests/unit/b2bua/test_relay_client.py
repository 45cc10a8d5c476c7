"""The media relay as the B2BUA asks it: one that hangs is not waited for twice, and is told what must end."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from sipedge.b2bua.hearing import RelayClient
from sipedge.media_settings import MediaSettings
from sipedge.ng.client import NgUnreachableError
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


def test_without_a_relay_nothing_is_asked() -> None:
    with pytest.raises(NgUnreachableError, match="none"):
        asyncio.run(RelayClient(None).ask(Query("one")))
