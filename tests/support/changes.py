"""Random sequences of changes: objects that clash, dangle, tie in age, break and go, and what is around."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

from sipedge.secret import Secret
from sipedge.table import EdgeTable, Row, Section
from sipedge.table.publication import PARTS
from support.object_strategies import CIDRS, DOMAINS, EDGES, NAMES, NAMESPACES, NUMBERS, RANGES, TIMES
from support.objects import manifest_of
from trunkline.api import (
    AnyResource,
    Edge,
    FieldErrors,
    InvalidObject,
    ObjectRef,
    Platform,
    Resources,
    decode,
)
from trunkline.api.secret_value import SecretValues
from trunkline.compiler import Compilation, Verdict
from trunkline.compiler.compile import is_held
from trunkline.compiler.delta import Delta, InputChanges, RowChange, RowKey, Surroundings
from trunkline.compiler.facts import Facts

Manifest = dict[str, Any]

HOSTS = (
    "192.0.2.1",
    "192.0.2.200",
    "10.0.0.1",
    "127.0.11.1",
    "pbx.example:5070",
    "sip.ashburn.trunkline.test",
)
ACCOUNTS = ("acme", "beta", "default", "delta")
PASSWORDS = ("Correct-Horse-1", "Correct-Horse-2", "weak", " padded ")
SECRET_NAMES = tuple((namespace, name) for namespace in (*NAMESPACES, "trunkline-system") for name in "ab")


def _first_surroundings() -> Surroundings:
    return Surroundings(Platform("trunkline.test", open_account=True))


@dataclass
class Step:
    """What one step changes, as the compiler is told it, and the manifests that it is made of."""

    changes: InputChanges
    manifests: Mapping[ObjectRef, Manifest | None]
    """None = the object is gone."""


@dataclass
class ChangingWorld:
    """A platform that changes at random; a seed gives the same changes always."""

    seed: int
    random: Random = field(init=False)
    objects: dict[ObjectRef, AnyResource | InvalidObject] = field(default_factory=dict)
    secrets: dict[tuple[str, str], SecretValues] = field(default_factory=dict)
    surroundings: Surroundings = field(default_factory=_first_surroundings)
    generation: int = 0

    def __post_init__(self) -> None:
        self.random = Random(self.seed)

    def steps(self, most: int) -> Iterator[Step]:
        """Up to `most` of them, each applied here before it is given."""
        for _ in range(self.random.randint(1, most)):
            yield self.step()

    def step(self) -> Step:
        """Some objects change, and now and then a Secret or the surroundings."""
        manifests: dict[ObjectRef, Manifest | None] = {}
        objects: dict[ObjectRef, AnyResource | InvalidObject | None] = {}
        for _ in range(self.random.choice((0, 1, 1, 1, 2, 3, 8))):
            ref, manifest = self._change_of_object()
            manifests[ref] = manifest
            objects[ref] = None if manifest is None else decoded(ref, manifest)
        secrets = dict(self._change_of_secret() for _ in range(self.random.choice((0, 0, 1))))
        around = self._change_of_surroundings() if self.random.random() < 0.2 else None
        _apply(self.objects, objects)
        _apply(self.secrets, secrets)
        self.surroundings = around or self.surroundings
        return Step(InputChanges(objects, secrets, around), manifests)

    def everything(self) -> InputChanges:
        """As a compiler that knows nothing would be told it."""
        return InputChanges(dict(self.objects), dict(self.secrets), self.surroundings)

    def resources(self) -> Resources:
        """For a cold compilation."""
        around = self.surroundings
        return Resources.build(
            [each for each in self.objects.values() if not isinstance(each, InvalidObject)],
            self.secrets,
            [each for each in self.objects.values() if isinstance(each, InvalidObject)],
            around.platform,
            around.observed_addresses,
            around.advertised_addresses,
            around.unreadable_namespaces,
            around.served_edges,
            around.node_addresses,
        )

    def _change_of_object(self) -> tuple[ObjectRef, Manifest | None]:
        if self.objects and self.random.random() < 0.3:
            ref = self.random.choice(sorted(self.objects))
            if self.random.random() < 0.7:
                return ref, None
        kind, spec_of = self.random.choice(KINDS)
        is_cluster = kind in ("Account", "Edge", "Carrier", "CallerId")
        namespace = None if is_cluster else self.random.choice(NAMESPACES)
        name = self.random.choice({"Account": ACCOUNTS, "Edge": EDGES}.get(kind, NAMES))
        spec = spec_of(self.random)
        if self.random.random() < 0.06:
            spec["colour"] = "red"
        self.generation += self.random.choice((0, 1))
        created = self.random.choice(TIMES)
        times = {} if created is None else {"creationTimestamp": created}
        manifest = manifest_of(kind, name, namespace, spec, generation=self.generation, **times)
        return ObjectRef(kind, namespace, name), manifest

    def _change_of_secret(self) -> tuple[tuple[str, str], SecretValues | None]:
        key = self.random.choice(SECRET_NAMES)
        if self.random.random() < 0.3:
            return key, None
        names = ("password", "weak", "username", "realm")
        return key, {name: Secret(self.random.choice(PASSWORDS)) for name in some(self.random, names, 4)}

    def _change_of_surroundings(self) -> Surroundings:
        random = self.random
        served = [each for each in self.objects.values() if isinstance(each, Edge)]
        kept = {each.metadata.name: each for each in served if random.random() < 0.5}
        return Surroundings(
            Platform(
                "trunkline.test",
                denied_target_cidrs=tuple(some(random, ("192.0.2.0/25", "10.0.0.0/8"), 2)),
                open_account=random.random() < 0.7,
            ),
            observed_addresses=dict.fromkeys(some(random, EDGES, 2), ("127.0.13.1",)),
            advertised_addresses=dict.fromkeys(some(random, EDGES, 1), (("127.0.13.1", "192.0.2.77"),)),
            unreadable_namespaces=frozenset(some(random, NAMESPACES, 1)),
            served_edges={**self.surroundings.served_edges, **kept},
            node_addresses=frozenset(some(random, ("10.0.0.1", "192.0.2.200"), 2)),
        )


def some(random: Random, values: tuple[str, ...], most: int) -> list[str]:
    """A few different ones, maybe none."""
    return random.sample(values, random.randint(0, min(most, len(values))))


def decoded(ref: ObjectRef, manifest: Manifest) -> AnyResource | InvalidObject:
    """The object, or why it is none."""
    try:
        return decode(manifest)
    except FieldErrors as error:
        return InvalidObject(ref, error.generation, error.errors)


def _apply(known: dict[Any, Any], changes: Mapping[Any, Any]) -> None:
    for key, value in changes.items():
        known.pop(key, None)
        if value is not None:
            known[key] = value


# --------------------------------------------------------------------------------------- specs


def _trunk(random: Random) -> Manifest:
    spec: Manifest = {"secure": random.random() < 0.3}
    if random.random() < 0.8:
        spec["termination"] = {
            "domainName": random.choice(DOMAINS),
            "ipAccessControlListRefs": _refs(random),
            "credentialListRefs": _refs(random),
        }
        if random.random() < 0.3:
            spec["termination"]["headerManipulationPolicyRef"] = {"name": random.choice(NAMES)}
    if random.random() < 0.3:
        spec["origination"] = {"headerManipulationPolicyRef": {"name": random.choice(NAMES)}}
    return spec


def _uri(random: Random) -> Manifest:
    return {
        "trunkRef": {"name": random.choice(NAMES)},
        "sipUri": f"sip:{random.choice(HOSTS)}",
        "enabled": random.random() < 0.8,
        "priority": random.randint(0, 2),
    }


def _number(random: Random) -> Manifest:
    spec: Manifest = {}
    if random.random() < 0.5:
        spec["number"] = random.choice(NUMBERS)
    else:
        first, last = random.choice(RANGES)
        spec["range"] = {"first": first, "last": last}
    if random.random() < 0.7:
        spec["trunkRef"] = {"name": random.choice(NAMES)}
    if random.random() < 0.1:
        spec["callerName"] = "Acme"
    return spec


def _credential_list(random: Random) -> Manifest:
    users = some(random, ("pbx", "sbc"), 2)
    return {
        "credentials": [
            {
                "username": user,
                "passwordSecretRef": {
                    "name": random.choice(("a", "b")),
                    "key": random.choice(("password", "weak")),
                },
            }
            for user in users
        ]
    }


def _access_list(random: Random) -> Manifest:
    return {"entries": [{"cidr": cidr} for cidr in some(random, CIDRS, 3)]}


def _caller_id(random: Random) -> Manifest:
    return {"number": random.choice(NUMBERS), "accountRef": {"name": random.choice(ACCOUNTS)}}


def _account(random: Random) -> Manifest:
    spec: Manifest = {
        "namespaces": some(random, NAMESPACES, 2),
        "numberPrefixes": random.choice((["+"], ["+1415"], ["+44", "+1"], [])),
        "domainNames": random.choice((["*"], ["acme"], ["beta", "lab.acme"], [])),
        "allowDeprecatedTls": random.random() < 0.3,
        "suspended": random.random() < 0.3,
        "allowedTargetCidrs": some(random, ("10.0.0.0/8", "192.0.2.200/32"), 1),
    }
    if random.random() < 0.3:
        spec["parent"] = {"name": random.choice(("acme", "beta"))}
    if random.random() < 0.3:
        spec["blockedPrefixes"] = some(random, ("+371", "+44"), 1)
    if random.random() < 0.3:
        spec["dialingPermissions"] = {"countries": [{"isoCode": random.choice(("US", "UK"))}]}
    if random.random() < 0.3:
        spec["edges"] = some(random, (*EDGES, "paris"), 2) or ["ashburn"]
    if random.random() < 0.4:
        limits = {"trunks": 3, "numbers": 40, "credentials": 3, "accessEntries": 4}
        spec["quota"] = {
            name: random.randint(0, most) for name, most in limits.items() if random.random() < 0.5
        }
    return spec


def _header_policy(random: Random) -> Manifest:
    value = random.choice(("+1", "9"))
    return {"rules": [{"actions": [{"target": "ToNumber", "type": "AddPrefix", "value": value}]}]}


def _edge(random: Random) -> Manifest:
    addresses = some(random, ("127.0.11.1", "127.0.11.2"), 2) or ["127.0.12.1"]
    return {
        "region": random.choice(("us1", "ie1")),
        "advertise": {"type": "Static", "addresses": addresses},
    }


def _carrier(random: Random) -> Manifest:
    prefixes = some(random, ("+", "+1", "+1415"), 3)
    gateways = some(random, ("192.0.2.9", "gw.example", "127.0.11.1"), 3)
    spec: Manifest = {
        "sourceRanges": some(random, CIDRS, 2),
        "prefixes": prefixes if gateways else [],
        "gateways": [
            {"host": host, "priority": random.randint(0, 2), "edges": some(random, (*EDGES, "paris"), 2)}
            for host in gateways
        ],
        "emergencyCapable": bool(gateways) and random.random() < 0.5,
    }
    if random.random() < 0.5:
        spec["credentialSecretRef"] = {"name": random.choice(("a", "b"))}
    return spec


def _refs(random: Random) -> list[dict[str, str]]:
    return [{"name": name} for name in some(random, NAMES, 2)]


KINDS: tuple[tuple[str, Callable[[Random], Manifest]], ...] = (
    ("Trunk", _trunk), ("Trunk", _trunk), ("OriginationUri", _uri), ("Number", _number), ("Number", _number),
    ("Number", _number), ("CredentialList", _credential_list), ("IpAccessControlList", _access_list),
    ("HeaderManipulationPolicy", _header_policy),
    ("CallerId", _caller_id), ("Account", _account), ("Edge", _edge), ("Carrier", _carrier),
)  # fmt: skip


# --------------------------------------------------------------------------------- sums of deltas


@dataclass
class Sum:
    """What all deltas so far come to, as whoever takes them in would know it."""

    shared: dict[RowKey, RowChange] = field(default_factory=dict)
    own: dict[str, dict[RowKey, RowChange]] = field(default_factory=dict)
    account_edges: dict[str, frozenset[str] | None] = field(default_factory=dict)
    edges: dict[str, Edge] = field(default_factory=dict)
    verdicts: dict[ObjectRef, tuple[Verdict, ...]] = field(default_factory=dict)
    facts: dict[ObjectRef, Facts] = field(default_factory=dict)

    def add(self, delta: Delta) -> None:
        for rows, changes in ((self.shared, delta.shared), *self._own(delta)):
            for key, change in changes.items():
                if change.row is None:
                    assert rows.pop(key, None) is not None, f"{key} was not there"
                else:
                    before = rows.get(key)
                    assert before is None or before._replace(revokes=change.revokes) != change
                    rows[key] = change
        self.account_edges.update(delta.account_edges)
        _apply(self.edges, delta.edges)
        _apply(self.verdicts, {ref: found or None for ref, found in delta.verdicts.items()})
        _apply(self.facts, delta.facts)

    def _own(self, delta: Delta) -> list[tuple[dict[RowKey, RowChange], Mapping[RowKey, RowChange]]]:
        return [(self.own.setdefault(edge, {}), changes) for edge, changes in delta.own.items()]

    def table(self, edge: str) -> EdgeTable:
        """What an edge would hold."""
        sections: dict[Section, dict[str, Row]] = {section: {} for section in PARTS}
        for (section, key), change in {**self.shared, **self.own.get(edge, {})}.items():
            if change.row is not None and is_held(edge, change, self.account_edges):
                sections[section][key] = change.row
        return EdgeTable(edge, sections)

    def assert_is(self, cold: Compilation) -> None:
        """Rows, verdicts, facts and edges are those of a cold compilation."""
        assert self.edges == cold.edges
        assert {edge: self.table(edge) for edge in self.edges} == cold.tables
        assert not [edge for edge, rows in self.own.items() if rows and edge not in self.edges]
        assert self.facts == cold.facts
        told = sorted(
            (verdict for found in self.verdicts.values() for verdict in found),
            key=lambda each: (each.ref, each.type),
        )
        assert told == list(cold.verdicts)
