"""What the sender of a request that is nobody's would have to be, or to dial, to be known. Pure."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Sequence
from typing import Final, cast

from sipedge.routing.decision import Decision, Drop
from sipedge.routing.reasons import Reason
from sipedge.table import MemoryRows, Section, SiteRow, SourcesRow, TrunkRow
from sipedge.table.lookup import in_any
from sipedge.uri import address_of

_MOST_NAMED: Final = 8
"""Of more ranges, or more trunks, the rest is counted."""


def advice_for(decision: Decision, rows: MemoryRows, source: str) -> tuple[str, ...]:
    """What was looked at and what to write, for a carrier and for a PBX; nothing if it is somebody's."""
    if not isinstance(decision, Drop) or decision.reason is not Reason.UnknownDomain:
        return ()
    return _as_carrier(rows, source), _as_pbx(rows, source)


def _as_carrier(rows: MemoryRows, source: str) -> str:
    found = cast("Iterator[SourcesRow]", rows.all_of(Section.SOURCES))
    ranges = [f"{each.cidr} of {each.carrier}" for row in found for each in row.sources]
    looked = f"there are {_named(ranges)}" if ranges else "no Carrier has any"
    return f"if it is a carrier: write {_range_of(source)} into sourceRanges of its Carrier ({looked})"


def _as_pbx(rows: MemoryRows, source: str) -> str:
    site = next(cast("Iterator[SiteRow]", rows.all_of(Section.SITE)), None)
    trunks = [each for each in cast("Iterator[TrunkRow]", rows.all_of(Section.TRUNK)) if each.domain]
    if site is None or not trunks:
        return (
            "if it is a PBX: write domainName into termination of its Trunk, and dial it (no Trunk has one)"
        )
    trunks.sort(key=lambda trunk: not in_any(source, trunk.access or ()))
    names = [
        f"{trunk.domain}.pstn.{site.base_domain} (Trunk {trunk.id}{_access(trunk, source)})"
        for trunk in trunks
    ]
    return f"if it is a PBX: dial the name of its Trunk: {_named(names)}"


def _access(trunk: TrunkRow, source: str) -> str:
    if trunk.access is None:
        return ""
    return f", whose access list {'has' if in_any(source, trunk.access) else 'lacks'} {source}"


def _named(names: Sequence[str]) -> str:
    rest = len(names) - _MOST_NAMED
    more = [f"and {rest} more"] if rest > 0 else []
    return ", ".join([*names[:_MOST_NAMED], *more])


def _range_of(source: str) -> str:
    """The address as a range of itself alone."""
    address = address_of(source)
    return source if address is None else str(ipaddress.ip_network(address))
