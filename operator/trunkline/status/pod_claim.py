"""What an edge pod says of itself on its Lease: a claim, since whoever has its token may write anything.

What is not written as the pod's agent writes it counts as not said.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from sipedge.contract import (
    ADDRESS,
    ERROR,
    HIGHEST_SEQUENCE,
    LONGEST_ERROR,
    READY,
    RECORDINGS,
    REVISION,
    SCHEMAS,
    TOLD,
)
from sipedge.table import OLDEST_SCHEMA, SCHEMA
from trunkline.status.edge_words import NO_WORDS, EdgeWords, words_in
from trunkline.status.foreign_text import foreign_text
from trunkline.status.recordings import waiting_of

MOST_AHEAD: Final = 2**32
"""How far above the published sequence a pod may claim to be. It is above it only after a restore, when the
head that was published is lost or an older one."""

_SEQUENCE: Final = re.compile(r"0|[1-9][0-9]{0,18}", re.ASCII)
_SCHEMAS: Final = re.compile(r"([1-9][0-9]{0,3}(?:,[1-9][0-9]{0,3}){0,7}) ([0-9TZ:.-]{1,40})", re.ASCII)
SCHEMAS_OF_OLD: Final = frozenset({1})
"""What an agent reads that does not say so: it is older than the words for it."""
_LONGEST_ADDRESS: Final = 45
"""Characters of an IPv6 address."""


@dataclass(frozen=True, slots=True)
class PodClaim:
    """What one Lease says."""

    revision: int | None = None
    """The sequence of the table in use, up to HIGHEST_SEQUENCE; None = none."""
    address: str = ""
    """An IP address literal; empty = none."""
    ready: bool = False
    error: str = ""
    """On one line, at most LONGEST_ERROR characters, nothing in it that a terminal could act on."""
    schemas: frozenset[int] | None = None
    """The schemas of tables that the agent reads; None = no agent has written on this Lease yet."""
    recordings: tuple[tuple[str, str], ...] = ()
    """Accounts whose recordings wait, and why."""
    faults: tuple[str, ...] = ()
    """What of it counts as not said, without its words: those could change all the time."""
    words: EdgeWords = NO_WORDS
    """What it says of Carriers and Accounts."""


def claim_of(notes: Mapping[str, str], renewed: str = "") -> PodClaim:
    """The claim in the annotations of a Lease that was renewed at this time, "" if it never was.

    Total: any text is taken, or counts as not said.
    """
    faults = []
    revision, address = _revision(notes.get(REVISION, "")), _address(notes.get(ADDRESS, ""))
    if notes.get(REVISION) and revision is None:
        faults.append("a revision that is not the sequence of a table")
    if notes.get(ADDRESS) and not address:
        faults.append("an address that is not an IP address")
    error = foreign_text(notes.get(ERROR, ""), LONGEST_ERROR)
    schemas = _schemas(notes.get(SCHEMAS, ""), renewed)
    waiting, words = waiting_of(notes.get(RECORDINGS, "")), words_in(notes.get(TOLD, ""))
    return PodClaim(
        revision, address, notes.get(READY) == "true", error, schemas, waiting, tuple(faults), words
    )


def is_plausible(revision: int, published: int) -> bool:
    """Whether a pod may have this sequence while `published` is the head's (0 = there is no head)."""
    return revision <= published + MOST_AHEAD


def next_sequence(published: int, claimed: Iterable[int]) -> int:
    """The next head's sequence: above the published one, and above every plausible one that pods have.

    Agents refuse a sequence below theirs; after a restore they may have higher ones.
    """
    return max([published, *(each for each in claimed if is_plausible(each, published))]) + 1


def schema_for(read: Iterable[frozenset[int] | None]) -> int:
    """The highest schema that all of these agents read and this version writes; the newest if there are none.

    `read` has what each agent says, None for one that has not spoken yet. Where they read none in common the
    oldest is written: better a table for some than for none.
    """
    known = [schemas for schemas in read if schemas is not None]
    written = range(OLDEST_SCHEMA, SCHEMA + 1)
    return max((each for each in written if all(each in one for one in known)), default=OLDEST_SCHEMA)


def _schemas(text: str, renewed: str) -> frozenset[int] | None:
    if not renewed:
        return None
    found = _SCHEMAS.fullmatch(text)
    if found is None or found[2] != renewed:
        return SCHEMAS_OF_OLD
    return frozenset(map(int, found[1].split(",")))


def _revision(text: str) -> int | None:
    # int() would take other digits than 0 to 9, and so would str.isdigit.
    if _SEQUENCE.fullmatch(text) is None:
        return None
    number = int(text)
    return number if number <= HIGHEST_SEQUENCE else None


def _address(text: str) -> str:
    if len(text) > _LONGEST_ADDRESS or "%" in text:
        return ""
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return ""
