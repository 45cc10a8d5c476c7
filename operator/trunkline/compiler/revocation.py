"""Which changes of a row take a right away. They never wait for their turn to be published."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from sipedge.recording.modes import Mode
from sipedge.table import AccountRow, Row, Section, SiteRow, TrunkRow

_RIGHTS = frozenset({Section.CREDENTIAL, Section.CALLER_ID, Section.DOMAIN, Section.SOURCES})
"""Sections of which every row that goes, or becomes another, was a right: a password, a name to dial."""


def revokes(section: Section, before: Row | None, now: Row | None) -> bool:
    """True if somebody might do by `before` what `now` forbids."""
    if before is None:
        return False
    if section in _RIGHTS:
        return True
    match before, now:
        case (TrunkRow() | AccountRow(), None):
            return True
        case TrunkRow(), TrunkRow():
            return (
                before.account != now.account
                or before.domain != now.domain
                or now.secure > before.secure
                or _is_recorded(before) > _is_recorded(now)
                or _narrower(before.access, now.access)
                or _narrower(before.credential_lists, now.credential_lists)
            )
        case AccountRow(), AccountRow():
            return (
                now.suspended > before.suspended
                or before.allow_deprecated_tls > now.allow_deprecated_tls
                or _lacks(before.allowed_targets, now.allowed_targets)
                or (now.dialing is not None and now.dialing != before.dialing)
                or _lacks(now.blocked, before.blocked)
            )
        case SiteRow(), SiteRow():
            return (
                before.deprecated_tls > now.deprecated_tls
                or _lacks(now.denied_targets, before.denied_targets)
                or _lacks(now.toll_fraud_prefixes, before.toll_fraud_prefixes)
            )
    return False


def _is_recorded(trunk: TrunkRow) -> bool:
    return trunk.media is not None and trunk.media.recording in tuple(Mode)


def _narrower(before: tuple[str, ...] | None, now: tuple[str, ...] | None) -> bool:
    """None = nothing is enforced."""
    if now is None or before is None:
        return now is not None
    return _lacks(before, now)


def _lacks(before: Iterable[Hashable], now: Iterable[Hashable]) -> bool:
    return bool(set(before) - set(now))
