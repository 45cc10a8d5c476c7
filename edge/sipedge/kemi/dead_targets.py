"""Addresses that were silent, remembered for all workers of the instance. `routing.silence` judges them.

The htable `silent` holds per address the count of its silences; at `<address>|until` when it may be tried in
its place again; and at `<address>|tried|<until>` how many calls have wanted to: the first one does. Native
routes forget the count with any answer: it is at the address that `$avp(target)` names.
"""

from __future__ import annotations

import time
from typing import Final

from sipedge.kemi.ksr import KSR
from sipedge.kemi.reader import text
from sipedge.routing.attempts import Attempt
from sipedge.routing.silence import (
    LAST_SECONDS,
    SILENCES,
    Silence,
    Standing,
    after_silence,
    order,
    silence_key,
    standing,
)

_SILENT: Final = "silent"
_TARGET_AVP: Final = "$avp(target)"


def in_order(attempts: tuple[Attempt, ...]) -> tuple[Attempt, ...]:
    """The attempts of a call that begins now, those at dead addresses last."""
    if len(attempts) < 2:
        return attempts
    keys = dict.fromkeys(silence_key(each) for each in attempts)
    return order(attempts, frozenset(key for key in keys if _is_dead(key)))


def have_answered(keys: tuple[str, ...]) -> bool:
    """True if no address with one of these keys is dead, so that their order stays; False: ask `in_order`."""
    return len(keys) < 2 or all(_number(key) < SILENCES for key in keys)


def note_attempt(key: str) -> None:
    """Whose answers the transaction will see from now on; `key` is the attempt's `silence_key`."""
    KSR.pv.sets(_TARGET_AVP, key)


def attempt_key() -> str:
    """The `silence_key` of the attempt that the transaction at hand made last."""
    return text(_TARGET_AVP)


def note_silence(attempt: Attempt | None) -> None:
    """The attempt has had no response. What another was answered with has been seen already."""
    if attempt is None:
        return
    key, now = silence_key(attempt), time.time()
    until = after_silence(KSR.htable.sht_inc(_SILENT, key), now)
    if until is not None:
        KSR.htable.sht_seti(_SILENT, f"{key}|until", until)


def put_last(key: str, seconds: int) -> None:
    """Probes have shown that it does not answer: calls try it last for so long, or until it answers."""
    KSR.htable.sht_seti(_SILENT, f"{key}|until", int(time.time()) + seconds)
    KSR.htable.sht_seti(_SILENT, key, SILENCES)


def put_back(key: str) -> None:
    """It has answered a probe."""
    KSR.htable.sht_rm(_SILENT, key)


def _is_dead(key: str) -> bool:
    count = _number(key)
    if count < SILENCES:
        return False
    now, until = time.time(), _number(f"{key}|until")
    found = standing(Silence(count, until), now)
    if found is not Standing.DUE or KSR.htable.sht_inc(_SILENT, f"{key}|tried|{until}") != 1:
        return found is not Standing.ALIVE
    # This call tries it. Should it never come to that, another one does after as long again.
    KSR.htable.sht_seti(_SILENT, f"{key}|until", int(now) + LAST_SECONDS)
    return False


def _number(key: str) -> int:
    return int(KSR.htable.sht_gete(_SILENT, key) or 0)
