"""What the operator wrote of the objects of a cluster. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

from trunkline.api import ObjectRef
from trunkline.cli.cluster.snapshot import Manifest, Snapshot
from trunkline.standalone.state import EdgeState
from trunkline.status.conditions import Condition
from trunkline.status.programmed import AddressReport
from trunkline.status.reasons import StatusReason
from trunkline.status.report import Status

_OWN: Final = ("observedGeneration", "conditions")


def status_of(manifest: Manifest) -> Status | None:
    """The status in an object; None while no operator has looked at this generation of it."""
    fields: dict[str, Any] = manifest.get("status") or {}
    generation = manifest["metadata"].get("generation", 0)
    if not isinstance(fields.get("observedGeneration"), int) or fields["observedGeneration"] < generation:
        return None
    facts = {key: value for key, value in fields.items() if key not in _OWN}
    return Status(generation, tuple(map(_condition, fields.get("conditions") or ())), facts)


def _condition(fields: Manifest) -> Condition:
    return Condition(
        str(fields["type"]),
        fields["status"],
        str(fields["reason"]),
        str(fields["message"]),
        int(fields.get("observedGeneration", 0)),
        str(fields["lastTransitionTime"]),
    )


def without_refused(snapshot: Snapshot) -> Snapshot:
    """Without the objects that the operator has refused whole: it may know of an older claim that a person
    cannot see. A CredentialList stays: of it only users are left out."""
    kept = {
        kind: tuple(each for each in manifests if kind == "CredentialList" or not _is_refused(each))
        for kind, manifests in snapshot.objects.items()
    }
    return replace(snapshot, objects=kept)


def _is_refused(manifest: Manifest) -> bool:
    status = status_of(manifest)
    accepted = status.condition("Accepted") if status else None
    return accepted is not None and accepted.status == "False"


def shown_statuses(snapshot: Snapshot) -> Iterator[tuple[ObjectRef, Status]]:
    """The status of each object that was asked for; one that is out of date says so."""
    for ref, manifest in snapshot.wanted():
        status = status_of(manifest)
        yield ref, _waiting(manifest) if status is None else status


def _waiting(manifest: Manifest) -> Status:
    """What is to say of an object that no operator has looked at since its last change."""
    generation = int(manifest["metadata"].get("generation", 0))
    message = f"no operator has looked at generation {generation} yet; if that lasts, see whether it runs"
    ready = Condition("Ready", "Unknown", StatusReason.PENDING, message, 0, "1970-01-01T00:00:00Z")
    facts = {key: value for key, value in (manifest.get("status") or {}).items() if key not in _OWN}
    return Status(0, (ready,), facts)


def edge_states(snapshot: Snapshot) -> tuple[EdgeState, ...]:
    """Each Edge with its addresses. The newest table is the newest that a pod has acknowledged."""
    states = []
    for ref, manifest in snapshot.wanted():
        if ref.kind == "Edge":
            told = (manifest.get("status") or {}).get("addresses") or ()
            addresses = tuple(_address(each) for each in told)
            revisions = [each.revision for each in addresses if each.revision is not None]
            states.append(EdgeState(ref.name, max(revisions, default=None), addresses))
    return tuple(states)


def _address(fields: Manifest) -> AddressReport:
    revision = str(fields.get("revision", ""))
    return AddressReport(
        str(fields["address"]),
        bool(fields.get("ready")),
        int(revision) if revision.isascii() and revision.isdigit() else None,
        pod=str(fields.get("pod", "")),
    )
