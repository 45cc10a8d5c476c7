"""No field is ignored in silence: each is read by what serves the object, or says itself that it is not.

Objects with all their fields go through everything that decides about calls, pods, names and certificates;
what of them was looked at is noted. A new field that nothing reads, and that no mark explains, fails here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

import pytest
from pydantic.fields import FieldInfo

from api.whole_objects import ACCOUNT, CARRIER, URI, WHOLE, changed, cluster_manifest
from support.objects import make_resources
from trunkline.api import ALL_KINDS, AnyResource, Edge, decode
from trunkline.api.marks import ForPeople, Mark, NeedsRelay, NotYet
from trunkline.api.missing import mark_of, missing_features, models_in
from trunkline.api.model import Model
from trunkline.compiler import compile_resources
from trunkline.controllers.seams import ServedEdge
from trunkline.controllers.secrets import named_secrets
from trunkline.controllers.side_work import NameWork
from trunkline.dns.providers.by_hand import ByHandProvider
from trunkline.plan.certificate_names import issued_names
from trunkline.plan.workload import WorkloadSettings, edge_objects
from trunkline.status.pod_reports import NodeAddresses, PodFact, own_address
from trunkline.tls.issuer import certificate_object

Place = tuple[str, str]
"""Model and field."""

POD = PodFact("10.0.0.9", "node", is_in_host_network=True)
TLS: Final[tuple[Mapping[str, Any], ...]] = (
    {"selfSigned": {}},
    {"secretRef": {"name": "bought"}},
    {"issuerRef": {"name": "ca"}},
)

PERMITTED = (
    cluster_manifest("Account", "holding"),
    changed(ACCOUNT, "spec.quota", {"trunks": 9, "numbers": 9_999, "credentials": 9, "accessEntries": 9}),
    changed(changed(URI, "metadata.name", "enabled"), "spec.enabled", True),
    changed(
        changed(changed(CARRIER, "metadata.name", "enabled"), "spec.sourceRanges", []),
        "spec.gateways[0].enabled",
        True,
    ),
)
"""What of the whole objects is refused, or not served, for what it names."""


def specs(kind: type[AnyResource]) -> Iterator[type[Model]]:
    """The models of a kind's spec, but for those below a field whose feature is missing altogether."""
    spec = kind.model_fields["spec"].annotation
    assert isinstance(spec, type)
    assert issubclass(spec, Model)
    waiting = [spec]
    while waiting:
        model = waiting.pop()
        yield model
        for field in model.model_fields.values():
            mark = mark_of(field)
            if not isinstance(mark, NotYet) or mark.asks is not None:
                waiting.extend(models_in(field.annotation))


def to_be_read(kind: type[AnyResource]) -> set[Place]:
    """The fields without a mark; those with a mark for some values must be read for the others."""
    return {
        (model.__name__, name)
        for model in specs(kind)
        for name, field in model.model_fields.items()
        if not is_explained(field)
    }


def is_explained(field: FieldInfo) -> bool:
    """True if a mark says that nobody reads the field, or if marks say so of all that is in it."""
    mark, models = mark_of(field), models_in(field.annotation)
    if isinstance(mark, NeedsRelay):
        return False
    if mark is not None:
        return isinstance(mark, ForPeople) or mark.asks is None
    inner = [each for model in models for each in model.model_fields.values()]
    return bool(models) and all(map(is_explained, inner))


def objects() -> list[AnyResource]:
    """Every kind with every field; Edges with each source of a certificate."""
    found = [decode(each) for each in (*WHOLE, *PERMITTED)]
    for place, tls in enumerate(TLS):
        for advertise in (
            {"type": "Static", "addresses": [f"198.51.100.{place + 1}"]},
            {"type": "HostNetwork", "nodeAddressType": "InternalIP"},
        ):
            name = f"{advertise['type'].lower()}-{place}"  # type: ignore[attr-defined]
            whole = next(each for each in WHOLE if each["kind"] == "Edge")
            spec = {
                **whole["spec"],
                "advertise": advertise,
                "tls": tls,
                "capture": {"hep": {"host": "homer"}},
            }
            if advertise["type"] == "Static":
                spec.pop("replicas", None)
            found.append(decode({**whole, "metadata": {"name": name, "uid": "u"}, "spec": spec}))
    return found


def serve(things: list[AnyResource]) -> None:
    """All that decides by objects."""
    compile_resources(make_resources(*things))
    named_secrets(things, {}, "trunkline-system")
    names = NameWork(ByHandProvider("trunkline.test"))
    for edge in (each for each in things if isinstance(each, Edge)):
        edge_objects(edge, WorkloadSettings("trunkline-edges", "image"))
        own_address(edge, POD, {"node": NodeAddresses({}, "10.0.0.9", "198.51.100.9")})
        names._site(ServedEdge(edge, (), (), ()))
        if edge.spec.tls.issuer_ref is not None:
            wanted = issued_names(edge.metadata.name, edge.spec.region, "trunkline.test")
            certificate_object(edge, wanted, "trunkline-system")


@pytest.fixture(scope="module")
def read() -> set[Place]:
    """The fields that are looked at."""
    found: set[Place] = set()
    things = objects()

    def noted(model: Model, name: str) -> Any:
        value = object.__getattribute__(model, name)
        kind = object.__getattribute__(model, "__class__")
        if name == "model_dump":
            found.update((kind.__name__, each) for each in kind.model_fields)
        elif not name.startswith("_") and name in kind.model_fields:
            found.add((kind.__name__, name))
        return value

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Model, "__getattribute__", noted, raising=False)
        serve(things)
    return found


@pytest.mark.parametrize("kind", ALL_KINDS, ids=lambda kind: str(kind.kind))
def test_each_field_is_read_or_says_that_it_is_not(kind: type[AnyResource], read: set[Place]) -> None:
    """The mend: read it where it has an effect, or mark it `NotYet` or `ForPeople` where it is declared."""
    assert sorted(to_be_read(kind) - read) == []


def test_what_asks_for_a_missing_feature_is_told_by_its_path() -> None:
    assert told_of(NotYet) >= {"Carrier spec.gateways[0].tls.verify", "Carrier spec.sourceRanges[1]"}


def test_what_asks_for_a_media_relay_is_told_by_its_path() -> None:
    assert told_of(NeedsRelay) == {
        "Trunk spec.secure",
        "Trunk spec.symmetricRtp",
        "Trunk spec.codecs",
        "Trunk spec.transcoding",
        "Trunk spec.recording.mode",
        "Trunk spec.recording.trim",
        "Trunk spec.origination.disasterRecovery",
        "Carrier spec.secure",
        "Carrier spec.codecs",
    }


def told_of(kind: type[Mark]) -> set[str]:
    """What the whole objects ask for in vain, by marks of this kind."""
    return {
        f"{each['kind']} {missing.field}"
        for each in WHOLE
        for missing in missing_features(decode(each).spec, kind)
    }


def test_defaults_ask_for_nothing() -> None:
    """Also when they are written out."""
    trunk = {
        "apiVersion": "trunkline.dev/v1alpha1",
        "kind": "Trunk",
        "metadata": {"name": "hq", "namespace": "a"},
    }
    spec = {"codecs": ["PCMU", "PCMA"], "recording": {"mode": "DoNotRecord"}, "secure": False}
    assert not list(missing_features(decode({**trunk, "spec": spec}).spec, Mark))
