"""Files that the options of `explain` name: a body, a whole message, a call's memory."""

from __future__ import annotations

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from trunkline.cli.explain.memory_file import memory_of
from trunkline.cli.explain.message import read_message
from trunkline.cli.explain.request import CallOptions, ExplainOptions
from trunkline.cli.reading import UsageError

_STANDARD_INPUT: Final = "-"
_LARGEST_FILE: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class GivenFiles:
    """Names as they were given; `-` is standard input, None = not given."""

    body: str | None = None
    message: str | None = None
    memory: str | None = None
    sender: str | None = None
    answer: int | None = None
    set_up: bool = False

    def read_into(self, options: ExplainOptions) -> ExplainOptions:
        """The options with what the files hold. Raises UsageError for what cannot be read."""
        message = options.message
        if self.body is not None:
            text = _read(self.body, "--body").decode("utf-8", "replace")
            message = replace(message, body=_as_on_the_wire(text))
        if self.message is not None:
            try:
                message = replace(message, whole=read_message(_read(self.message, "--message")))
            except ValueError as error:
                raise UsageError(f"--message {self.message}: {error}") from error
        return replace(
            options, message=message, call=self._call(message.whole.status if message.whole else 0)
        )

    def _call(self, status: int) -> CallOptions | None:
        if self.memory is None:
            for option, given in (
                ("--sender", self.sender),
                ("--answer", self.answer),
                ("--message", status),
            ):
                if given:
                    raise UsageError(
                        f"{option} is for a message within a call: give its memory by --in-dialog"
                    )
            return None
        text = _read(self.memory, "--in-dialog").decode("utf-8", "replace")
        memory = memory_of(text, f"--in-dialog {self.memory}")
        return CallOptions(memory, self.sender, self.answer or status or None, self.set_up)


def _read(name: str, option: str) -> bytes:
    try:
        if name == _STANDARD_INPUT:
            return sys.stdin.buffer.read(_LARGEST_FILE)
        with Path(name).open("rb") as file:
            return file.read(_LARGEST_FILE)
    except OSError as error:
        raise UsageError(f"{option} {name}: {error.strerror}") from error


def _as_on_the_wire(text: str) -> str:
    """Lines end in CRLF there (RFC 8866 section 5), whatever an editor writes."""
    return "\r\n".join(text.splitlines()) + "\r\n" if text else ""
