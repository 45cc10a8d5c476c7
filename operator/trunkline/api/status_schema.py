"""The status of each kind as the CRDs describe it. What fills it is not of this package."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

Schema = dict[str, Any]


def _text(length: int, description: str) -> Schema:
    return {"type": "string", "maxLength": length, "description": description}


def _whole(description: str) -> Schema:
    return {"type": "integer", "minimum": 0, "format": "int64", "description": description}


_CONDITION: Final[Schema] = {
    "type": "object",
    "required": ["type", "status", "lastTransitionTime", "reason", "message"],
    "properties": {
        "type": _text(64, "What the condition is about: Accepted, Ready, ..."),
        "status": {
            "type": "string",
            "enum": ["True", "False", "Unknown"],
            "description": "Whether it holds.",
        },
        "reason": _text(128, "Why, in one word."),
        "message": _text(32_768, "Why, in a sentence, and what mends it."),
        "lastTransitionTime": {
            "type": "string",
            "format": "date-time",
            "maxLength": 64,
            "description": "When status last changed.",
        },
        "observedGeneration": _whole("The generation that was judged."),
    },
}

_COMMON: Final[Schema] = {
    "observedGeneration": _whole("The generation that this status speaks of."),
    "conditions": {
        "type": "array",
        "maxItems": 16,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["type"],
        "items": _CONDITION,
        "description": "What is known about the object.",
    },
}

_TRUNK: Final[Schema] = {
    "trunkSid": _text(34, "The trunk's id, the same as long as it has this name."),
    "terminationUri": _text(253, "The name that the PBX dials."),
    "localizedUris": {
        "type": "array",
        "maxItems": 512,
        "x-kubernetes-list-type": "set",
        "items": _text(253, "The termination name at one edge or region."),
        "description": "The same name at each edge and region.",
    },
    "edgeList": _text(512, "These edges and regions in one line, for kubectl get."),
    "authTypes": {
        "type": "array",
        "maxItems": 2,
        "x-kubernetes-list-type": "set",
        "items": {"type": "string", "enum": ["IpAccessControlList", "CredentialList"]},
        "description": "What a call from the PBX must pass.",
    },
    "numberCount": _whole("How many telephone numbers the trunk has, those in blocks included."),
    "peakBandwidthKbps": _whole("Bandwidth of as many calls as may be in progress at the same time."),
}

_EDGE: Final[Schema] = {
    "addressList": _text(512, "The ready addresses in one line, for kubectl get."),
    "pods": {
        "type": "object",
        "required": ["ready", "wanted"],
        "properties": {
            "ready": _whole("How many take calls."),
            "wanted": _whole("How many there should be."),
        },
        "description": "The instances of the edge.",
    },
    "podSummary": _text(32, "Ready and wanted pods in one word, for kubectl get."),
    "agentPort": {
        "type": "integer",
        "minimum": 1,
        "maximum": 65_535,
        "format": "int32",
        "description": "The port at which the agents of this edge tell of readiness and metrics.",
    },
    "addresses": {
        "type": "array",
        "maxItems": 64,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["address"],
        "items": {
            "type": "object",
            "required": ["address"],
            "properties": {
                "address": _text(64, "The address."),
                "pod": _text(253, "The pod that serves it."),
                "ready": {"type": "boolean", "description": "Whether it takes calls."},
                "revision": _text(64, "The revision of the edge's table that it serves."),
            },
        },
        "description": "Each address of the edge.",
    },
    "dnsRecords": {
        "type": "array",
        "maxItems": 256,
        "x-kubernetes-list-type": "map",
        "x-kubernetes-list-map-keys": ["name", "type"],
        "items": {
            "type": "object",
            "required": ["name", "type", "ttl", "values"],
            "properties": {
                "name": _text(253, "The name, without a dot at its end."),
                "type": {
                    "type": "string",
                    "enum": ["A", "AAAA", "SRV", "NAPTR"],
                    "description": "The type.",
                },
                "ttl": _whole("How long resolvers may keep it, in seconds."),
                "values": {
                    "type": "array",
                    "maxItems": 64,
                    "x-kubernetes-list-type": "set",
                    "items": _text(512, "A value as in a zone file."),
                    "description": "All values of the name.",
                },
            },
        },
        "description": "The DNS records to enter by hand, if the platform does not write them itself.",
    },
}

_OWN: Final[Mapping[str, Schema]] = {"Trunk": _TRUNK, "Edge": _EDGE}

_WAITING: Final = {
    "status": "Unknown",
    "reason": "Pending",
    "message": "Waiting for controller",
    "lastTransitionTime": "1970-01-01T00:00:00Z",
}
PENDING: Final = {"conditions": [{"type": name, **_WAITING} for name in ("Accepted", "Ready")]}
"""What an object's status is until someone looks at it, so that a tool which waits for Ready does wait."""


def status_schema(kind: str) -> Schema:
    """The structural schema of the status of `kind`, with its default."""
    return {
        "type": "object",
        "description": "What the platform reports; written by it alone.",
        "default": PENDING,
        "properties": {**_OWN.get(kind, {}), **_COMMON},
    }
