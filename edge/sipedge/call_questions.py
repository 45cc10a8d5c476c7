"""Asks an agent for calls in progress, or for the end of one: over the socket in its instance's directory."""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Final

ANSWER_SECONDS: Final = 12.0
"""Longer than a call takes that is asked to end."""
ANSWERED: Final = '{"answered": true}'
"""The last line of what `sipedge.agent.ask` prints: without it nobody has answered, however few the lines."""


class AskError(Exception):
    """There is no agent to ask; the text says why."""


def ask(path: Path, question: str, seconds: float = ANSWER_SECONDS) -> list[str]:
    """The lines of the answer, which takes so long at most. Raises AskError."""
    try:
        # The path of a unix socket may have 107 bytes only (unix(7)); a descriptor's name is short.
        directory = os.open(path.parent, os.O_PATH | os.O_DIRECTORY)
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as sock:
                sock.settimeout(seconds)
                sock.connect(f"/proc/self/fd/{directory}/{path.name}")
                sock.sendall(question.encode() + b"\n")
                with sock.makefile(encoding="utf-8") as answer:
                    return answer.read().splitlines()
        finally:
            os.close(directory)
    except (OSError, ValueError) as error:
        raise AskError(f"{path}: the agent does not answer: {error}") from error
