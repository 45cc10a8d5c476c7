"""A directory of YAML to Resources, with the file and line of every object and field.

Loading is incremental and forgiving. A file whose bytes did not change is not parsed again. What cannot be
read or accepted now, but could before, keeps its last good content, as an API server keeps an object whose
new version it refuses: half of a saved file must not delete a trunk. That memory is `previous`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal, cast

from sipedge.fault import describe_fault
from trunkline.api import (
    GROUP,
    AnyResource,
    FieldError,
    FieldErrors,
    FieldReason,
    InvalidObject,
    ObjectRef,
    Platform,
    Resources,
    SecretValues,
    decode,
    read_secret,
)
from trunkline.standalone.files import (
    NoSuchPathError,
    UnreadableFileError,
    decode_text,
    find_files,
    read_file,
)
from trunkline.standalone.options import DEFAULT_BASE_DOMAIN
from trunkline.standalone.yaml_documents import Document, read_documents

__all__ = ["Loaded", "NoSuchPathError", "Problem", "Severity", "SourcePosition", "load"]

DEFAULT_NAMESPACE: Final = "default"
_DEFAULT_ACCOUNT: Final = ObjectRef("Account", None, "default")
_KEPT: Final = "the last good content stays in force"

Severity = Literal["error", "warning", "notice"]
Paths = Sequence[str | os.PathLike[str]]


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
        return f"{self.position}: " + ": ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class _Entry:
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
class _File:
    """What one file holds. `fault` is set when some of it could not be read."""

    digest: bytes
    entries: tuple[_Entry, ...] = ()
    problems: tuple[Problem, ...] = ()
    broken: bool = False


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
    _good: Mapping[ObjectRef, _Entry] = field(default_factory=dict, repr=False)
    _shown: Mapping[ObjectRef, _Entry] = field(default_factory=dict, repr=False)
    _files: Mapping[str, _File] = field(default_factory=dict, repr=False)
    _path_problems: tuple[Problem, ...] = field(default=(), repr=False)

    @property
    def files(self) -> tuple[str, ...]:
        """Every file that was read."""
        return tuple(self._files)

    @property
    def documents(self) -> Mapping[ObjectRef, Document]:
        """Where every object, Secrets included, was read from."""
        return {ref: entry.document for ref, entry in self._shown.items()}

    def _is_of(
        self, files: Mapping[str, _File], path_problems: tuple[Problem, ...], platform: tuple[Any, ...]
    ) -> bool:
        """True if a load of just these would come to the same."""
        mine = self.resources.platform
        return (
            list(self._files) == list(files)
            and all(each is files[name] for name, each in self._files.items())
            and self._path_problems == path_problems
            and (mine.base_domain, mine.denied_target_cidrs) == platform
        )

    def same_content(self, other: Loaded) -> bool:
        """True if both say the same of every object, whatever file it is in now."""
        mine, others = self._good, other._good
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
            if isinstance(self._shown[ref].content, InvalidObject)
        }

    def position(self, ref: ObjectRef, path: str = "") -> SourcePosition | None:
        """The place of an object's field, or of what is nearest around it; None for an unknown object."""
        entry = self._shown.get(ref)
        return None if entry is None else SourcePosition(entry.file, entry.document.line_of(path))


def load(
    paths: Paths,
    *,
    base_domain: str = DEFAULT_BASE_DOMAIN,
    denied_target_cidrs: tuple[str, ...] = (),
    previous: Loaded | None = None,
) -> Loaded:
    """Everything the YAML under `paths` says.

    Raises NoSuchPathError if a path names nothing and there is no `previous` to fall back to; any other
    fault becomes a Problem. An open Account `default` is assumed
    unless the files have one.
    """
    problems: list[Problem] = []
    files = dict(_read_all(paths, previous, problems))
    platform = (base_domain, denied_target_cidrs)
    if previous is not None and previous._is_of(files, tuple(problems), platform):
        return previous
    path_problems = tuple(problems)
    for each in files.values():
        problems.extend(each.problems)
    shown = _choose(files, previous, problems)
    good = {ref: entry for ref, entry in shown.items() if entry.is_good}
    kept = _keep(shown, good, files, previous)
    shown = {**{ref: good[ref] for ref in kept}, **shown}
    return Loaded(
        resources=_resources(shown, good, base_domain, denied_target_cidrs),
        positions={ref: entry.position for ref, entry in shown.items()},
        problems=(
            *sorted(problems, key=lambda problem: (problem.position, problem.field)),
            *_kept_problems(kept, shown),
        ),
        kept=kept,
        _good=good,
        _shown=shown,
        _files=files,
        _path_problems=path_problems,
    )


def _read_all(paths: Paths, previous: Loaded | None, problems: list[Problem]) -> Iterator[tuple[str, _File]]:
    """Each file with its content; files under a PATH that is gone for now count as broken."""
    before = previous._files if previous else {}
    present = []
    for path in (os.fspath(each) for each in paths):
        if os.path.lexists(path) or previous is None:
            present.append(path)
            continue
        problems.append(
            Problem(SourcePosition(path, 1), "NoSuchPath", f"no such file or directory any more: {_KEPT}")
        )
        for name in before:
            if name == path or name.startswith(os.path.join(path, "")):
                yield name, _File(b"", broken=True)
    found = find_files(present)
    for path, fault in found.unreadable:
        problems.append(Problem(SourcePosition(path, 1), "Unreadable", fault))
        for name in before:
            if name.startswith(os.path.join(path, "")):
                yield name, _File(b"", broken=True)
    for name in found.files:
        yield name, _read_one(name, before.get(name))


def _read_one(name: str, before: _File | None) -> _File:
    try:
        data = read_file(name)
        digest = hashlib.blake2b(data, digest_size=16).digest()
        if before is not None and before.digest == digest:
            return before
        if not data.strip() and before is not None and (before.entries or before.broken):
            # An editor that truncates and then writes shows an empty file for a moment.
            return _broken(name, digest, 1, "EmptyFile", "the file is empty: delete it to remove its objects")
        return _parse(name, digest, decode_text(data))
    except UnreadableFileError as error:
        return _broken(name, b"", 1, "Unreadable", str(error))
    except Exception as error:
        return _broken(name, b"", 1, FieldReason.InternalError, _unexpected(error))


def _broken(name: str, digest: bytes, line: int, reason: str, message: str) -> _File:
    return _File(digest, problems=(Problem(SourcePosition(name, line), reason, message),), broken=True)


def _parse(name: str, digest: bytes, text: str) -> _File:
    documents, faults = read_documents(text)
    entries: list[_Entry] = []
    problems = [Problem(SourcePosition(name, fault.line), "InvalidYAML", fault.message) for fault in faults]
    broken = bool(faults)
    for document in documents:
        try:
            well = document.value is None or _read_document(name, document, entries, problems)
            broken = broken or not well
        except Exception as error:
            place = SourcePosition(name, document.line)
            problems.append(Problem(place, FieldReason.InternalError, _unexpected(error)))
            broken = True
    return _File(digest, tuple(entries), tuple(problems), broken)


def _unexpected(error: Exception) -> str:
    return f"Trunkline failed to read this ({describe_fault(error)}); report it as a fault of Trunkline"


def _read_document(name: str, document: Document, entries: list[_Entry], problems: list[Problem]) -> bool:
    """False if our own code failed at it and its name is unknown: whatever the file had before goes on."""
    foreign = _foreign_kind(document.value)
    if foreign:
        message = f"{foreign} is no kind of {GROUP}: skipped"
        problems.append(Problem(SourcePosition(name, document.line), "ForeignKind", message, "notice"))
        return True
    try:
        if _is_secret(document.value):
            entries.append(_read_secret(name, document, problems))
        else:
            resource = decode(document.value, default_namespace=DEFAULT_NAMESPACE, stored=False)
            entries.append(_Entry(resource.ref, name, document, resource))
    except FieldErrors as error:
        problems.extend(_field_problem(name, document, error.ref, each) for each in error.errors)
        if error.ref is not None:
            invalid = InvalidObject(error.ref, error.generation, error.errors)
            entries.append(_Entry(error.ref, name, document, invalid))
        nameless = error.ref is None
        return not (nameless and any(each.reason == FieldReason.InternalError for each in error.errors))
    return True


def _read_secret(name: str, document: Document, problems: list[Problem]) -> _Entry:
    found = read_secret(document.value, default_namespace=DEFAULT_NAMESPACE, stored=False)
    ref = ObjectRef("Secret", found.namespace, found.name)
    if not found.errors:
        return _Entry(ref, name, document, found.values)
    problems.extend(_field_problem(name, document, ref, each) for each in found.errors)
    return _Entry(ref, name, document, InvalidObject(ref, 0, found.errors), found.values)


def _field_problem(name: str, document: Document, ref: ObjectRef | None, error: FieldError) -> Problem:
    position = SourcePosition(name, document.line_of(error.path))
    return Problem(position, error.reason, error.message, "error", ref, error.path)


def _is_secret(value: object) -> bool:
    return isinstance(value, Mapping) and value.get("apiVersion") == "v1" and value.get("kind") == "Secret"


def _foreign_kind(value: object) -> str:
    """`apps/v1 Deployment` for a manifest of another API group, else ""."""
    if not isinstance(value, Mapping) or _is_secret(value):
        return ""
    version, kind = value.get("apiVersion"), value.get("kind")
    if not isinstance(version, str) or not isinstance(kind, str) or not version or not kind:
        return ""
    return "" if version.partition("/")[0] == GROUP else f"{version} {kind}"


def _choose(
    files: Mapping[str, _File], previous: Loaded | None, problems: list[Problem]
) -> dict[ObjectRef, _Entry]:
    """One entry for each object. Of several, the one that was in force before, else the first."""
    candidates: dict[ObjectRef, list[_Entry]] = {}
    for each in files.values():
        for entry in each.entries:
            candidates.setdefault(entry.ref, []).append(entry)
    chosen = {}
    for ref, entries in candidates.items():
        before = previous._shown.get(ref) if previous else None
        same_file = [entry for entry in entries if before is not None and entry.file == before.file]
        winner = (same_file or entries)[0]
        chosen[ref] = winner
        problems.extend(
            Problem(
                entry.position,
                "Duplicate",
                f"the same object is also at {winner.position}, which counts: remove one of the two",
                "error",
                ref,
            )
            for entry in entries
            if entry is not winner
        )
    return chosen


def _keep(
    shown: Mapping[ObjectRef, _Entry],
    good: dict[ObjectRef, _Entry],
    files: Mapping[str, _File],
    previous: Loaded | None,
) -> dict[ObjectRef, str]:
    """Puts last good entries back into `good`; says for which objects, and why."""
    kept: dict[ObjectRef, str] = {}
    for ref, entry in (previous._good if previous else {}).items():
        now = shown.get(ref)
        if now is not None and isinstance(now.content, InvalidObject):
            faults = "; ".join(f"{error.path}: {error.message}" for error in now.content.errors)
            kept[ref] = faults
        elif now is None and entry.file in files and files[entry.file].broken:
            kept[ref] = f"{entry.file} cannot be read whole now"
        else:
            continue
        good[ref] = entry
    return kept


def _kept_problems(kept: Mapping[ObjectRef, str], shown: Mapping[ObjectRef, _Entry]) -> Iterator[Problem]:
    """One line for each refused object, and one for each broken file."""
    broken: dict[str, int] = {}
    for ref in kept:
        entry = shown[ref]
        if entry.is_good:
            broken[entry.file] = broken.get(entry.file, 0) + 1
        else:
            message = f"{_KEPT} until this is mended"
            yield Problem(entry.position, "KeptLastGood", message, "warning", ref)
    for file, count in sorted(broken.items()):
        objects = "1 object keeps its" if count == 1 else f"{count} objects keep their"
        message = f"{objects} last good content until this file can be read whole again"
        yield Problem(SourcePosition(file, 1), "KeptLastGood", message, "warning")


def _resources(
    shown: Mapping[ObjectRef, _Entry],
    good: Mapping[ObjectRef, _Entry],
    base_domain: str,
    denied_target_cidrs: tuple[str, ...],
) -> Resources:
    objects: list[AnyResource] = []
    secrets: dict[tuple[str, str], SecretValues] = {}
    for ref, entry in {**shown, **good}.items():
        if ref.kind == "Secret":
            values = cast("SecretValues", entry.content) if entry.is_good else entry.values
            secrets[(ref.namespace or DEFAULT_NAMESPACE, ref.name)] = values
        elif entry.is_good:
            objects.append(cast("AnyResource", entry.content))
    invalid = [
        entry.content
        for ref, entry in shown.items()
        if ref not in good and isinstance(entry.content, InvalidObject) and ref.kind != "Secret"
    ]
    platform = Platform(
        base_domain=base_domain,
        denied_target_cidrs=denied_target_cidrs,
        # An Account `default` that is refused must not open what it would have closed.
        open_account=all(each.ref != _DEFAULT_ACCOUNT for each in invalid),
    )
    return Resources.build(objects, secrets, invalid, platform)
