"""What one load of the files came to, and where in them each object stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from sipedge.printable import printable
from trunkline.api import AnyResource, InvalidObject, ObjectRef, Platform, Resources, SecretValues
from trunkline.standalone.yaml_documents import Document

Severity = Literal["error", "warning", "notice"]


@dataclass(frozen=True, slots=True, order=True)
class SourcePosition:
    """Where something is written: the file as the PATH argument led to it, the line counted from 1."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True)
class Problem:
    """Something in the files that a person should know: its place, what is wrong, and the mend."""

    position: SourcePosition
    reason: str
    """A stable code in CamelCase."""
    message: str
    severity: Severity = "error"
    ref: ObjectRef | None = None
    field: str = ""

    def __str__(self) -> str:
        parts = (str(self.ref) if self.ref else "", self.field, self.reason, self.message)
        return printable(f"{self.position}: " + ": ".join(part for part in parts if part))


@dataclass(frozen=True, slots=True)
class Entry:
    """One object in a file: decoded, a Secret's values, or invalid."""

    ref: ObjectRef
    file: str
    document: Document
    content: AnyResource | SecretValues | InvalidObject
    values: SecretValues = field(default_factory=dict, repr=False)
    """What could be read of a Secret that an API server would refuse: in force while nothing better was."""

    @property
    def position(self) -> SourcePosition:
        return SourcePosition(self.file, self.document.line)

    @property
    def is_good(self) -> bool:
        return not isinstance(self.content, InvalidObject)


@dataclass(frozen=True, slots=True)
class SourceFile:
    """What one file holds."""

    digest: bytes
    entries: tuple[Entry, ...] = ()
    problems: tuple[Problem, ...] = ()
    broken: bool = False
    """True if some of it could not be read."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """The outcome of one load; the very same object as the one before if no file has changed.

    The `problems` include every fault of the objects in `resources.invalid`, each with its line; a caller
    who also prints the compiler's verdicts leaves out those of invalid objects.
    """

    resources: Resources
    positions: Mapping[ObjectRef, SourcePosition]
    problems: tuple[Problem, ...]
    kept: Mapping[ObjectRef, str] = field(default_factory=dict)
    """Objects whose last good content is in force, and the fault of what the files say now."""
    good: Mapping[ObjectRef, Entry] = field(default_factory=dict, repr=False)
    """What is in force of each object."""
    shown: Mapping[ObjectRef, Entry] = field(default_factory=dict, repr=False)
    """What the files say of each object now, or said last."""
    contents: Mapping[str, SourceFile] = field(default_factory=dict, repr=False)
    """By the files' names."""
    path_problems: tuple[Problem, ...] = field(default=(), repr=False)
    """Those of the PATH arguments themselves."""

    @property
    def files(self) -> tuple[str, ...]:
        """Every file that was read."""
        return tuple(self.contents)

    @property
    def is_empty(self) -> bool:
        """True if there was nothing to read: no file, or no manifest in any of them."""
        nothing = all(not (each.entries or each.problems) for each in self.contents.values())
        return nothing and not self.path_problems

    @property
    def documents(self) -> Mapping[ObjectRef, Document]:
        """Where every object, Secrets included, was read from."""
        return {ref: entry.document for ref, entry in self.shown.items()}

    def is_of(
        self, files: Mapping[str, SourceFile], path_problems: tuple[Problem, ...], platform: Platform
    ) -> bool:
        """True if a load of just these would come to the same."""
        mine = self.resources.platform
        return (
            list(self.contents) == list(files)
            and all(each is files[name] for name, each in self.contents.items())
            and self.path_problems == path_problems
            and replace(mine, open_account=False) == platform
        )

    def same_content(self, other: Loaded) -> bool:
        """True if both say the same of every object, whatever file it is in now."""
        mine, others = self.good, other.good
        return (
            mine.keys() == others.keys()
            and all(entry.content == others[ref].content for ref, entry in mine.items())
            and self.resources.invalid == other.resources.invalid
            and self.resources.secrets == other.resources.secrets
            and self.resources.platform == other.resources.platform
            and self.refused == other.refused
        )

    @property
    def refused(self) -> Mapping[ObjectRef, str]:
        """Those of `kept` whose new content was read and is invalid, with its faults."""
        return {
            ref: fault
            for ref, fault in self.kept.items()
            if isinstance(self.shown[ref].content, InvalidObject)
        }

    def position(self, ref: ObjectRef, path: str = "") -> SourcePosition | None:
        """The place of an object's field, or of what is nearest around it; None for an unknown object."""
        entry = self.shown.get(ref)
        return None if entry is None else SourcePosition(entry.file, entry.document.line_of(path))
