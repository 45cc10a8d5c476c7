"""Namespaces that an Account lists and nobody has, where one that somebody has was probably meant. Pure.

That an Account comes before its namespace is the usual order, so the compiler says nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from trunkline.api import FieldReason, ObjectRef
from trunkline.api.translation import nearest
from trunkline.cli.cause_index import Texts
from trunkline.cli.finding import Finding


def misspelt_namespaces(texts: Texts, refused: frozenset[str]) -> Mapping[str, Finding]:
    """By the namespace that was probably meant: a warning, or an error if it is one of the `refused`, of
    which an object may claim nothing for want of an Account."""
    listed = tuple(_listed(texts))
    named = {namespace for _, _, namespace in listed}
    inhabited = {ref.namespace for ref in texts.documents if ref.namespace is not None}
    homeless = sorted(inhabited - named)
    found: dict[str, Finding] = {}
    for account, position, namespace in listed:
        meant = None if namespace in inhabited else nearest(namespace, homeless)
        if meant is not None and not _are_siblings(namespace, meant):
            severity = "error" if meant in refused else "warning"
            found.setdefault(meant, _hint(texts, account, f"spec.namespaces[{position}]", meant, severity))
    return found


def _listed(texts: Texts) -> Iterator[tuple[ObjectRef, int, str]]:
    for account in texts.of_kind("Account"):
        manifest = texts.manifest(account)
        spec = manifest.get("spec") if isinstance(manifest, Mapping) else None
        namespaces = spec.get("namespaces") if isinstance(spec, Mapping) else None
        for position, namespace in enumerate(namespaces if isinstance(namespaces, list) else ()):
            if isinstance(namespace, str):
                yield account, position, namespace


def _are_siblings(one: str, other: str) -> bool:
    """True for names like team-a and team-b, or site1 and site2, which are alike because both are meant."""
    if one.rstrip("0123456789") == other.rstrip("0123456789"):
        return True
    ones, others = one.split("-"), other.split("-")
    if len(ones) != len(others) or len(ones) == 1:
        return False
    return all(a == b or max(len(a), len(b)) <= 3 for a, b in zip(ones, others, strict=True))


def _hint(texts: Texts, account: ObjectRef, field: str, meant: str, severity: str) -> Finding:
    place = texts.positions.get(account)
    file, line = (None, None) if place is None else (place.file, texts.documents[account].line_of(field))
    message = f"no object of these files is in this namespace (did you mean {meant}, which no Account lists?)"
    return Finding(file, line, field, FieldReason.InvalidValue, message, severity, account)
