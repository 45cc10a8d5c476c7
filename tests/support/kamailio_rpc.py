"""Asks a Kamailio by JSON-RPC with the patience of a test: an agent's two seconds are for an agent."""

from __future__ import annotations

import json
import os
import socket
from pathlib import Path
from typing import Any

from support.patience import PATIENCE


def ask_kamailio(path: Path, method: str, *params: object) -> Any:
    """The result of one call over the unix socket at this path.

    Raises OSError where nobody listens there, RuntimeError if the answer is an error.
    """
    request = {"jsonrpc": "2.0", "method": method, "params": list(params), "id": 1}
    # The path of a unix socket may have 107 bytes only (unix(7)); a descriptor's name is short.
    directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as own:
            own.bind("")  # an abstract name: Kamailio may see other directories
            own.settimeout(PATIENCE)
            own.sendto(json.dumps(request).encode(), f"/proc/self/fd/{directory}/{path.name}")
            answer = json.loads(own.recv(1 << 20))
    finally:
        os.close(directory)
    if "error" in answer:
        raise RuntimeError(f"{method}: {answer['error']}")
    return answer["result"]
