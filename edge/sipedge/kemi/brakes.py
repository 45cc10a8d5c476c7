"""Notes what was asked too often, by `sipedge.routing.brakes`; brakes.cfg reads it before Python is asked."""

from __future__ import annotations

import time
from typing import Final

from sipedge.kemi.authentication import has_own_nonce
from sipedge.kemi.journal import say
from sipedge.kemi.ksr import KSR
from sipedge.kemi.reader import text
from sipedge.routing.brakes import (
    CHALLENGES,
    DROPS,
    MOST_NOTED,
    OPTIONS_SECONDS,
    SECONDS_OF_SOURCE,
    SILENCE_SECONDS,
    SPAN_SECONDS,
    WrongDigests,
    after_options,
    after_wrong_digest,
    begins,
)
from sipedge.routing.decision import Challenge, Decision, Drop, Reject, Reply
from sipedge.routing.lookups import Lookups
from sipedge.routing.reasons import Reason

_WRONG: Final = "wrong"
_LATELY: Final = "lately"
_OPTIONS: Final = "options"
_BRAKED: Final = "braked"
_SERVED: Final = "served"
"""Htables; brakes.cfg says what is in each."""


def note_decision(decision: Decision | Lookups, realm: str) -> None:
    """A request outside of a dialog will be answered so, or dropped."""
    match decision:
        case Drop():
            note_drop()
        case Challenge():
            _note_challenge(realm)
        case Reject(reason=Reason.CredentialsWrong):
            if has_own_nonce(realm):
                _note_wrong_digest()
            else:
                _note_challenge(realm)
        case Reply():
            _note_options()


def note_drop() -> None:
    """A request was left without an answer, since it names nothing of ours or cannot be read."""
    source = text("$si")
    if _count(_LATELY, f"drops|{source}") >= DROPS:
        _brake(f"drops|{source}", source, SPAN_SECONDS)


def _note_challenge(realm: str) -> None:
    source, host = text("$si"), text("$var(host)")
    if _count(_LATELY, f"realm|{source}|{host}") >= CHALLENGES:
        KSR.htable.sht_setxs(_BRAKED, f"realm|{source}|{host}", realm, SPAN_SECONDS)
        KSR.htable.sht_seti(_BRAKED, source, 1)


def _note_wrong_digest() -> None:
    source, host = text("$si"), text("$var(host)")
    client = f"{source}:{text('$sp')}"
    counts = WrongDigests(_count(_WRONG, f"{source}|{host}"), _count(_WRONG, source), _count(_WRONG, client))
    _count(_WRONG, f"{client}|{host}|{text('$(au{s.md5})')}")
    silenced = after_wrong_digest(counts)
    if silenced.at_trunk:
        _brake(f"trunk|{source}|{host}", source, SILENCE_SECONDS)
    if silenced.at_all:
        _brake(f"source|{source}", source, SILENCE_SECONDS)
    if silenced.client_distrusted:
        KSR.htable.sht_rm(_SERVED, client)
    if begins(counts):
        say(f"silence for wrong digests begins source={source} host={host!r} seconds={SILENCE_SECONDS}")


def _note_options() -> None:
    who, host, now = text("$var(who)"), text("$var(host)"), int(time.time())
    for key, seconds in ((who, SECONDS_OF_SOURCE), (f"{who}|{host}", OPTIONS_SECONDS)):
        full_at = KSR.htable.sht_gete(_OPTIONS, key) or 0
        if full_at or _may_be_made(_OPTIONS):
            KSR.htable.sht_seti(_OPTIONS, key, after_options(int(full_at), now, seconds))


def _brake(key: str, source: str, seconds: int) -> None:
    KSR.htable.sht_setxi(_BRAKED, key, 1, seconds)
    KSR.htable.sht_seti(_BRAKED, source, 1)


def _count(table: str, key: str) -> int:
    """One more; 0 if it is not counted, since too many others are."""
    if not KSR.htable.sht_gete(table, key) and not _may_be_made(table):
        return 0
    return KSR.htable.sht_inc(table, key)


def _may_be_made(table: str) -> bool:
    # Sources over UDP are whatever a sender writes: their number must be bounded.
    return KSR.htable.sht_inc(_WRONG, f"made|{table}|{int(time.time()) // 60}") <= MOST_NOTED
