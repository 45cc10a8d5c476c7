"""Loopback addresses that no other test run uses at the same time."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

LOCK_PORT = 20301
"""Bound on a block's last address while the block is taken; the kernel frees it with its process."""

OWN = f"127.{30 + int(os.environ.get('PYTEST_XDIST_WORKER', 'gw0').removeprefix('gw')) % 10}"
"""Blocks below this are taken by this process alone, of those that run tests side by side."""

FURTHER = f"127.{100 + int(OWN.partition('.')[2])}"
"""As many more of them."""


def own_prefix(turn: int) -> str:
    """Below which to take a block for the n-th time, so that 512 come before the first one comes again."""
    return FURTHER if turn // 256 % 2 else OWN


@dataclass(frozen=True)
class Block:
    """A reserved 127.x.y.0/24."""

    prefix: str

    def address(self, number: int) -> str:
        """The block's address with this last byte, 1 to 253."""
        assert 1 <= number <= 253
        return f"{self.prefix}.{number}"

    @property
    def cidr(self) -> str:
        return f"{self.prefix}.0/24"


@contextmanager
def reserved_block(first_two: str = OWN, start: int = 0) -> Iterator[Block]:
    """A free /24 below `first_two`, the first from `start` on, held until the end of the context."""
    for third in (number % 256 for number in range(start, start + 256)):
        lock = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            lock.bind((f"{first_two}.{third}.254", LOCK_PORT))
        except OSError:
            lock.close()
            continue
        with lock:
            yield Block(f"{first_two}.{third}")
        return
    raise RuntimeError(f"no free block below {first_two}.0.0/16")
