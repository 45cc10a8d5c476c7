"""Which fields `explain` names for a refusal: of real kinds and settings, for every reason."""

from __future__ import annotations

import re
from dataclasses import fields

import pytest

from sipedge.routing.reasons import Reason
from trunkline.api.kinds import KINDS
from trunkline.api.schema import structural_schema
from trunkline.cli.explain.deciding import FIELDS, NO_FIELDS, SETTING, deciding_fields
from trunkline.cli.render_decision import told_rule
from trunkline.settings import OperatorSettings


def test_every_reason_has_its_fields_or_is_known_to_have_none() -> None:
    assert FIELDS.keys() | NO_FIELDS == set(Reason)
    assert not FIELDS.keys() & NO_FIELDS
    assert all(FIELDS.values())


@pytest.mark.parametrize("field", sorted({each for named in FIELDS.values() for each in named}))
def test_a_field_that_decides_is_there(field: str) -> None:
    kind, _, path = field.partition(" ")
    if kind == SETTING:
        assert path.removeprefix("--").replace("-", "_") in {each.name for each in fields(OperatorSettings)}
        return
    schema = structural_schema(KINDS[kind])
    for name in path.split("."):
        schema = schema["properties"][name]


def test_an_object_is_named_where_it_is_known() -> None:
    assert deciding_fields(Reason.SourceNotAllowed, "acme/hq", "acme") == (
        "Trunk acme/hq spec.termination.ipAccessControlListRefs",
        "IpAccessControlList spec.entries",
    )
    assert deciding_fields(Reason.CarrierCpsExceeded, carrier="telco") == (
        "Carrier telco spec.callsPerSecond",
    )
    assert deciding_fields(Reason.MalformedRequest, "acme/hq") == ()
    assert deciding_fields(None) == ()


def test_a_rule_is_called_one_and_a_section_too() -> None:
    """A bare `S40`, or a bare number behind an RFC, says nothing to who meets it first."""
    assert [
        told_rule(each) for each in ("S40", "RFC 3261 8.2.2.2", "RFC 3323", "answers", "policy", "-")
    ] == [
        "rule S40",
        "RFC 3261 section 8.2.2.2",
        "RFC 3323",
        "",
        "",
        "",
    ]
    for reason in Reason:
        assert re.fullmatch(r"(rule S\d+|RFC \d{4}( section [\d.]+)?)?", told_rule(reason.value.rule))
