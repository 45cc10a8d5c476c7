"""What the operator was asked for, checked. From flags, environment variables, and so from Helm."""

from __future__ import annotations

import ipaddress
import os
import socket
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Final, Literal

from sipedge.capacity import DEFAULT_CALLS_IN_PROGRESS, DEFAULT_CALLS_PER_SECOND, Capacity
from trunkline.plan.base_domain import LABEL, base_domain_fault

DEFAULT_SYSTEM_NAMESPACE: Final = "trunkline-system"
DEFAULT_EDGE_NAMESPACE: Final = "trunkline-edges"


class SettingError(ValueError):
    """A setting cannot be used. The text names it, its value's fault and the mend."""


def _given(metavar: str, explained: str) -> Mapping[str, str]:
    """Marks a field that the command has an option for; `metavar` stands for its value in the help."""
    return {"metavar": metavar, "help": explained}


@dataclass(frozen=True, slots=True)
class OperatorSettings:
    """The settings of `trunkline run`: the one place of their names, defaults and meanings.

    A marked field `some_name` is the option `--some-name`, and TRUNKLINE_SOME_NAME in the environment.
    """

    base_domain: str = field(
        metadata=_given("DOMAIN", "The platform's domain; trunks are reached at <name>.pstn.<DOMAIN>.")
    )
    system_namespace: str = DEFAULT_SYSTEM_NAMESPACE
    edge_namespace: str = field(
        default=DEFAULT_EDGE_NAMESPACE,
        metadata=_given("NAME", "Where edge pods and their tables live; nothing else may be there."),
    )
    tenant_namespaces: tuple[str, ...] = field(
        default=(),
        metadata=_given("NAMES", "Namespaces whose Secrets may be read, with commas between; * means all."),
    )
    denied_target_cidrs: tuple[str, ...] = field(
        default=(), metadata=_given("CIDRS", "Networks where no call may be sent, with commas between.")
    )
    dns_provider: str = field(default="none", metadata=_given("none|rfc2136", "Who writes DNS records."))
    dns_server: str = field(default="", metadata=_given("HOST[:PORT]", "rfc2136: the primary server."))
    dns_zone: str = field(default="", metadata=_given("ZONE", "rfc2136: the zone. Empty: the base domain."))
    dns_tsig_secret: str = field(
        default="",
        metadata=_given(
            "NAME", "rfc2136: the Secret with the key, in the operator's namespace; its key is `secret`."
        ),
    )
    dns_tsig_key_name: str = field(default="", metadata=_given("NAME", "rfc2136: the key's name."))
    dns_tsig_algorithm: str = field(default="hmac-sha256", metadata=_given("NAME", "rfc2136: its algorithm."))
    edge_image: str = field(
        default="trunkline/edge:latest", metadata=_given("IMAGE", "The edge pods' image.")
    )
    image_pull_policy: str = field(default="IfNotPresent", metadata=_given("POLICY", "As in a pod."))
    edge_resources: str = field(
        default="",
        metadata=_given("JSON", "Of the containers kamailio and agent of edge pods: requests and limits."),
    )
    """`{"agent": {"requests": {...}}}`; what it lacks has a default."""
    edge_pull_secrets: tuple[str, ...] = field(
        default=(),
        metadata=_given(
            "NAMES", "Secrets of the edge namespace with which the edge image is pulled, with commas between."
        ),
    )
    edge_priority_class: str = field(default="", metadata=_given("NAME", "PriorityClass of edge pods."))
    """Empty = the cluster's default."""
    edge_calls_per_second: int = field(
        default=DEFAULT_CALLS_PER_SECOND,
        metadata=_given(
            "",
            "New calls a second that an edge pod takes; more get 503 with Retry-After. "
            "Memory is sized by it.",
        ),
    )
    edge_calls_in_progress: int = field(
        default=DEFAULT_CALLS_IN_PROGRESS,
        metadata=_given("", "For how many calls in progress an edge pod has memory."),
    )
    metrics_port: int = field(default=8080, metadata=_given("", "Prometheus metrics; 0 = none."))
    health_port: int = field(default=8081, metadata=_given("", "Serves /healthz and /readyz; 0 = none."))
    listen_address: str = field(
        default="0.0.0.0",  # noqa: S104 - a pod's ports are reached from outside
        metadata=_given("ADDR", "Where both ports listen."),
    )
    holder: str = ""
    """Who holds the Lease; empty = a name of this process."""

    @property
    def identity(self) -> str:
        """The holder of the Lease. A pod keeps its name when its container restarts: it goes on at once."""
        return self.holder or f"{socket.gethostname()}-{os.getpid()}"


@dataclass(frozen=True, slots=True)
class Option:
    """How one setting is given to the command."""

    name: str
    """The field of OperatorSettings."""
    default: str | int | None
    """As it would be given; None = there is none."""
    metavar: str
    help: str

    @property
    def flag(self) -> str:
        return f"--{self.name.replace('_', '-')}"


def options() -> tuple[Option, ...]:
    """Every option of `trunkline run` that is a setting, in the order of its help."""
    return tuple(
        Option(each.name, _as_given(each.default), **each.metadata)
        for each in fields(OperatorSettings)
        if each.metadata
    )


def _as_given(default: Any) -> str | int | None:
    if default is MISSING:
        return None
    return ",".join(default) if isinstance(default, tuple) else default


_OF_POD: Final = {"system_namespace": "POD_NAMESPACE", "holder": "POD_NAME"}
"""What has no option: a pod's manifest says it of the pod."""


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return _OF_POD.get(name, f"TRUNKLINE_{name.upper()}")


def settings_of(given: Mapping[str, str | int]) -> OperatorSettings:
    """The settings from what options or variables say, by field. They are not checked.

    Raises SettingError for a number that is not written as one.
    """
    values: dict[str, Any] = dict(given)
    for each in fields(OperatorSettings):
        if isinstance(each.default, tuple) and each.name in values:
            values[each.name] = _listed(values[each.name])
        if isinstance(each.default, int) and each.name in values:
            values[each.name] = _number(each.name, values[each.name])
    values["base_domain"] = values["base_domain"].lower().removesuffix(".")
    return OperatorSettings(**values)


def _listed(text: str) -> tuple[str, ...]:
    """The members of a comma-separated list."""
    return tuple(part for part in (each.strip() for each in text.split(",")) if part)


def _number(name: str, given: str | int) -> int:
    try:
        return int(given)
    except ValueError:
        raise SettingError(f"{variable(name)} {given!r} is not a whole number") from None


def check_settings(settings: OperatorSettings) -> OperatorSettings:
    """The settings, or SettingError with the first that cannot be used."""
    _check_domain(settings.base_domain)
    for option, namespace in (
        ("POD_NAMESPACE", settings.system_namespace),
        ("--edge-namespace", settings.edge_namespace),
    ):
        _check_namespace(option, namespace)
    for namespace in settings.tenant_namespaces:
        if namespace != "*":
            _check_namespace("--tenant-namespaces", namespace)
    if settings.system_namespace == settings.edge_namespace:
        raise SettingError(
            f"--edge-namespace {settings.edge_namespace} is the operator's own: give edge pods another "
            "namespace, since they may read all Secrets of theirs"
        )
    for cidr in settings.denied_target_cidrs:
        _check_cidr(cidr)
    container_resources(settings.edge_resources)
    capacity = Capacity(settings.edge_calls_per_second, settings.edge_calls_in_progress)
    if fault := capacity.fault("--edge-calls-per-second", "--edge-calls-in-progress"):
        raise SettingError(fault)
    if settings.dns_provider not in ("none", "rfc2136"):
        raise SettingError(f"--dns-provider {settings.dns_provider!r} is unknown: write none or rfc2136")
    if settings.dns_provider == "rfc2136":
        for option, value in (
            ("--dns-server", settings.dns_server),
            ("--dns-tsig-secret", settings.dns_tsig_secret),
            ("--dns-tsig-key-name", settings.dns_tsig_key_name),
        ):
            if not value:
                raise SettingError(f"{option} is missing: --dns-provider rfc2136 needs it")
    return settings


_UNINSTALL: Final = (
    "system_namespace",
    "base_domain",
    "edge_namespace",
    "dns_provider",
    "dns_server",
    "dns_zone",
    "dns_tsig_secret",
    "dns_tsig_key_name",
    "dns_tsig_algorithm",
)
"""What an uninstallation needs to know of the operator. No fault in any other setting may keep it up."""


def uninstall_settings(environment: Mapping[str, str]) -> OperatorSettings:
    """What an uninstallation needs to know of the operator, from its variables. Raises SettingError."""
    given = {name: environment[variable(name)] for name in _UNINSTALL if environment.get(variable(name))}
    if not given.get("base_domain"):
        if given.get("dns_provider") == "rfc2136":
            raise SettingError(f"{variable('base_domain')} is missing: its DNS records are to be removed")
        # Without DNS records of ours the domain plays no part.
        given["base_domain"] = "trunkline.test"
    return check_settings(settings_of(given))


def container_resources(text: str) -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """`edge_resources`: container to its `requests` and `limits`. Raises SettingError."""
    # Help is made from this module, and must not wait for this library.
    from pydantic import TypeAdapter, ValidationError

    shape = TypeAdapter(
        dict[Literal["kamailio", "agent"], dict[Literal["requests", "limits"], dict[str, str | int | float]]]
    )
    try:
        found = shape.validate_json(text or "{}")
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(each) for each in first["loc"] if each != "[key]")
        raise SettingError(
            f"--edge-resources: {place + ': ' if place else ''}{first['msg']}: write as "
            '{"kamailio": {"requests": {"cpu": "250m"}}, "agent": {"limits": {"memory": "64Mi"}}}'
        ) from None
    return {
        container: {
            kind: {name: str(quantity) for name, quantity in quantities.items()}
            for kind, quantities in resources.items()
        }
        for container, resources in found.items()
    }


def pod_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """What a pod's environment says of itself: `system_namespace` and `holder`, as far as it does."""
    return {name: environment[each] for name, each in _OF_POD.items() if environment.get(each)}


def _check_domain(text: str) -> None:
    fault = base_domain_fault(text)
    if fault:
        raise SettingError(f"--base-domain {text!r} {fault}")


def namespace_fault(text: str) -> str:
    """What is wrong with a namespace's name and how to mend it, to follow it; "" if it is right."""
    if LABEL.fullmatch(text):
        return ""
    return "is no name of a namespace: use lower-case letters, digits and -"


def _check_namespace(option: str, text: str) -> None:
    fault = namespace_fault(text)
    if fault:
        raise SettingError(f"{option} {text!r} {fault}")


def _check_cidr(text: str) -> None:
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        raise SettingError(f"--denied-target-cidrs: {error}: write networks as 10.0.0.0/8") from error
