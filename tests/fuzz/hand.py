"""What a message is changed by: the dice, and the world that it may be led into. Pure."""

from __future__ import annotations

import random
import string
from collections.abc import Callable
from dataclasses import dataclass

from fuzz import words
from fuzz.draft import Draft, World


@dataclass(frozen=True)
class Hand:
    """What an operator chooses by."""

    dice: random.Random
    world: World

    def host(self) -> str:
        """Where a message must not lead: a stranger, another party, the edge itself, odd addresses."""
        known = {
            "edge": self.world.edge,
            "customer": self.world.customer,
            "carrier": self.world.carrier,
            "stranger": self.world.stranger,
            "tenant": self.world.tenant,
        }
        return self.dice.choice(words.HOSTS).format(**known)

    def name(self) -> str:
        return self.dice.choice(words.NAMES)

    def length(self, bound: int) -> int:
        """Just below a bound, at it, just above, far above; also at the sizes of Kamailio's own buffers."""
        near = [bound - 1, bound, bound + 1, bound * 10]
        return min(self.dice.choice([*near, *near, *words.BUFFERS]), words.LARGEST)

    def text(self, length: int) -> str:
        return self.dice.choice(string.ascii_letters) * length


Change = Callable[[Draft, Hand], None]
ByteChange = Callable[[bytes, Hand], bytes]


@dataclass(frozen=True)
class Operator:
    """One way to break a message. Either its parts are changed or, last of all, its bytes."""

    kind: str
    change: Change | None = None
    byte_change: ByteChange | None = None
