"""What rtpengine counts by itself, as its page for Prometheus tells it. Pure and total."""

from __future__ import annotations

import re
from typing import Final

_DROPPED: Final = re.compile(
    r'^rtpengine_interface_errors(?:_total)?\{[^}\n]*direction="ingress"[^}\n]*\} (\d{1,18})\s*$',
    re.MULTILINE,
)


def dropped_packets(page: str) -> int | None:
    """Packets that were not relayed: from elsewhere than where they may come from, or broken (S24).

    None: this rtpengine does not count them, as release 10.5.
    """
    found = [int(each) for each in _DROPPED.findall(page)]
    return sum(found) if found else None
