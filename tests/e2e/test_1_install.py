"""From `helm install` to answered calls through every edge pod."""

from __future__ import annotations

import json
import ssl
import subprocess
import time

import pytest

from cluster.processes import wait_until
from e2e.calls import LAB_LINE, MAIN_LINE, SPARE, originate, originated_call, terminated_call
from e2e.installation import EDGES, QUICKSTART_EDGES, Installation
from e2e.own_node import OwnNode, entered
from e2e.sites import Site, wait_for_records
from support.sipua import user_agent
from support.trunkline_command import COMMAND, ROOT, environment, run_trunkline

# The first test of a run also waits for images to be built.
pytestmark = [pytest.mark.cluster, pytest.mark.timeout(900)]


def test_what_users_apply_becomes_ready(installation: Installation) -> None:
    """`helm install`, `kubectl apply`, `kubectl wait`: all that a user does, with manifests as they are."""
    installation.wait_ready()
    assert [pod.name for pod in installation.all_pods()] == [
        "edge-ashburn-0",
        "edge-ashburn-1",
        "edge-dublin-0",
        "edge-dublin-1",
    ]


def test_dns_leads_to_every_pod(installation: Installation, own: OwnNode) -> None:
    """The zone's own server answers with the addresses of the pods that serve."""
    for edge in QUICKSTART_EDGES:
        wait_for_records(own, edge, [pod.address for pod in installation.wait_pods(edge, 2)])
    everywhere = sorted(pod.address for pod in installation.all_pods())
    wait_until("DNS", lambda: own.records("acme-hq.pstn.trunkline.test") == everywhere, 120)


def test_calls_go_both_ways_through_every_pod(installation: Installation, site: Site) -> None:
    """The PSTN reaches the PBX and the PBX the PSTN, and each side can hang up."""
    phones = site.phones
    for pod in installation.all_pods():
        call = originated_call(phones["telco-a"], pod.address, MAIN_LINE, phones["pbx1"])
        assert call.invite.header("Diversion").startswith(f"<sip:{MAIN_LINE}@")
        call.renew()
        call.hang_up()
        call = terminated_call(phones["pbx1"], pod.address, phones["telco-a"])
        call.renew()
        call.hang_up()


def test_a_pbx_that_trusts_the_authority_calls_by_tls(installation: Installation, own: OwnNode) -> None:
    """Every pod proves by the trunk's name who it is, and takes the call over that connection."""
    bundle = installation.kubectl.within(EDGES).get("configmap", "trunkline-ca")["data"]["ca.crt"]
    trusting = ssl.create_default_context(cadata=bundle)
    host = own.hosts["pbx1"]
    for pod in installation.all_pods():
        with entered(host), user_agent(host.address, 0, "tls", trusting) as pbx:
            terminated_call(pbx, pod.address, own.phones["telco-a"], port=5061).hang_up()


def test_numbers_lead_where_they_are_said_to(installation: Installation, site: Site) -> None:
    """Another trunk's number goes to that trunk's PBX; one without a trunk is answered by the edge: 404."""
    phones = site.phones
    for pod in installation.all_pods():
        assert originate(phones["telco-a"], pod.address, LAB_LINE, phones["lab"]).status == 486
        assert originate(phones["telco-a"], pod.address, SPARE, None).status == 404


def test_calls_are_listed_shown_and_ended_through_the_api_server(
    installation: Installation, site: Site
) -> None:
    """Records from the pods' logs; a call in progress by asking in its pod, where both sides are told."""
    kubeconfig = ("--kubeconfig", str(installation.kubectl.kubeconfig))
    phones, (pod, *_) = site.phones, installation.all_pods()
    call = originated_call(phones["telco-a"], pod.address, MAIN_LINE, phones["pbx1"])
    sid = call.invite.header("X-Trunkline-CallSid")
    active = run_trunkline("calls", "active", *kubeconfig, "-o", "json")
    assert [each["pod"] for each in json.loads(active.stdout) if each["callSid"] == sid] == [pod.name], (
        active.stderr
    )
    command = [*COMMAND, "calls", "end", sid, *kubeconfig]
    with subprocess.Popen(command, cwd=ROOT, env=environment(), stdout=subprocess.PIPE, text=True) as ending:
        for leg in (call.caller, call.callee):
            bye = leg.agent.wait("BYE", call_id=call.invite.call_id, seconds=20)
            leg.agent.respond(bye, 200, "OK")
        said, _ = ending.communicate(timeout=60)
    assert said == f"{sid} at {pod.name}: ended, both sides were told\n"
    deadline = time.monotonic() + 60
    while sid not in (listed := run_trunkline("calls", "list", *kubeconfig).stdout):
        assert time.monotonic() < deadline, listed
    assert listed.count(sid) == 1
    shown = run_trunkline("calls", "show", sid, *kubeconfig).stdout
    assert "ended by `trunkline calls end`" in shown
    assert f"pod          {pod.name}" in shown
    assert "acme/hq" in run_trunkline("usage", *kubeconfig).stdout
