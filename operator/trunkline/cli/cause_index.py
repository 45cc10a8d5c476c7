"""What files say and what is wrong with them, looked up by object. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from trunkline.api import ObjectRef
from trunkline.api.translation import nearest
from trunkline.cli.finding import Finding
from trunkline.cli.references import Reference, references_of, text_at
from trunkline.compiler.reasons import ConditionReason as Why
from trunkline.standalone.loaded import SourcePosition
from trunkline.standalone.yaml_documents import Document

KINDS_NAMED: Final[Mapping[str, frozenset[str]]] = {
    Why.TRUNK_NOT_FOUND: frozenset({"Trunk"}),
    Why.TRUNK_NOT_ACCEPTED: frozenset({"Trunk"}),
    Why.LIST_NOT_FOUND: frozenset({"IpAccessControlList", "CredentialList", "HeaderManipulationPolicy"}),
    Why.NO_USABLE_LIST: frozenset({"IpAccessControlList", "CredentialList"}),
    Why.POLICY_NOT_FOUND: frozenset({"HeaderManipulationPolicy"}),
    Why.SECRET_NOT_FOUND: frozenset({"Secret"}),
    Why.SECRET_NOT_VALID: frozenset({"Secret"}),
    Why.ACCOUNT_NOT_FOUND: frozenset({"Account"}),
    Why.EDGE_NOT_FOUND: frozenset({"Edge"}),
}
"""Faults of what an object names, and the kinds that may be meant."""


@dataclass(frozen=True, slots=True)
class Texts:
    """What the files say, by object."""

    documents: Mapping[ObjectRef, Document]
    positions: Mapping[ObjectRef, SourcePosition]

    def manifest(self, ref: ObjectRef) -> object:
        document = self.documents.get(ref)
        return None if document is None else document.value

    def has_namespace(self, ref: ObjectRef) -> bool:
        """False for an object whose author wrote none."""
        return ref.namespace is None or bool(text_at(self.manifest(ref), "metadata", "namespace"))

    def of_kind(self, kind: str) -> Iterator[ObjectRef]:
        return (ref for ref in self.documents if ref.kind == kind)


class Index:
    """The objects of the files by kind and name, and the errors of each."""

    def __init__(self, findings: Iterable[Finding], texts: Texts) -> None:
        self.texts = texts
        self.errors: dict[ObjectRef, list[Finding]] = {}
        for each in findings:
            if each.severity == "error" and each.ref is not None:
                self.errors.setdefault(each.ref, []).append(each)
        self._names: dict[tuple[str, str | None], list[str]] = {}
        self._homes: dict[tuple[str, str], list[ObjectRef]] = {}
        for ref in texts.documents:
            self._names.setdefault((ref.kind, ref.namespace), []).append(ref.name)
            self._homes.setdefault((ref.kind, ref.name), []).append(ref)
        self._near: dict[ObjectRef, str | None] = {}

    def unresolved(self, finding: Finding, owner: ObjectRef) -> list[Reference]:
        """What it names that is not there, or has errors of its own."""
        kinds = KINDS_NAMED.get(finding.reason, frozenset())
        return [
            each
            for each in references_of(owner, self.texts.manifest(owner))
            if each.target.kind in kinds
            and (each.target not in self.texts.documents or each.target in self.errors)
        ]

    def elsewhere(self, target: ObjectRef) -> list[ObjectRef]:
        """Objects of this kind and name in other namespaces."""
        return [ref for ref in self._homes.get((target.kind, target.name), ()) if ref != target]

    def near(self, target: ObjectRef) -> str | None:
        """The name that was probably meant."""
        if target not in self._near:
            self._near[target] = nearest(target.name, self._names.get((target.kind, target.namespace), []))
        return self._near[target]

    def domain(self, ref: ObjectRef) -> str:
        """Of a trunk, as it is written."""
        return text_at(self.texts.manifest(ref), "spec", "termination", "domainName").lower()
