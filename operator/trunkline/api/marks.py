"""Marks of fields that nothing reads: said beside the field, so that none is ever ignored in silence.

    media: Annotated[Media, NotYet("the edge handles no media yet")] = Media()

A test sees to it that each field of each kind is read, or marked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True, eq=False)
class Mark:
    """The field, or some of its values, may be asked for in vain."""

    effect: str
    """What is the case instead, for people."""
    asks: Callable[[Any], bool] | None = None
    """Which values ask for it, of a list each member by itself; None = all but the default."""
    tells: bool = False
    """True = the value follows upon `effect`."""


@dataclass(frozen=True, slots=True, eq=False)
class NotYet(Mark):
    """The feature does not exist yet."""


@dataclass(frozen=True, slots=True, eq=False)
class NeedsRelay(Mark):
    """The feature is there where the edges have a media relay (`Platform.media_relay`)."""


@dataclass(frozen=True, slots=True)
class ForPeople:
    """The field is read by people alone."""


def is_ipv6(cidr: str) -> bool:
    """True for an address or a network of IPv6, of what a `Cidr` may be."""
    return ":" in cidr
