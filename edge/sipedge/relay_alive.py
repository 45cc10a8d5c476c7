"""The liveness probes of the relay and its memory: `python3 -S -m sipedge.relay_alive rtpengine|valkey`.

1 if the program gives no answer. rtpengine also if it was started with other settings than the instance has
now: it reads them only then, so it is to be started again. One that still waits for its instance is alive.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from sipedge.instance import INSTANCE_VARIABLE, InstanceError, InstanceSettings, own_settings
from sipedge.ng.client import NgClient, NgError
from sipedge.relay_memory import memory_answers, own_memory_password
from sipedge.rtpengine import is_outdated

_TRY_SECONDS: Final = 2.0


def _relay_fault(settings: InstanceSettings) -> str | None:
    media = settings.media
    if media is None:
        return None
    if is_outdated(settings):
        return "rtpengine was started with other settings than the instance has now"
    try:
        NgClient(media.ng_port, host=media.control).ask({"command": "ping"}, try_seconds=_TRY_SECONDS)
    except NgError as error:
        return f"rtpengine: {error}"
    return None


def _memory_fault(settings: InstanceSettings) -> str | None:
    if settings.media is None or settings.media.redis is None:
        return None
    if memory_answers(settings.media.redis, own_memory_password(settings)):
        return None
    return f"the relay's memory at {settings.media.redis} gives no answer"


_FAULTS: Final[Mapping[str, Callable[[InstanceSettings], str | None]]] = {
    "rtpengine": _relay_fault,
    "valkey": _memory_fault,
}


def main() -> int:
    """0 = alive."""
    path = os.environ.get(INSTANCE_VARIABLE)
    if path and not Path(path).exists():
        return 0
    try:
        fault = _FAULTS[sys.argv[1]](own_settings())
    except InstanceError as error:
        fault = str(error)
    if fault is not None:
        print(fault, file=sys.stderr)
    return 0 if fault is None else 1


if __name__ == "__main__":
    sys.exit(main())
