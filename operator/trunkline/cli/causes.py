"""One finding for each mistake: what only follows from another object's fault is folded into that fault.

The compiler judges each object by itself, and in a cluster may not tell one tenant of another. Who validates
files has them all: so a name that is nearly right, a namespace that was forgotten and the other claimant of a
number can be told here. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Final

from trunkline.api import FieldReason, ObjectRef
from trunkline.cli.cause_index import KINDS_NAMED, Index, Texts
from trunkline.cli.cause_wording import message_with_places
from trunkline.cli.finding import Finding
from trunkline.cli.namespace_hints import misspelt_namespaces
from trunkline.cli.references import references_of
from trunkline.compiler.reasons import ConditionReason as Why

__all__ = ["Texts", "causes"]

_UNREAD: Final = frozenset({"InvalidYAML", "Unreadable"})


def causes(findings: Iterable[Finding], texts: Texts) -> tuple[Finding, ...]:
    """The findings without those that follow from others, each cause with the objects that wait for it."""
    found = tuple(dict.fromkeys(findings))
    misspelt = misspelt_namespaces(texts, _refused_namespaces(found))
    found = (*found, *misspelt.values())
    index = Index(found, texts)
    search = _Search(found, index, misspelt)
    waiting: dict[Finding, list[ObjectRef]] = {}
    kept: list[Finding] = []
    for each in search.findings:
        cause = search.root(each)
        if cause is each:
            kept.append(each)
        elif each.ref is not None and each.ref != cause.ref:
            waiting.setdefault(cause, []).append(each.ref)
    kept += [each for each in search.forgotten.values() if each not in kept]
    told = (replace(each, waiting=tuple(dict.fromkeys(waiting.get(each, ())))) for each in kept)
    return tuple(replace(each, message=message_with_places(index, each)) for each in told)


def _refused_namespaces(findings: Iterable[Finding]) -> frozenset[str]:
    """Those of objects that no Account lets claim what they claim."""
    refused = (each.ref.namespace for each in findings if each.ref and each.reason == Why.NOT_PERMITTED)
    return frozenset(each for each in refused if each is not None)


def _is_nameless(finding: Finding) -> bool:
    """True for the fault of something that has no kind and name by which others could be seen to mean it."""
    return finding.severity == "error" and (finding.ref is None or finding.reason in _UNREAD)


class _Search:
    """Finds what each finding follows from."""

    def __init__(self, findings: tuple[Finding, ...], index: Index, misspelt: Mapping[str, Finding]) -> None:
        self.findings, self._index, self._misspelt = findings, index, misspelt
        self._unread = next((each for each in findings if _is_nameless(each)), None)
        """A document of which nobody knows what it would have been."""
        self.forgotten: dict[ObjectRef, Finding] = {}
        """Findings on namespaces that nobody wrote: the compiler does not know these."""

    def root(self, finding: Finding) -> Finding:
        """What it follows from in the end; itself if from nothing."""
        seen = {finding}
        while (cause := self._cause(finding)) is not None and cause not in seen:
            seen.add(cause)
            finding = cause
        return finding

    def _cause(self, finding: Finding) -> Finding | None:
        if finding.ref is None or finding.severity != "error":
            return None
        if finding.reason in KINDS_NAMED:
            return self._of_named(finding, finding.ref)
        if finding.reason in (Why.NO_ENABLED_URI, Why.NO_USABLE_URI):
            return self._of_uris(finding.ref) or self._unread
        if finding.reason == Why.PARENT_DOMAIN_MISSING:
            return self._of_parent(finding.ref)
        if finding.reason == Why.NOT_PERMITTED:
            return self._of_account(finding.ref) or self._unread
        return None

    def _of_named(self, finding: Finding, owner: ObjectRef) -> Finding | None:
        """The fault of what the object names, if it is there; else what keeps it from being found."""
        if finding.reason == Why.NO_USABLE_LIST:
            missing = [each for each in self._index.errors[owner] if each.reason == Why.LIST_NOT_FOUND]
            if missing:
                return missing[0]
        unresolved = self._index.unresolved(finding, owner)
        absent = [each.target for each in unresolved if each.target not in self._index.texts.documents]
        if not absent:
            return self._index.errors[unresolved[0].target][0] if unresolved else None
        for target in absent:
            if found := self._forgotten_namespace(owner, target) or self._misnamed(target):
                return found
        if all(self._index.near(target) is None for target in absent):
            return self._unread
        return None

    def _forgotten_namespace(self, owner: ObjectRef, target: ObjectRef) -> Finding | None:
        """The finding on an object without a namespace that looks for the other in the wrong one."""
        for other in self._index.elsewhere(target):
            if not self._index.texts.has_namespace(owner):
                return self._without_namespace(
                    owner, other.namespace, f"where there is no {target.kind} {target.name}"
                )
            if not self._index.texts.has_namespace(other):
                return self._without_namespace(other, owner.namespace, f"where {owner} does not find it")
        return None

    def _misnamed(self, target: ObjectRef) -> Finding | None:
        """The fault of the name of the object that is meant."""
        meant = target._replace(name=self._index.near(target) or "")
        faults = self._index.errors.get(meant, ())
        return next((each for each in faults if each.field == "metadata.name"), None)

    def _without_namespace(self, ref: ObjectRef, meant: str | None, so: str) -> Finding:
        place = self._index.texts.positions.get(ref)
        file, line = (
            (None, None)
            if place is None
            else (place.file, self._index.texts.documents[ref].line_of("metadata"))
        )
        message = (
            f"is missing, so the object is in namespace {ref.namespace}, {so} (write namespace: {meant})"
        )
        found = Finding(file, line, "metadata.namespace", FieldReason.Required, message, "error", ref)
        return self.forgotten.setdefault(ref, found)

    def _of_uris(self, trunk: ObjectRef) -> Finding | None:
        """The fault of an OriginationUri that names the trunk, or means it."""
        for ref in self._index.texts.of_kind("OriginationUri"):
            if not self._means(ref, trunk):
                continue
            if ref.namespace == trunk.namespace:
                if faults := self._index.errors.get(ref):
                    return faults[0]
            elif not self._index.texts.has_namespace(ref):
                return self._without_namespace(
                    ref, trunk.namespace, f"where there is no {trunk.kind} {trunk.name}"
                )
        return None

    def _means(self, uri: ObjectRef, trunk: ObjectRef) -> bool:
        """True if it names the trunk, or names no trunk of its own namespace but nearly this one."""
        for each in references_of(uri, self._index.texts.manifest(uri)):
            own = each.target in self._index.texts.documents
            name = each.target.name.rpartition("/")[2]
            here = ObjectRef("Trunk", trunk.namespace, name)
            if each.target == trunk or (not own and trunk.name in (name, self._index.near(here))):
                return True
        return False

    def _of_parent(self, trunk: ObjectRef) -> Finding | None:
        """The fault of the trunk that has the parent domain."""
        domain = self._index.domain(trunk).partition(".")[2]
        holders = (ref for ref in self._index.errors if ref != trunk and self._index.domain(ref) == domain)
        return next((self._index.errors[ref][0] for ref in holders), None) if domain else None

    def _of_account(self, ref: ObjectRef) -> Finding | None:
        """The fault of the Account that would permit it."""
        if misspelt := self._misspelt.get(ref.namespace or ""):
            return misspelt
        for each, faults in self._index.errors.items():
            manifest = self._index.texts.manifest(each)
            spec = manifest.get("spec") if each.kind == "Account" and isinstance(manifest, Mapping) else None
            listed = spec.get("namespaces") if isinstance(spec, Mapping) else None
            if each.kind == "Account" and (
                each.name == "default" or (isinstance(listed, list) and ref.namespace in listed)
            ):
                return faults[0]
        return None
