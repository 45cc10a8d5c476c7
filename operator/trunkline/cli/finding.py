"""One thing that is wrong with what users wrote, and where."""

from __future__ import annotations

from dataclasses import dataclass

from sipedge.counted import counted
from sipedge.printable import printable
from trunkline.api import ObjectRef
from trunkline.cli.terminal import PLAIN, Look


@dataclass(frozen=True, slots=True)
class Finding:
    """One error or warning at one place."""

    file: str | None
    """None = it is in a cluster, where the object itself is the place."""
    line: int | None
    field: str
    reason: str
    message: str
    severity: str
    """`error` or `warning`."""
    ref: ObjectRef | None = None
    waiting: tuple[ObjectRef, ...] = ()
    """Other objects that are at fault only because of this."""

    def text(self, look: Look = PLAIN) -> str:
        """`file:line: Kind ns/name: field: Reason: message`, parts that do not apply left out."""
        place = "" if self.file is None else f"{self.file}:{self.line}"
        reason = look.paint(printable(self.reason), "red" if self.severity == "error" else "yellow")
        where = (place, str(self.ref) if self.ref else "", self.field)
        parts = (*map(printable, where), reason)
        end = "" if self.severity == "error" else f" [{self.severity}]"
        said = ": ".join(part for part in parts if part) + f": {printable(self.message)}{end}"
        return said + look.paint(printable(self._waiting()), "dim") if self.waiting else said

    def _waiting(self) -> str:
        first, *others = self.waiting
        more = f" and {counted(len(others), 'other')} wait" if others else " waits"
        return f" [{first}{more} for this]"

    def document(self) -> dict[str, object]:
        """One item of `validate -o json`."""
        ref = self.ref
        return {
            "file": self.file,
            "line": self.line,
            "kind": ref.kind if ref else None,
            "namespace": ref.namespace if ref else None,
            "name": ref.name if ref else None,
            "field": self.field,
            "reason": str(self.reason),
            "message": self.message,
            "severity": self.severity,
            "waiting": list(map(str, self.waiting)),
        }
