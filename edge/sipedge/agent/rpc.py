"""Calls Kamailio's JSON-RPC over its unix datagram socket."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import socket
from pathlib import Path
from typing import Any, Final

ANSWER_SECONDS: Final = 2.0
LARGEST_ANSWER: Final = 65_536


class RpcError(Exception):
    """Kamailio did not answer, or answered with an error."""


class KamailioRpc:
    """One Kamailio's control socket."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ids = itertools.count(1)

    async def call(self, method: str, *params: str | int) -> Any:
        """The result of `method`. Raises RpcError, whose message names the method."""
        request_id = next(self._ids)
        request = {"jsonrpc": "2.0", "method": method, "params": params, "id": request_id}
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await self._exchange(json.dumps(request).encode(), request_id)
        except TimeoutError as error:
            raise RpcError(f"{method}: Kamailio gives no answer") from error
        except (OSError, ValueError) as error:
            raise RpcError(f"{method}: {error}") from error
        if "error" in answer:
            fault = answer["error"]
            raise RpcError(f"{method}: {fault.get('message', fault) if isinstance(fault, dict) else fault}")
        return answer.get("result")

    async def _exchange(self, request: bytes, request_id: int) -> dict[str, Any]:
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sock:
            sock.setblocking(False)
            # An abstract name, chosen by the kernel: no file is left behind. Not connected, since Kamailio
            # answers from another socket than the one that it reads.
            sock.bind("")
            # The path of a unix socket may have 107 bytes only (unix(7)); a descriptor's name is short.
            directory = os.open(self._path.parent, os.O_PATH | os.O_DIRECTORY)
            try:
                await loop.sock_sendto(sock, request, f"/proc/self/fd/{directory}/{self._path.name}")
            finally:
                os.close(directory)
            while True:
                answer = json.loads(await loop.sock_recv(sock, LARGEST_ANSWER))
                if isinstance(answer, dict) and answer.get("id") == request_id:
                    return answer
