"""Logging that says an exception by type and place: its text may hold a secret, and so may its repr."""

from __future__ import annotations

import logging
from types import TracebackType
from typing import Final

from sipedge.fault import describe_fault

_OURS: Final = frozenset({"trunkline", "sipedge", "__main__", "root"})
_ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]


class FaultFormatter(logging.Formatter):
    """For every handler of ours, so that no line of ours or of a library shows an exception's text."""

    def formatException(self, ei: _ExcInfo) -> str:  # noqa: N802 - logging's name
        return describe_fault(ei[1]) if ei[1] is not None else "no exception"

    def formatStack(self, stack_info: str) -> str:  # noqa: N802 - logging's name
        return ""

    def message_of(self, record: logging.LogRecord) -> str:
        """The record's message; of a library without the text of exceptions.

        Those among its arguments are described; asyncio's lines after the first show a future's repr, and in
        it what was raised. Our own lines give exceptions as arguments only when their text was written for
        people.
        """
        given = record.args if isinstance(record.args, tuple) else ()
        if record.name.partition(".")[0] in _OURS:
            return record.getMessage()
        if any(isinstance(each, BaseException) for each in given):
            shown = tuple(describe_fault(each) if isinstance(each, BaseException) else each for each in given)
            message = record.msg % shown
        else:
            message = record.getMessage()
        return message.partition("\n")[0] if record.name == "asyncio" else message
