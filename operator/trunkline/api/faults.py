"""What can be wrong with one object, said so that its author can mend it.

A message names the fault of the value, then the mend in parentheses. It is shown behind the object and the
field, so it repeats neither. Values are quoted only if they are short and plain; secrets never get here.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sipedge.fault import describe_fault
from trunkline.api.explained import ExplainedReason
from trunkline.api.reference import ObjectRef

_SHOWN = 60
_PRINTABLE_BITS = 256


class FieldReason(ExplainedReason):
    """Why a field is refused."""

    Required = "Required", "A required field is missing"
    UnknownField = "UnknownField", "The kind has no such field"
    InvalidType = "InvalidType", "The value has the wrong type, such as a number where text is required"
    InvalidValue = "InvalidValue", "The type is right but the value is not allowed"
    TooLong = "TooLong", "Text is too long"
    TooMany = "TooMany", "A list or mapping has too many members"
    Duplicate = "Duplicate", "A list has the same member twice"
    Forbidden = "Forbidden", "The field cannot be combined with another one"
    UnknownKind = "UnknownKind", "The API group has no such kind or version"
    InternalError = "InternalError", "Trunkline itself failed while it read the object"


@dataclass(frozen=True, slots=True)
class FieldError:
    """One fault: `path` as kubectl writes it (`spec.gateways[2].port`), "" for the object itself."""

    path: str
    reason: str
    message: str

    def __str__(self) -> str:
        return f"{self.path}: {self.message}" if self.path else self.message


class FieldErrors(Exception):  # noqa: N818 - it holds several; FieldError is one of them
    """An object that cannot be used, with everything that is wrong with it.

    `ref` is None if not even the object's kind and name could be read.
    """

    def __init__(self, ref: ObjectRef | None, generation: int, errors: Iterable[FieldError]) -> None:
        self.ref = ref
        self.generation = generation
        self.errors = tuple(errors)
        super().__init__(str(self))

    def __str__(self) -> str:
        owner = "object" if self.ref is None else str(self.ref)
        return "; ".join(f"{owner}: {error}" for error in self.errors)


def internal_error(error: BaseException) -> FieldError:
    """An object that an unexpected exception set aside. Says where in the code, and never a value."""
    message = (
        f"Trunkline failed to judge this object ({describe_fault(error)}), so it is not served; "
        "everything else is (please report this bug; a simpler spec may avoid it)"
    )
    return FieldError("", FieldReason.InternalError, message)


def shown(value: object) -> str:
    """A value as a message may show it: short, printable, on one line."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case int():
            return str(value) if value.bit_length() <= _PRINTABLE_BITS else "a very large number"
        case str():
            text = value if len(value) <= _SHOWN else value[:_SHOWN] + "..."
            return '"' + repr(text)[1:-1].replace("\\'", "'") + '"'
        case float():
            return repr(value)
        case list() | tuple():
            return "a list"
        case dict():
            return "a mapping"
    return f"a value of type {type(value).__name__}"


def sort_of(value: object) -> str:
    """What a value is, without showing it: in place of a list or mapping a password may stand by mistake."""
    match value:
        case bool():
            return "a truth value"
        case int() | float():
            return "a number"
        case str():
            return "text"
    return shown(value)


def kind_of(value: object) -> str:
    """What a value is, in YAML's words."""
    match value:
        case None:
            return "nothing"
        case bool():
            return f"the value {shown(value)}"
        case int() | float():
            return f"the number {shown(value)}"
        case str():
            return f"the text {shown(value)}"
    return shown(value)
