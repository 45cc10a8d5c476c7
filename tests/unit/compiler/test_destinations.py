"""Hosts where no call can be sent are told when they are written, and no edge is told of them."""

from __future__ import annotations

from typing import Any

import pytest

from sipedge.table import Section, TrunkRow
from support.objects import (
    make_account,
    make_edge,
    make_number,
    make_origination_uri,
    make_trunk,
)
from trunkline.api import Platform, Resources
from trunkline.compiler import Compilation, ConditionReason, ConditionType, compile_resources
from trunkline.compiler.destinations import Destinations

OURS = Destinations(
    ("pstn.oslo.trunkline.test", "pstn.trunkline.test", "sip.oslo.trunkline.test"),
    ("198.51.100.1",),
    ("10.0.0.0/8", "fe80::/10"),
)


@pytest.mark.parametrize(
    ("host", "reason"),
    (
        ("pstn.trunkline.test", ConditionReason.OWN_EDGE),
        ("HQ.Pstn.Trunkline.Test.", ConditionReason.OWN_EDGE),
        ("a.b.pstn.oslo.trunkline.test", ConditionReason.OWN_EDGE),
        ("a1.sip.oslo.trunkline.test", ConditionReason.OWN_EDGE),
        ("198.51.100.1", ConditionReason.OWN_EDGE),
        ("::ffff:198.51.100.1", ConditionReason.OWN_EDGE),
        ("2001:db8::1", ConditionReason.NOT_YET),
        ("fe80::1", ConditionReason.NOT_YET),
        ("10.9.9.9", ConditionReason.TARGET_DENIED),
        ("10.1.2.3", None),
        ("198.51.100.2", None),
        ("trunkline.test", None),
        ("pbx.trunkline.test", None),
        ("notpstn.trunkline.test", None),
        ("pstn.trunkline.test.example", None),
    ),
)
def test_what_bars_a_host(host: str, reason: ConditionReason | None) -> None:
    """Our own names with all below them, our addresses, IPv6, and denied networks but for exceptions."""
    found = OURS.bars(host, ("10.1.0.0/16",), "the host of the PBX")
    assert (None if found is None else found.reason) == reason


def compiled(
    *allowed: str,
    observed: tuple[str, ...] = (),
    uri: str = "sip:10.1.2.3",
    nodes: frozenset[str] = frozenset(),
) -> Compilation:
    """Trunk `hq` with one number and one URI, on a platform that denies 10.0.0.0/8."""
    objects = (
        make_edge("oslo", advertise={"type": "HostNetwork"}),
        make_account("acme", namespaces=["acme"], numberPrefixes=["+"], allowedTargetCidrs=list(allowed)),
        make_trunk(),
        make_number(trunkRef={"name": "hq"}),
        make_origination_uri(sipUri=uri),
    )
    platform = Platform("trunkline.test", ("10.0.0.0/8",))
    return compile_resources(
        Resources.build(
            objects, {}, (), platform, observed_addresses={"oslo": observed}, node_addresses=nodes
        )
    )


def reasons(compilation: Compilation, kind: str, condition: ConditionType) -> list[str]:
    return [
        str(each.reason) for each in compilation.verdicts if (each.ref.kind, each.type) == (kind, condition)
    ]


def targets(compilation: Compilation) -> list[str]:
    row = compilation.tables["oslo"].sections[Section.TRUNK]["acme/hq"]
    assert isinstance(row, TrunkRow)
    return [target.host for target in row.targets]


def test_a_denied_target_takes_no_part_until_its_account_may_use_it() -> None:
    """Told at the URI and at the trunk; the exception mends both."""
    denied, allowed = compiled(), compiled("10.1.0.0/16")
    assert targets(denied) == []
    assert reasons(denied, "OriginationUri", ConditionType.RESOLVED_REFS) == ["TargetDenied"]
    assert reasons(denied, "Trunk", ConditionType.ORIGINATION_READY) == ["NoUsableUri"]
    assert targets(allowed) == ["10.1.2.3"]
    assert reasons(allowed, "OriginationUri", ConditionType.RESOLVED_REFS) == ["Resolved"]
    assert reasons(allowed, "Trunk", ConditionType.ORIGINATION_READY) == ["Ready"]


def test_an_address_that_an_edge_was_seen_to_have_is_no_target() -> None:
    """Where an Edge lists none, those of its nodes count."""
    assert targets(compiled(uri="sip:192.0.2.7")) == ["192.0.2.7"]
    found = compiled(observed=("192.0.2.7",), uri="sip:192.0.2.7")
    assert targets(found) == []
    assert reasons(found, "OriginationUri", ConditionType.RESOLVED_REFS) == ["OwnEdge"]


def test_a_node_of_the_cluster_is_no_target_unless_its_account_may_use_it() -> None:
    """A kubelet, or whatever else listens there, is nobody's PBX."""
    nodes = frozenset({"192.0.2.7", "2001:db8::7"})
    denied, allowed = (compiled(*each, uri="sip:192.0.2.7", nodes=nodes) for each in ((), ("192.0.2.0/24",)))
    assert targets(denied) == []
    assert reasons(denied, "OriginationUri", ConditionType.RESOLVED_REFS) == ["TargetDenied"]
    (message,) = (each.message for each in denied.verdicts if each.reason is ConditionReason.TARGET_DENIED)
    assert message.startswith("192.0.2.7 is an address of a node of this cluster")
    assert targets(allowed) == ["192.0.2.7"]
    site: Any = denied.tables["oslo"].sections[Section.SITE]["site"]
    assert site.denied_targets == ("10.0.0.0/8", "192.0.2.7/32", "2001:db8::7/128")
