"""Which pods take no calls by the API server's word, and when that word is not enough.

A node that dies is noticed there within seconds, while its agent's Lease only grows old. But where most pods
are called unready at once it is rather the API server that lost sight of their nodes, and believing it would
empty DNS: then a pod counts as unready only once its Lease is silent as well.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Final, Generic, TypeVar

BURST_SECONDS: Final = 30.0

Pod = TypeVar("Pod", bound=Hashable)


class Unready(Generic[Pod]):
    """Remembers since when each pod is called unready."""

    def __init__(self) -> None:
        self._since: dict[Pod, float] = {}
        self._pods = 0

    def look(self, ready: Mapping[Pod, bool | None], now: float) -> None:
        """What the API server says of all edge pods: None = nothing yet. `now` is monotonic, in seconds."""
        self._pods = len(ready)
        self._since = {pod: self._since.get(pod, now) for pod, word in ready.items() if word is False}

    def believed(self) -> frozenset[Pod]:
        """Those that take no calls, whatever their agents say."""
        return frozenset(self._since.keys() - burst(self._since, self._pods))


def burst(since: Mapping[Pod, float], pods: int) -> frozenset[Pod]:
    """Those that were lost together with more than half of all `pods`, within BURST_SECONDS."""
    ordered = sorted(since, key=lambda pod: since[pod])
    found = set[Pod]()
    first = 0
    for last, pod in enumerate(ordered):
        while since[pod] - since[ordered[first]] > BURST_SECONDS:
            first += 1
        together = ordered[first : last + 1]
        if 2 * len(together) > pods:
            found.update(together)
    return frozenset(found)
