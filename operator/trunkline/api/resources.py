"""Everything the compiler may see, as one immutable value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar, cast

from sipedge.secret import Secret
from trunkline.api.edge import Edge
from trunkline.api.faults import FieldError, FieldReason
from trunkline.api.kinds import ALL_KINDS, AnyResource
from trunkline.api.reference import ObjectRef
from trunkline.api.secret_value import SecretValues

__all__ = ["InvalidObject", "Platform", "Resources", "oldest_first"]

Kind = TypeVar("Kind", bound=AnyResource)
Secrets = Mapping[tuple[str, str], SecretValues]
"""Namespace and name of a Secret -> its keys."""


@dataclass(frozen=True, slots=True)
class Platform:
    """What the people who run the platform chose outside of any object."""

    base_domain: str
    denied_target_cidrs: tuple[str, ...] = ()
    """Networks where no call may be sent, but for an Account's exceptions."""
    system_namespace: str = "trunkline-system"
    """Where the Secrets of cluster kinds live."""
    toll_fraud_prefixes: tuple[str, ...] = ()
    """Numbers under these are called only by Accounts that allow HighRiskTollFraud."""
    open_account: bool = False
    """True = while no Account `default` exists, act as if one did that permits everything (files)."""
    caller_name_url: Secret | None = None
    """Who is asked for callers' names, `{number}` in it; None = nobody."""
    stir_shaken: bool = False
    """True = the platform has a certificate to sign calls with, and CAs whose signatures it believes."""
    media_relay: bool = True
    """False = its edges have no rtpengine: parties send each other their media."""
    operator_account: str = "trunkline-operator"
    """The operator's service account, in the system namespace."""


@dataclass(frozen=True, slots=True)
class InvalidObject:
    """An object that decode refused: it takes no part, and its status says why."""

    ref: ObjectRef
    generation: int
    errors: tuple[FieldError, ...]
    namespaces: frozenset[str] = frozenset()
    """Of an Account at fault, as far as they are known: no Account `default` may open them meanwhile."""

    @property
    def is_internal(self) -> bool:
        """True if it is refused by a fault of our own, be it that decode met it or the compiler."""
        return any(error.reason == FieldReason.InternalError for error in self.errors)


@dataclass(frozen=True, slots=True)
class Resources:
    """All objects by kind and reference, the Secrets they may name, and the objects that cannot be used."""

    platform: Platform
    objects: Mapping[str, Mapping[ObjectRef, AnyResource]]
    """Kind name -> its objects, oldest first."""
    secrets: Secrets
    invalid: tuple[InvalidObject, ...]
    observed_addresses: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Edge name -> addresses that its instances were given, where the Edge itself lists none."""
    advertised_addresses: Mapping[str, tuple[tuple[str, str], ...]] = field(default_factory=dict)
    """Edge name -> addresses of its nodes that callers see as others: (local, advertised)."""
    unreadable_namespaces: frozenset[str] = frozenset()
    """Namespaces whose Secrets may not be read, so that nothing is known of them."""
    served_edges: Mapping[str, Edge] = field(default_factory=dict)
    """Edge name -> the version of it that is served. It goes on where a newer one is refused."""
    node_addresses: frozenset[str] = frozenset()
    """Addresses of the machines where edges run: no call is sent there, but for an Account's exceptions."""

    @classmethod
    def build(
        cls,
        objects: Iterable[AnyResource],
        secrets: Secrets,
        invalid: Iterable[InvalidObject],
        platform: Platform,
        observed_addresses: Mapping[str, tuple[str, ...]] | None = None,
        advertised_addresses: Mapping[str, tuple[tuple[str, str], ...]] | None = None,
        unreadable_namespaces: frozenset[str] = frozenset(),
        served_edges: Mapping[str, Edge] | None = None,
        node_addresses: frozenset[str] = frozenset(),
    ) -> Resources:
        """Order of the arguments' members does not matter; of two objects with one name the last counts."""
        latest = {each.ref: each for each in objects}
        ordered = oldest_first(latest.values())
        return cls(
            platform=platform,
            objects={
                kind.kind: {each.ref: each for each in ordered if isinstance(each, kind)}
                for kind in ALL_KINDS
            },
            secrets={name: dict(keys) for name, keys in sorted(secrets.items())},
            invalid=tuple(sorted(invalid, key=lambda each: each.ref)),
            observed_addresses=dict(sorted((observed_addresses or {}).items())),
            advertised_addresses=dict(sorted((advertised_addresses or {}).items())),
            unreadable_namespaces=unreadable_namespaces,
            served_edges=dict(sorted((served_edges or {}).items())),
            node_addresses=node_addresses,
        )

    def of(self, kind: type[Kind]) -> tuple[Kind, ...]:
        """All objects of a kind, the oldest claim first: by creation time, then namespace, then name."""
        return cast("tuple[Kind, ...]", tuple(self.objects[kind.kind].values()))

    def get(self, kind: type[Kind], namespace: str | None, name: str) -> Kind | None:
        """The object of this name, or None; `namespace` is None for cluster kinds."""
        return cast("Kind | None", self.objects[kind.kind].get(ObjectRef(kind.kind, namespace, name)))

    def secret(self, namespace: str, name: str) -> SecretValues | None:
        """The keys of a Secret, or None if it is not there or may not be read."""
        return self.secrets.get((namespace, name))


def oldest_first(resources: Iterable[Kind]) -> list[Kind]:
    """In the order in which claims count: by creation time, then namespace, then name."""
    return sorted(resources, key=_age)


def _age(resource: AnyResource) -> tuple[str, str, str]:
    metadata = resource.metadata
    return metadata.creation_timestamp or "", metadata.namespace or "", metadata.name
