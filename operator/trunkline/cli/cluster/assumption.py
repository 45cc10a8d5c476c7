"""What `explain` assumes of a platform that may not be read, and says that it assumes. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from sipedge.uri import parse_uri
from trunkline.api import API_VERSION, AnyResource, decode
from trunkline.cli.cluster.snapshot import Snapshot

CARRIER: Final = "assumed-carrier"
_GATEWAY: Final = "carrier.invalid"


def assumed_objects(
    snapshot: Snapshot, edge: str, source: str, request_uri: str, base_domain: str
) -> tuple[AnyResource, ...]:
    """Stand-ins for the Edge that is asked and for a carrier, where these kinds may not be read.

    A Request-URI that names no trunk comes from the PSTN: then `source` is the carrier's.
    """
    found = []
    if "Edge" in snapshot.unread:
        found.append(assumed_edge(edge))
    if "Carrier" in snapshot.unread:
        spec: dict[str, Any] = {"prefixes": ["+"], "gateways": [{"host": _GATEWAY}]}
        if not _names_a_trunk(request_uri, base_domain):
            spec["sourceRanges"] = [source]
        found.append(_object("Carrier", CARRIER, spec))
    return tuple(found)


def assumed_edge(name: str) -> AnyResource:
    """An Edge of which nothing but the name is known. Raises FieldErrors for what is no name of one."""
    return _object("Edge", name, {"advertise": {"type": "PodIP"}})


def assumptions(snapshot: Snapshot, edge: str, base_domain: str | None) -> Iterator[str]:
    """What was taken for granted, one sentence each. `base_domain` None = no Trunk tells it."""
    unread = snapshot.unread
    if "Edge" in unread:
        yield f"that there is an Edge {edge}, without a region"
    if "Account" in unread:
        yield "an Account that permits everything and has no limits"
    if "CallerId" in unread:
        yield "no verified CallerIds: only numbers of the trunk's own account pass as the calling number"
    if "Carrier" in unread:
        yield "one carrier that takes every number, and brings the call if no trunk's name is dialled"
    if base_domain is None:
        yield "the default base domain, since no Trunk's status tells it (--base-domain does)"
    yield "a strong password for every user of a CredentialList"


def _names_a_trunk(request_uri: str, base_domain: str) -> bool:
    uri = parse_uri(request_uri)
    host = "" if uri is None else uri.host.lower()
    return ".pstn." in host and host.endswith(f".{base_domain}")


def _object(kind: str, name: str, spec: dict[str, Any]) -> AnyResource:
    return decode({"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": spec})
