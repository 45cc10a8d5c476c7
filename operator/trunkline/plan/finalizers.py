"""When the one finalizer is set and when it goes: asked by the operator and by an uninstallation.

It keeps a deleted Edge until its DNS records are gone, and so its pods until then. It never holds an Edge for
ever: after some minutes without a DNS server the Edge goes, and its records when the server is back.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from enum import Enum
from typing import Any, Final

FINALIZER: Final = "trunkline.dev/dns"
PATIENCE: Final = datetime.timedelta(minutes=10)
"""How long it holds a deleted Edge, where the provider of DNS records does not say."""


class Records(Enum):
    """What an Edge's DNS records are to the one that asks."""

    FOREIGN = "whoever asks writes none: there is nothing to wait for"
    WRITTEN = "it writes them, and some may be there"
    GONE = "it writes them, and none of the Edge is left"
    ABANDONED = "nobody will write or remove any from now on"


def wanted_finalizers(
    held: Sequence[str],
    records: Records,
    *,
    is_served: bool,
    deleted_at: str,
    now: datetime.datetime,
    patience: datetime.timedelta = PATIENCE,
) -> tuple[str, ...]:
    """All finalizers that an Edge should have, those of others as they are.

    `deleted_at` is RFC 3339, as Kubernetes writes it; empty = nobody asked for deletion. `now` has a zone.
    """
    if FINALIZER in held:
        lets_go = _lets_go(records, deleted_at, now, patience)
        return tuple(each for each in held if not (lets_go and each == FINALIZER))
    # On an Edge that ends already the API server takes no new one.
    sets = is_served and not deleted_at and records in (Records.WRITTEN, Records.GONE)
    return (*held, FINALIZER) if sets else tuple(held)


def _lets_go(records: Records, deleted_at: str, now: datetime.datetime, patience: datetime.timedelta) -> bool:
    if records is Records.ABANDONED:
        return True
    if not deleted_at:
        return False
    return records is not Records.WRITTEN or now - _moment(deleted_at, now) > patience


def _moment(text: str, otherwise: datetime.datetime) -> datetime.datetime:
    try:
        return datetime.datetime.fromisoformat(text)
    except ValueError:
        return otherwise


def finalizers_patch(uid: str, resource_version: str, finalizers: Sequence[str]) -> dict[str, Any]:
    """The merge patch (RFC 7396) that sets them on just this version of just this object."""
    metadata = {"uid": uid, "resourceVersion": resource_version, "finalizers": list(finalizers) or None}
    return {"metadata": metadata}
