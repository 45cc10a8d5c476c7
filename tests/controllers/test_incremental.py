"""However it came about, the same set of objects gives the same tables and verdicts."""

from __future__ import annotations

from typing import Any, cast

from hypothesis import given, settings
from hypothesis import strategies as st

from sipedge.table.publication import pack_parts
from support.contents import Contents
from support.objects import manifest_of
from support.revisions import PackedTables
from trunkline.api import FieldErrors, InvalidObject, ObjectRef, Platform, Resources, decode
from trunkline.compiler import compile_resources
from trunkline.controllers.store import Store

PLATFORM = Platform("trunkline.test")

SPECS: dict[tuple[str, str | None, str], tuple[dict[str, Any], ...]] = {
    ("Account", None, "acme"): (
        {"namespaces": ["acme"], "numberPrefixes": ["+"], "domainNames": ["*"]},
        {"namespaces": ["acme"], "numberPrefixes": ["+1415"]},
        {"namespaces": ["acme"], "numberPrefixes": ["+"], "domainNames": ["*"], "suspended": True},
    ),
    ("Account", None, "other"): ({"namespaces": ["acme", "other"], "numberPrefixes": ["+"]},),
    ("Edge", None, "ashburn"): (
        {"advertise": {"type": "PodIP"}},
        {"advertise": {"type": "Static", "addresses": ["192.0.2.1"]}, "region": "us1"},
    ),
    ("Edge", None, "dublin"): ({"advertise": {"type": "Static", "addresses": ["192.0.2.1"]}},),
    ("Carrier", None, "telco"): (
        {"sourceRanges": ["198.51.100.0/24"], "prefixes": ["+"], "gateways": [{"host": "192.0.2.9"}]},
        {"prefixes": ["+1"], "gateways": [{"host": "192.0.2.9", "edges": ["dublin"]}]},
    ),
    ("Trunk", "acme", "hq"): (
        {"termination": {"domainName": "acme-hq", "ipAccessControlListRefs": [{"name": "sites"}]}},
        {"termination": {"domainName": "acme-lab"}},
        {"colour": "red"},
    ),
    ("Trunk", "other", "hq"): ({"termination": {"domainName": "acme-hq"}},),
    ("IpAccessControlList", "acme", "sites"): (
        {"entries": [{"cidr": "203.0.113.0/29"}]},
        {"entries": [{"cidr": "203.0.113.8/29"}]},
    ),
    ("OriginationUri", "acme", "hq"): (
        {"trunkRef": {"name": "hq"}, "sipUri": "sip:pbx.acme.example"},
        {"trunkRef": {"name": "hq"}, "sipUri": "sip:pbx.acme.example", "enabled": False},
    ),
    ("Number", "acme", "main"): (
        {"number": "+14155550100", "trunkRef": {"name": "hq"}},
        {"number": "+14155550100"},
        {"number": "+442079460000", "trunkRef": {"name": "hq"}},
    ),
    ("Number", "acme", "block"): (
        {"range": {"first": "+14155550100", "last": "+14155550199"}, "trunkRef": {"name": "hq"}},
    ),
    ("Number", "other", "main"): ({"number": "+14155550100"},),
}

steps = st.lists(
    st.sampled_from(sorted(SPECS, key=str)).flatmap(
        lambda name: st.tuples(st.just(name), st.sampled_from((*SPECS[name], None)))
    ),
    min_size=1,
    max_size=25,
)


@settings(max_examples=200)
@given(steps)
def test_any_sequence_of_changes_ends_as_a_cold_start(
    changes: list[tuple[tuple[str, str | None, str], dict[str, Any] | None]],
) -> None:
    """After each change: tables byte for byte, and every verdict. The oldest claim wins in both."""
    store, packed = Store(), PackedTables()
    contents = Contents(store)
    present: dict[tuple[str, str | None, str], dict[str, Any]] = {}
    for version, (name, spec) in enumerate(changes, 1):
        manifest = _manifest(name, spec or {}, version, present.get(name))
        store.note("DELETED" if spec is None else "MODIFIED", manifest)
        present.pop(name, None)
        if spec is not None:
            present[name] = manifest
        good, bad = contents.all()
        warm = compile_resources(Resources.build(good, {}, bad, PLATFORM))
        cold = compile_resources(_cold(present))
        assert warm.verdicts == cold.verdicts
        assert warm.facts == cold.facts
        assert warm.tables.keys() == cold.tables.keys()
        parts = packed.parts(warm.tables)
        assert parts == {edge: pack_parts(table) for edge, table in cold.tables.items()}


def _manifest(
    name: tuple[str, str | None, str], spec: dict[str, Any], version: int, before: dict[str, Any] | None
) -> dict[str, Any]:
    kind, namespace, own = name
    first = before["metadata"] if before else {}
    return manifest_of(
        kind,
        own,
        namespace,
        spec,
        uid=first.get("uid", f"{own}-{version}"),
        generation=first.get("generation", 0) + 1,
        resourceVersion=str(version),
        creationTimestamp=first.get("creationTimestamp", f"2026-01-01T00:00:{version:02}Z"),
    )


def _cold(present: dict[tuple[str, str | None, str], dict[str, Any]]) -> Resources:
    good, bad = [], []
    for manifest in present.values():
        try:
            good.append(decode(manifest))
        except FieldErrors as error:
            bad.append(InvalidObject(cast("ObjectRef", error.ref), error.generation, error.errors))
    return Resources.build(good, {}, bad, PLATFORM)
