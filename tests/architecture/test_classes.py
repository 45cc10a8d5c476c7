"""No class knows everything: one that needs more than a dozen attributes is two classes."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted([*(ROOT / "edge" / "sipedge").rglob("*.py"), *(ROOT / "operator" / "trunkline").rglob("*.py")])
MOST = 12

LARGER = {
    "Target": "a value: all that is known of one place to try",
    "SiteRow": "a value: one field for each thing that an edge knows of itself and of its platform",
    "TrunkRow": "a value: one field for each thing that edges are told of a trunk",
    "AccountRow": "a value: one field for each thing that edges are told of an account",
    "CheckedOptions": "a value: one field for each option of `up`, checked",
    "UpOptions": "a value: one field for each option of `up`",
    "AccountSpec": "what users write: one field for each thing that an Account says",
    "Line": "a value: one field for each thing that decides about a Number",
    "Begun": "a value: what is known of a call when it begins",
    "Record": "a value: one field for each key of a call's record",
    "CallFacts": "a value: what the checks of one call ask about",
    "CallMemory": "a value: one field for each fact of a call that its later messages are judged by",
    "InstanceSettings": "a value: what one Kamailio and its agent are started with",
    "OperatorSettings": "a value: one field for each option of the operator",
    "Pod": "a value: one field for each variable of an edge pod",
    "Ksr": "the modules of Kamailio that are used, one attribute each; Kamailio names them",
    "Metrics": "one attribute for each metric",
    "Agent": "the wiring of an agent: most attributes are its parts",
    "KubernetesSource": "one state machine: what was heard, what of it is whole, and since when it is not",
    "TableKeeper": "one state machine: the store, what it took and refused, and when it tries again",
    "Rfc2136Provider": "its settings, three readers of Secrets, and what it learned of the zone",
}
"""Class to why it is larger."""


def classes(path: Path) -> Iterator[ast.ClassDef]:
    """Every class of a file, but enums: their members are values, not state."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ClassDef) and not any("Enum" in ast.unparse(base) for base in node.bases):
            yield node


def attributes(node: ast.ClassDef) -> set[str]:
    """What an instance has: annotated fields, and whatever a method assigns to `self`."""
    fields = {
        statement.target.id
        for statement in node.body
        if isinstance(statement, ast.AnnAssign)
        and isinstance(statement.target, ast.Name)
        and not ast.unparse(statement.annotation).startswith(("ClassVar", "Final"))
    }
    assigned = {
        target.attr
        for each in ast.walk(node)
        if isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store)
        for target in (each,)
        if isinstance(target.value, ast.Name) and target.value.id == "self"
    }
    return fields | assigned


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_class_has_more_than_twelve_attributes(path: Path) -> None:
    large = {
        node.name: len(found)
        for node in classes(path)
        if len(found := attributes(node)) > MOST and node.name not in LARGER
    }
    assert not large


def test_every_exception_is_one_still() -> None:
    sizes = {node.name: len(attributes(node)) for path in FILES for node in classes(path)}
    assert all(sizes.get(name, 0) > MOST and reason for name, reason in LARGER.items())
