"""What the operator was asked for, checked. From flags, environment variables, and so from Helm."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields
from typing import Any, Final

from sipedge.b2bua_settings import DEFAULT_RECOVERY_CALLS, recovery_calls_fault
from sipedge.calls.otlp import read_endpoint
from sipedge.capacity import DEFAULT_CALLS_IN_PROGRESS, DEFAULT_CALLS_PER_SECOND, Capacity
from sipedge.e164 import E164_PREFIX_PATTERN
from trunkline.plan.base_domain import LABEL, base_domain_fault
from trunkline.plan.caller_name_url import caller_name_url_fault
from trunkline.plan.container_resources import container_resources
from trunkline.plan.pod_options import pod_options
from trunkline.plan.workload_settings import Recordings

DEFAULT_SYSTEM_NAMESPACE: Final = "trunkline-system"
DEFAULT_EDGE_NAMESPACE: Final = "trunkline-edges"
DEFAULT_SERVICE_ACCOUNT: Final = "trunkline-operator"
INSTALLATION_SECRET: Final = "trunkline-installation"  # noqa: S105 - the name of a Secret
"""In the operator's namespace: the id by which an installation knows its DNS records again."""
DNS_PROVIDERS: Final = ("none", "rfc2136", "externalDns")
"""What `--dns-provider` may be."""


class SettingError(ValueError):
    """A setting cannot be used. The text names it, its value's fault and the mend."""


def _given(metavar: str, explained: str, needed_by: str = "") -> Mapping[str, str]:
    """Marks a field that the command has an option for; `metavar` stands for its value in the help.

    `needed_by` is a DNS provider that cannot do without it.
    """
    return {"metavar": metavar, "help": explained, **({"needed_by": needed_by} if needed_by else {})}


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
    cnam_url: str = field(
        default="",
        repr=False,
        metadata=_given(
            "URL",
            'Asked for callers\' names, with {number} in it; answers JSON {"name": "..."}. Empty: none.',
        ),
    )
    """It may hold a key."""
    stir_shaken_secret: str = field(
        default="",
        metadata=_given(
            "NAME",
            "STIR/SHAKEN: the Secret with tls.crt, tls.key, x5u and ca.crt, in the operator's namespace. "
            "Empty: no call is signed, and no signature judged.",
        ),
    )
    toll_fraud_prefixes: tuple[str, ...] = field(
        default=(),
        metadata=_given(
            "PREFIXES",
            "Called only by Accounts that allow HighRiskTollFraud, with commas between: +37190,+3719.",
        ),
    )
    dns_provider: str = field(
        default="none", metadata=_given("|".join(DNS_PROVIDERS), "Who writes DNS records.")
    )
    dns_server: str = field(
        default="",
        metadata=_given(
            "HOST[:PORT]",
            "rfc2136: the primary server. Else: who is asked what the zone holds, instead of its NS records.",
            needed_by="rfc2136",
        ),
    )
    dns_zone: str = field(default="", metadata=_given("ZONE", "rfc2136: the zone. Empty: the base domain."))
    dns_tsig_secret: str = field(
        default="",
        metadata=_given(
            "NAME",
            "rfc2136: the Secret with the key, in the operator's namespace; its key is `secret`.",
            needed_by="rfc2136",
        ),
    )
    dns_tsig_key_name: str = field(
        default="", metadata=_given("NAME", "rfc2136: the key's name.", needed_by="rfc2136")
    )
    dns_tsig_algorithm: str = field(default="hmac-sha256", metadata=_given("NAME", "rfc2136: its algorithm."))
    dns_external_dns_namespace: str = field(
        default="",
        metadata=_given("NAME", "externalDns: where DNSEndpoints are written.", needed_by="externalDns"),
    )
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
    edge_pods: str = field(
        default="",
        metadata=_given(
            "JSON",
            "Added to pods: labels, annotations, affinity, env, dnsConfig, hostAliases, runtimeClassName.",
        ),
    )
    """Each as in a pod; what it lacks is not added."""
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
    edge_recovery_calls: int = field(
        default=DEFAULT_RECOVERY_CALLS,
        metadata=_given(
            "",
            "Calls of an edge pod that follow the instructions of disaster recovery at a time, a fifth of "
            "them of one trunk; 0 = none.",
        ),
    )
    recorder_image: str = field(
        default="trunkline/recorder:latest", metadata=_given("IMAGE", "The image of edge pods' recorder.")
    )
    recordings_url: str = field(
        default="",
        metadata=_given(
            "URL",
            "Where recordings go whose Account says nothing of it: s3://BUCKET/PREFIX, or file:///PATH.",
        ),
    )
    """Empty = the volume of `recordings_claim`, if there is one."""
    recordings_endpoint: str = field(
        default="", metadata=_given("URL", "Of a bucket: https://HOST. Empty: Amazon's.")
    )
    recordings_region: str = field(default="", metadata=_given("NAME", "Of a bucket."))
    recordings_secret: str = field(
        default="",
        metadata=_given(
            "NAME", "The Secret of the edge namespace with a bucket's accessKeyId and secretAccessKey."
        ),
    )
    recordings_retention_days: int = field(
        default=0, metadata=_given("", "What lies longer on a volume is deleted; 0 = nothing.")
    )
    recordings_claim: str = field(
        default="", metadata=_given("NAME", "A PersistentVolumeClaim of the edge namespace for recordings.")
    )
    recordings_spool_size: str = field(
        default="20Gi",
        metadata=_given(
            "SIZE", "The most that recordings of a pod that are not stored yet may use of its node."
        ),
    )
    otlp_endpoint: str = field(
        default="",
        metadata=_given("URL", "Edge pods send call records there as OpenTelemetry logs: http://HOST:4318."),
    )
    """Empty = nowhere."""
    metrics_port: int = field(default=8080, metadata=_given("", "Prometheus metrics; 0 = none."))
    health_port: int = field(default=8081, metadata=_given("", "Serves /healthz and /readyz; 0 = none."))
    listen_address: str = field(
        default="0.0.0.0",  # noqa: S104 - a pod's ports are reached from outside
        metadata=_given("ADDR", "Where both ports listen."),
    )
    holder: str = ""
    """Who holds the Lease; empty = a name of this process."""
    service_account: str = DEFAULT_SERVICE_ACCOUNT

    @property
    def recordings(self) -> Recordings:
        """What the settings say of where recordings go."""
        return Recordings(
            self.recordings_url,
            self.recordings_endpoint,
            self.recordings_region,
            self.recordings_secret,
            self.recordings_retention_days,
            self.recordings_claim,
            self.recordings_spool_size,
            self.recorder_image,
        )

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
        Option(each.name, _as_given(each.default), each.metadata["metavar"], each.metadata["help"])
        for each in fields(OperatorSettings)
        if each.metadata
    )


def _as_given(default: Any) -> str | int | None:
    if default is MISSING:
        return None
    return ",".join(default) if isinstance(default, tuple) else default


_OF_POD: Final = {
    "system_namespace": "POD_NAMESPACE",
    "holder": "POD_NAME",
    "service_account": "POD_SERVICE_ACCOUNT",
}
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
    if settings.cnam_url and (fault := caller_name_url_fault(settings.cnam_url)):
        raise SettingError(f"--cnam-url {fault}")
    for prefix in settings.toll_fraud_prefixes:
        if not re.fullmatch(E164_PREFIX_PATTERN, prefix, re.ASCII):
            raise SettingError(
                f"--toll-fraud-prefixes: {prefix!r} is none: write + and the first digits: +37190"
            )
    try:
        container_resources(settings.edge_resources)
    except ValueError as error:
        raise SettingError(f"--edge-resources: {error}") from None
    try:
        pod_options(settings.edge_pods)
    except ValueError as error:
        raise SettingError(f"--edge-pods: {error}: write each field as in a pod's manifest") from None
    if fault := settings.recordings.fault:
        raise SettingError(f"--recordings-url: {fault}")
    capacity = Capacity(settings.edge_calls_per_second, settings.edge_calls_in_progress)
    if fault := capacity.fault("--edge-calls-per-second", "--edge-calls-in-progress"):
        raise SettingError(fault)
    if fault := recovery_calls_fault(settings.edge_recovery_calls):
        raise SettingError(f"--edge-recovery-calls {fault}")
    if settings.otlp_endpoint:
        try:
            read_endpoint(settings.otlp_endpoint)
        except ValueError as error:
            raise SettingError(f"--otlp-endpoint: {error}") from error
    if settings.dns_provider not in DNS_PROVIDERS:
        known = f"{', '.join(DNS_PROVIDERS[:-1])} or {DNS_PROVIDERS[-1]}"
        raise SettingError(f"--dns-provider {settings.dns_provider!r} is unknown: write {known}")
    for option, value in _needed_by(settings.dns_provider, settings):
        if not value:
            raise SettingError(f"{option} is missing: --dns-provider {settings.dns_provider} needs it")
    return settings


def _needed_by(provider: str, settings: OperatorSettings) -> Iterator[tuple[str, str]]:
    """The options that a DNS provider cannot do without, with their values."""
    for each in fields(OperatorSettings):
        if each.metadata.get("needed_by") == provider:
            yield f"--{each.name.replace('_', '-')}", getattr(settings, each.name)


def pod_settings(environment: Mapping[str, str]) -> dict[str, str]:
    """What a pod's environment says of itself, by field of the settings, as far as it does."""
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
