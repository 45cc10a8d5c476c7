"""What the agent is asked of a call's PASSporTs: to judge those that it bears, or to sign one. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, Final

from sipedge.e164 import is_e164
from sipedge.routing.stir.passport import LEVELS
from sipedge.routing.stir.verdicts import bound_fault
from sipedge.sha256 import sha256_hex

_BETWEEN: Final = "\n"
"""No header's value holds it."""
_ORIGIN: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_LONGEST: Final = 64


@dataclass(frozen=True, slots=True)
class VerifyQuestion:
    """What a call's PASSporTs are worth. Answer: the verdict, a blank, and why in words."""

    KIND: ClassVar[str] = "verify"
    MILLISECONDS: ClassVar[int] = 2_000
    RULE: ClassVar[str] = "RFC 8224"

    identities: str
    """The values of Identity headers, one a line, within `bound_fault`."""
    calling: str
    called: str
    is_customers: bool
    """True: the customer has signed; False: a carrier brings it."""

    @property
    def sought(self) -> str:
        return "what its PASSporT is worth"

    @property
    def values(self) -> tuple[str, ...]:
        """The values of the Identity headers."""
        return tuple(self.identities.split(_BETWEEN))

    @property
    def key(self) -> str:
        asked = (self.calling, self.called, str(self.is_customers), self.identities)
        return f"{self.KIND}|{_hash_of(asked)}"

    def is_askable(self) -> bool:
        return (
            _are(str, self.identities, self.calling, self.called)
            and _are(bool, self.is_customers)
            and max(len(self.calling), len(self.called)) <= _LONGEST
            and not bound_fault(self.values)
        )


def verify_question(
    values: tuple[str, ...], calling: str, called: str, *, is_customers: bool
) -> VerifyQuestion:
    """The question; `values` are within `bound_fault`."""
    return VerifyQuestion(_BETWEEN.join(values), calling, called, is_customers)


@dataclass(frozen=True, slots=True)
class SignQuestion:
    """A shaken PASSporT for this call alone. Answer: the value of its Identity header."""

    KIND: ClassVar[str] = "sign"
    MILLISECONDS: ClassVar[int] = 500
    RULE: ClassVar[str] = "RFC 8588"

    attestation: str
    calling: str
    called: str
    origin: str
    """UUID of who is responsible for the call (`origid`)."""
    call: str
    """64 hex digits, of this INVITE alone: a PASSporT is never used for two calls."""

    @property
    def sought(self) -> str:
        return f"a signature that attests {self.attestation}"

    @property
    def key(self) -> str:
        asked = (self.attestation, self.calling, self.called, self.origin, self.call)
        return f"{self.KIND}|{_hash_of(asked)}"

    def is_askable(self) -> bool:
        return (
            _are(str, self.attestation, self.calling, self.called, self.origin, self.call)
            and self.attestation in LEVELS
            and is_e164(self.calling)
            and is_e164(self.called)
            and _ORIGIN.fullmatch(self.origin) is not None
            and len(self.call) == _LONGEST
        )


@lru_cache(maxsize=2)  # asked several times of one call: what is to be asked, what is known, what is told
def _hash_of(asked: tuple[str, ...]) -> str:
    return sha256_hex(_BETWEEN.join(asked))


def _are(kind: type, *fields: object) -> bool:
    """Text from outside may have put anything into a field, whatever its type says."""
    return all(type(field) is kind for field in fields)
