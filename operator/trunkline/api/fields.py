"""The types of single fields: what a value may be, said once for the models and for the CRDs.

Each is an annotation (`Annotated[str, E164_NUMBER]`) that pydantic asks to validate a value and to describe
itself in JSON schema. Validation is strict: nothing is converted, since the API server converts nothing.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Final

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.alias_generators import to_camel
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

from trunkline.api import patterns
from trunkline.api.faults import FieldError, FieldReason, kind_of, shown, sort_of
from trunkline.api.marks import ForPeople
from trunkline.api.rule import Rule, cel_text, manifests_of

FAULTS: Final = "faults"
"""The type of the pydantic errors raised here; their context holds FieldErrors with relative paths."""


QUICK: Final = "trunkline.quick"
"""In the metadata of a pydantic schema: one by which pydantic's own core accepts the same, and no more."""


TEMPLATE_MEND: Final = (
    "this is a template: render it first, as helm template does, and check what comes of it"
)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.ASCII)


def refuse(*faults: FieldError) -> PydanticCustomError:
    """The pydantic error that carries `faults`; their paths are relative to the value."""
    return PydanticCustomError(FAULTS, "refused", {FAULTS: faults})


def _fault(reason: FieldReason, message: str, path: str = "") -> FieldError:
    return FieldError(path, reason, message)


@dataclass(frozen=True, slots=True)
class Text:
    """Text of a format. `what` completes "... is no ..."; `mend` says what to write instead."""

    what: str
    mend: str
    max_length: int
    pattern: str = patterns.PRINTABLE
    min_length: int = 1
    rules: tuple[Rule, ...] = ()
    confidential: bool = False
    """True where people put passwords by mistake: the value is never shown."""
    cel: str = ""
    """The format in CEL, where that has a word for it; "" = it matches `pattern`."""
    fits: Callable[[str], bool] | None = None
    """What of the format `pattern` cannot say."""

    @property
    def sentence(self) -> str:
        """What is wrong with a value of another format, and the mend."""
        return f"is not a valid {self.what} ({self.mend})"

    def check(self, value: object) -> str:
        """The text itself. Raises PydanticCustomError with the faults of the value."""
        if not isinstance(value, str):
            raise refuse(_fault(FieldReason.InvalidType, self._no_text(value)))
        if len(value) > self.max_length:
            message = f"is {len(value)} characters long (at most {self.max_length} are allowed)"
            raise refuse(_fault(FieldReason.TooLong, message))
        if len(value) < self.min_length:
            raise refuse(_fault(FieldReason.InvalidValue, f"is empty ({self.mend})"))
        if _compiled(self.pattern).fullmatch(value) is None or not (self.fits is None or self.fits(value)):
            said = f"is not a valid {self.what} ({TEMPLATE_MEND})" if "{{" in value else self.sentence
            message = f"{self._shown(value)} {said}"
            raise refuse(_fault(FieldReason.InvalidValue, message))
        if not value.isascii() and any("\ud800" <= char <= "\udfff" for char in value):
            message = f"{self._shown(value)} has a lone surrogate, which UTF-8 cannot hold ({self.mend})"
            raise refuse(_fault(FieldReason.InvalidValue, message))
        broken = [_fault(rule.reason, rule.message) for rule in self.rules if rule.broken_by(value)]
        if broken:
            raise refuse(*broken)
        return value

    def _keep_rules(self, text: str) -> str:
        """`check` of what `pattern` says already."""
        if not (self.fits is None or self.fits(text)) or any(rule.broken_by(text) for rule in self.rules):
            raise refuse()
        return text

    def _shown(self, value: object) -> str:
        return "the value" if self.confidential else shown(value)

    def _no_text(self, value: object) -> str:
        if isinstance(value, int) and not isinstance(value, bool) and self.pattern.startswith(r"^\+"):
            # YAML drops the plus sign of an unquoted number.
            number = f"+{shown(value)}"
            return f'must be text; YAML reads {number} as a number (write it in quotes: "{number}")'
        if isinstance(value, bool):
            return "must be text; YAML reads y, n, yes, no, on, off as true or false (write it in quotes)"
        if isinstance(value, int | float):
            return f"must be text; YAML reads {self._shown(value)} as a number (write it in quotes)"
        return f"must be text, not {kind_of(value)} ({self.mend})"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        quick: CoreSchema = core_schema.str_schema(
            strict=True, min_length=self.min_length, max_length=self.max_length, pattern=self.pattern
        )
        if self.rules or self.fits is not None:
            quick = core_schema.no_info_after_validator_function(self._keep_rules, quick)
        return core_schema.no_info_plain_validator_function(self.check, metadata={QUICK: quick})

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        found: dict[str, Any] = {"type": "string", "maxLength": self.max_length}
        if self.min_length:
            found["minLength"] = self.min_length
        rules = self.rules
        if self.pattern == patterns.PRINTABLE:
            found["pattern"] = self.pattern
        else:
            # An API server shows a pattern as it stands, and of a rule the sentence.
            rules = (Rule(self.cel or f"self.matches({cel_text(self.pattern)})", self.sentence, None), *rules)
        if any(rule.cel for rule in rules):
            found["x-kubernetes-validations"] = manifests_of(rules)
        return found


@dataclass(frozen=True, slots=True)
class Whole:
    """A whole number within bounds, both included."""

    minimum: int
    maximum: int
    rules: tuple[Rule, ...] = ()

    def check(self, value: object) -> int:
        """The number itself. Raises PydanticCustomError with the fault of the value."""
        if not isinstance(value, int) or isinstance(value, bool):
            message = f"must be a whole number, not {kind_of(value)} ({self._mend()})"
            raise refuse(_fault(FieldReason.InvalidType, message))
        if not self.minimum <= value <= self.maximum:
            raise refuse(
                _fault(FieldReason.InvalidValue, f"{shown(value)} is out of bounds ({self._mend()})")
            )
        broken = [_fault(rule.reason, rule.message) for rule in self.rules if rule.broken_by(value)]
        if broken:
            raise refuse(*broken)
        return value

    def _mend(self) -> str:
        return f"write a whole number from {self.minimum} to {self.maximum}"

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        quick: CoreSchema = core_schema.int_schema(strict=True, ge=self.minimum, le=self.maximum)
        if self.rules:
            quick = core_schema.no_info_after_validator_function(self.check, quick)
        return core_schema.no_info_plain_validator_function(self.check, metadata={QUICK: quick})

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        found: dict[str, Any] = {"type": "integer", "minimum": self.minimum, "maximum": self.maximum}
        if self.rules:
            found["x-kubernetes-validations"] = manifests_of(self.rules)
        return found


@dataclass(frozen=True, slots=True)
class Items:
    """Bounds of a list and what makes its members different.

    `key` is the field that tells members apart (a map list), "" for the member itself (a set), or None for
    an atomic list, whose members may repeat.
    """

    maximum: int
    minimum: int = 0
    key: str | None = ""
    rules: tuple[Rule, ...] = ()

    def check_list(self, value: object) -> object:
        """The list as a tuple. Raises PydanticCustomError if it is no list, too long or too short."""
        if not isinstance(value, list | tuple):
            raise refuse(
                _fault(
                    FieldReason.InvalidType,
                    f"must be a list, not {sort_of(value)} (begin each member with -)",
                )
            )
        if len(value) > self.maximum:
            message = f"has {len(value)} members (at most {self.maximum} are allowed)"
            raise refuse(_fault(FieldReason.TooMany, message))
        if len(value) < self.minimum:
            message = f"has {len(value)} members (list at least {self.minimum})"
            raise refuse(_fault(FieldReason.InvalidValue, message))
        return tuple(value)

    def check_members(self, members: tuple[Any, ...]) -> tuple[Any, ...]:
        """The members themselves. Raises PydanticCustomError for those that stand there twice."""
        faults = [*self._repeated(members)]
        faults += [_fault(rule.reason, rule.message) for rule in self.rules if rule.broken_by(members)]
        if faults:
            raise refuse(*faults)
        return members

    def _repeated(self, members: tuple[Any, ...]) -> list[FieldError]:
        if self.key is None:
            return []
        seen: set[Hashable] = set()
        faults = []
        for position, member in enumerate(members):
            value = getattr(member, self.key) if self.key else member
            if value in seen:
                name = f"{to_camel(self.key)} {shown(value)}" if self.key else shown(value)
                message = f"{name} is listed twice (remove one)"
                faults.append(_fault(FieldReason.Duplicate, message, f"[{position}]"))
            seen.add(value)
        return faults

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        inner = core_schema.no_info_before_validator_function(self.check_list, handler(source))
        return core_schema.no_info_after_validator_function(self.check_members, inner)

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        found = handler(schema)
        found["maxItems"] = self.maximum
        if self.minimum:
            found["minItems"] = self.minimum
        match self.key:
            case None:
                found["x-kubernetes-list-type"] = "atomic"
            case "":
                found["x-kubernetes-list-type"] = "set"
            case key:
                found["x-kubernetes-list-type"] = "map"
                found["x-kubernetes-list-map-keys"] = [to_camel(key)]
        if self.rules:
            found["x-kubernetes-validations"] = manifests_of(self.rules)
        return found


@dataclass(frozen=True, slots=True)
class Entries:
    """Bounds of a mapping from text to text."""

    maximum: int
    rules: tuple[Rule, ...] = ()

    def check(self, value: object) -> object:
        """The mapping itself. Raises PydanticCustomError if it is none, too large, or breaks a rule."""
        if not isinstance(value, Mapping):
            message = f"must be a mapping, not {sort_of(value)} (write name: value lines)"
            raise refuse(_fault(FieldReason.InvalidType, message))
        if len(value) > self.maximum:
            message = f"has {len(value)} members (at most {self.maximum} are allowed)"
            raise refuse(_fault(FieldReason.TooMany, message))
        if all(isinstance(key, str) for key in value):
            broken = [_fault(rule.reason, rule.message) for rule in self.rules if rule.broken_by(value)]
            if broken:
                raise refuse(*broken)
        return dict(value)

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_before_validator_function(self.check, handler(source))

    def __get_pydantic_json_schema__(
        self, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        found = {**handler(schema), "maxProperties": self.maximum, "x-kubernetes-map-type": "granular"}
        if self.rules:
            found["x-kubernetes-validations"] = manifests_of(self.rules)
        return found


def _friendly(length: int) -> Text:
    return Text(
        "line of printable text", f"write one line of at most {length} characters", length, min_length=0
    )


FriendlyName = Annotated[str, _friendly(64), ForPeople()]
LongFriendlyName = Annotated[str, _friendly(255), ForPeople()]

LABEL_MEND: Final = "use lower-case letters, digits and -, beginning and ending with a letter or digit"
ObjectName = Annotated[
    str, Text("object name", LABEL_MEND + "; dots may separate them", 253, patterns.DOMAIN)
]
NamespaceName = Annotated[str, Text("namespace name", LABEL_MEND, 63, patterns.LABEL)]
EDGE_NAME: Final = Text("edge name", LABEL_MEND + "; one DNS label of at most 40", 40, patterns.LABEL)
EdgeName = Annotated[str, EDGE_NAME]
SecretName = Annotated[
    str,
    Text(
        "name of a Secret", LABEL_MEND + "; dots may separate them", 253, patterns.DOMAIN, confidential=True
    ),
]
SecretKey = Annotated[
    str,
    Text("key of a Secret", "use letters, digits, -, _ and .", 253, patterns.DATA_KEY, confidential=True),
]

E164Number = Annotated[
    str, Text("E.164 number", 'write +, then 2 to 15 digits: "+14155550100"', 32, patterns.E164)
]
E164Prefix = Annotated[
    str,
    Text(
        "E.164 prefix",
        'write + and the first digits: "+1415"; "+" means any',
        20,
        patterns.E164_PREFIX,
    ),
]

# Kubernetes 1.31 cannot weigh `==` of two networks, and refuses a CRD with it; `in` is weighed by the list.
_NO_HOST_BITS: Final = "!isCIDR(self) || cidr(self) in [cidr(self).masked()]"
_HOST_BITS: Final = (
    "the address has bits set beyond the prefix length "
    "(write the network's first address, or leave the prefix length out)"
)
_MAPPED: Final = ipaddress.IPv6Network("::ffff:0:0/96")
_PURE: Final = "!(self.contains(':') && self.contains('.'))"
"""No IPv4 address within one of IPv6. Of `::ffff:a:b` CEL's own functions say that it is none."""


def _is_network(text: str) -> bool:
    return _address(text) == int(ipaddress.ip_network(text, strict=False).network_address)


def _is_unmapped(text: str) -> bool:
    """True but for an IPv4 address in IPv6's clothes, which no list of networks would ever meet."""
    return ":" not in text or ipaddress.IPv6Address(_address(text)) not in _MAPPED


def _address(text: str) -> int:
    return int(ipaddress.ip_address(text.partition("/")[0]))


Cidr = Annotated[
    str,
    Text(
        "IP address or network",
        "write 203.0.113.7, 203.0.113.0/29, 2001:db8::7 or 2001:db8::/32",
        49,
        patterns.CIDR,
        cel=f"{_PURE} && (isIP(self) || isCIDR(self))",
        fits=_is_unmapped,
        rules=(Rule(_NO_HOST_BITS, _HOST_BITS, _is_network),),
    ),
]
"""An address (meaning /32 or /128) or a network without host bits."""

Host = Annotated[
    str,
    Text(
        "host name or IP address",
        "write a name or an address alone, without sip:, port or brackets",
        253,
        patterns.HOST,
        cel=f"{_PURE} && (isIP(self) || self.matches({cel_text(patterns.HOST_NAME)}))",
        fits=_is_unmapped,
    ),
]
UnicastIpv4 = Annotated[
    str,
    Text(
        "IPv4 address an edge can listen on",
        "write one IPv4 address without port or prefix length; IPv6 is not served yet",
        63,
        patterns.UNICAST_IPV4,
    ),
]
HttpUrl = Annotated[
    str,
    Text(
        "http or https URL",
        "write https://host/path without a user name or password",
        2048,
        patterns.HTTP_URL,
        confidential=True,
    ),
]
PortNumber = Annotated[int, Whole(1, 65535)]
Priority = Annotated[int, Whole(0, 65535)]
Weight = Annotated[int, Whole(1, 65535)]
CallLimit = Annotated[int, Whole(1, 1_000_000)]
"""Calls in progress at the same time."""
RateLimit = Annotated[int, Whole(1, 100_000)]
"""New calls a second."""
