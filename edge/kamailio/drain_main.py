"""What runs in Kamailio's container before it is stopped: returns when its calls have ended, or their time.

The agent, told to stop at the same moment, leaves DNS and makes Kamailio refuse new calls. If it is not
there to do so, this does. TRUNKLINE_DRAIN_SECONDS is how long calls may go on.
"""

import asyncio
import os
import sys
import time

from sipedge.agent.drain import calls_in_progress, read_drain_seconds, set_draining
from sipedge.agent.rpc import KamailioRpc, RpcError
from sipedge.instance import InstanceError, own_settings

AGENT_SECONDS = 30.0
"""How long the agent may take until new calls are refused."""
GONE_SECONDS = 10.0
"""A Kamailio that is silent for so long has no calls any more."""
POLL_SECONDS = 0.5


async def wait_for_calls(rpc: KamailioRpc, seconds: float) -> None:
    """Return when no call is left and no new one can come, when `seconds` are over, or Kamailio is gone."""
    began = heard = time.monotonic()
    draining = False
    while (now := time.monotonic()) - began < seconds and now - heard < GONE_SECONDS:
        try:
            draining = draining or await _is_draining(rpc)
            if not draining and now - began >= AGENT_SECONDS:
                await set_draining(rpc, draining=True)
            elif draining and not await calls_in_progress(rpc):
                return
            heard = now
        except RpcError as error:
            print(error, file=sys.stderr)
        await asyncio.sleep(POLL_SECONDS)


async def _is_draining(rpc: KamailioRpc) -> bool:
    found = await rpc.call("htable.dump", "ctl")
    slots = [slot for entry in found or () for slot in entry.get("slot", ())]
    return any(slot["name"] == "drain" and int(slot["value"]) for slot in slots)


def main() -> int:
    """Always 0: a hook that fails makes the kubelet stop Kamailio no later than one that returns."""
    try:
        rpc = KamailioRpc(own_settings().rpc_socket)
        asyncio.run(wait_for_calls(rpc, read_drain_seconds(os.environ)))
    except (InstanceError, ValueError) as error:
        # Without settings Kamailio was never started: there is nothing to wait for.
        print(error, file=sys.stderr)
    return 0


if __name__ == "__main__":
    sys.exit(main())
