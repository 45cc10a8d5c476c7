"""How often one source may ask, and what follows when it asks more often. Pure.

Nobody's calls are silenced for another's faults: not behind the same NAT, not on the same trunk, and not by
who writes another's address into his packets. So only wrong digests count whose nonce the edge gave to that
very source, and a client there that is right goes on. OPTIONS over UDP need no proof: who forges a source can
use up those, and none over TCP or TLS.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

OPTIONS_AT_ONCE: Final = 6
OPTIONS_SECONDS: Final = 10
"""S93: a source may ask a trunk by OPTIONS so often at once, then once in so many seconds."""
SOURCE_TIMES: Final = 10
"""So many times as often a source may ask all trunks together, and so many times as often be wrong."""

WRONG_DIGESTS: Final = 10
"""Wrong digests of one source at one trunk within `WRONG_SECONDS`; with this one silence begins."""
WRONG_SECONDS: Final = 60
SILENCE_SECONDS: Final = 60
WRONG_OF_CLIENT: Final = 20
"""Wrong digests of one client, an address and port, after which calls that it made count for nothing."""

CHALLENGES: Final = 100
"""Challenges of one source at one trunk within `SPAN_SECONDS`, after which Kamailio makes them by itself."""
DROPS: Final = 200
"""Requests of one source within `SPAN_SECONDS` that name nothing of ours, before no more of them are read."""
SPAN_SECONDS: Final = 10

MOST_NOTED: Final = 10_000
"""New sources that are noted in a minute for each purpose; any more are served as if none were counted."""
MOST_CLIENTS: Final = 64
"""Ports of one address that are known for an hour to be those of clients whose calls went on."""
MOST_HOSTS: Final = 10_000
"""Hosts of Request-URIs that are known for an hour to be those of calls that went on."""


@dataclass(frozen=True, slots=True)
class WrongDigests:
    """How many there were within `WRONG_SECONDS`, the one at hand among them."""

    of_trunk: int
    """Of this source, at the trunk that was called."""
    of_source: int
    of_client: int
    """Of this very address and port."""


@dataclass(frozen=True, slots=True)
class Silenced:
    """Who gets no answer to an INVITE with a digest, for `SILENCE_SECONDS`."""

    at_trunk: bool
    """Clients of the source that were wrong at this trunk themselves, as the user that they were wrong as."""
    at_all: bool
    """All clients of the source but those whose calls went on."""
    client_distrusted: bool
    """This client is no longer one whose calls went on."""


def after_wrong_digest(counts: WrongDigests) -> Silenced:
    """What follows from a wrong digest."""
    return Silenced(
        at_trunk=counts.of_trunk >= WRONG_DIGESTS,
        at_all=counts.of_source >= WRONG_DIGESTS * SOURCE_TIMES,
        client_distrusted=counts.of_client > WRONG_OF_CLIENT,
    )


def begins(counts: WrongDigests) -> bool:
    """True for the wrong digest with which a silence begins, to be told once."""
    return counts.of_trunk == WRONG_DIGESTS or counts.of_source == WRONG_DIGESTS * SOURCE_TIMES


def after_options(full_at: int, now: int, seconds: int) -> int:
    """When the bucket will be full again, after one more of its OPTIONS. One comes back in `seconds`.

    Seconds since the epoch; 0 for a bucket that was never used. It is empty, as brakes.cfg asks, if that is
    later than `now` by more than its number of `native_brakes`.
    """
    return max(full_at, now) + seconds


def _longest(seconds: int) -> int:
    at_once = OPTIONS_AT_ONCE * (OPTIONS_SECONDS // seconds)
    return (at_once - 1) * seconds


SECONDS_OF_SOURCE: Final = OPTIONS_SECONDS // SOURCE_TIMES
"""In which one of a source's OPTIONS to all trunks comes back."""


def native_brakes() -> dict[str, int]:
    """The numbers that brakes.cfg needs, by the names that it gives them."""
    return {
        "OPTIONS_OF_TRUNK": _longest(OPTIONS_SECONDS),
        "OPTIONS_OF_SOURCE": _longest(SECONDS_OF_SOURCE),
        "MOST_CLIENTS": MOST_CLIENTS,
        "MOST_HOSTS": MOST_HOSTS,
    }
