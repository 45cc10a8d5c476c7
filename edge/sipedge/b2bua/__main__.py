"""`python3 -m sipedge.b2bua`: the B2BUA of the instance that `TRUNKLINE_INSTANCE` names."""

from __future__ import annotations

import asyncio
import logging
import sys

from sipedge.b2bua.process import run
from sipedge.instance import own_settings


def main() -> int:
    """Run until it is ended."""
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s", stream=sys.stderr)
    asyncio.run(run(own_settings()))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
