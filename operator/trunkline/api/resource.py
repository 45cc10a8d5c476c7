"""The base of the kinds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Final, Literal

from trunkline.api.meta import ObjectMeta, ObjectRef
from trunkline.api.model import Model

Scope = Literal["Namespaced", "Cluster"]


@dataclass(frozen=True, slots=True)
class Column:
    """A column of `kubectl get`; `wide` ones only with `-o wide`."""

    name: str
    path: str
    type: Literal["string", "integer", "boolean", "date"] = "string"
    wide: bool = False


def condition_column(name: str, condition: str) -> Column:
    """A column with the status of one condition."""
    return Column(name, f'.status.conditions[?(@.type=="{condition}")].status')


STATE: Final = (
    condition_column("Ready", "Ready"),
    Column("Reason", '.status.conditions[?(@.type=="Ready")].reason', wide=True),
    Column("Age", ".metadata.creationTimestamp", "date"),
)
"""What every kind shows behind its own columns: whether it works, with `-o wide` why not, and since when."""


class Resource(Model):
    """One object of a kind. The subclasses say which kind and what its spec holds."""

    kind: ClassVar[str]
    plural: ClassVar[str]
    short_names: ClassVar[tuple[str, ...]]
    scope: ClassVar[Scope]
    columns: ClassVar[tuple[Column, ...]]
    """What `kubectl get` shows between the name and `STATE`."""
    selectable: ClassVar[tuple[str, ...]] = ()
    """Fields that `kubectl get --field-selector` knows: `.spec.trunkRef.name`."""

    metadata: ObjectMeta
    spec: Model

    @property
    def ref(self) -> ObjectRef:
        """How other objects, verdicts and messages name this one."""
        metadata = self.metadata
        # As ObjectRef(...) does by one call more: it is asked for all the time.
        return tuple.__new__(ObjectRef, (self.kind, metadata.namespace, metadata.name))

    @property
    def generation(self) -> int:
        """Which version of the spec this is; 0 where nobody counts."""
        return self.metadata.generation
