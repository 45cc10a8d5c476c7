"""The life of an edge pod: its rights, its certificate, its addresses, its metrics, its end."""

from __future__ import annotations

import json
import signal
import ssl
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from apiserver.edge_calls import CALLER, NUMBER, OTHER, answer_to, call, hang_up, parties, table
from apiserver.edge_pods import EDGE, SECONDS, EdgeNamespace, EdgePod
from sipedge.instance import read_settings
from sipedge.tls_files import write_pair
from support.addresses import Block
from support.freezing import frozen, group
from support.patience import PATIENCE
from support.sipua import send_invite

pytestmark = pytest.mark.apiserver


# ------------------------------------------------------------------------------------ rights


def as_agent(
    namespace: EdgeNamespace, token: str, path: str, method: str = "GET", body: object = None
) -> int:
    """The status with which the API server answers the agent's own token."""
    request = urllib.request.Request(
        namespace.server.url + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={"Authorization": f"Bearer {token}", "Content-Type": "application/merge-patch+json"},
        method=method,
    )
    context = ssl.create_default_context(cafile=str(namespace.server.certificate))
    try:
        with urllib.request.urlopen(request, timeout=PATIENCE, context=context) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        with error:
            return error.code


def test_agent_may_read_its_namespace_and_nothing_else(namespace: EdgeNamespace) -> None:
    """A stolen token tells no tenant's password, and changes no other pod's Lease."""
    token, own = namespace.token(), f"/api/v1/namespaces/{namespace.name}"
    leases = f"/apis/coordination.k8s.io/v1/namespaces/{namespace.name}/leases"
    touch = {"metadata": {"annotations": {"trunkline.dev/ready": "false"}}}
    assert as_agent(namespace, token, f"{own}/secrets") == 200
    assert as_agent(namespace, token, f"{own}/secrets/edge-secret") == 200
    assert as_agent(namespace, token, f"{leases}/edge-{EDGE}-0", "PATCH", touch) == 200
    assert as_agent(namespace, token, leases) == 200
    for method, path, body in (
        ("GET", "/api/v1/secrets", None),
        ("GET", "/api/v1/namespaces/default/secrets", None),
        ("GET", "/api/v1/namespaces/kube-system/secrets/anything", None),
        ("GET", f"{own}/pods", None),
        ("GET", f"{own}/configmaps", None),
        ("GET", "/api/v1/nodes", None),
        ("GET", "/api/v1/namespaces", None),
        ("GET", f"{leases}/edge-dublin-0", None),
        ("GET", f"{leases}?watch=true", None),
        ("POST", leases, {"metadata": {"name": "edge-ashburn-9"}}),
        ("PATCH", f"{leases}/edge-dublin-0", touch),
        ("DELETE", f"{leases}/edge-{EDGE}-0", None),
        ("PATCH", f"{own}/secrets/edge-secret", {"data": {}}),
        ("DELETE", f"{own}/secrets/edge-secret", None),
        ("POST", f"{own}/secrets", {"metadata": {"name": "more"}}),
        ("POST", f"{own}/serviceaccounts/edge-{EDGE}/token", {}),
    ):
        assert as_agent(namespace, token, path, method, body) == 403, (method, path)


def test_containers_that_number_their_processes_alike_share_the_table(
    namespace: EdgeNamespace, block: Block
) -> None:
    """LMDB tells readers apart by process number: the agent is 1, and Kamailio's 1 reads nothing."""
    with namespace.pod(block.address(1)) as pod:
        pod.has_own_numbers = True
        namespace.publish(table(block))
        pod.start()
        pod.until_said(ready="true", revision="1")
        for turn in range(5):
            namespace.publish(table(block, NUMBER, f"+1415555050{turn}"))
            with parties(block) as (carrier, pbx):
                hang_up(call(block, carrier, pbx), carrier, pbx)
        pod.until_said(ready="true", revision="6")


# ------------------------------------------------------------------------------- certificates


def served_certificate(block: Block) -> bytes:
    """What a caller over TLS is shown, in PEM."""
    return ssl.get_server_certificate((block.address(1), 5061), timeout=PATIENCE).encode()


def test_rotated_certificate_is_served_while_a_call_goes_on(
    pod: EdgePod, namespace: EdgeNamespace, block: Block
) -> None:
    """No restart, no lost call."""
    with parties(block) as (carrier, pbx):
        leg = call(block, carrier, pbx)
        fresh = namespace.write_certificate("renewed")
        pod.until("served", lambda: served_certificate(block).strip() == fresh.strip())
        hang_up(leg, carrier, pbx)
    pod.until("nothing to tell", lambda: pod.page("/readyz") == (200, "ready: revision 1\n"))


def test_key_of_another_certificate_is_said_and_not_served(
    pod: EdgePod, namespace: EdgeNamespace, block: Block
) -> None:
    """The Lease tells it, the last certificate stays, the right key heals it."""
    old = served_certificate(block)
    certificate = namespace.write_certificate("renewed")
    key = (namespace.folder / "certificate-renewed" / "server.key").read_bytes()
    namespace.write_secret(f"edge-{EDGE}-tls", tls_crt=certificate, tls_key=b"no key")
    pod.until_wrong(f"edge-{EDGE}-tls holds no certificate with its key; the last one stays in use")
    pod.until("told", lambda: "no certificate with its key" in pod.said().get("error", ""))
    time.sleep(3)
    assert pod.page("/readyz")[0] == 200
    namespace.write_secret(f"edge-{EDGE}-tls", tls_crt=certificate, tls_key=key)
    pod.until("served", lambda: served_certificate(block).strip() == certificate.strip())
    assert served_certificate(block) != old
    pod.until("healed", lambda: "error" not in pod.said())


def test_certificate_missed_by_kamailio_is_loaded_by_the_probe(
    pod: EdgePod, namespace: EdgeNamespace, block: Block
) -> None:
    """The agent ended between the writing and the reload: what is served is compared with the file."""
    namespace.write_certificate("unseen")
    pod.end_agent()
    folder = namespace.folder / "certificate-unseen"
    settings = read_settings(pod.volume / "instance.json")
    write_pair(settings, (folder / "server.crt").read_bytes(), (folder / "server.key").read_bytes())
    pod.start_agent()
    wanted = (folder / "server.crt").read_text().strip()
    pod.until("served", lambda: served_certificate(block).decode().strip() == wanted)


def test_pod_waits_for_what_the_operator_has_not_made_yet(namespace: EdgeNamespace, block: Block) -> None:
    """Each thing that is missing is named, and Kamailio starts once all are there."""
    namespace.delete_secret("edge-secret")
    namespace.delete_secret(f"edge-{EDGE}-tls")
    with namespace.pod(block.address(1)) as pod:
        pod.start()
        pod.until_wrong(f"Secret {namespace.name}/edge-secret is missing: the operator makes it")
        pod.until_wrong(f"Secret {namespace.name}/edge-{EDGE}-tls is missing: the operator makes it")
        pod.until_wrong("Kamailio is not started: there is no table yet")
        namespace.publish(table(block))
        namespace.write_certificate("late")
        namespace.write_secret("edge-secret", secret=b"not sixty-four digits")
        pod.until_wrong("key secret must hold 64 hex digits")
        assert pod.page("/readyz")[0] == 503
        namespace.write_secret("edge-secret", secret=namespace.edge_secret.encode())
        pod.until_said(ready="true", revision="1")
        assert "waiting for the agent" in pod.log("kamailio")


def test_changed_edge_secret_does_not_break_the_calls_of_a_running_pod(
    pod: EdgePod, namespace: EdgeNamespace, block: Block
) -> None:
    """It goes on with the old one, says so with the mend, and keeps both out of every text."""
    namespace.write_secret("edge-secret", secret=b"f" * 64)
    pod.until_wrong("edge-secret has changed: this pod goes on with the one that its calls began with")
    assert pod.page("/readyz")[0] == 200
    with parties(block) as (carrier, pbx):
        hang_up(call(block, carrier, pbx), carrier, pbx)
    texts = pod.log() + pod.log("kamailio") + json.dumps(pod.lease()) + pod.page("/metrics")[1]
    assert namespace.edge_secret not in texts
    assert "f" * 64 not in texts
    assert pod.page("/readyz")[0] == 200


# ---------------------------------------------------------------------------------- addresses


def listing(folder: Path, addresses: str) -> dict[str, str]:
    """The variables of a pod whose Edge lists these addresses."""
    path = folder / "addresses"
    path.write_text(addresses)
    return {"TRUNKLINE_ADVERTISE": "Static", "TRUNKLINE_ADDRESSES_FILE": str(path)}


def test_listed_address_that_the_node_owns_is_taken(
    namespace: EdgeNamespace, block: Block, tmp_path: Path
) -> None:
    """Static: of the Edge's addresses, this node has one."""
    changes = listing(tmp_path, f"192.0.2.7,{block.address(1)}")
    namespace.publish(table(block))
    with namespace.pod(block.address(1), changes) as pod:
        pod.start()
        pod.until_said(address=block.address(1), ready="true")


def test_node_without_a_listed_address_is_told_with_the_mend(
    namespace: EdgeNamespace, block: Block, tmp_path: Path
) -> None:
    """The pod says it in its Lease, and serves once the list has an address of its node."""
    changes = listing(tmp_path, "192.0.2.7,192.0.2.8")
    namespace.publish(table(block))
    with namespace.pod(block.address(1), changes) as pod:
        pod.start()
        pod.until("told", lambda: "list one of its addresses" in pod.said().get("error", ""))
        assert "has none of the addresses of Edge ashburn (192.0.2.7, 192.0.2.8)" in pod.said()["error"]
        assert pod.page("/readyz")[0] == 503
        assert pod.page("/livez")[0] == 200
        listing(tmp_path, f"192.0.2.7,{block.address(1)}")
        pod.until_said(address=block.address(1), ready="true")


def test_address_that_callers_see_comes_from_the_table(namespace: EdgeNamespace, block: Block) -> None:
    """HostNetwork: Kamailio shows the node's outer address; another one is taken when no call is going on."""
    with namespace.pod(block.address(1), {"TRUNKLINE_ADVERTISE": "HostNetwork"}) as pod:
        namespace.publish(table(block, advertised=((block.address(1), "192.0.2.44"),)))
        pod.start()
        pod.until_said(address="192.0.2.44", ready="true")
        with parties(block) as (carrier, pbx):
            leg = call(block, carrier, pbx)
            namespace.publish(table(block, advertised=((block.address(1), "192.0.2.55"),)))
            pod.until_wrong("Kamailio takes its new address once its last call has ended")
            hang_up(leg, carrier, pbx)
            assert pod.kamailio is not None
            assert pod.kamailio.wait(SECONDS) == 0
            pod.end_kamailio()
            pod.start_kamailio()
            pod.until("answers", lambda: pod.hook("alive_main.py").wait(SECONDS) == 0)
            pod.until_said(address="192.0.2.55", ready="true")
            invite = send_invite(
                carrier, (block.address(1), 5060), f"sip:{NUMBER}@{block.address(1)}", caller=CALLER
            )
            reached = pbx.wait("INVITE")
            assert "192.0.2.55" in reached.header("Record-Route")
            pbx.respond(reached, 486)
            invite.ack_refusal(invite.final())


# ------------------------------------------------------------------------------- HTTP and the end


def test_metrics_tell_of_table_calls_and_refusals(pod: EdgePod, block: Block) -> None:
    """In Prometheus' format, with the edge as label."""
    with parties(block) as (carrier, pbx):
        leg = call(block, carrier, pbx)
        assert answer_to(block, carrier, OTHER) == 404
        metrics = samples(pod)
        hang_up(leg, carrier, pbx)
    assert metrics[f'trunkline_edge_ready{{edge="{EDGE}"}}'] == 1
    assert metrics[f'trunkline_edge_api_up{{edge="{EDGE}"}}'] == 1
    assert metrics[f'trunkline_edge_table_sequence{{edge="{EDGE}"}}'] == 1
    assert metrics[f'trunkline_edge_table_published_sequence{{edge="{EDGE}"}}'] == 1
    assert metrics[f'trunkline_edge_calls_in_progress{{edge="{EDGE}"}}'] == 1
    assert metrics[f'trunkline_edge_calls_total{{edge="{EDGE}"}}'] >= 1
    assert metrics[f'trunkline_edge_invites_received_total{{edge="{EDGE}"}}'] == 2
    assert metrics[f'trunkline_edge_refusals_total{{edge="{EDGE}",reason="NumberNotFound"}}'] == 1
    assert pod.page("/secrets")[0] == 404


def samples(pod: EdgePod) -> dict[str, float]:
    status, text = pod.page("/metrics")
    assert status == 200
    lines = [line.rpartition(" ") for line in text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in lines}


def test_drain_leaves_the_lease_first_and_waits_for_the_call(pod: EdgePod, block: Block) -> None:
    """As when the pod is deleted: the agent's SIGTERM and the hook of Kamailio's container together."""
    with parties(block) as (carrier, pbx):
        leg = call(block, carrier, pbx)
        hook = pod.hook("drain_main.py")
        assert pod.agent is not None
        pod.agent.send_signal(signal.SIGTERM)
        pod.until_said(ready="false")
        pod.until("refusing", lambda: answer_to(block, carrier, NUMBER) == 503)
        time.sleep(1)
        assert (hook.poll(), pod.agent.poll()) == (None, None)
        hang_up(leg, carrier, pbx)
        assert (hook.wait(PATIENCE), pod.agent.wait(PATIENCE)) == (0, 0)
    assert "drained, 0 calls in progress are left" in pod.log()


def test_every_log_line_of_the_agent_is_json_that_names_the_pod(pod: EdgePod) -> None:
    """So that a log of many pods can be searched."""
    lines = [json.loads(line) for line in pod.log().rpartition("\n")[0].splitlines()]
    assert lines
    assert all(line["edge"] == EDGE and line["pod"] == pod.name for line in lines)


def test_liveness_of_kamailio_is_an_answer_to_a_request(pod: EdgePod) -> None:
    """The probe of its container passes while it answers, and fails when it is stuck."""
    assert pod.kamailio is not None
    assert pod.hook("alive_main.py").wait(PATIENCE) == 0
    with frozen(*group(pod.kamailio.pid)):
        assert pod.hook("alive_main.py").wait(PATIENCE) == 1
        pod.until_unready()
        assert pod.page("/livez")[0] == 200
    pod.until_ready()
