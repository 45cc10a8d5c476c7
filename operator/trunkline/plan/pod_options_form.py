"""The form in which a platform writes what it adds to its edge pods: that of a pod, without what is ours."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from ipaddress import ip_address
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator
from pydantic.alias_generators import to_camel

_NAME: Final = r"[A-Za-z0-9]([A-Za-z0-9._-]{0,61}[A-Za-z0-9])?"
KEY: Final = rf"^([a-z0-9]([a-z0-9.-]{{0,251}}[a-z0-9])?/)?{_NAME}$"
"""Of a label or an annotation."""
LABEL_VALUE: Final = rf"^({_NAME})?$"
OWN_KEYS: Final = (
    "app.kubernetes.io/",
    "trunkline.dev/",
    "statefulset.kubernetes.io/",
    "apps.kubernetes.io/",
    "controller-revision-hash",
    "kubectl.kubernetes.io/default-container",
)
"""How labels and annotations begin that Trunkline or the StatefulSet sets."""
VARIABLE: Final = r"^[A-Za-z_][A-Za-z0-9_]*$"
OWN_VARIABLES: Final = ("TRUNKLINE_", "POD_", "NODE_IP")
"""How variables begin that Trunkline sets."""


def _no_key_of_ours(key: str) -> str:
    if key.startswith(OWN_KEYS):
        raise ValueError(f"{key} is not for platforms: it is set by Trunkline or by Kubernetes")
    return key


def _no_variable_of_ours(name: str) -> str:
    if name.startswith(OWN_VARIABLES):
        raise ValueError(f"{name} is not for platforms: Trunkline sets it")
    return name


def _address(text: str) -> str:
    ip_address(text)
    return text


Key = Annotated[str, Field(pattern=KEY, max_length=316), AfterValidator(_no_key_of_ours)]
LabelValue = Annotated[str, Field(pattern=LABEL_VALUE)]
Address = Annotated[str, AfterValidator(_address)]
Name = Annotated[str, Field(min_length=1, max_length=253)]


class _Form(BaseModel):
    model_config = ConfigDict(extra="forbid", alias_generator=to_camel, strict=True)


class _Requirement(_Form):
    key: Name
    operator: Literal["In", "NotIn", "Exists", "DoesNotExist", "Gt", "Lt"]
    values: list[str] | None = None


class _NodeTerm(_Form):
    match_expressions: list[_Requirement] | None = None
    match_fields: list[_Requirement] | None = None


class _NodeTerms(_Form):
    node_selector_terms: Annotated[list[_NodeTerm], Field(min_length=1)]


class _PreferredNode(_Form):
    weight: Annotated[int, Field(ge=1, le=100)]
    preference: _NodeTerm


class _NodeAffinity(_Form):
    required_during_scheduling_ignored_during_execution: _NodeTerms | None = None
    preferred_during_scheduling_ignored_during_execution: list[_PreferredNode] | None = None


class _Selector(_Form):
    match_labels: dict[str, LabelValue] | None = None
    match_expressions: list[_Requirement] | None = None


class _PodTerm(_Form):
    topology_key: Name
    label_selector: _Selector | None = None
    namespace_selector: _Selector | None = None
    namespaces: list[Name] | None = None
    match_label_keys: list[Name] | None = None
    mismatch_label_keys: list[Name] | None = None


class _PreferredPod(_Form):
    weight: Annotated[int, Field(ge=1, le=100)]
    pod_affinity_term: _PodTerm


class _PodAffinity(_Form):
    required_during_scheduling_ignored_during_execution: list[_PodTerm] | None = None
    preferred_during_scheduling_ignored_during_execution: list[_PreferredPod] | None = None


class _Affinity(_Form):
    node_affinity: _NodeAffinity | None = None
    pod_affinity: _PodAffinity | None = None
    pod_anti_affinity: _PodAffinity | None = None


class _KeyOf(_Form):
    name: Name
    key: Name
    optional: bool | None = None


class _Source(_Form):
    secret_key_ref: _KeyOf | None = None
    config_map_key_ref: _KeyOf | None = None

    @model_validator(mode="after")
    def _is_one(self) -> _Source:
        if (self.secret_key_ref is None) == (self.config_map_key_ref is None):
            raise ValueError("write either secretKeyRef or configMapKeyRef")
        return self


class _Variable(_Form):
    name: Annotated[str, Field(pattern=VARIABLE), AfterValidator(_no_variable_of_ours)]
    value: str | None = None
    value_from: _Source | None = None

    @model_validator(mode="after")
    def _is_one(self) -> _Variable:
        if (self.value is None) == (self.value_from is None):
            raise ValueError(f"{self.name} has to have either a value, as a text, or valueFrom")
        return self


class _DnsOption(_Form):
    name: Name
    value: str | None = None


class _DnsConfig(_Form):
    nameservers: Annotated[list[Address], Field(max_length=3)] | None = None
    searches: Annotated[list[Name], Field(max_length=32)] | None = None
    options: list[_DnsOption] | None = None


class _HostAlias(_Form):
    ip: Address
    hostnames: Annotated[list[Name], Field(min_length=1)]


class _PodOptions(_Form):
    labels: dict[Key, LabelValue] = {}
    annotations: dict[Key, str] = {}
    affinity: _Affinity | None = None
    env: list[_Variable] = []
    dns_config: _DnsConfig | None = None
    host_aliases: list[_HostAlias] = []
    runtime_class_name: Annotated[str, Field(max_length=253)] = ""

    @model_validator(mode="after")
    def _are_told_apart(self) -> _PodOptions:
        """The API server takes no list with two of a name."""
        _refuse_twice("env", (each.name for each in self.env))
        _refuse_twice("hostAliases", (each.ip for each in self.host_aliases))
        return self


def _refuse_twice(where: str, names: Iterable[str]) -> None:
    twice = [name for name, count in Counter(names).items() if count > 1]
    if twice:
        raise ValueError(f"{where}: {', '.join(twice)} appears twice")


def read_form(text: str) -> dict[str, Any]:
    """Each field that says something, by its name here, in a pod's own form. Raises ValueError."""
    try:
        form = _PodOptions.model_validate_json(text)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(each) for each in first["loc"] if each != "[key]")
        fault = first["msg"].removeprefix("Value error, ")
        raise ValueError(f"{place + ': ' if place else ''}{fault}") from None
    written = form.model_dump(mode="json", by_alias=True, exclude_none=True)
    found = {name: _pruned(written.get(to_camel(name))) for name in _PodOptions.model_fields}
    return {name: value for name, value in found.items() if value}


def _pruned(value: Any) -> Any:
    """Without maps that are empty, which the API server would not store."""
    if isinstance(value, dict):
        pruned = {name: _pruned(each) for name, each in value.items()}
        return {name: each for name, each in pruned.items() if each not in ({}, [])}
    return value
