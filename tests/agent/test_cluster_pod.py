"""The agent of an edge pod where there is no API server, or nothing that it can use."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pytest

from sipedge.agent.faults import Faults
from sipedge.agent.kube_api import KubernetesApi
from sipedge.agent.pod import NoAddressError, Pod, read_pod, take_address
from sipedge.agent.pod_files import PodFiles, memory_shortage, pod_instance
from sipedge.instance import InstanceError, agent_command
from support.edge import ROOT, make_settings
from support.patience import PATIENCE
from support.web_pages import web_page

ADDRESS = "127.61.250.1"
OTHER = "127.61.250.2"
SECONDS = PATIENCE

GOOD = {
    "TRUNKLINE_EDGE": "ashburn",
    "TRUNKLINE_ADVERTISE": "Static",
    "TRUNKLINE_ADDRESSES_FILE": "addresses",
    "TRUNKLINE_PORTS": "5060,5060,5061",
    "POD_NAME": "edge-ashburn-0",
    "POD_NAMESPACE": "trunkline-edges",
    "POD_IP": ADDRESS,
    "NODE_IP": ADDRESS,
    "KUBERNETES_SERVICE_HOST": "127.0.0.1",
    "KUBERNETES_SERVICE_PORT": "9",
}


LISTED = f"192.0.2.9,{ADDRESS},{OTHER}"


def listing(folder: Path, addresses: str = LISTED) -> Path:
    """The file with the addresses that the Edge lists."""
    path = folder / "addresses"
    path.write_text(addresses)
    return path


def environment(folder: Path, **changes: str) -> dict[str, str]:
    """The variables of a pod whose volume is `folder`, with these changes; an empty one is left out."""
    base = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT / "edge"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "TRUNKLINE_DIRECTORY": str(folder),
        "TRUNKLINE_ACCOUNT": str(folder),
    }
    changes = {"TRUNKLINE_ADDRESSES_FILE": str(listing(folder)), **changes}
    return {name: value for name, value in {**base, **GOOD, **changes}.items() if value}


# ------------------------------------------------------------------------------------ settings


@pytest.mark.parametrize(
    ("changes", "message"),
    (
        ({"TRUNKLINE_ADVERTISE": ""}, "TRUNKLINE_ADVERTISE is not set: an edge pod's agent needs it"),
        ({"TRUNKLINE_ADVERTISE": "Guess"}, "'Guess' is unknown; write Static, HostNetwork or PodIP"),
        ({"TRUNKLINE_ADDRESSES_FILE": ""}, "TRUNKLINE_ADDRESSES_FILE is not set"),
        ({"NODE_IP": "ashburn.example"}, "'ashburn.example' is not an IP address to serve"),
        ({"TRUNKLINE_PORTS": "5060"}, "TRUNKLINE_PORTS: '5060' must be the ports of UDP, TCP and TLS"),
        ({"TRUNKLINE_PORTS": "5060,5060,70000"}, "TRUNKLINE_PORTS: '70000' is not a port number"),
        ({"POD_NAME": ""}, "POD_NAME is not set"),
        ({"KUBERNETES_SERVICE_HOST": ""}, "KUBERNETES_SERVICE_HOST is not set"),
        ({"TRUNKLINE_DRAIN_SECONDS": "soon"}, "TRUNKLINE_DRAIN_SECONDS: 'soon' is not a number of seconds"),
        ({"TRUNKLINE_CALLS_PER_SECOND": "0"}, "TRUNKLINE_CALLS_PER_SECOND 0 is not between 1 and 10000"),
        ({"TRUNKLINE_RESOLVER": "dns.example"}, "'dns.example' is not ADDR:PORT"),
    ),
    ids=lambda value: "" if isinstance(value, Mapping) else value[:40],
)
def test_environment_that_cannot_be_used_ends_with_one_line(
    tmp_path: Path, changes: dict[str, str], message: str
) -> None:
    """Exit 2, and no traceback."""
    ended = subprocess.run(
        agent_command(),
        env=environment(tmp_path, **changes),
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert ended.returncode == 2
    assert message in ended.stderr
    assert "Traceback" not in ended.stderr


def pod(**changes: str) -> Pod:
    return read_pod({**GOOD, **changes})


def test_addresses_follow_the_way_of_advertising() -> None:
    """The listed ones, the node's, or the pod's."""
    own = {"NODE_IP": "192.0.2.1", "POD_IP": "192.0.2.2"}
    assert pod(**own).list_file == Path("addresses")
    host = pod(**own, TRUNKLINE_ADVERTISE="HostNetwork")
    assert (host.own_address, host.list_file) == ("192.0.2.1", None)
    own_network = pod(**own, TRUNKLINE_ADVERTISE="PodIP")
    assert (own_network.own_address, own_network.list_file) == ("192.0.2.2", None)


def test_variables_that_have_a_default_may_be_missing() -> None:
    """Ports, the volume, the account and the port for HTTP."""
    found = read_pod({name: value for name, value in GOOD.items() if name != "TRUNKLINE_PORTS"})
    assert (found.ports.udp, found.ports.tls, found.http_port) == (5060, 5061, 8090)
    assert str(found.directory) == "/var/lib/sipedge"
    with pytest.raises(InstanceError, match="TRUNKLINE_HTTP_PORT: '0' is not a port number"):
        pod(TRUNKLINE_HTTP_PORT="0")


def test_the_containers_memory_bounds_kamailios() -> None:
    """A limit that is large enough changes nothing."""
    assert pod_instance(pod(), ADDRESS).shared_memory_mb == 168
    assert pod_instance(pod(TRUNKLINE_SHARED_MEMORY_MB="4096"), ADDRESS).shared_memory_mb == 168
    assert pod_instance(pod(TRUNKLINE_SHARED_MEMORY_MB="64"), ADDRESS).shared_memory_mb == 64
    with pytest.raises(InstanceError, match="TRUNKLINE_SHARED_MEMORY_MB: 'x' is not a whole number"):
        pod(TRUNKLINE_SHARED_MEMORY_MB="x")


def test_calls_size_memory_and_a_limit_below_that_is_told_with_the_mend() -> None:
    """The edge still serves, but refuses calls earlier than it was asked to."""
    asked = {"TRUNKLINE_CALLS_PER_SECOND": "500", "TRUNKLINE_CALLS_IN_PROGRESS": "10240"}
    settings = pod_instance(pod(**asked), ADDRESS)
    assert (settings.calls_per_second, settings.calls_in_progress) == (500, 10_240)
    assert settings.shared_memory_mb == 448
    assert memory_shortage(pod(**asked)) is None
    assert memory_shortage(pod(**asked, TRUNKLINE_SHARED_MEMORY_MB="448")) is None
    told = memory_shortage(pod(**asked, TRUNKLINE_SHARED_MEMORY_MB="447"))
    assert told is not None
    assert "447 MB" in told
    assert "need 448 MB: raise edge.resources.kamailio.limits.memory to 896Mi, or lower edge.calls" in told


def test_the_agents_log_has_that_once(caplog: pytest.LogCaptureFixture) -> None:
    """As the pod's address is taken; where the limit is enough, nothing is said."""
    for small in (pod(TRUNKLINE_SHARED_MEMORY_MB="64"), pod(TRUNKLINE_SHARED_MEMORY_MB="168")):
        PodFiles(small, ADDRESS, KubernetesApi(small.access), Faults())
    assert [each.message for each in caplog.records] == [
        memory_shortage(pod(TRUNKLINE_SHARED_MEMORY_MB="64"))
    ]


# ----------------------------------------------------------------------------------- addresses


@contextmanager
def taken(address: str, port: int = 5060) -> Iterator[None]:
    """Another program uses this port."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        sock.bind((address, port))
        yield


@pytest.fixture
def static(tmp_path: Path) -> Pod:
    """A pod of an Edge that lists LISTED."""
    return pod(TRUNKLINE_ADDRESSES_FILE=str(listing(tmp_path)))


def test_first_listed_address_that_the_node_owns_and_nobody_uses_is_taken(static: Pod) -> None:
    """192.0.2.9 is not the node's; one that is in use belongs to another pod of the node."""
    assert take_address(static, None) == ADDRESS
    with taken(ADDRESS):
        assert take_address(static, None) == OTHER


def test_own_address_is_taken_where_none_are_listed() -> None:
    """The node's, and the pod's."""
    assert take_address(pod(TRUNKLINE_ADVERTISE="HostNetwork", NODE_IP=OTHER), None) == OTHER
    assert take_address(pod(TRUNKLINE_ADVERTISE="PodIP", POD_IP=OTHER), None) == OTHER


def test_address_that_the_pod_had_before_is_kept(static: Pod, tmp_path: Path) -> None:
    """Its own Kamailio uses it while the agent alone starts again, also where it is listed no more."""
    with taken(OTHER):
        assert take_address(static, OTHER) == OTHER
    listing(tmp_path, ADDRESS)
    assert take_address(static, OTHER) == OTHER
    assert take_address(static, "192.0.2.9") == ADDRESS, "the node lost it"


def test_addresses_that_are_all_in_use_are_told(static: Pod) -> None:
    """The message names port, addresses and node."""
    with taken(ADDRESS), taken(OTHER), pytest.raises(NoAddressError) as raised:
        take_address(static, None)
    text = f"port 5060 of {ADDRESS}, {OTHER} is taken by another program on node {ADDRESS}"
    assert text in str(raised.value)


def test_node_that_owns_none_is_told_with_the_mend_until_the_list_has_one(
    static: Pod, tmp_path: Path
) -> None:
    """What to change in the Edge; the pod that waits sees the change."""
    listing(tmp_path, "192.0.2.9")
    with pytest.raises(NoAddressError, match=r"none of the addresses of Edge ashburn \(192\.0\.2\.9\)"):
        take_address(static, None)
    listing(tmp_path, OTHER)
    assert take_address(static, None) == OTHER


def test_list_that_cannot_be_read_is_told(static: Pod, tmp_path: Path) -> None:
    """No file, and what is no address."""
    listing(tmp_path, "ashburn.example")
    with pytest.raises(NoAddressError, match=r"'ashburn\.example' is not an IP address to serve"):
        take_address(static, None)
    listing(tmp_path).unlink()
    with pytest.raises(NoAddressError, match="the addresses that Edge ashburn lists cannot be read"):
        take_address(static, None)


# ---------------------------------------------------------------------- an agent without a cluster


@contextmanager
def running(folder: Path, **changes: str) -> Iterator[subprocess.Popen[bytes]]:
    with open(folder / "agent.log", "ab") as log:
        process = subprocess.Popen(
            agent_command(), env=environment(folder, **changes), stdout=log, stderr=log
        )
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def page(path: str, port: int = 8090) -> tuple[int, str]:
    return web_page(f"http://{ADDRESS}:{port}{path}")


def until_wrong(text: str, port: int = 8090) -> None:
    deadline = time.monotonic() + SECONDS
    while text not in page("/readyz", port)[1]:
        assert time.monotonic() < deadline, page("/readyz", port)
        time.sleep(0.05)


def test_agent_without_account_api_server_and_table_is_alive_and_not_ready(tmp_path: Path) -> None:
    """It says what is missing, counts it, and ends at once when it is told to."""
    with running(tmp_path) as process:
        until_wrong("no answer from the API server at 127.0.0.1:9")
        until_wrong("there is no table yet")
        assert page("/readyz")[0] == 503
        assert page("/livez") == (200, "alive\n")
        status, metrics = page("/metrics")
        assert status == 200
        assert 'trunkline_edge_ready{edge="ashburn"} 0.0' in metrics
        assert "# TYPE trunkline_edge_ready gauge" in metrics
        process.send_signal(signal.SIGTERM)
        assert process.wait(SECONDS) == 0
    for line in (tmp_path / "agent.log").read_text().splitlines():
        assert json.loads(line)["pod"] == "edge-ashburn-0"


def test_port_that_is_taken_is_said_and_opened_once_it_is_free(tmp_path: Path) -> None:
    """Two edges on one node need ports of their own; nothing else waits for it."""
    with socket.create_server((ADDRESS, 8091)) as other, running(tmp_path, TRUNKLINE_HTTP_PORT="8091"):
        deadline = time.monotonic() + SECONDS
        while f"port 8091 of {ADDRESS} cannot be opened" not in (tmp_path / "agent.log").read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        other.close()
        until_wrong("there is no table yet", 8091)


# --------------------------------------------------------------------------------- Kamailio's container


@contextmanager
def entrypoint(instance: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        [str(ROOT / "edge" / "kamailio" / "entrypoint")],
        env={
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(ROOT / "edge"),
            "TRUNKLINE_INSTANCE": str(instance),
            "PYTHONDONTWRITEBYTECODE": "1",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        yield process
    finally:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def _comm_of_child(pid: int) -> str:
    """The name of its program, "" where there is none, or none any more."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        return Path(f"/proc/{children[0]}/comm").read_text().strip() if children else ""
    except OSError:
        return ""


def test_entrypoint_waits_for_the_agent_and_runs_kamailio(tmp_path: Path) -> None:
    """Its first process passes the kubelet's signals on, and Kamailio's end is the container's."""
    settings = make_settings(tmp_path, ADDRESS)
    hidden = settings.settings_file.rename(settings.settings_file.with_name("later.json"))
    with entrypoint(settings.settings_file) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"waiting for the agent to write {settings.settings_file}\n"
        hidden.rename(settings.settings_file)
        deadline = time.monotonic() + SECONDS
        while _comm_of_child(process.pid) != "kamailio":
            assert time.monotonic() < deadline
            time.sleep(0.05)
        time.sleep(1)
        process.terminate()
        assert process.wait(SECONDS) == 0


def test_entrypoint_that_waits_ends_when_it_is_told_to(tmp_path: Path) -> None:
    """Else a pod that never got a table would be in the way for as long as a drain may take."""
    with entrypoint(tmp_path / "instance.json") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.terminate()
        assert process.wait(SECONDS) == 0


def test_entrypoint_refuses_settings_that_are_none(tmp_path: Path) -> None:
    """One line, exit 2."""
    (tmp_path / "instance.json").write_text("[]")
    with entrypoint(tmp_path / "instance.json") as process:
        assert process.wait(SECONDS) == 2
        assert process.stdout is not None
        assert process.stdout.read() == f"{tmp_path}/instance.json: must hold one JSON object\n"
