"""Defaults, status and changes of objects on a real API server; and what `kubectl get` shows."""

from __future__ import annotations

import json
import re
import secrets
import time
from collections.abc import Mapping
from typing import Any

import pytest

from api.whole_objects import BLOCK, NUMBER, REMOVED, WHOLE, changed
from apiserver.test_objects import placed
from cluster.kubectl import Kubectl
from trunkline.api import ALL_KINDS, KINDS
from trunkline.api.group import API_VERSION

pytestmark = pytest.mark.apiserver

SMALLEST: Mapping[str, Mapping[str, Any]] = {
    "Trunk": {"termination": {}, "origination": {"disasterRecovery": {"url": "https://acme.example/"}}},
    "OriginationUri": {"trunkRef": {"name": "hq"}, "sipUri": "sip:pbx.acme.example"},
    "Number": {"number": "+14155550100"},
    "CredentialList": {},
    "IpAccessControlList": {},
    "HeaderManipulationPolicy": {
        "rules": [{"actions": [{"target": "ToNumber", "type": "AddPrefix", "value": "+1"}]}]
    },
    "CallerId": {"number": "+14155550100", "accountRef": {"name": "acme"}},
    "Account": {"namespaces": ["acme"]},
    "Edge": {"advertise": {"type": "PodIP"}, "ports": {}, "media": {}, "dns": {}, "drain": {}},
    "Carrier": {},
}
"""A spec of each kind with as little in it as may be."""

WAITING = {"status": "Unknown", "reason": "Pending", "message": "Waiting for controller"}


def written(kind: str, name: str = "smallest") -> dict[str, Any]:
    """The smallest object of a kind."""
    return {"apiVersion": API_VERSION, "kind": kind, "metadata": {"name": name}, "spec": SMALLEST[kind]}


def apply(kubectl: Kubectl, manifest: Mapping[str, Any]) -> tuple[str, str]:
    """Apply it and tell what `kubectl get` asks for it by."""
    own = placed(manifest, kubectl.namespace)
    kubectl.apply(own)
    return KINDS[own["kind"]].plural, own["metadata"]["name"]


@pytest.mark.parametrize("kind", SMALLEST)
def test_status_says_from_the_first_answer_that_nothing_has_looked_yet(kubectl: Kubectl, kind: str) -> None:
    """Without an operator an object is Unknown, not blank; and no tool takes it for ready."""
    conditions = kubectl.get(*apply(kubectl, written(kind)))["status"]["conditions"]
    epoch = "1970-01-01T00:00:00Z"
    assert conditions == [
        {"type": kind_of_condition, **WAITING, "lastTransitionTime": epoch}
        for kind_of_condition in ("Accepted", "Ready")
    ]


@pytest.mark.parametrize(
    ("kind", "defaults"),
    (
        (
            "Trunk",
            {
                "secure": False,
                "symmetricRtp": False,
                "transcoding": "Never",
                "termination": {},
                "origination": {
                    "cnamLookup": False,
                    "disasterRecovery": {"url": "https://acme.example/", "method": "POST"},
                },
            },
        ),
        ("OriginationUri", {**SMALLEST["OriginationUri"], "priority": 10, "weight": 10, "enabled": True}),
        ("Number", SMALLEST["Number"]),
        (
            "Account",
            {
                "namespaces": ["acme"],
                "allowDeprecatedTls": False,
                "maxCallDurationSeconds": 14400,
                "suspended": False,
            },
        ),
        (
            "Edge",
            {
                "advertise": {"type": "PodIP"},
                "ports": {"udp": 5060, "tcp": 5060, "tls": 5061},
                "media": {"firstPort": 10000, "lastPort": 60000, "relay": "Always", "transcodedCalls": 20},
                "dns": {"ttlSeconds": 600},
                "drain": {"maxSeconds": 3600},
            },
        ),
        ("Carrier", {"emergencyCapable": False, "secure": False}),
    ),
)
def test_defaults_are_the_documented_ones(kubectl: Kubectl, kind: str, defaults: Mapping[str, Any]) -> None:
    """The server fills in leaves of what was written, and makes no object that was not."""
    assert kubectl.get(*apply(kubectl, written(kind)))["spec"] == defaults


@pytest.mark.parametrize("kind", SMALLEST)
def test_status_and_spec_cannot_be_written_through_each_other(kubectl: Kubectl, kind: str) -> None:
    """A user cannot claim to be Ready; an operator cannot change what the user wants."""
    what = apply(kubectl, written(kind))
    before = kubectl.get(*what)
    claim = {"status": {"observedGeneration": 7, "conditions": []}}
    kubectl("patch", *what, "--type=merge", "-p", json.dumps(claim))
    unchanged = kubectl.get(*what)
    assert unchanged["status"] == before["status"]
    assert unchanged["metadata"]["generation"] == 1

    both = {
        "status": {"observedGeneration": 7},
        "spec": {"friendlyName": "changed"},
        "metadata": {"labels": {"a": "b"}},
    }
    kubectl("patch", *what, "--subresource=status", "--type=merge", "-p", json.dumps(both))
    after = kubectl.get(*what)
    assert after["status"]["observedGeneration"] == 7
    assert after["spec"] == before["spec"]
    assert after["metadata"]["generation"] == 1


@pytest.mark.parametrize("whole", WHOLE, ids=lambda whole: f"{whole['kind']} {whole['metadata']['name']}")
def test_a_change_of_spec_counts_a_generation(kubectl: Kubectl, whole: Mapping[str, Any]) -> None:
    """Each edit is a new generation, so that a status can say which one it speaks of."""
    what = apply(kubectl, whole)
    field = "spec.friendlyName" if "friendlyName" in whole["spec"] else _changeable(whole["kind"])
    edited = (
        changed({"spec": {}}, *field) if isinstance(field, tuple) else changed({"spec": {}}, field, "edited")
    )
    kubectl("patch", *what, "--type=merge", "-p", json.dumps(edited))
    assert kubectl.get(*what)["metadata"]["generation"] == 2


def _changeable(kind: str) -> tuple[str, object]:
    changes: dict[str, tuple[str, object]] = {
        "Number": ("spec.trunkRef", {"name": "another"}),
        "Account": ("spec.callsPerSecond", 7),
        "Edge": ("spec.drain.maxSeconds", 7),
        "Carrier": ("spec.callsPerSecond", 7),
    }
    return changes[kind]


@pytest.mark.parametrize(
    ("old", "path", "value", "at"),
    (
        (NUMBER, "spec.number", "+14155550199", "spec.number"),
        (BLOCK, "spec.range.last", "+14155551998", "spec.range"),
        (BLOCK, "spec.range.first", "+14155551001", "spec.range"),
        (NUMBER, "spec.number", None, "spec.number"),
    ),
    ids=("number", "end of a block", "begin of a block", "removed"),
)
def test_the_identity_of_a_number_cannot_change(
    kubectl: Kubectl, old: Mapping[str, Any], path: str, value: object, at: str
) -> None:
    """The server refuses the edit, says what to do instead, and keeps the old number."""
    what = apply(kubectl, old)
    before = kubectl.get(*what)
    change = json.dumps(changed({"spec": {}}, path, value))
    answer = kubectl.try_("patch", *what, "--type=merge", "-p", change)
    assert answer.status == 1
    assert f"{at}: " in answer.errors
    assert "delete this Number and create another" in answer.errors
    assert kubectl.get(*what)["spec"] == before["spec"]


def test_a_number_cannot_become_a_block(kubectl: Kubectl) -> None:
    """Neither can the one form of identity take the place of the other."""
    what = apply(kubectl, NUMBER)
    change = json.dumps({"spec": {"number": None, "range": dict(BLOCK["spec"]["range"])}})
    answer = kubectl.try_("patch", *what, "--type=merge", "-p", change)
    assert answer.status == 1
    assert "delete this Number and create another" in answer.errors


@pytest.mark.parametrize("trunk", ({"name": "lab"}, REMOVED), ids=("another", "none"))
def test_a_number_may_move_to_another_trunk_or_none(kubectl: Kubectl, trunk: object) -> None:
    """What is no identity may change."""
    what = apply(kubectl, NUMBER)
    own = {**NUMBER, "metadata": {"name": what[1], "namespace": kubectl.namespace}}
    kubectl.apply(changed(own, "spec.trunkRef", trunk))
    assert kubectl.get(*what)["spec"].get("trunkRef") == (None if trunk is REMOVED else trunk)


# ------------------------------------------------------------------------------------ kubectl get

COLUMNS = {
    "Trunk": "NAME TERMINATION-URI NUMBERS READY AGE",
    "OriginationUri": "NAME TRUNK URI PRIORITY WEIGHT ENABLED READY AGE",
    "Number": "NAME NUMBER FIRST LAST TRUNK READY AGE",
    "Edge": "NAME ADDRESSES PODS PROGRAMMED DNS CERT READY AGE",
}


def table(kubectl: Kubectl, *arguments: str) -> list[dict[str, str]]:
    """The rows of `kubectl get`, cut where the headings begin."""
    head, *rows = kubectl("get", *arguments).splitlines()
    starts = [found.start() for found in re.finditer(r"(?:^|(?<= {2}))\S", head)]
    ends = [*starts[1:], None]
    names = [head[a:b].strip() for a, b in zip(starts, ends, strict=True)]
    return [{name: row[a:b].strip() for name, a, b in zip(names, starts, ends, strict=True)} for row in rows]


@pytest.mark.parametrize("kind", COLUMNS)
def test_kubectl_get_shows_the_promised_columns(kubectl: Kubectl, kind: str) -> None:
    """The columns are those of the documentation, in their order."""
    what = apply(kubectl, written(kind))
    (row,) = table(kubectl, *what)
    assert " ".join(row) == COLUMNS[kind]
    assert row["READY"] == "Unknown"


def test_kubectl_get_shows_what_the_status_says_of_a_trunk(kubectl: Kubectl) -> None:
    """The narrow columns tell state, the wide ones detail."""
    what = apply(kubectl, written("Trunk"))
    kubectl.patch_status(
        *what,
        {
            "terminationUri": "acme-hq.pstn.trunkline.test",
            "edgeList": "ashburn, us1",
            "trunkSid": "TK" + "0" * 32,
            "authTypes": ["IpAccessControlList"],
            "numberCount": 120,
            "conditions": [_condition("Ready", "True")],
        },
    )
    (row,) = table(kubectl, *what, "-o", "wide")
    assert row["TERMINATION-URI"] == "acme-hq.pstn.trunkline.test"
    assert row["NUMBERS"] == "120"
    assert row["READY"] == "True"
    assert row["SID"] == "TK" + "0" * 32
    assert row["AUTH"] == '["IpAccessControlList"]'
    assert row["EDGES"] == "ashburn, us1"


def test_kubectl_get_shows_what_the_spec_says_of_an_origination_uri(kubectl: Kubectl) -> None:
    """Target, priority, weight and whether it is enabled."""
    (row,) = table(kubectl, *apply(kubectl, written("OriginationUri")))
    assert (row["TRUNK"], row["URI"]) == ("hq", "sip:pbx.acme.example")
    assert (row["PRIORITY"], row["WEIGHT"], row["ENABLED"]) == ("10", "10", "true")


def test_kubectl_get_shows_numbers_and_blocks_alike(kubectl: Kubectl) -> None:
    """A number has a number, a block its ends."""
    apply(kubectl, NUMBER)
    apply(kubectl, BLOCK)
    rows = {row["NAME"]: row for row in table(kubectl, "numbers")}
    assert rows[NUMBER["metadata"]["name"]]["NUMBER"] == NUMBER["spec"]["number"]
    block = rows[BLOCK["metadata"]["name"]]
    assert (block["FIRST"], block["LAST"]) == (
        BLOCK["spec"]["range"]["first"],
        BLOCK["spec"]["range"]["last"],
    )


def test_kubectl_get_shows_what_the_status_says_of_an_edge(kubectl: Kubectl) -> None:
    """Its conditions each have a column, and its pods one."""
    what = apply(kubectl, written("Edge"))
    conditions = [
        _condition("Programmed", "True"),
        _condition("DNSReady", "False"),
        _condition("CertificateReady", "True"),
        _condition("Ready", "False"),
    ]
    pods = {"pods": {"ready": 1, "wanted": 2}, "podSummary": "1/2"}
    kubectl.patch_status(*what, {"conditions": conditions, **pods})
    (row,) = table(kubectl, *what)
    assert row["PODS"] == "1/2"
    assert (row["PROGRAMMED"], row["DNS"], row["CERT"], row["READY"]) == ("True", "False", "True", "False")


# ----------------------------------------------------------------------------------------- status


def _condition(kind: str, status: str, **more: object) -> dict[str, Any]:
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    return {
        "type": kind,
        "status": status,
        "reason": "Test",
        "message": "",
        "lastTransitionTime": now,
        **more,
    }


@pytest.mark.parametrize("kind", ALL_KINDS, ids=lambda kind: str(kind.kind))
def test_a_status_must_be_well_formed(kubectl: Kubectl, kind: Any) -> None:
    """A condition twice, or with a status that is none, is refused: a faulty operator shows at once."""
    what = apply(kubectl, written(kind.kind, f"smallest-{secrets.token_hex(4)}"))
    twice = {"status": {"conditions": [_condition("Ready", "True"), _condition("Ready", "False")]}}
    maybe = {"status": {"conditions": [_condition("Ready", "Maybe")]}}
    for status, complaint in ((twice, "Duplicate value"), (maybe, "Unsupported value")):
        answer = kubectl.try_(
            "patch", *what, "--subresource=status", "--type=merge", "-p", json.dumps(status)
        )
        assert answer.status == 1
        assert complaint in answer.errors


@pytest.mark.parametrize("kind", ("Trunk", "Edge"))
def test_kubectl_wait_waits_for_the_condition_of_this_generation(kubectl: Kubectl, kind: str) -> None:
    """`kubectl wait --for=condition=Ready` does not take the status of an older generation for an answer."""
    what = apply(kubectl, written(kind))
    kubectl.patch_status(
        *what, {"observedGeneration": 1, "conditions": [_condition("Ready", "True", observedGeneration=1)]}
    )
    wait = ("wait", "--for=condition=Ready", f"{what[0]}/{what[1]}")
    kubectl(*wait, "--timeout=60s")
    path, value = ("spec.secure", True) if kind == "Trunk" else _changeable(kind)
    kubectl("patch", *what, "--type=merge", "-p", json.dumps(changed({"spec": {}}, path, value)))
    assert kubectl.try_(*wait, "--timeout=1s").status == 1
