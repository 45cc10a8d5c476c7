"""Which edges are served, and by which version of each."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sipedge.table import Section, SiteRow
from support.objects import make_carrier, make_edge, make_resources
from trunkline.api import Edge, InvalidObject, Platform, Resources
from trunkline.api.faults import FieldError, FieldReason
from trunkline.compiler import Compilation, ConditionType, compile_resources

OLD, YOUNG = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"


def static(name: str, created: str, *addresses: str) -> Edge:
    return make_edge(name, advertise={"type": "Static", "addresses": list(addresses)}, created=created)


def compiled(*edges: Edge, served: tuple[Edge, ...] = (), invalid: tuple[Edge, ...] = ()) -> Compilation:
    """Of these edges; `invalid` ones cannot be read any more."""
    fault = FieldError("spec", FieldReason.InvalidValue, "wrong")
    broken = [InvalidObject(edge.ref, 2, (fault,)) for edge in invalid]
    by_name = {edge.metadata.name: edge for edge in served}
    platform = Platform("trunkline.test")
    return compile_resources(Resources.build(edges, {}, broken, platform, served_edges=by_name))


def accepted(compilation: Compilation, name: str) -> bool:
    (verdict,) = (
        each for each in compilation.verdicts if each.type == ConditionType.ACCEPTED and each.ref.name == name
    )
    return bool(verdict.status)


def test_a_refused_edit_changes_nothing_but_the_verdict() -> None:
    """The version that serves goes on, with its table; its author is told."""
    oslo = static("oslo", OLD, "192.0.2.1")
    before = static("rome", YOUNG, "192.0.2.2")
    edited = static("rome", YOUNG, "192.0.2.1")
    found = compiled(oslo, edited, served=(oslo, before))
    assert not accepted(found, "rome")
    assert found.edges == {"oslo": oslo, "rome": before}
    assert found.tables == compiled(oslo, before).tables


def test_a_version_that_cannot_be_read_changes_nothing_either() -> None:
    """As after a CRD of another version."""
    rome = static("rome", OLD, "192.0.2.2")
    found = compiled(served=(rome,), invalid=(rome,))
    assert not accepted(found, "rome")
    assert found.edges == {"rome": rome}
    assert found.tables == compiled(rome).tables


def test_without_a_version_that_serves_a_refused_edge_is_not_served() -> None:
    """A new Edge must be right from the start."""
    oslo, rome = static("oslo", OLD, "192.0.2.1"), static("rome", YOUNG, "192.0.2.1")
    found = compiled(oslo, rome)
    assert (set(found.edges), accepted(found, "rome")) == ({"oslo"}, False)


def test_a_version_that_goes_on_keeps_its_addresses() -> None:
    """Its pods have them still, so a younger Edge cannot."""
    oslo = static("oslo", OLD, "192.0.2.1")
    before, edited = static("rome", YOUNG, "192.0.2.2"), static("rome", YOUNG, "192.0.2.1")
    new = static("zurich", "2026-03-01T00:00:00Z", "192.0.2.2")
    found = compiled(oslo, edited, new, served=(oslo, before))
    assert set(found.edges) == {"oslo", "rome"}
    assert not accepted(found, "zurich")


def test_an_older_edge_may_take_what_a_version_that_goes_on_has() -> None:
    """The oldest wins, as ever: two edges can never serve one address."""
    before, edited = static("rome", YOUNG, "192.0.2.2"), static("rome", YOUNG, "192.0.2.3")
    oslo = static("oslo", OLD, "192.0.2.2", "192.0.2.3")
    found = compiled(oslo, edited, served=(before,))
    assert set(found.edges) == {"oslo"}


def on_nodes(name: str, created: str, first_port: int, last_port: int) -> Edge:
    media = {"firstPort": first_port, "lastPort": last_port}
    return make_edge(name, advertise={"type": "HostNetwork"}, media=media, created=created)


@pytest.mark.parametrize(
    ("first_port", "last_port", "where", "shares"),
    (
        (20_000, 30_000, "192.0.2.1", "10000 to 19999 there and 20000 to 30000 here"),
        (10_000, 10_001, "192.0.2.1", "10000 to 14999 there and 15000 to 20001 here"),
        (9_000, 40_000, "192.0.2.1", "9000 to 24499 there and 24500 to 40000 here"),
        (20_002, 30_000, "192.0.2.1", ""),
        (6_000, 9_999, "192.0.2.1", ""),
        (20_000, 30_000, "192.0.2.2", ""),
    ),
)
def test_media_ports_at_one_address_are_of_one_edge(
    first_port: int, last_port: int, where: str, shares: str
) -> None:
    """Two Edges whose pods are on one node. The younger is told, and serves on as it did."""
    oslo, rome = on_nodes("oslo", OLD, 10_000, 20_001), on_nodes("rome", YOUNG, first_port, last_port)
    seen = {"oslo": ("192.0.2.1",), "rome": ("192.0.2.3", where)}
    served = {"oslo": oslo, "rome": rome}
    resources = Resources.build((rome, oslo), {}, (), Platform("trunkline.test"), seen, served_edges=served)
    found = compile_resources(resources)
    assert (accepted(found, "oslo"), accepted(found, "rome")) == (True, not shares)
    assert set(found.edges) == {"oslo", "rome"}
    told = [each.message for each in found.verdicts if each.field == "spec.media"]
    assert told == (
        []
        if not shares
        else [
            "its media ports overlap those of the older Edge oslo at 192.0.2.1, 10000 to 20001: "
            f"give each its own range, say {shares}"
        ]
    )
    without = replace(resources, platform=Platform("trunkline.test", media_relay=False))
    assert accepted(compile_resources(without), "rome"), "ports that nobody relays media at are nobody's"


def test_a_deleted_edge_is_not_served_by_memory() -> None:
    """What is remembered counts only for an Edge that is there."""
    assert compiled(served=(static("rome", OLD, "192.0.2.2"),)).edges == {}


def test_an_edge_is_told_how_long_the_prefixes_of_its_own_carriers_are() -> None:
    """Longest first, each once: a call asks for no other lengths. `emergency` is no prefix."""
    carrier = make_carrier(
        prefixes=["+1", "+4420", "+4", "+3531"],
        gateways=[{"host": "127.0.9.1", "edges": ["oslo"]}],
        emergencyCapable=True,
    )
    tables = compile_resources(
        make_resources(static("oslo", OLD, "192.0.2.1"), static("rome", OLD, "192.0.2.2"), carrier)
    ).tables
    told = {}
    for edge, table in tables.items():
        site = table.sections[Section.SITE]["site"]
        assert isinstance(site, SiteRow)
        told[edge] = site.prefix_lengths
    assert told == {"oslo": (5, 2), "rome": ()}
