"""Findings in the forms that people, scripts and CI systems read. Pure: findings to text."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any, Final
from urllib.parse import quote
from xml.etree import ElementTree

from sipedge.printable import printable
from trunkline.api import FieldReason
from trunkline.cli.finding import Finding
from trunkline.cli.options import ValidateOutput
from trunkline.cli.reading import INPUT_NAME
from trunkline.cli.terminal import PLAIN, Look
from trunkline.compiler.reasons import ConditionReason

_SARIF_SCHEMA: Final = "https://json.schemastore.org/sarif-2.1.0.json"
_MEANINGS: Final[Mapping[str, str]] = {
    each.value: each.meaning for kind in (ConditionReason, FieldReason) for each in kind
}


def findings_text(findings: Sequence[Finding], look: Look = PLAIN) -> str:
    """One line each; "" for none."""
    return "\n".join(each.text(look) for each in findings)


def rendered(output: ValidateOutput, findings: Sequence[Finding], files: Sequence[str]) -> str:
    """The findings in one of the forms for machines. `files` are all that were read."""
    match output:
        case ValidateOutput.GITHUB:
            return "\n".join(map(_github, findings))
        case ValidateOutput.SARIF:
            return json.dumps(sarif(findings), indent=2)
        case ValidateOutput.JUNIT:
            return junit(findings, files)
        case ValidateOutput.YAML:
            return _yaml([each.document() for each in findings])
    return json.dumps([each.document() for each in findings], indent=2)


def _yaml(document: object) -> str:
    import yaml

    text: str = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=110)
    return text.rstrip("\n")


def _github(finding: Finding) -> str:
    """A workflow command: GitHub shows it at the line of the pull request."""
    place = {} if _path(finding) is None else {"file": _path(finding), "line": finding.line}
    properties = {**place, "title": f"{_owner(finding)}{finding.reason}"}
    told = ",".join(f"{name}={_property(str(value))}" for name, value in properties.items())
    return f"::{finding.severity} {told}::{_data(_said(finding))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(printable(text)).replace(":", "%3A").replace(",", "%2C")


def sarif(findings: Sequence[Finding]) -> dict[str, Any]:
    """A log of SARIF 2.1.0 with one run; the rules are the reasons that occur."""
    rules = sorted({each.reason for each in findings})
    return {
        "$schema": _SARIF_SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "trunkline validate",
                        "version": version("trunkline"),
                        "rules": [_rule(reason) for reason in rules],
                    }
                },
                "results": [_result(each, rules) for each in findings],
            }
        ],
    }


def _rule(reason: str) -> dict[str, Any]:
    meaning = _MEANINGS.get(reason)
    return {"id": reason, **({} if meaning is None else {"shortDescription": {"text": f"{meaning}."}})}


def _result(finding: Finding, rules: list[str]) -> dict[str, Any]:
    location: dict[str, Any] = {}
    path = _path(finding)
    if path is not None:
        region = {"startLine": max(1, finding.line or 1)}
        location["physicalLocation"] = {"artifactLocation": {"uri": quote(path)}, "region": region}
    if finding.ref is not None:
        location["logicalLocations"] = [{"fullyQualifiedName": str(finding.ref), "kind": "resource"}]
    return {
        "ruleId": finding.reason,
        "ruleIndex": rules.index(finding.reason),
        "level": finding.severity,
        "message": {"text": _said(finding)},
        **({"locations": [location]} if location else {}),
    }


def junit(findings: Sequence[Finding], files: Sequence[str]) -> str:
    """A test case for each finding, which an error fails, and one for each file without an error."""
    clean = [name for name in files if not any(each.file == name for each in findings)]
    errors = sum(each.severity == "error" for each in findings)
    counts = {"tests": str(len(findings) + len(clean)), "failures": str(errors), "errors": "0"}
    root = ElementTree.Element("testsuites", counts)
    suite = ElementTree.SubElement(root, "testsuite", {"name": "trunkline validate", **counts})
    for finding in findings:
        case = _case(suite, finding.text().partition(": ")[0], f"{finding.ref or finding.file or ''}")
        said = _said(finding)
        if finding.severity == "error":
            failure = {"type": printable(finding.reason), "message": said}
            ElementTree.SubElement(case, "failure", failure).text = finding.text()
        else:
            ElementTree.SubElement(case, "system-out").text = finding.text()
    for name in clean:
        _case(suite, name, name)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=False)


def _case(suite: ElementTree.Element, name: str, owner: str) -> ElementTree.Element:
    return ElementTree.SubElement(suite, "testcase", {"name": printable(name), "classname": printable(owner)})


def _path(finding: Finding) -> str | None:
    """The file as a CI system can open it."""
    return None if finding.file in (None, INPUT_NAME) else finding.file


def _owner(finding: Finding) -> str:
    return f"{finding.ref}: " if finding.ref else ""


def _said(finding: Finding) -> str:
    """Object, field and message on one line, for forms that have the place and the reason elsewhere."""
    parts = (str(finding.ref) if finding.ref else "", finding.field, finding.message)
    return printable(": ".join(part for part in parts if part))
