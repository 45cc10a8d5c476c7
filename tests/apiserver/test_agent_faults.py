"""What goes wrong around edge pods: calls go on with the last good table, and all heals by itself."""

from __future__ import annotations

import base64
import json
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from apiserver.edge_calls import NUMBER, OTHER, answer_to, call, hang_up, is_served, parties, table
from apiserver.edge_pods import EDGE, EdgeNamespace, EdgePod
from apiserver.operators import restart
from sipedge.table.publication import head_object
from support.addresses import Block
from support.freezing import frozen
from support.patience import PATIENCE

pytestmark = pytest.mark.apiserver


def test_api_server_killed_and_started_again_is_followed_again(
    pod: EdgePod, namespace: EdgeNamespace, block: Block
) -> None:
    """While it is away the pod is ready, says so, and serves; what is published afterwards reaches it."""
    server = namespace.server
    with parties(block) as (carrier, pbx):
        restart(server, "kube-apiserver", pause=4)
        pod.until("noticed", lambda: "no answer from the API server" in pod.log())
        assert pod.page("/readyz")[0] == 200
        hang_up(call(block, carrier, pbx), carrier, pbx)
        sequence = namespace.publish(table(block, NUMBER, OTHER))
        pod.until_said(revision=str(sequence), ready="true")
        hang_up(call(block, carrier, pbx, OTHER), carrier, pbx)
    pod.until("healed", lambda: pod.page("/readyz")[1] == f"ready: revision {sequence}\n")


def test_both_containers_restart_without_an_api_server(
    pod: EdgePod, namespace: EdgeNamespace, block: Block
) -> None:
    """The volume has all that is needed; and afterwards the pod goes on where it was."""
    here, pod.changes = pod.changes, {"KUBERNETES_SERVICE_PORT": "9"}  # where nobody listens
    pod.end_agent()
    pod.end_kamailio()
    pod.start()
    pod.until_ready()
    assert "no answer from the API server" in pod.page("/readyz")[1]
    with parties(block) as (carrier, pbx):
        hang_up(call(block, carrier, pbx), carrier, pbx)
        pod.end_kamailio()
        pod.until_unready()
        pod.start_kamailio()
        pod.until_ready()
        hang_up(call(block, carrier, pbx), carrier, pbx)
        pod.changes = here
        pod.end_agent()
        pod.start_agent()
        sequence = namespace.publish(table(block, NUMBER, OTHER))
        pod.until_said(revision=str(sequence), ready="true")
        hang_up(call(block, carrier, pbx, OTHER), carrier, pbx)


def test_history_that_is_compacted_away_is_listed_again(
    pod: EdgePod, namespace: EdgeNamespace, block: Block
) -> None:
    """The agent missed changes that the API server no longer remembers: 410, and one more list."""
    server = namespace.server
    assert pod.agent is not None
    with frozen(pod.agent.pid):
        namespace.publish(table(block, NUMBER, OTHER))
        restart(server, "kube-apiserver")
        sequence = namespace.publish(table(block, OTHER))
        compact(namespace)
    pod.until_said(revision=str(sequence), ready="true")
    assert "answers 410" in pod.log()
    with parties(block) as (carrier, pbx):
        assert answer_to(block, carrier, NUMBER) == 404
        hang_up(call(block, carrier, pbx, OTHER), carrier, pbx)


def test_deleted_table_keeps_the_pod_serving(pod: EdgePod, namespace: EdgeNamespace, block: Block) -> None:
    """Somebody deletes all Secrets of the table; the operator's next publication heals it."""
    listing = json.loads(namespace.server.request(f"/api/v1/namespaces/{namespace.name}/secrets"))
    for each in listing["items"]:
        if each["metadata"]["name"].startswith("table-"):
            namespace.delete_secret(each["metadata"]["name"])
    pod.until_wrong(f"{head_object(EDGE)} is missing: the operator publishes it")
    assert pod.page("/readyz")[0] == 200
    with parties(block) as (carrier, pbx):
        hang_up(call(block, carrier, pbx), carrier, pbx)
        namespace.publish(table(block, NUMBER, OTHER), acknowledged=1)
        pod.until_said(revision="2", ready="true")
        assert is_served(block, carrier, pbx, OTHER)
    pod.until("healed", lambda: pod.page("/readyz")[1] == "ready: revision 2\n")


def test_missing_lease_is_said_and_written_once_it_is_there(namespace: EdgeNamespace, block: Block) -> None:
    """Nobody but the operator makes Leases; the pod serves without."""
    path = f"/apis/coordination.k8s.io/v1/namespaces/{namespace.name}/leases"
    with namespace.pod(block.address(1)) as pod:
        lease = pod.lease()
        namespace.server.request(f"{path}/{pod.name}", method="DELETE")
        namespace.publish(table(block))
        pod.start()
        pod.until_wrong(f"Lease {namespace.name}/{pod.name} is missing: the operator makes it")
        pod.until_ready()
        metadata = {"name": pod.name, "labels": lease["metadata"]["labels"]}
        namespace.server.request(path, method="POST", body={**lease, "metadata": metadata})
        pod.until_said(revision="1", ready="true")


def test_token_is_read_again_when_it_is_replaced(
    pod: EdgePod, namespace: EdgeNamespace, block: Block
) -> None:
    """The kubelet replaces it before it expires; one that is refused is not for ever."""
    token = pod.account / "token"
    good = token.read_text()
    token.write_text("expired")
    restart(namespace.server, "kube-apiserver")
    pod.until_wrong("the API server answers 401")
    assert pod.page("/readyz")[0] == 200
    token.write_text(good)
    sequence = namespace.publish(table(block, NUMBER, OTHER))
    pod.until_said(revision=str(sequence), ready="true")


def compact(namespace: EdgeNamespace) -> None:
    """Let etcd forget everything but the present."""
    flags = Path(f"/proc/{namespace.server.processes.pid('etcd')}/cmdline").read_text().split("\0")
    etcd = next(flag.partition("=")[2] for flag in flags if flag.startswith("--listen-client-urls="))
    key = base64.b64encode(b"nothing").decode()
    revision = ask_etcd(f"{etcd}/v3/kv/range", {"key": key})["header"]["revision"]
    ask_etcd(f"{etcd}/v3/kv/compaction", {"revision": revision, "physical": True})


def ask_etcd(url: str, question: dict[str, Any]) -> Any:
    request = urllib.request.Request(url, json.dumps(question).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=PATIENCE) as answer:
        return json.load(answer)
