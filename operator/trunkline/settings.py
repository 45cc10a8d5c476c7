"""What the operator was asked for, checked. From flags, environment variables, and so from Helm."""

from __future__ import annotations

import ipaddress
import os
import re
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from pydantic import TypeAdapter, ValidationError

from trunkline.plan.base_domain import base_domain_fault

DEFAULT_SYSTEM_NAMESPACE: Final = "trunkline-system"
DEFAULT_EDGE_NAMESPACE: Final = "trunkline-edges"

_RESOURCES: Final = TypeAdapter(
    dict[Literal["kamailio", "agent"], dict[Literal["requests", "limits"], dict[str, str | int | float]]]
)
_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")


class SettingError(ValueError):
    """A setting cannot be used. The text names it, its value's fault and the mend."""


@dataclass(frozen=True, slots=True)
class OperatorSettings:
    """The settings of `trunkline run`."""

    base_domain: str
    system_namespace: str = DEFAULT_SYSTEM_NAMESPACE
    edge_namespace: str = DEFAULT_EDGE_NAMESPACE
    tenant_namespaces: tuple[str, ...] = ()
    """Namespaces whose Secrets may be read; `*` = all."""
    denied_target_cidrs: tuple[str, ...] = ()
    dns_provider: str = "none"
    dns_server: str = ""
    """`rfc2136` only: HOST or HOST:PORT of the primary server."""
    dns_zone: str = ""
    """`rfc2136` only: the zone to update; empty = the base domain."""
    tsig_secret: str = ""
    """`rfc2136` only: the Secret with the key, in the system namespace, key `secret`."""
    tsig_key_name: str = ""
    tsig_algorithm: str = "hmac-sha256"
    edge_image: str = "trunkline/edge:latest"
    image_pull_policy: str = "IfNotPresent"
    edge_resources: str = ""
    """JSON: container to its resources, `{"agent": {"requests": {...}}}`; what it lacks has a default."""
    edge_pull_secrets: tuple[str, ...] = ()
    """Secrets in the edge namespace with which the edge image is pulled."""
    edge_priority_class: str = ""
    """PriorityClass of the edge pods; empty = the cluster's default."""
    metrics_port: int = 8080
    """0 = none."""
    health_port: int = 8081
    """0 = none."""
    listen_address: str = "0.0.0.0"  # noqa: S104 - a pod's ports are reached from outside
    holder: str = ""
    """Who holds the Lease; empty = a name of this process."""

    @property
    def identity(self) -> str:
        """The holder of the Lease. A pod keeps its name when its container restarts: it goes on at once."""
        return self.holder or f"{socket.gethostname()}-{os.getpid()}"


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
    if settings.dns_provider not in ("none", "rfc2136"):
        raise SettingError(f"--dns-provider {settings.dns_provider!r} is unknown: write none or rfc2136")
    if settings.dns_provider == "rfc2136":
        for option, value in (
            ("--dns-server", settings.dns_server),
            ("--dns-tsig-secret", settings.tsig_secret),
            ("--dns-tsig-key-name", settings.tsig_key_name),
        ):
            if not value:
                raise SettingError(f"{option} is missing: --dns-provider rfc2136 needs it")
    return settings


_VARIABLES: Final = {
    "POD_NAMESPACE": "system_namespace",
    "TRUNKLINE_BASE_DOMAIN": "base_domain",
    "TRUNKLINE_EDGE_NAMESPACE": "edge_namespace",
    "TRUNKLINE_DNS_PROVIDER": "dns_provider",
    "TRUNKLINE_DNS_SERVER": "dns_server",
    "TRUNKLINE_DNS_ZONE": "dns_zone",
    "TRUNKLINE_DNS_TSIG_SECRET": "tsig_secret",
    "TRUNKLINE_DNS_TSIG_KEY_NAME": "tsig_key_name",
    "TRUNKLINE_DNS_TSIG_ALGORITHM": "tsig_algorithm",
}


def uninstall_settings(environment: Mapping[str, str]) -> OperatorSettings:
    """What an uninstallation needs to know of the operator, from its variables. Raises SettingError."""
    values: dict[str, Any] = {
        field: environment[name] for name, field in _VARIABLES.items() if environment.get(name)
    }
    base_domain = values.pop("base_domain", "").lower().removesuffix(".")
    if not base_domain and values.get("dns_provider") == "rfc2136":
        raise SettingError("TRUNKLINE_BASE_DOMAIN is missing: its DNS records are to be removed")
    # Without DNS records of ours the domain plays no part.
    return check_settings(OperatorSettings(base_domain=base_domain or "trunkline.test", **values))


def container_resources(text: str) -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """`edge_resources`: container to its `requests` and `limits`. Raises SettingError."""
    try:
        found = _RESOURCES.validate_json(text or "{}")
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


def listed(text: str) -> tuple[str, ...]:
    """The members of a comma-separated list."""
    return tuple(part for part in (each.strip() for each in text.split(",")) if part)


def pod_settings(environment: Mapping[str, str]) -> Mapping[str, str]:
    """What a pod's environment says of itself: `system_namespace` and `holder`, as far as it does."""
    names: Sequence[tuple[str, str]] = (("POD_NAMESPACE", "system_namespace"), ("POD_NAME", "holder"))
    return {field: environment[name] for name, field in names if environment.get(name)}


def _check_domain(text: str) -> None:
    fault = base_domain_fault(text)
    if fault:
        raise SettingError(f"--base-domain {text!r} {fault}")


def _check_namespace(option: str, text: str) -> None:
    if not _LABEL.fullmatch(text):
        raise SettingError(
            f"{option} {text!r} is no name of a namespace: use lower-case letters, digits and -"
        )


def _check_cidr(text: str) -> None:
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        raise SettingError(f"--denied-target-cidrs: {error}: write networks as 10.0.0.0/8") from error
