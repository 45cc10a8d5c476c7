"""Headers of the platform's own that prove who wrote them: text under a MAC by the platform's secret. Pure.

One holds for one request at one address for half a minute; whoever has seen one can make no other of it.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import astuple, dataclass, field
from typing import Final

from sipedge.routing.dialog.tokens import with_lengths
from sipedge.secret import Secret

MOST_SECONDS: Final = 30
"""How old a header may be, and how far the clocks of two edges may be apart."""
_FORM: Final = re.compile(
    r"([0-9]{1,12}(?:\.[0-9]{3})?);([0-9a-f]{64});([A-Za-z0-9_-]{2,24000}={0,2})", re.ASCII
)


@dataclass(frozen=True, slots=True)
class Proof:
    """The parts of a message that a header holds for, and no others."""

    receiver: str
    """The address that it was sent to: the header is worth nothing at any other."""
    call_id: str
    cseq: int
    request_uri: str


@dataclass(frozen=True, slots=True)
class Unsealed:
    """What a valid header says."""

    told: str = field(repr=False)
    """It may hold SRTP keys."""
    mac: str
    """By which it is known again."""
    at: float
    """When it was made, in seconds since the epoch by its maker's clock."""


@dataclass(frozen=True, slots=True)
class Seal:
    """Makes and reads the headers of one purpose. Both ends have the same secret."""

    edge_secret: Secret
    purpose: str
    """Part of what is signed: a header for one purpose is worth nothing for another."""

    def value(self, told: str, proof: Proof, now: float) -> str:
        """The header's value; `told` is base64url, `now` in seconds since the epoch: it is written to the
        millisecond, an int as it is."""
        at = str(now) if isinstance(now, int) else f"{now:.3f}"
        return f"{at};{self._mac(told, proof, at)};{told}"

    def read(self, value: str, proof: Proof, now: float, *, longest: int) -> Unsealed | None:
        """What a valid header says; None for any other. Total.

        `longest`: characters of what it may tell.
        """
        match = _FORM.fullmatch(value) if len(value) <= longest + 100 else None
        if match is None or abs(now - float(match[1])) > MOST_SECONDS:
            return None
        if not hmac.compare_digest(match[2], self._mac(match[3], proof, match[1])):
            return None
        return Unsealed(match[3], match[2], float(match[1]))

    def _mac(self, told: str, proof: Proof, at: str) -> str:
        signed = with_lengths(self.purpose, at, *map(str, astuple(proof)), told)
        key = self.edge_secret.reveal().encode()
        return hmac.new(key, signed.encode("utf-8", "surrogatepass"), hashlib.sha256).hexdigest()
