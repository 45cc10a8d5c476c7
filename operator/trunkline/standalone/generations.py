"""`metadata.generation` for objects in files: counted up whenever the content changes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from trunkline.api import ObjectRef
from trunkline.standalone.yaml_documents import Document


@dataclass(frozen=True, slots=True)
class Generation:
    """Which version of an object's content this is."""

    number: int
    content: str
    """A hash of the spec, by which a restart knows the same content again."""


class Generations:
    """Numbers contents. A file's own `metadata.generation` is honoured."""

    def __init__(self, before: Mapping[ObjectRef, Generation]) -> None:
        """`before` are those of an earlier run."""
        self._known = dict(before)
        self._documents: dict[ObjectRef, Document] = {}

    def advance(self, documents: Mapping[ObjectRef, Document]) -> Mapping[ObjectRef, Generation]:
        """The generation of every object in `documents`."""
        for ref, document in documents.items():
            if self._documents.get(ref) is not document:
                self._known[ref] = _next(document, self._known.get(ref))
        self._documents = dict(documents)
        # An object that is gone and comes back is a new one, as in an API server.
        self._known = {ref: self._known[ref] for ref in documents}
        return self._known


def _next(document: Document, before: Generation | None) -> Generation:
    value = document.value if isinstance(document.value, Mapping) else {}
    content = hashlib.blake2b(repr(value.get("spec")).encode(), digest_size=8).hexdigest()
    metadata = value.get("metadata")
    given = metadata.get("generation") if isinstance(metadata, Mapping) else None
    if isinstance(given, int) and not isinstance(given, bool) and given > 0:
        return Generation(given, content)
    if before is None:
        return Generation(1, content)
    return before if before.content == content else Generation(before.number + 1, content)
