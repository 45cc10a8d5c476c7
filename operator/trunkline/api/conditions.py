"""Every type of condition that an object of ours may have."""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class ConditionType(StrEnum):
    """In the order in which a status lists them: causes before outcomes, warnings last."""

    ACCEPTED = "Accepted"
    RESOLVED_REFS = "ResolvedRefs"
    TERMINATION_READY = "TerminationReady"
    ORIGINATION_READY = "OriginationReady"
    CERTIFICATE_READY = "CertificateReady"
    DNS_READY = "DNSReady"
    DEPLOYED = "Deployed"
    """Of an Edge: there only while one of its objects or pods is at fault."""
    PROGRAMMED = "Programmed"
    REGISTERED = "Registered"
    """Of a Carrier: there while an edge registers with it."""
    DAILY_MINUTES_LEFT = "DailyMinutesLeft"
    """Of an Account: there only once most minutes of today are used."""
    READY = "Ready"
    STALLED = "Stalled"
    """There exactly while the object is not accepted, for tools that follow kstatus."""
    FEATURE_UNAVAILABLE = "FeatureUnavailable"
    NUMBER_NOT_VALID = "NumberNotValid"
    UNKNOWN_EDGE = "UnknownEdge"
    CLAIMS_OVERLAP = "ClaimsOverlap"
    OPEN_TO_ALL = "OpenToAll"
    PORTS_OVERLAP = "PortsOverlap"
    RECORDINGS_WAIT = "RecordingsWait"
    """Of an Account: there only while its recordings cannot be stored."""


DECLARED: Final = frozenset(
    {
        ConditionType.ACCEPTED,
        ConditionType.RESOLVED_REFS,
        ConditionType.TERMINATION_READY,
        ConditionType.ORIGINATION_READY,
    }
)
"""Conditions that follow from what users wrote alone; False is then an error of theirs."""
ABNORMAL_TRUE: Final = frozenset(
    {
        ConditionType.FEATURE_UNAVAILABLE,
        ConditionType.NUMBER_NOT_VALID,
        ConditionType.UNKNOWN_EDGE,
        ConditionType.CLAIMS_OVERLAP,
        ConditionType.OPEN_TO_ALL,
        ConditionType.PORTS_OVERLAP,
        ConditionType.RECORDINGS_WAIT,
    }
)
"""Conditions that are present only while something is unusual; True is then a warning."""
