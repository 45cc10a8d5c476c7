"""The operator, killed by SIGKILL right after its first write: `dying_operator.py run FLAGS...`.

It writes one thing at a time, so that of a series of them each finds what one more write left. Renewals of
the Lease do not count: they change nothing that a later operator finds.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import Any

from kubernetes.aio.client import ApiClient

from trunkline.cli import main
from trunkline.kube.client import KubeClient

_init, _write = KubeClient.__init__, KubeClient._write


def _one_at_a_time(self: KubeClient, api: ApiClient, writes: int = 1) -> None:
    _init(self, api, 1)


async def _write_and_die(self: KubeClient, method: str, path: str, *arguments: Any) -> Any:
    stored = await _write(self, method, path, *arguments)
    if not path.endswith(("/leases/trunkline-operator", "/leases")):
        os.kill(os.getpid(), signal.SIGKILL)
    return stored


KubeClient.__init__ = _one_at_a_time  # type: ignore[method-assign]
KubeClient._write = _write_and_die  # type: ignore[method-assign, assignment]
sys.argv[0] = "trunkline"
main()
