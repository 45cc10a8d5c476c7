"""Answers who may open the instance's directory: which calls are in progress, and the end of one of them.

One connection, one question, as a line of JSON: `{"ask": "calls"}` or `{"ask": "end", "callSid": "CA..."}`.
The answer is lines of JSON: the records so far, or `{"ended": true}` or `{"fault": "why not"}`. To
`{"ask": "metrics"}` it is text for Prometheus.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, Final

from sipedge.agent.call_keeper import CallKeeper
from sipedge.agent.health import probe
from sipedge.agent.rpc import KamailioRpc, RpcError
from sipedge.calls.events import RELAYED
from sipedge.instance import InstanceSettings

QUESTION_SECONDS: Final = 5.0
END_SECONDS: Final = 6.0
"""A call that is asked to end is over a second or two later."""
_POLL_SECONDS: Final = 0.1
_LONGEST_QUESTION: Final = 4_096


class CallServer:
    """The socket `calls.sock` of an instance; its file is its owner's alone."""

    def __init__(
        self,
        settings: InstanceSettings,
        rpc: KamailioRpc,
        keeper: CallKeeper,
        metrics: Callable[[], Awaitable[str]],
    ) -> None:
        """`metrics` makes the answer to `{"ask": "metrics"}`: text for Prometheus."""
        self._settings, self._rpc, self._keeper, self._metrics = settings, rpc, keeper, metrics

    async def run(self) -> None:
        """Without end. Raises OSError if the socket cannot be made."""
        path = self._settings.calls_socket
        path.unlink(missing_ok=True)
        server = await asyncio.start_unix_server(self._serve, sock=_listening(path), limit=_LONGEST_QUESTION)
        async with server:
            await server.serve_forever()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(QUESTION_SECONDS + END_SECONDS):
                for line in await self.answer(await reader.readline()):
                    writer.write(f"{line}\n".encode())
                await writer.drain()
        except (OSError, ValueError, TimeoutError):
            pass  # who asks no more, or too much, needs no answer
        finally:
            writer.close()

    async def answer(self, question: bytes) -> list[str]:
        """The lines of the answer."""
        match _json(question):
            case {"ask": "calls"}:
                found = (call.record for call in self._keeper.book.calls() if not call.is_lost)
                return [record.to_line() for record in found if record.origin != RELAYED]
            case {"ask": "metrics"}:
                return (await self._metrics()).splitlines()
            case {"ask": "end", "callSid": str(sid)}:
                fault = await self._end(sid)
                return [json.dumps({"ended": True} if fault is None else {"fault": fault})]
        return [json.dumps({"fault": "this is no question"})]

    async def _end(self, sid: str) -> str | None:
        """None once the call is over, else why it goes on."""
        book = self._keeper.book
        call = book.call(sid)
        if call is None:
            return "no such call is in progress here"
        try:
            [place, *_] = await self._rpc.call("dlg.profile_list", "sids", sid)
            asked_for = [f"X-Trunkline-Dialog: {place['h_entry']}:{place['h_id']}"]
            if call.record.answered_at is None:
                asked_for.append(f"X-Trunkline-Invite: {place['caller']['cseq']} {place['call-id']}")
        except (RpcError, LookupError, TypeError, ValueError) as error:
            return f"Kamailio does not know it: {error}"
        settings = self._settings
        asked = await probe(settings.address, settings.ports.udp, "end-call", tuple(asked_for))
        if asked.status != 200:
            return f"Kamailio answers {asked.status or 'nothing'}"
        for _ in range(int(END_SECONDS / _POLL_SECONDS)):
            await asyncio.sleep(_POLL_SECONDS)
            if book.call(sid) is None:
                return None
        return "it was asked to end, and has not yet"


def _listening(path: Path) -> socket.socket:
    """The path of a unix socket may have 107 bytes only (unix(7)); a descriptor's name is short."""
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        sock.setblocking(False)
        before = os.umask(0o177)
        try:
            sock.bind(f"/proc/self/fd/{directory}/{path.name}")
        finally:
            os.umask(before)
        sock.listen(16)
    except OSError:
        sock.close()
        raise
    finally:
        os.close(directory)
    return sock


def _json(line: bytes) -> Any:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None
