"""A Compilation as a plain document, for people (YAML) and for scripts (JSON). Pure.

Secrets show as `(redacted)` because their type shows itself so, not because anyone remembers to hide them.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from enum import Enum
from typing import Any

import yaml

from sipedge.printable import printable
from sipedge.secret import REDACTED, Secret
from sipedge.table import EdgeTable, Row
from trunkline.compiler import Compilation
from trunkline.compiler.verdict import Verdict


class _Section(dict[str, Any]):
    """A table's section; a section equal in several tables is one object and becomes a YAML alias."""


def compilation_document(compilation: Compilation) -> dict[str, Any]:
    """Tables by edge, verdicts and facts by object; sorted, so that equal inputs print alike."""
    shared: list[_Section] = []
    return {
        "tables": {edge: _table(table, shared) for edge, table in sorted(compilation.tables.items())},
        "verdicts": _verdicts(compilation.verdicts),
        "facts": {
            str(ref): _plain(facts)
            for ref, facts in sorted(compilation.facts.items(), key=lambda item: str(item[0]))
            if facts
        },
    }


def compilation_yaml(document: Mapping[str, Any]) -> str:
    """The document as YAML that reads top to bottom."""
    text: str = yaml.dump(dict(document), Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    # PyYAML lets marks that turn the direction of text, and line breaks of other kinds, pass as they are.
    return "\n".join(map(printable, text.split("\n")))


def _table(table: EdgeTable, shared: list[_Section]) -> dict[str, _Section]:
    sections = {}
    for section, rows in sorted(table.sections.items(), key=lambda item: item[0].value):
        if not rows:
            continue
        content = _Section((key, _row(row)) for key, row in sorted(rows.items()))
        known = next((each for each in shared if each == content), None)
        if known is None:
            shared.append(content)
        sections[section.value] = known if known is not None else content
    return sections


def _row(row: Row) -> dict[str, Any]:
    return {field.name: _plain(getattr(row, field.name)) for field in dataclasses.fields(row)}


def _verdicts(verdicts: tuple[Verdict, ...]) -> dict[str, list[dict[str, Any]]]:
    by_object: dict[str, list[dict[str, Any]]] = {}
    for verdict in sorted(verdicts, key=_order):
        condition: dict[str, Any] = {
            "type": str(verdict.type),
            "status": {True: "True", False: "False"}.get(verdict.status, "Unknown"),
            "reason": str(verdict.reason),
            "message": verdict.message,
        }
        if verdict.field:
            condition["field"] = verdict.field
        by_object.setdefault(str(verdict.ref), []).append(condition)
    return by_object


def _order(verdict: Verdict) -> tuple[str, ...]:
    return (str(verdict.ref), str(verdict.type), verdict.field, verdict.message)


def _plain(value: Any) -> Any:
    match value:
        case Secret():
            return REDACTED
        case Enum():
            return value.value
        case Mapping():
            return {str(key): _plain(item) for key, item in value.items()}
        case tuple() | list() | set() | frozenset():
            items = sorted(value) if isinstance(value, set | frozenset) else value
            return [_plain(item) for item in items]
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return {field.name: _plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    return value


class _Dumper(yaml.SafeDumper):
    """Aliases for shared sections alone; lists indented below their key."""

    def ignore_aliases(self, data: Any) -> bool:
        return not isinstance(data, _Section)

    def generate_anchor(self, node: yaml.Node) -> str:
        self.last_anchor_id += 1
        return f"same{self.last_anchor_id}"

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:
        super().increase_indent(flow, False)


_Dumper.add_representer(_Section, lambda dumper, data: dumper.represent_dict(data.items()))
