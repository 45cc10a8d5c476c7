"""A zone that can be read and changed, whoever serves it and however: what ownership needs of it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from trunkline.dns.changes import GroupChange
from trunkline.dns.marks import Mark
from trunkline.dns.records import Key, Present


class Zone(Protocol):
    """Each method raises DnsFault where the zone cannot be reached or does not let us."""

    async def read(self, keys: Iterable[Key]) -> Present:
        """Those record sets that are there, and CNAMEs in their places; perhaps from a wildcard above."""

    async def lacks(self, key: Key) -> bool:
        """True if the zone itself has neither the record set nor a CNAME of its name."""

    async def change(self, changes: Sequence[GroupChange]) -> bool:
        """Do them all, or none: False if something stands otherwise than they say."""

    async def list_groups(self, before: Mark | None, after: Mark | None) -> bool:
        """Change the mark that lists all groups; False if it is not as `before` any more."""
