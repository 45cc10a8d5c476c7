"""The forms of findings that CI systems read: each is what its reader expects, whatever the text says."""

from __future__ import annotations

import json
from xml.etree import ElementTree

import jsonschema
import pytest
import yaml

from trunkline.api import ObjectRef
from trunkline.cli.finding import Finding
from trunkline.cli.options import ValidateOutput
from trunkline.cli.reading import INPUT_NAME
from trunkline.cli.render_findings import rendered

TRUNK = ObjectRef("Trunk", "acme", "hq")
ERROR = Finding(
    *("a b/hq.yaml", 5, "spec.x", "UnknownField", "is not a field: 100%, really", "error"),
    ref=TRUNK,
    waiting=(ObjectRef("Number", "acme", "main"), ObjectRef("Number", "acme", "fax")),
)
WARNING = Finding("ok.yaml", 1, "", "NotYet", "has no effect", "warning", ref=TRUNK)
HOSTILE = Finding(INPUT_NAME, 2, "a\nb", "InvalidYAML", "x\x1b[31m\r\n::error::y\udcff]]>", "error")
IN_A_CLUSTER = Finding(None, None, "spec.y", "Conflict", "is held by another", "error", ref=TRUNK)
ALL = (ERROR, WARNING, HOSTILE, IN_A_CLUSTER)
FILES = ("a b/hq.yaml", "ok.yaml", "clean.yaml")

SARIF = {
    "type": "object",
    "required": ["version", "runs"],
    "properties": {
        "$schema": {"type": "string", "format": "uri"},
        "version": {"const": "2.1.0"},
        "runs": {
            "type": "array",
            "items": {
                "type": "object",
                "required": ["tool", "results"],
                "properties": {
                    "tool": {
                        "type": "object",
                        "required": ["driver"],
                        "properties": {"driver": {"type": "object", "required": ["name", "rules"]}},
                    },
                    "results": {"type": "array", "uniqueItems": True, "items": {"$ref": "#/$defs/result"}},
                },
            },
        },
    },
    "$defs": {
        "result": {
            "type": "object",
            "required": ["message", "ruleId"],
            "additionalProperties": False,
            "properties": {
                "ruleId": {"type": "string"},
                "ruleIndex": {"type": "integer", "minimum": 0},
                "level": {"enum": ["none", "note", "warning", "error"]},
                "message": {"type": "object", "required": ["text"]},
                "locations": {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "additionalProperties": False,
                        "properties": {
                            "physicalLocation": {
                                "type": "object",
                                "required": ["artifactLocation"],
                                "properties": {
                                    "artifactLocation": {
                                        "properties": {"uri": {"type": "string", "pattern": "^[!-~]+$"}}
                                    },
                                    "region": {
                                        "properties": {"startLine": {"type": "integer", "minimum": 1}}
                                    },
                                },
                            },
                            "logicalLocations": {"type": "array", "minItems": 1},
                        },
                    },
                },
            },
        }
    },
}
"""Of the schema of SARIF 2.1.0 what is used here; whole logs were held against the whole schema."""


@pytest.mark.parametrize("output", list(ValidateOutput)[1:])
@pytest.mark.parametrize("findings", (ALL, ()), ids=("findings", "none"))
def test_nothing_that_was_written_reaches_a_terminal_or_adds_a_line(
    output: ValidateOutput, findings: tuple[Finding, ...]
) -> None:
    """Not a control character, and for GitHub not a command of the author's."""
    text = rendered(output, findings, FILES)
    assert all(line.isprintable() for line in text.split("\n"))
    if output is ValidateOutput.GITHUB:
        assert [line.partition(" ")[0] for line in text.splitlines()] == [
            f"::{each.severity}" for each in findings
        ]


def test_github_shows_a_finding_at_its_line() -> None:
    """What has a meaning in a command is escaped: % everywhere, colon and comma in properties."""
    line = rendered(ValidateOutput.GITHUB, (ERROR,), FILES)
    assert line == (
        "::error file=a b/hq.yaml,line=5,title=Trunk acme/hq%3A UnknownField::"
        "Trunk acme/hq: spec.x: is not a field: 100%25, really"
    )
    assert rendered(ValidateOutput.GITHUB, (HOSTILE,), ()).startswith("::error title=InvalidYAML::")


def test_sarif_is_of_its_schema() -> None:
    """With a rule for each reason, in words, and a place for each finding that has one."""
    log = json.loads(rendered(ValidateOutput.SARIF, ALL, FILES))
    jsonschema.validate(log, SARIF)
    (run,) = log["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rules[each["ruleIndex"]]["id"] for each in run["results"]] == [each.reason for each in ALL]
    assert {each["id"] for each in rules if "shortDescription" in each} == {
        "UnknownField",
        "NotYet",
        "Conflict",
    }
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert place == {"artifactLocation": {"uri": "a%20b/hq.yaml"}, "region": {"startLine": 5}}
    assert "locations" not in run["results"][2]


def test_junit_counts_failures_and_clean_files() -> None:
    """An error is a failure, a warning is none, and a file without either has passed."""
    root = ElementTree.fromstring(rendered(ValidateOutput.JUNIT, ALL, FILES))
    (suite,) = root
    assert (root.get("tests"), root.get("failures")) == ("5", "3")
    cases = list(suite)
    assert [[child.tag for child in case] for case in cases] == [
        ["failure"],
        ["system-out"],
        ["failure"],
        ["failure"],
        [],
    ]
    assert cases[0].get("name") == "a b/hq.yaml:5"
    assert cases[-1].get("name") == "clean.yaml"


def test_json_and_yaml_say_the_same() -> None:
    """With who waits for the fault to be mended."""
    found = json.loads(rendered(ValidateOutput.JSON, (ERROR, WARNING), FILES))
    assert yaml.safe_load(rendered(ValidateOutput.YAML, (ERROR, WARNING), FILES)) == found
    assert found[0]["waiting"] == ["Number acme/main", "Number acme/fax"]
    assert ERROR.text().endswith("really [Number acme/main and 1 other wait for this]")
