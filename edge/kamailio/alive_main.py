"""The liveness probe of Kamailio's container: 1 if Kamailio gives no answer at all to a SIP request.

A Kamailio that still waits for its configuration is alive; what it answers is a matter of readiness.
"""

import asyncio
import os
import sys
from pathlib import Path

from sipedge.agent.health import probe
from sipedge.instance import INSTANCE_VARIABLE, InstanceError, own_settings

ATTEMPTS = 3


def main() -> int:
    """0 = alive."""
    path = os.environ.get(INSTANCE_VARIABLE)
    if path and not Path(path).exists():
        return 0
    try:
        settings = own_settings()
    except InstanceError as error:
        print(error, file=sys.stderr)
        return 1
    for _ in range(ATTEMPTS):
        if asyncio.run(probe(settings.address, settings.ports.udp)).status is not None:
            return 0
    print(f"Kamailio at {settings.address}:{settings.ports.udp} gives no answer", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main())
