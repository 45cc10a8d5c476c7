"""Rules that one object can break, each said once: in CEL for the API server and in Python for everyone else.

A bypassed schema, an old API server and a file on disk must get the same answer, so the two forms stand
side by side and the tests try every bad object against both.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Final

from trunkline.api.faults import FieldReason

_CEL_REASONS: Final = {
    FieldReason.Required: "FieldValueRequired",
    FieldReason.Forbidden: "FieldValueForbidden",
    FieldReason.Duplicate: "FieldValueDuplicate",
}


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule on the value it is attached to (`self` in CEL)."""

    cel: str | None
    """None for a rule that the CEL of Kubernetes 1.29 cannot say: then the operator alone refuses."""
    message: str
    holds: Callable[[Any], bool] | None
    """The same rule in Python; None for a rule on a change (`oldSelf`), which files do not know."""
    field: str = ""
    """The field at fault below the value, e.g. `last`; "" for the value itself."""
    reason: FieldReason = FieldReason.InvalidValue

    def broken_by(self, value: object) -> bool:
        return self.holds is not None and not self.holds(value)

    def manifest(self) -> dict[str, object]:
        """The rule as a member of `x-kubernetes-validations`."""
        manifest: dict[str, object] = {"rule": self.cel, "message": self.message}
        if self.field:
            manifest["fieldPath"] = "." + self.field
        if self.reason in _CEL_REASONS:
            manifest["reason"] = _CEL_REASONS[self.reason]
        return manifest


def manifests_of(rules: tuple[Rule, ...]) -> list[dict[str, object]]:
    """The rules that the API server can check, as `x-kubernetes-validations`."""
    return [rule.manifest() for rule in rules if rule.cel is not None]


def text_matches(pattern: str, message: str) -> Rule:
    """A rule that the text matches `pattern`, which both RE2 and Python understand alike."""
    return Rule(f"self.matches({cel_text(pattern)})", message, _searcher(pattern))


def text_lacks(pattern: str, message: str) -> Rule:
    """A rule that `pattern` is nowhere in the text."""
    search = _searcher(pattern)
    return Rule(f"!self.matches({cel_text(pattern)})", message, lambda text: not search(text))


def either(one: Rule, other: Rule) -> Rule:
    """A rule that one of two rules on the same value holds; it speaks with the first one's message."""
    return replace(
        one,
        cel=f"({one.cel}) || ({other.cel})",
        holds=lambda value: not (one.broken_by(value) and other.broken_by(value)),
    )


def both(one: Rule, other: Rule) -> Rule:
    """A rule that two rules on the same value hold; it speaks with the first one's message."""
    return replace(
        one,
        cel=f"({one.cel}) && ({other.cel})",
        holds=lambda value: not (one.broken_by(value) or other.broken_by(value)),
    )


def _searcher(pattern: str) -> Callable[[str], bool]:
    # `$` at the end is the end of the text alone in RE2; Python's also stands before a closing newline.
    compiled = re.compile(pattern[:-1] + r"\Z" if pattern.endswith("$") else pattern, re.ASCII)
    return lambda text: compiled.search(text) is not None


def cel_text(text: str) -> str:
    """`text` as a CEL string literal."""
    return "'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"
