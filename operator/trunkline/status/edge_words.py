"""What edge addresses say of Carriers and Accounts, beside their word on tables: claims, as all that an agent
says.

Whoever has a pod's token may write anything: what is not written as an agent writes it counts as not said,
and what is believed changes a condition, and nothing else.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sipedge.contract import LONGEST_TOLD
from sipedge.counted import counted
from trunkline.api import Account, Carrier, ObjectRef
from trunkline.status.conditions import Opinion
from trunkline.status.foreign_text import foreign_text
from trunkline.status.reasons import StatusReason

_MOST: Final = 500
"""Entries of one address."""
_LONGEST_NAME: Final = 320
"""Characters of an account's id: two names of Kubernetes."""
_LONGEST_WHY: Final = 256
_MOST_NAMED: Final = 3
_ALL: Final = 100
"""Percent."""


@dataclass(frozen=True, slots=True)
class EdgeWords:
    """Of one address."""

    registrations: tuple[tuple[str, str], ...] = ()
    """Each Carrier that it registers with, and why it is not registered; "" = it is."""
    minutes_reached: tuple[tuple[str, int], ...] = ()
    """Accounts (ids) that have used much of today's minutes, and how many percent at least."""


NO_WORDS: Final = EdgeWords()


def words_in(text: str) -> EdgeWords:
    """Those of a Lease's annotation. Total."""
    if not 0 < len(text) <= LONGEST_TOLD:
        return NO_WORDS
    try:
        said: Any = json.loads(text)
    except (ValueError, RecursionError):
        return NO_WORDS
    return words_of(said) if isinstance(said, dict) else NO_WORDS


def words_of(said: Mapping[str, Any]) -> EdgeWords:
    """Those of an acknowledgement, as JSON has it. Total."""
    return EdgeWords(
        tuple(
            (name, foreign_text(why, _LONGEST_WHY))
            for name, why in _pairs(said.get("registrations"))
            if isinstance(why, str)
        ),
        tuple(
            (name, percent)
            for name, percent in _pairs(said.get("minutes_reached"))
            if type(percent) is int and 0 < percent <= _ALL
        ),
    )


def _pairs(found: Any) -> Iterable[tuple[str, Any]]:
    for each in found[:_MOST] if isinstance(found, list) else ():
        match each:
            case [str(name), value] if 0 < len(name) <= _LONGEST_NAME and name.isprintable():
                yield name, value


def opinions_told(said: Iterable[tuple[str, EdgeWords]]) -> Mapping[ObjectRef, tuple[Opinion, ...]]:
    """The conditions that follow; `said` has each address in words, and what it says."""
    registered: dict[str, list[tuple[str, str]]] = {}
    reached: dict[str, dict[str, int]] = {}
    for place, words in said:
        for carrier, why in words.registrations:
            registered.setdefault(carrier, []).append((place, why))
        for account, percent in words.minutes_reached:
            of_account = reached.setdefault(account.partition("/")[0], {})
            of_account[account] = max(percent, of_account.get(account, 0))
    carriers = {
        ObjectRef(Carrier.kind, None, name): (_registered(each),) for name, each in registered.items()
    }
    accounts = {ObjectRef(Account.kind, None, name): (_minutes(each),) for name, each in reached.items()}
    return {**carriers, **accounts}


def _registered(told: list[tuple[str, str]]) -> Opinion:
    """True if every address that should be registered is."""
    missing = [f"{place}: {why}" for place, why in told if why]
    if not missing:
        verb = "is" if len(told) == 1 else "are"
        message = f"{counted(len(told), 'address')} {verb} registered"
        return Opinion("Registered", "True", StatusReason.REGISTERED, message)
    more = f"; and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
    message = (
        f"not registered: {len(missing)} of {counted(len(told), 'address')}, so that the carrier may bring "
        f"no calls there: {'; '.join(missing[:_MOST_NAMED])}{more}"
    )
    return Opinion("Registered", "False", StatusReason.NOT_REGISTERED, message)


def _minutes(reached: Mapping[str, int]) -> Opinion:
    """Of an Account; one that covers other namespaces as well has one account for each."""
    worst = max(reached.values())
    named = sorted(name for name, percent in reached.items() if percent == worst)
    whose = ", ".join(named[:_MOST_NAMED]) + (", ..." if len(named) > _MOST_NAMED else "")
    if worst < _ALL:
        message = f"account {whose} has used {worst} % of spec.dailyMinutes today (UTC)"
        return Opinion("DailyMinutesLeft", "True", StatusReason.FEW_MINUTES_LEFT, message)
    message = (
        f"account {whose} has used up spec.dailyMinutes: until 00:00 UTC its calls to the PSTN are refused"
    )
    return Opinion("DailyMinutesLeft", "False", StatusReason.NO_MINUTES_LEFT, message)
