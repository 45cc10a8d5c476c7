"""Capture: copies of an edge's SIP messages, for a collector such as Homer."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from trunkline.api.fields import Host, PortNumber, Whole
from trunkline.api.meta import SecretKeyRef
from trunkline.api.model import Model

LARGEST_CAPTURE_ID: Final = 2**31 - 1
"""HEPv3 has 32 bits for it; collectors read them with a sign."""


class Hep(Model):
    """A collector that speaks HEPv3. Digests, keys of media and passwords in URIs are left out."""

    host: Host
    """Name or address of the collector."""
    port: PortNumber = 9060
    """Where it listens. Absent: 9060."""
    transport: Literal["UDP", "TCP"] = "UDP"
    """How copies travel to it. Absent: UDP."""
    capture_id: Annotated[int, Whole(0, LARGEST_CAPTURE_ID)] = 1
    """By which the collector tells its sources apart. Absent: 1."""
    auth_key_secret_ref: SecretKeyRef | None = None
    """Where the collector's key is, in the system namespace; it goes with each copy. Absent: none."""


class Capture(Model):
    """Where copies of the edge's SIP messages go. A collector that is not there costs no call."""

    hep: Hep | None = None
    """A collector that speaks HEPv3. Absent: nothing is captured."""

    @property
    def auth_key(self) -> SecretKeyRef | None:
        """Where the collector's key is."""
        return None if self.hep is None else self.hep.auth_key_secret_ref
