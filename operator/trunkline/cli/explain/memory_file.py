"""A call's memory as a file of JSON: read back what `explain -o json` gives under `memory`. Pure."""

from __future__ import annotations

import json
from typing import Any, Final

from sipedge.routing.dialog.memory import CallMemory
from trunkline.cli.reading import UsageError

_KEY: Final = "memory"
_SAMPLE: Final[dict[str, Any]] = {
    "secure": False,
    "direction": "termination",
    "ends": 0,
    "caller": {"kind": "customer", "hop": "udp 192.0.2.1:5060"},
    "callee": {"kind": "carrier", "hop": "udp 192.0.2.2:5060"},
}
"""The least that a memory must say."""


def memory_of(text: str, name: str) -> CallMemory:
    """The memory that a file holds, by itself or under `memory`. Raises UsageError, which tells the mend."""
    try:
        plain = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{name} is not JSON ({error}): {_MEND}") from error
    if isinstance(plain, dict) and _KEY in plain:
        action, unresolved, plain = plain.get("action"), plain.get("unresolved"), plain[_KEY]
        if plain is None and unresolved:
            raise UsageError(
                f"{name} tells of a call to a name, {unresolved[0]}: explain that call with "
                f"--resolve {unresolved[0]}=ADDRESS"
            )
        if plain is None:
            raise UsageError(
                f"{name} tells of a message with action {action!r}: only what is forwarded is remembered"
            )
    if not isinstance(plain, dict):
        raise UsageError(f"{name} holds no call's memory: {_MEND}")
    memory = CallMemory.from_text(json.dumps(plain))
    if memory is None:
        raise UsageError(f"{name}: {_fault_of(plain)}; {_MEND}")
    return memory


_MEND: Final = "`trunkline explain ... -o json` of a call that is forwarded writes one, under `memory`"


def _fault_of(plain: dict[str, Any]) -> str:
    """Which field keeps this from being a memory: the one without which it would be."""
    missing = [name for name in _SAMPLE if name not in plain]
    if missing:
        return f"its memory lacks {', '.join(missing)}"
    for name, value in plain.items():
        others = {key: each for key, each in plain.items() if key != name} | {
            key: each for key, each in _SAMPLE.items() if key == name
        }
        if CallMemory.from_text(json.dumps(others)) is not None:
            return f"{name}: {json.dumps(value)[:80]} cannot be read; such as {_example(name)}"
    return "more than one of its fields cannot be read"


def _example(name: str) -> str:
    examples = {**_SAMPLE, "facts": None, "open_offer": None}
    return json.dumps(examples.get(name, ""))
