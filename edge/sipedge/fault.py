"""An unexpected exception, said without its text: that may quote a password, or a stranger's bytes."""

from __future__ import annotations

import errno
from types import TracebackType
from typing import Final

_OWN_PACKAGES: Final = ("sipedge", "trunkline")
_MOST_PLACES: Final = 8
_MOST_CAUSES: Final = 4


def describe_fault(error: BaseException) -> str:
    """Its type and where it was raised, through our own code, on one line of printable ASCII.

    `KeyError at compiler/numbers.py:41 > compiler/blocks.py:12`; after `from` comes what it was raised from,
    or the first member of an ExceptionGroup. An OSError also has the name of its number: `OSError ENOSPC at
    ...`.
    Never its message, its arguments, its notes or its repr. Total: it raises nothing itself.
    """
    chain: list[BaseException] = []
    each: BaseException | None = error
    while each is not None and len(chain) < _MOST_CAUSES and not any(each is known for known in chain):
        chain.append(each)
        each = _cause(each)
    return " from ".join(_describe(each) for each in chain)


def _cause(error: BaseException) -> BaseException | None:
    if isinstance(error, BaseExceptionGroup):
        return error.exceptions[0]
    if error.__cause__ is not None:
        return error.__cause__
    return None if error.__suppress_context__ else error.__context__


def _describe(error: BaseException) -> str:
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    number = error.errno if isinstance(error, OSError) else None
    code = errno.errorcode.get(number, "") if isinstance(number, int) else ""
    places = _places(error.__traceback__)
    words = name + (f" {code}" if code else "") + (f" at {places}" if places else "")
    return ascii(words)[1:-1]


def _places(trace: TracebackType | None) -> str:
    """Our own frames, outermost first, and the innermost one whosever it is."""
    places = []
    while trace is not None:
        module = trace.tb_frame.f_globals.get("__name__")
        package, _, rest = module.partition(".") if isinstance(module, str) else ("", "", "")
        own = package in _OWN_PACKAGES
        if own or trace.tb_next is None:
            folders = rest.split(".")[:-1] if own else []
            file = trace.tb_frame.f_code.co_filename.rpartition("/")[2]
            places.append(f"{'/'.join([*folders, file])}:{trace.tb_lineno}")
        trace = trace.tb_next
    shown = places[-_MOST_PLACES:]
    return " > ".join(["...", *shown] if len(places) > len(shown) else shown)
