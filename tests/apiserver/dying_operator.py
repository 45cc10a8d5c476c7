"""The operator, killed by SIGKILL at a write: `dying_operator.py MOMENT WRITES run FLAGS...`.

MOMENT `after`: it writes one thing at a time, and dies once WRITES of them are answered. `before`: it writes
as it always does, and dies when WRITES are answered and the next one is about to be sent; what is under way
then may or may not arrive. Either way a series of them ends, as each finds what the last one left.
Renewals of the operator's Lease do not count: they change nothing that a later operator finds.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from kubernetes.aio.client import ApiClient

from trunkline.cli import main
from trunkline.kube.client import KubeClient

moment, allowed = sys.argv[1], int(sys.argv[2])
answered = 0
_init, _write = KubeClient.__init__, KubeClient._write


def _one_at_a_time(self: KubeClient, api: ApiClient, writes: int = 1) -> None:
    _init(self, api, 1)


def _die(now: str) -> None:
    if now == moment and answered >= allowed:
        os.kill(os.getpid(), signal.SIGKILL)


async def _write_or_die(self: KubeClient, method: str, path: str, *arguments: Any) -> Any:
    global answered
    if path.endswith(("/leases/trunkline-operator", "/leases")):
        return await _write(self, method, path, *arguments)
    _die("before")
    stored = await _write(self, method, path, *arguments)
    answered += 1
    _die("after")
    return stored


if moment == "after":
    KubeClient.__init__ = _one_at_a_time  # type: ignore[method-assign]
KubeClient._write = _write_or_die  # type: ignore[method-assign, assignment]
sys.argv[:3] = ["trunkline"]
main()
