"""YAML text to plain values with the line of every field, read as kubectl reads it.

kubectl reads YAML 1.1 by go-yaml v2: unquoted `y`, `no`, `on` are booleans, `+1415` and `0x10` are numbers,
but `2024-01-01` and `12:30` are text. PyYAML's own rules differ in exactly these places, so only its parser
is used here and the scalars are read by the tables below.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

import yaml
from yaml.cyaml import CParser  # type: ignore[attr-defined]
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from yaml.resolver import BaseResolver

from trunkline.api.fields import TEMPLATE_MEND

_TAG: Final = "tag:yaml.org,2002:"
_PLAIN: Final = "plain"
_TEXT: Final = _TAG + "str"

_DEEPEST: Final = 100
"""Levels of nesting: far above any manifest, below Python's own limit."""
_OF_OBJECTS: Final = frozenset({"apiVersion", "kind", "metadata", "spec"})
_NEXT_OBJECT: Final = "begin the next object with a line of ---, or remove one"
MOST_DOCUMENTS: Final = 25_000
MOST_MARKS: Final = 600_000
"""Line ends, colons and commas of one file: every key and every member of a list takes one. Together with the
documents they bound time and memory of a file, at about 6 s and 500 MB, before any of it is read."""

_BOOLEANS: Final[Mapping[str, bool]] = {
    **dict.fromkeys(["y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"], True),
    **dict.fromkeys(["n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"], False),
}
_NULLS: Final = frozenset({"", "~", "null", "Null", "NULL"})
_SPECIAL_FLOATS: Final[Mapping[str, float]] = {
    **dict.fromkeys([".nan", ".NaN", ".NAN"], float("nan")),
    **dict.fromkeys([".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"], float("inf")),
    **dict.fromkeys(["-.inf", "-.Inf", "-.INF"], float("-inf")),
}
_INTEGER: Final = re.compile(
    r"(?P<sign>[-+]?)(?:0[xX](?P<hex>[0-9a-fA-F_]+)|0[bB](?P<bin>[01_]+)|0[oO]?(?P<oct>[0-7_]+)|(?P<dec>0|[1-9][0-9_]*))"
)
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_DOCUMENT_START: Final = re.compile(r"^---(?=\s|$)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Document:
    """One manifest of a file."""

    value: object
    """Dicts, lists, text, numbers, booleans, None."""
    lines: Mapping[str, int]
    """Field path (`spec.gateways[2].port`) to its line, counted from 1; the path "" is the document."""

    @property
    def line(self) -> int:
        return self.lines[""]

    def line_of(self, field: str) -> int:
        """The line of a field, or of the nearest field around it that is there."""
        while field not in self.lines and field:
            field = field[: max(field.rfind("."), field.rfind("["), 0)]
        return self.lines[field]


@dataclass(frozen=True, slots=True)
class YamlFault:
    """A place where the text is no YAML, or YAML that kubectl would refuse."""

    line: int
    message: str


class _FaultError(Exception):
    def __init__(self, line: int, message: str) -> None:
        self.fault = YamlFault(line, message)


class _Composer(CParser, BaseResolver):
    """libyaml's parser; leaves unquoted scalars unresolved."""

    def __init__(self, text: str) -> None:
        CParser.__init__(self, text)
        BaseResolver.__init__(self)

    def resolve(self, kind: type[Node], value: str | None, implicit: Any) -> str:
        if kind is ScalarNode:
            return _PLAIN if implicit[0] else _TEXT
        return _TAG + ("seq" if kind is SequenceNode else "map")


def read_documents(text: str) -> tuple[tuple[Document, ...], tuple[YamlFault, ...]]:
    """The manifests in `text`, in order, members of `kind: List` each on its own; and the faults.

    A broken document costs only itself: the documents before and after it are read.
    """
    fault = _too_much(text)
    if fault is not None:
        return (), (fault,)
    documents: list[Document] = []
    faults: list[YamlFault] = []
    for first_line, chunk in _chunks(text):
        reader, found = _Reader(first_line, len(chunk)), list[Document]()
        try:
            for node in _compose(chunk, first_line):
                found.extend(reader.documents(node))
        except _FaultError as error:
            faults.append(_of_template(error.fault) if "{{" in chunk else error.fault)
            if reader.is_spent:
                continue
        documents.extend(found)
    return tuple(documents), tuple(faults)


def _of_template(fault: YamlFault) -> YamlFault:
    return YamlFault(
        fault.line, f"{fault.message} ({TEMPLATE_MEND}: helm template DIR | trunkline validate -)"
    )


def _too_much(text: str) -> YamlFault | None:
    if sum(map(text.count, "\n:,")) > MOST_MARKS:
        return YamlFault(1, f"more than {MOST_MARKS:,} lines, colons and commas: split it into several files")
    if sum(1 for _ in itertools.islice(_DOCUMENT_START.finditer(text), MOST_DOCUMENTS + 1)) > MOST_DOCUMENTS:
        return YamlFault(1, f"more than {MOST_DOCUMENTS:,} documents: split it into several files")
    return None


def _chunks(text: str) -> Iterator[tuple[int, str]]:
    """The text cut before each `---`: a line that YAML allows nowhere but between documents."""
    starts = [0, *(match.start() for match in _DOCUMENT_START.finditer(text) if match.start()), len(text)]
    line = 0
    for start, end in itertools.pairwise(starts):
        chunk = text[start:end]
        if any(each.strip() and not each.startswith(("#", "%")) for each in chunk.splitlines()):
            yield line, chunk
        line += chunk.count("\n")


def _compose(chunk: str, first_line: int) -> list[Node]:
    composer = None
    try:
        composer = _Composer(chunk)
        nodes = []
        while composer.check_node():
            node = composer.get_node()
            if node is not None:
                nodes.append(node)
        return nodes
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = first_line + (mark.line if mark else 0) + 1
        raise _FaultError(line, _plain_words(error)) from error
    except yaml.reader.ReaderError as error:
        line = first_line + chunk[: max(error.position, 0)].count("\n") + 1
        raise _FaultError(line, f"a character that YAML does not allow: {error.reason}") from error
    except yaml.YAMLError as error:
        raise _FaultError(first_line + 1, f"broken YAML: {error}") from error
    except (RecursionError, ValueError) as error:
        raise _FaultError(first_line + 1, "broken YAML: nested too deeply") from error
    finally:
        if composer is not None:
            composer.dispose()


def _plain_words(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or "cannot be read"
    if "cannot start any token" in problem:
        problem += " (indent with spaces, not tabs; put text with special characters in quotes)"
    elif "mapping values are not allowed" in problem:
        problem += " (put text that holds ': ' in quotes; check the indentation)"
    elif problem == "did not find expected key":
        problem += " (check the indentation of this line and of those above it)"
    return f"broken YAML: {f'{error.context}: ' if error.context else ''}{problem}"


class _Reader:
    """Nodes to values. The budget bounds what aliases may unfold to."""

    def __init__(self, first_line: int, size: int) -> None:
        self._first_line = first_line
        self._budget = 10_000 + 10 * size

    @property
    def is_spent(self) -> bool:
        """True if more was unfolded than anybody could have meant."""
        return self._budget < 0

    def documents(self, node: Node, depth: int = 0) -> Iterator[Document]:
        """The node as one document, or as one for each of its items if it is a `List`."""
        items = _items_of_list(node)
        if items is not None:
            self._spend(node, depth)
            for item in items:
                yield from self.documents(item, depth + 1)
            return
        lines: dict[str, int] = {"": self._line(node)}
        yield Document(self._value(node, "", lines, 0), lines)

    def _line(self, node: Node) -> int:
        return self._first_line + int(node.start_mark.line) + 1

    def _value(self, node: Node, path: str, lines: dict[str, int], depth: int) -> object:
        self._spend(node, depth)
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        if isinstance(node, SequenceNode):
            self._expect_tag(node, "seq")
            return [
                self._member(item, f"{path}[{index}]", lines, depth) for index, item in enumerate(node.value)
            ]
        if not isinstance(node, MappingNode):
            raise _FaultError(self._line(node), "not text, a list or a mapping")
        self._expect_tag(node, "map")
        return self._mapping(node, path, lines, depth)

    def _spend(self, node: Node, depth: int) -> None:
        self._budget -= 1
        if depth > _DEEPEST or self._budget < 0:
            raise _FaultError(self._line(node), "nested too deeply, or an alias unfolds to too much")

    def _member(self, node: Node, path: str, lines: dict[str, int], depth: int) -> object:
        lines[path] = self._line(node)
        return self._value(node, path, lines, depth + 1)

    def _mapping(self, node: MappingNode, path: str, lines: dict[str, int], depth: int) -> dict[str, object]:
        fields: dict[str, object] = {}
        merged: dict[str, object] = {}
        for key_node, value_node in node.value:
            if key_node.tag == _PLAIN and key_node.value == "<<":
                for source in value_node.value if isinstance(value_node, SequenceNode) else [value_node]:
                    value = self._value(source, path, lines, depth + 1)
                    if not isinstance(value, dict):
                        raise _FaultError(self._line(source), "'<<' merges only mappings")
                    merged = {**value, **merged}
                continue
            key = self._key(key_node)
            if key in fields:
                mend = _NEXT_OBJECT if not path and key in _OF_OBJECTS else "remove one"
                raise _FaultError(
                    self._line(key_node), f"the key {key!r} appears twice in one mapping: {mend}"
                )
            member_path = f"{path}.{key}" if path else key
            lines[member_path] = self._line(key_node)
            fields[key] = self._value(value_node, member_path, lines, depth + 1)
        return {**merged, **fields}

    def _key(self, node: Node) -> str:
        if not isinstance(node, ScalarNode):
            raise _FaultError(self._line(node), "a key must be text")
        value = self._scalar(node)
        if isinstance(value, bool):
            return "true" if value else "false"
        return "null" if value is None else str(value)

    def _scalar(self, node: ScalarNode) -> object:
        if node.tag == _TEXT:
            return node.value
        if node.tag == _PLAIN:
            return scalar_value(node.value)
        wanted = node.tag.removeprefix(_TAG)
        value = scalar_value(node.value)
        expected = {"int": int, "float": float, "bool": bool, "null": type(None)}.get(wanted)
        if expected is float and type(value) is int:
            return value
        if expected is None or type(value) is not expected:
            raise _FaultError(self._line(node), f"the tag {node.tag!r} does not fit here: remove it")
        return value

    def _expect_tag(self, node: Node, kind: str) -> None:
        if node.tag != _TAG + kind:
            raise _FaultError(self._line(node), f"the tag {node.tag!r} is unknown: remove it")


def _items_of_list(node: Node) -> list[Node] | None:
    """The members of a v1 `List`, as `kubectl get -o yaml` prints several objects."""
    if not isinstance(node, MappingNode):
        return None
    fields = {key.value: value for key, value in node.value if isinstance(key, ScalarNode)}
    kind, items = fields.get("kind"), fields.get("items")
    if isinstance(kind, ScalarNode) and kind.value == "List" and isinstance(items, SequenceNode):
        return list(items.value)
    return None


def scalar_value(text: str) -> str | int | float | bool | None:
    """What an unquoted scalar means to kubectl."""
    if text in _NULLS:
        return None
    if text in _BOOLEANS:
        return _BOOLEANS[text]
    if text[0] not in "+-.0123456789":
        return text
    return _number(text)


def _number(text: str) -> str | int | float:
    match = _INTEGER.fullmatch(text)
    if match is not None:
        base, digits = next(
            (base, match[name])
            for base, name in ((16, "hex"), (2, "bin"), (8, "oct"), (10, "dec"))
            if match[name] is not None
        )
        digits = digits.replace("_", "")
        if digits:
            number = int(match["sign"] + digits, base) if len(digits) < 64 else 2**64
            if -(2**63) <= number < 2**64:
                return number
    if _FLOAT.fullmatch(text):
        value = float(text)
        # kubectl sends JSON, where 10.0 and 10 are one number.
        return int(value) if value.is_integer() and abs(value) < 2**53 else value
    return _SPECIAL_FLOATS.get(text, text)
