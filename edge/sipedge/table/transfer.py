"""How a trunk's calls may be transferred, as its row holds it. Words are those of the API."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TransferRow:
    """What becomes of a REFER of the trunk's PBX (S23)."""

    mode: str
    """`SipOnly` or `EnableAll`."""
    caller_id: str = "FromTransferee"
    """Whose number the target is shown: `FromTransferee` or `FromTransferor`."""
