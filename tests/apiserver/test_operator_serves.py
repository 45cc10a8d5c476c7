"""The operator on a real API server: what users apply gets into tables, and into status."""

from __future__ import annotations

import base64
import json
import time
import urllib.request

import pytest

from apiserver.operators import Platform
from apiserver.quickstart import (
    ADDRESSES,
    EDGE,
    PASSWORD,
    custom,
    origination,
    quickstart,
    secret,
    termination,
)
from cluster.processes import free_ports
from sipedge.routing.decision import Challenge, Forward, Reject
from sipedge.routing.reasons import Reason
from support.patience import PATIENCE

pytestmark = pytest.mark.apiserver


def published(platform: Platform) -> int:
    """Apply the quickstart, start an operator, and wait for the table; its sequence."""
    platform.kubectl.apply(*quickstart(platform.tenant))
    platform.start()
    platform.wait_for("a table", lambda: platform.table(EDGE))
    return platform.table(EDGE).sequence


def routes(platform: Platform, request: object, wanted: type) -> bool:
    return isinstance(platform.table(EDGE).decide(request), wanted)  # type: ignore[arg-type]


def test_applied_trunks_reach_the_edges_tables_and_route_calls(platform: Platform) -> None:
    """`kubectl apply` leads to Secrets from which an edge decides a call each way."""
    published(platform)
    table = platform.table(EDGE)
    to_pbx = table.decide(origination())
    assert isinstance(to_pbx, Forward)
    assert [target.host for target in to_pbx.targets] == ["pbx.acme.example"]
    to_pstn = table.decide(termination())
    assert isinstance(to_pstn, Forward)
    assert [target.carrier for target in to_pstn.targets] == ["telco"]


def test_a_change_is_published_and_touches_only_its_part(platform: Platform) -> None:
    """A moved number rewrites its part and the head, nothing else."""
    sequence = published(platform)
    platform.kubectl.apply(
        custom("Trunk", "lab", {}),
        custom("OriginationUri", "lab", {"trunkRef": {"name": "lab"}, "sipUri": "sip:lab.acme.example"}),
    )
    platform.wait_for("the new trunk", lambda: platform.table(EDGE).sequence > sequence)
    before = platform.quiet()
    platform.kubectl.apply(custom("Number", "main", {"number": "+14155550100", "trunkRef": {"name": "lab"}}))

    def moved() -> bool:
        decision = platform.table(EDGE).decide(origination())
        return isinstance(decision, Forward) and decision.trunk == f"{platform.tenant}/lab"

    platform.wait_for("the number's new trunk", moved)
    now = platform.versions()
    changed = {key.rpartition("/")[2] for key in now if now[key] != before.get(key) and "/secrets" in key}
    assert changed == {f"table-{EDGE}-head", next(each for each in changed if "number" in each)}


def test_a_deleted_number_is_no_longer_routed(platform: Platform) -> None:
    published(platform)
    assert routes(platform, origination(), Forward)
    platform.kubectl("delete", "number", "main")
    platform.wait_for("refusal", lambda: routes(platform, origination(), Reject))


def test_programmed_waits_for_every_pod_that_serves(platform: Platform) -> None:
    """Two pods' Leases, written as their agents write them: True only when both have the revision."""
    sequence = published(platform)
    platform.wait_condition("trunk", "hq", "Programmed", status="False", reason="NoEdgePods")
    platform.acknowledge(EDGE, 0, sequence, address=ADDRESSES[0])
    platform.acknowledge(EDGE, 1, sequence, address=ADDRESSES[1])
    platform.wait_condition("trunk", "hq", "Programmed", status="True", reason="Programmed")
    platform.wait_condition("trunk", "hq", "Ready", status="True")
    platform.kubectl("wait", "--for=condition=Ready", "--timeout=60s", "trunk/hq", "number/main")

    platform.kubectl("patch", "trunk", "hq", "--type=merge", "-p", '{"spec":{"friendlyName":"New"}}')
    platform.wait_for("the new revision", lambda: platform.condition("trunk", "hq", "Programmed") != {})
    platform.kubectl("patch", "trunk", "hq", "--type=merge", "-p", '{"spec":{"maxConcurrentCalls":7}}')
    platform.wait_for("publication", lambda: platform.table(EDGE).sequence > sequence)
    newer = platform.table(EDGE).sequence
    platform.wait_condition("trunk", "hq", "Programmed", status="Unknown", reason="Pending")
    assert platform.condition("trunk", "hq", "Programmed")["observedGeneration"] == 3
    platform.acknowledge(EDGE, 0, newer, address=ADDRESSES[0])
    time.sleep(1)
    assert platform.condition("trunk", "hq", "Programmed")["status"] == "Unknown"
    platform.acknowledge(EDGE, 1, newer, address=ADDRESSES[1])
    platform.wait_condition("trunk", "hq", "Programmed", status="True")


def test_an_edge_shows_its_addresses(platform: Platform) -> None:
    """The Leases, written as agents write them, become the Edge's status."""
    sequence = published(platform)
    platform.acknowledge(EDGE, 0, sequence, address=ADDRESSES[0])
    platform.acknowledge(EDGE, 1, 0, address=ADDRESSES[1], ready=False)
    platform.wait_condition("edge", EDGE, "Ready", status="True")
    wanted = [
        {"address": ADDRESSES[0], "pod": f"edge-{EDGE}-0", "ready": True, "revision": str(sequence)},
        {"address": ADDRESSES[1], "pod": f"edge-{EDGE}-1", "ready": False, "revision": "0"},
    ]
    platform.wait_for("both", lambda: platform.kubectl.get("edge", EDGE)["status"]["addresses"] == wanted)
    status = platform.kubectl.get("edge", EDGE)["status"]
    assert status["addressList"] == ADDRESSES[0]
    assert (status["pods"], status["podSummary"]) == ({"ready": 1, "wanted": 2}, "1/2")
    assert status["agentPort"] == 8090


def test_refusals_name_field_and_mend_and_stop_nothing_else(platform: Platform) -> None:
    """A claim that the Account does not permit is refused and stalled; the others are served."""
    platform.kubectl.apply(
        custom("Number", "stolen", {"number": "+442079460000", "trunkRef": {"name": "hq"}})
    )
    published(platform)
    platform.wait_condition("number", "stolen", "Accepted", status="False", reason="NotPermitted")
    accepted = platform.condition("number", "stolen", "Accepted")
    assert accepted["message"].startswith("spec.number: Account acme may not claim +442079460000")
    assert platform.condition("number", "stolen", "Stalled")["status"] == "True"
    assert platform.condition("number", "main", "Accepted")["status"] == "True"
    assert routes(platform, origination(), Forward)


def test_a_password_reaches_the_table_within_seconds_and_is_shown_nowhere(platform: Platform) -> None:
    """A changed Secret changes the HA1; neither password nor HA1 is logged or put into a status.

    Bytes that are no password are told on the list, and what else changes goes on to the edges.
    """
    users = {"credentials": [{"username": "pbx", "passwordSecretRef": {"name": "pbx", "key": "password"}}]}
    platform.kubectl.apply(custom("CredentialList", "users", users))
    published(platform)
    trunk = {"termination": {"domainName": "acme-hq", "credentialListRefs": [{"name": "users"}]}}
    platform.kubectl.apply(custom("Trunk", "hq", trunk))
    platform.wait_condition(
        "credentiallist", "users", "ResolvedRefs", status="False", reason="SecretNotFound"
    )
    platform.kubectl.apply(secret("pbx", password=PASSWORD))
    platform.wait_condition("credentiallist", "users", "ResolvedRefs", status="True")

    def user_passes() -> bool:
        table = platform.table(EDGE)
        challenged = isinstance(table.decide(termination()), Challenge)
        return challenged and isinstance(table.decide(termination(username="pbx")), Forward)

    platform.wait_for("the user", user_passes)
    raw = {"password": base64.b64encode(PASSWORD.encode() + b"\xff\xfe").decode()}
    platform.kubectl.apply({**secret("pbx"), "data": raw})
    platform.wait_condition(
        "credentiallist", "users", "ResolvedRefs", status="False", reason="SecretNotValid"
    )
    moved = {"termination": {**trunk["termination"], "domainName": "acme-lab"}}
    platform.kubectl.apply(custom("Trunk", "hq", moved))
    call = termination(domain="acme-lab")
    platform.wait_for("the trunk's new domain", lambda: routes(platform, call, Challenge))
    assert routes(platform, termination(domain="acme-lab", username="pbx"), Reject), "nobody passes by it"
    assert "a turn failed" not in platform.operators[0].log.read_text()
    logs = platform.operators[0].log.read_text()
    everything = json.dumps(platform.kubectl.get("trunkline", "-o", "json"))
    for text in (PASSWORD, "pbx:sip.trunkline.test"):
        assert text not in logs
        assert text not in everything


def test_secrets_of_other_namespaces_stay_unread(platform: Platform) -> None:
    """Without the right, the condition holds the kubectl line that mends it."""
    users = {"credentials": [{"username": "pbx", "passwordSecretRef": {"name": "pbx", "key": "password"}}]}
    platform.kubectl.apply(
        *quickstart(platform.tenant),
        custom("CredentialList", "users", users),
        secret("pbx", password=PASSWORD),
    )
    platform.start(tenant_namespaces="")
    platform.wait_condition(
        "credentiallist", "users", "ResolvedRefs", status="False", reason="SecretNotReadable"
    )
    message = platform.condition("credentiallist", "users", "ResolvedRefs")["message"]
    assert f"kubectl create rolebinding trunkline-secret-reader --namespace={platform.tenant}" in message


def test_nothing_of_users_objects_is_written_but_status(platform: Platform) -> None:
    """No field, label, annotation or finalizer: managedFields show the operator on status alone."""
    sequence = published(platform)
    platform.acknowledge(EDGE, 0, sequence, address=ADDRESSES[0])
    platform.wait_condition("trunk", "hq", "Ready", status="True")
    for kind in ("trunk", "number", "originationuri", "account", "carrier", "edge"):
        for each in platform.kubectl.get(kind, "--show-managed-fields")["items"]:
            assert "finalizers" not in each["metadata"]
            ours = [entry for entry in each["metadata"]["managedFields"] if entry["manager"] == "trunkline"]
            assert [entry.get("subresource") for entry in ours] == ["status"], each["metadata"]["name"]


def test_reasons_why_a_call_is_refused_are_those_of_the_routing(platform: Platform) -> None:
    """A suspended Account refuses every call from the next revision on."""
    published(platform)
    platform.kubectl("patch", "account", "acme", "--type=merge", "-p", '{"spec":{"suspended":true}}')

    def refused() -> bool:
        decision = platform.table(EDGE).decide(origination())
        return isinstance(decision, Reject) and decision.reason is Reason.AccountSuspended

    platform.wait_for("603", refused)


def test_metrics_and_health_are_served_and_hold_no_secret(platform: Platform) -> None:
    """Prometheus' names; the time from a change to its acknowledgement; who acts."""
    metrics, health = free_ports(2)
    platform.kubectl.apply(*quickstart(platform.tenant))
    platform.start(metrics_port=str(metrics), health_port=str(health), listen_address="127.60.0.1")
    platform.wait_for("a table", lambda: platform.table(EDGE))
    platform.acknowledge(EDGE, 0, platform.table(EDGE).sequence, address=ADDRESSES[0])
    platform.wait_condition("trunk", "hq", "Ready", status="True")

    def text(port: int, path: str) -> str:
        with urllib.request.urlopen(f"http://127.60.0.1:{port}{path}", timeout=PATIENCE) as answer:
            return str(answer.read().decode())

    told = text(metrics, "/metrics")
    assert "trunkline_leader 1.0" in told
    assert f'trunkline_edge_table_published_sequence{{edge="{EDGE}"}} 1.0' in told
    assert "trunkline_publication_delay_seconds_count 1.0" in told
    assert "trunkline_acknowledgement_delay_seconds_count 1.0" in told
    ends = f'trunkline_edge_certificate_expiry_timestamp_seconds{{edge="{EDGE}"}}'
    platform.wait_for("the certificate's end", lambda: ends in text(metrics, "/metrics"))
    assert json.loads(text(health, "/healthz"))["operator"]["leading"] is True
    assert json.loads(text(health, "/readyz"))["operator"]["complete"] is True


def test_an_edge_gets_its_workload_its_secret_and_its_certificate(platform: Platform) -> None:
    """Everything that pods need stands in the edge namespace, and goes with the Edge.

    Pods of a Static one may run where nodes tell of its addresses.
    """
    published(platform)
    edges = platform.kubectl.within(platform.edges)
    names = f"statefulset/edge-{EDGE} service/edge-{EDGE} role/edge-{EDGE} lease/edge-{EDGE}-0".split()
    names += [f"lease/edge-{EDGE}-1", "secret/edge-secret", f"secret/edge-{EDGE}-tls"]
    platform.wait_for("all", lambda: edges.try_("get", *names).status == 0)
    platform.wait_condition("edge", EDGE, "CertificateReady", status="True", reason="Issued")
    shared = edges.get("secret", "edge-secret")["data"]["secret"]
    assert len(base64.b64decode(shared)) == 64

    for number, address in enumerate(ADDRESSES):
        node = {"apiVersion": "v1", "kind": "Node", "metadata": {"name": f"static-{number}"}}
        platform.kubectl.apply(node)
        told = {"addresses": [{"type": "InternalIP", "address": address}]}
        platform.kubectl.patch_status("node", f"static-{number}", told)

    def nodes() -> list[str]:
        spec = edges.get("statefulset", f"edge-{EDGE}")["spec"]["template"]["spec"]
        needed = spec.get("affinity", {}).get("nodeAffinity", {})
        terms = needed.get("requiredDuringSchedulingIgnoredDuringExecution", {}).get("nodeSelectorTerms", ())
        return [name for term in terms for name in term["matchFields"][0]["values"]]

    platform.wait_for("its nodes", lambda: nodes() == ["static-0", "static-1"])

    edges("delete", f"statefulset/edge-{EDGE}", "--wait=false")
    platform.wait_for("it is put back", lambda: edges.try_("get", f"statefulset/edge-{EDGE}").status == 0, 60)
    platform.kubectl("delete", "edge", EDGE)
    gone = f"statefulset/edge-{EDGE}"
    platform.wait_for("it goes", lambda: "NotFound" in edges.try_("get", gone).errors, 60)
    platform.wait_for(
        "its table", lambda: "NotFound" in edges.try_("get", f"secret/table-{EDGE}-head").errors
    )
    assert edges.get("secret", "edge-secret")["data"]["secret"] == shared
