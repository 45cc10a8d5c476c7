"""What `explain` is told that an edge has from its agent: addresses, callers' names, verdicts. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sipedge.e164 import is_e164
from sipedge.routing.attempts import DEFAULT_PORTS
from sipedge.routing.lookups import CallerNameQuestion
from sipedge.routing.stir.questions import SignQuestion, VerifyQuestion
from sipedge.table import AnswerRow, Generation, ResolvedAddress, ResolvedRow, Rows, Section
from sipedge.table.codec import pack_row
from sipedge.uri import address_of
from trunkline.cli.reading import UsageError

SIGNED: Final = "(signed by the edge when it is sent)"
"""Stands for the value of an Identity header: only an edge has the key."""


@dataclass(frozen=True, slots=True)
class ResolvingRows:
    """A table's rows, and what its agent would find for what it does not know."""

    rows: Rows
    addresses: Mapping[str, Sequence[str]]
    """Of a host name in lower case."""
    caller_names: Mapping[str, str]
    """By number; "" = it has none."""
    verstat: str | None = None
    """The verdict on PASSporTs that the message bears; None = nobody judges them."""

    @property
    def sequence(self) -> int | None:
        return self.rows.sequence

    def get(self, section: Section, key: bytes) -> bytes | None:
        found = self.rows.get(section, key)
        if found is None and section is Section.ANSWER:
            return self._answer(key.decode("utf-8", "replace"))
        if found is not None or section is not Section.RESOLVED:
            return found
        host, port, transport = [*key.decode().split("|"), "", ""][:3]
        chosen = transport or "udp"
        known = self.addresses.get(host.lower(), ())
        row = ResolvedRow(
            tuple(ResolvedAddress(each, int(port or DEFAULT_PORTS[chosen]), chosen) for each in known)
        )
        return pack_row(row) if known else None

    def _answer(self, key: str) -> bytes | None:
        kind = key.partition("|")[0]
        if kind == SignQuestion.KIND:
            return pack_row(AnswerRow(SIGNED))
        if kind == VerifyQuestion.KIND and self.verstat:
            return pack_row(AnswerRow(f"{self.verstat} as --verstat says"))
        named = {CallerNameQuestion(number).key: name for number, name in self.caller_names.items()}
        return pack_row(AnswerRow(named[key])) if key in named else None

    def floor(self, section: Section, key: bytes) -> tuple[bytes, bytes] | None:
        return self.rows.floor(section, key)

    @property
    def state(self) -> bytes:
        return self.rows.state

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


def caller_names_of(given: Sequence[str]) -> dict[str, str]:
    """Of options `NUMBER=NAME`. Raises UsageError for what is none."""
    found: dict[str, str] = {}
    for text in given:
        number, equals, name = text.partition("=")
        if not equals or not is_e164(number):
            raise UsageError(f"--caller-name {text!r} names no number; write it like +14155550100='ACME HQ'")
        found[number] = name
    return found
