"""A directory of YAML to Resources, with the file and line of every object and field.

Loading is incremental and forgiving. A file whose bytes did not change is not parsed again. What cannot be
read or accepted now, but could before, keeps its last good content, as an API server keeps an object whose
new version it refuses: half of a saved file must not delete a trunk. That memory is `previous`.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final, cast

from sipedge.counted import counted
from sipedge.fault import describe_fault
from trunkline.api import (
    GROUP,
    KINDS,
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
from trunkline.api.translation import nearest
from trunkline.standalone.files import (
    NoSuchPathError,
    UnreadableFileError,
    decode_text,
    find_files,
    read_file,
)
from trunkline.standalone.loaded import Entry, Loaded, Problem, Severity, SourceFile, SourcePosition
from trunkline.standalone.options import DEFAULT_BASE_DOMAIN
from trunkline.standalone.yaml_documents import Document, read_documents

__all__ = ["Loaded", "NoSuchPathError", "Problem", "Severity", "SourcePosition", "load"]

DEFAULT_NAMESPACE: Final = "default"
_KUSTOMIZATIONS: Final = frozenset({"kustomization.yaml", "kustomization.yml"})
"""Files that need not say what they are."""
_DEFAULT_ACCOUNT: Final = ObjectRef("Account", None, "default")
_KEPT: Final = "the last good content stays in force"

Paths = Sequence[str | os.PathLike[str]]
_ANY_PLATFORM: Final = Platform(DEFAULT_BASE_DOMAIN)
_NOTHING: Final[Mapping[str, bytes]] = MappingProxyType({})


def load(
    paths: Paths,
    *,
    platform: Platform = _ANY_PLATFORM,
    previous: Loaded | None = None,
    given: Mapping[str, bytes] = _NOTHING,
) -> Loaded:
    """Everything the YAML under `paths` says, to whoever runs `platform`.

    `given` is YAML that is in no file (standard input), by the name that stands for it.

    Raises NoSuchPathError if a path names nothing and there is no `previous` to fall back to; any other
    fault becomes a Problem. An open Account `default` is assumed
    unless the files have one.
    """
    problems: list[Problem] = []
    files = {name: _read_given(name, data) for name, data in given.items()}
    files.update(_read_all(paths, previous, problems))
    if previous is not None and previous.is_of(files, tuple(problems), platform):
        return previous
    path_problems = tuple(problems)
    for each in files.values():
        problems.extend(each.problems)
    shown = _choose(files, previous, problems)
    good = {ref: entry for ref, entry in shown.items() if entry.is_good}
    kept = _keep(shown, good, files, previous)
    shown = {**{ref: good[ref] for ref in kept}, **shown}
    return Loaded(
        resources=_resources(shown, good, platform),
        positions={ref: entry.position for ref, entry in shown.items()},
        problems=(
            *sorted(problems, key=lambda problem: (problem.position, problem.field)),
            *_kept_problems(kept, shown),
        ),
        kept=kept,
        good=good,
        shown=shown,
        contents=files,
        path_problems=path_problems,
    )


def _read_all(
    paths: Paths, previous: Loaded | None, problems: list[Problem]
) -> Iterator[tuple[str, SourceFile]]:
    """Each file with its content; files under a PATH that is gone for now count as broken."""
    before = previous.contents if previous else {}
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
                yield name, SourceFile(b"", broken=True)
    found = find_files(present)
    for path, fault in found.unreadable:
        problems.append(Problem(SourcePosition(path, 1), "Unreadable", fault))
        for name in before:
            if name.startswith(os.path.join(path, "")):
                yield name, SourceFile(b"", broken=True)
    for name in found.files:
        yield name, _read_one(name, before.get(name))


def _read_one(name: str, before: SourceFile | None) -> SourceFile:
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


def _read_given(name: str, data: bytes) -> SourceFile:
    try:
        return _parse(name, b"", decode_text(data))
    except UnreadableFileError as error:
        return _broken(name, b"", 1, "Unreadable", str(error))


def _broken(name: str, digest: bytes, line: int, reason: str, message: str) -> SourceFile:
    return SourceFile(digest, problems=(Problem(SourcePosition(name, line), reason, message),), broken=True)


def _parse(name: str, digest: bytes, text: str) -> SourceFile:
    documents, faults = read_documents(text)
    entries: list[Entry] = []
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
    return SourceFile(digest, tuple(entries), tuple(problems), broken)


def _unexpected(error: Exception) -> str:
    return f"Trunkline failed to read this ({describe_fault(error)}); please report this bug"


def _read_document(name: str, document: Document, entries: list[Entry], problems: list[Problem]) -> bool:
    """False if our own code failed at it and its name is unknown: whatever the file had before goes on."""
    foreign = _foreign_kind(name, document.value)
    if foreign:
        hint = (
            " (kustomize build DIR | trunkline validate - checks what it makes)" if "ustom" in foreign else ""
        )
        message = f"{foreign} is not a kind of {GROUP}: skipped{hint}"
        problems.append(Problem(SourcePosition(name, document.line), "ForeignKind", message, "notice"))
        return True
    try:
        if _is_secret(document.value):
            entries.append(_read_secret(name, document, problems))
        else:
            resource = decode(document.value, default_namespace=DEFAULT_NAMESPACE, stored=False)
            entries.append(Entry(resource.ref, name, document, resource))
    except FieldErrors as error:
        problems.extend(_field_problem(name, document, error.ref, each) for each in error.errors)
        if error.ref is not None:
            invalid = InvalidObject(error.ref, error.generation, error.errors)
            entries.append(Entry(error.ref, name, document, invalid))
        nameless = error.ref is None
        return not (nameless and any(each.reason == FieldReason.InternalError for each in error.errors))
    return True


def _read_secret(name: str, document: Document, problems: list[Problem]) -> Entry:
    found = read_secret(document.value, default_namespace=DEFAULT_NAMESPACE, stored=False)
    ref = ObjectRef("Secret", found.namespace, found.name)
    if not found.errors:
        return Entry(ref, name, document, found.values)
    problems.extend(_field_problem(name, document, ref, each) for each in found.errors)
    return Entry(ref, name, document, InvalidObject(ref, 0, found.errors), found.values)


def _field_problem(name: str, document: Document, ref: ObjectRef | None, error: FieldError) -> Problem:
    position = SourcePosition(name, document.line_of(error.path))
    return Problem(position, error.reason, error.message, "error", ref, error.path)


def _is_secret(value: object) -> bool:
    return isinstance(value, Mapping) and value.get("apiVersion") == "v1" and value.get("kind") == "Secret"


def _foreign_kind(file: str, value: object) -> str:
    """`apps/v1 Deployment` for a manifest of another API group, else "".

    A kind of ours in a group that is nearly ours, or in none, is a mistake and no foreign kind.
    """
    if not isinstance(value, Mapping) or _is_secret(value):
        return ""
    version, kind = value.get("apiVersion"), value.get("kind")
    if version is None and kind is None and os.path.basename(file) in _KUSTOMIZATIONS:
        return "Kustomization"
    if not isinstance(version, str) or not isinstance(kind, str) or not version or not kind:
        return ""
    group, slash, _ = version.partition("/")
    if group == GROUP or (kind in KINDS and (not slash or nearest(group, [GROUP]))):
        return ""
    return f"{version} {kind}"


def _choose(
    files: Mapping[str, SourceFile], previous: Loaded | None, problems: list[Problem]
) -> dict[ObjectRef, Entry]:
    """One entry for each object. Of several, the one that was in force before, else the first."""
    candidates: dict[ObjectRef, list[Entry]] = {}
    for each in files.values():
        for entry in each.entries:
            candidates.setdefault(entry.ref, []).append(entry)
    chosen = {}
    for ref, entries in candidates.items():
        before = previous.shown.get(ref) if previous else None
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
    shown: Mapping[ObjectRef, Entry],
    good: dict[ObjectRef, Entry],
    files: Mapping[str, SourceFile],
    previous: Loaded | None,
) -> dict[ObjectRef, str]:
    """Puts last good entries back into `good`; says for which objects, and why."""
    kept: dict[ObjectRef, str] = {}
    for ref, entry in (previous.good if previous else {}).items():
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


def _kept_problems(kept: Mapping[ObjectRef, str], shown: Mapping[ObjectRef, Entry]) -> Iterator[Problem]:
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
        keep = "keeps its" if count == 1 else "keep their"
        message = (
            f"{counted(count, 'object')} {keep} last good content until this file can be read whole again"
        )
        yield Problem(SourcePosition(file, 1), "KeptLastGood", message, "warning")


def _resources(
    shown: Mapping[ObjectRef, Entry],
    good: Mapping[ObjectRef, Entry],
    platform: Platform,
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
    # An Account `default` that is refused must not open what it would have closed.
    is_open = all(each.ref != _DEFAULT_ACCOUNT for each in invalid)
    return Resources.build(objects, secrets, invalid, replace(platform, open_account=is_open))
