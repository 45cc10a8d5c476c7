"""Every reason is explained to people, and means something: the code gives it somewhere."""

from __future__ import annotations

import ast
import re

import pytest

import rules
from sipedge.routing.reasons import Reason
from trunkline.api.faults import FieldReason
from trunkline.compiler.reasons import ConditionReason
from trunkline.status.reasons import StatusReason

HOMES = {
    Reason: ("edge/sipedge", "edge/sipedge/routing/reasons.py"),
    ConditionReason: ("operator/trunkline", "operator/trunkline/compiler/reasons.py"),
    StatusReason: ("operator/trunkline", "operator/trunkline/status/reasons.py"),
    FieldReason: ("operator/trunkline", "operator/trunkline/api/faults.py"),
}
"""Each vocabulary: the package that uses it, and the file that defines it."""


def members_used(enum: str, package: str) -> set[str]:
    """Names X in `enum.X` anywhere below the package."""
    used = set()
    for path in (rules.ROOT / package).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == enum:
                used.add(node.attr)
    return used


@pytest.mark.parametrize("enum", HOMES, ids=lambda enum: enum.__name__)
def test_every_reason_is_given_somewhere(enum: type[Reason]) -> None:
    package, _ = HOMES[enum]
    used = members_used(enum.__name__, package)
    if enum is Reason:
        used |= counted_natively()
    assert set(enum.__members__) == used


def counted_natively() -> set[str]:
    """Reasons that Kamailio's own routes give: they count in the same table as Python."""
    configs = sorted((rules.ROOT / "edge" / "kamailio").glob("*.cfg"))
    texts = "".join(config.read_text(encoding="utf-8") for config in configs)
    return set(re.findall(r"\$shtinc\(count=>-\|(\w+)\)", texts))


def test_every_reason_is_explained_in_the_docs() -> None:
    page = (rules.ROOT / "docs" / "reasons.md").read_text(encoding="utf-8")
    names = [reason.name for reason in Reason]
    names += [reason.value for enum in (ConditionReason, StatusReason, FieldReason) for reason in enum]
    assert not [name for name in names if f"| {name} |" not in page]


def test_every_reason_has_a_meaning() -> None:
    assert all(reason.value.meaning for reason in Reason)
    assert all(reason.meaning for enum in (ConditionReason, StatusReason, FieldReason) for reason in enum)
