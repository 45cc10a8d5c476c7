"""No expression that reads a message costs more than its length: one packet would hold a worker."""

from __future__ import annotations

import ast
import importlib
import inspect
import itertools
import pkgutil
import re
import signal
from collections.abc import Iterator
from types import FrameType, ModuleType
from typing import Any, Final

import pytest

import sipedge

LONGEST: Final = 16_384
"""Bytes of a message."""
CPU_SECONDS: Final = 0.25
"""A linear expression takes a hundredth of it for a whole message, a quadratic one several times as much."""
BESIDE: Final = ("sipedge.kemi", "sipedge.agent.__main__")
"""What can be imported by Kamailio alone, or begins an agent; none of it has expressions of its own."""
ALONE: Final = '\x00 \t\r\n"\\<>,;:=@%a0-+.[]()/~{}é'
IN_PAIRS: Final = ' \r\n"\\,;=<a0-'
WORDS: Final = ("sip:", "sip:a", "\nk", "\ncseq:", "\nsip:a@", "response ", "a:")
ANYWHERE: Final = frozenset({"search", "sub", "finditer", "findall", "split"})


def modules() -> Iterator[ModuleType]:
    for found in pkgutil.walk_packages(sipedge.__path__, "sipedge."):
        if not found.name.startswith(BESIDE):
            yield importlib.import_module(found.name)


def searched(module: ModuleType) -> frozenset[str]:
    """Names of expressions that the module looks for anywhere in a text."""
    return frozenset(
        node.value.id
        for node in ast.walk(ast.parse(inspect.getsource(module)))
        if isinstance(node, ast.Attribute) and node.attr in ANYWHERE and isinstance(node.value, ast.Name)
    )


def expressions() -> Iterator[tuple[str, re.Pattern[Any], tuple[str, ...]]]:
    seen = set()
    for module in modules():
        for name, value in vars(module).items():
            if isinstance(value, re.Pattern):
                ways = ("match", "fullmatch") + (("search",) if name in searched(module) else ())
                if (value, ways) not in seen:
                    seen.add((value, ways))
                    yield f"{module.__name__}.{name}", value, ways


def texts() -> Iterator[str]:
    for char in ALONE:
        yield char * LONGEST
    for word in WORDS:
        yield word * (LONGEST // len(word))
    for first, second in itertools.permutations(IN_PAIRS, 2):
        yield (first + second) * (LONGEST // 2)
        yield first * (LONGEST // 2) + second * (LONGEST // 2)


@pytest.mark.parametrize(
    ("expression", "ways"), [pytest.param(*each, id=name) for name, *each in expressions()]
)
def test_no_expression_costs_more_than_its_length(expression: re.Pattern[Any], ways: tuple[str, ...]) -> None:
    hard: list[str] = []

    def give_up(number: int, frame: FrameType | None) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGVTALRM, give_up)
    try:
        for way, text in itertools.product(ways, texts()):
            signal.setitimer(signal.ITIMER_VIRTUAL, CPU_SECONDS)
            try:
                getattr(expression, way)(text.encode() if isinstance(expression.pattern, bytes) else text)
            except TimeoutError:
                hard.append(f"{way} in {text[:3]!r}...{text[-3:]!r}")
                break
            finally:
                signal.setitimer(signal.ITIMER_VIRTUAL, 0)
    finally:
        signal.signal(signal.SIGVTALRM, before)
    assert not hard
