"""How often one source may ask: the numbers, and what follows from them."""

from __future__ import annotations

import pytest

from sipedge.routing.brakes import (
    OPTIONS_AT_ONCE,
    OPTIONS_SECONDS,
    SECONDS_OF_SOURCE,
    SOURCE_TIMES,
    WRONG_DIGESTS,
    WRONG_OF_CLIENT,
    Silenced,
    WrongDigests,
    after_options,
    after_wrong_digest,
    begins,
    native_brakes,
)

NOW = 1_800_000_000


def answered(moments: list[int], seconds: int, longest: int) -> int:
    """How many of the OPTIONS at these moments are answered, as brakes.cfg asks."""
    full_at, number = 0, 0
    for now in moments:
        if full_at <= now + longest:
            full_at, number = after_options(full_at, now, seconds), number + 1
    return number


@pytest.mark.parametrize(
    ("moments", "of_trunk", "of_source"),
    (
        ([NOW] * 200, OPTIONS_AT_ONCE, OPTIONS_AT_ONCE * SOURCE_TIMES),
        ([NOW + at for at in range(0, 600, OPTIONS_SECONDS)], 60, 60),
        ([NOW + at for at in range(600)], OPTIONS_AT_ONCE + 59, 600),
        ([NOW] * 200 + [NOW + 9], 6, 61),
        ([NOW] * 200 + [NOW + 10], 7, 61),
        ([NOW] * 200 + [NOW + 60] * 200, 12, 120),
    ),
)
def test_a_bucket_has_so_many_and_gets_one_back_at_a_time(
    moments: list[int], of_trunk: int, of_source: int
) -> None:
    longest = native_brakes()
    assert answered(moments, OPTIONS_SECONDS, longest["OPTIONS_OF_TRUNK"]) == of_trunk
    assert answered(moments, SECONDS_OF_SOURCE, longest["OPTIONS_OF_SOURCE"]) == of_source


@pytest.mark.parametrize(
    ("of_trunk", "of_source", "of_client", "silenced", "told"),
    (
        (0, 0, 0, Silenced(False, False, False), False),
        (WRONG_DIGESTS - 1, WRONG_DIGESTS - 1, 1, Silenced(False, False, False), False),
        (WRONG_DIGESTS, WRONG_DIGESTS, 1, Silenced(True, False, False), True),
        (WRONG_DIGESTS + 1, 11, WRONG_OF_CLIENT, Silenced(True, False, False), False),
        (1, WRONG_DIGESTS * SOURCE_TIMES, 1, Silenced(False, True, False), True),
        (21, 21, WRONG_OF_CLIENT + 1, Silenced(True, False, True), False),
    ),
)
def test_wrong_digests_silence_their_trunk_then_their_source(
    of_trunk: int, of_source: int, of_client: int, silenced: Silenced, told: bool
) -> None:
    counts = WrongDigests(of_trunk, of_source, of_client)
    assert (after_wrong_digest(counts), begins(counts)) == (silenced, told)
