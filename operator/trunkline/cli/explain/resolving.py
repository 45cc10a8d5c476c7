"""Names that `explain` is told the addresses of, as an edge has them from its agent. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sipedge.routing.attempts import DEFAULT_PORTS
from sipedge.table import Generation, ResolvedAddress, ResolvedRow, Rows, Section
from sipedge.table.codec import pack_row
from sipedge.uri import address_of
from trunkline.cli.reading import UsageError


@dataclass(frozen=True, slots=True)
class ResolvingRows:
    """A table's rows, and addresses for names that it does not know."""

    rows: Rows
    addresses: Mapping[str, Sequence[str]]
    """Of a host name in lower case."""

    def get(self, section: Section, key: bytes) -> bytes | None:
        found = self.rows.get(section, key)
        if found is not None or section is not Section.RESOLVED:
            return found
        host, port, transport = [*key.decode().split("|"), "", ""][:3]
        chosen = transport or "udp"
        known = self.addresses.get(host.lower(), ())
        row = ResolvedRow(
            tuple(ResolvedAddress(each, int(port or DEFAULT_PORTS[chosen]), chosen) for each in known)
        )
        return pack_row(row) if known else None

    def floor(self, section: Section, key: bytes) -> tuple[bytes, bytes] | None:
        return self.rows.floor(section, key)

    def generation(self, generation: Generation) -> int:
        return 0 if generation is Generation.RESOLVED else self.rows.generation(generation)


def addresses_of(given: Sequence[str]) -> dict[str, list[str]]:
    """Of options `NAME=ADDRESS`. Raises UsageError for what is none."""
    found: dict[str, list[str]] = {}
    for text in given:
        name, _, address = text.partition("=")
        if not name or address_of(address) is None:
            raise UsageError(f"--resolve {text!r} names no address; write it like pbx.example=203.0.113.9")
        found.setdefault(name.lower(), []).append(address)
    return found
