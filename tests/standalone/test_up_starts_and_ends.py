"""How `up` starts, refuses to start, and ends: nothing is left, nothing is lost."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.addresses import Block
from support.freezing import freeze
from support.patience import PATIENCE, START_PATIENCE, until
from support.running_up import COMMAND, marked_processes, running_up, start_up
from support.sipua import send_invite
from support.telephones import NUMBER, Telephones, edge_yaml, number_yaml
from trunkline.standalone.state import UpState, read_state


def outcome(manifests: Path, state: Path, block: Block, *options: str) -> tuple[int, str]:
    """Exit status and everything printed by an `up` that cannot start."""
    with start_up(manifests, state, block, *options) as process:
        try:
            printed, _ = process.communicate(timeout=PATIENCE)
        finally:
            process.terminate()  # one that did start after all must not stay behind
    return process.returncode, printed


def one_edge(manifests: Path, block: Block) -> None:
    """Only one edge with one address, which starts faster."""
    text = (manifests / "platform.yaml").read_text()
    (manifests / "platform.yaml").write_text(
        edge_yaml("ashburn", block, (1,), "us1") + text.split("---\n")[2]
    )


def port_is_free(address: str, port: int, kind: int) -> bool:
    with socket.socket(socket.AF_INET, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def when_ready(state: Path, revision: int = 0) -> UpState:
    """What another process sees of an `up` once all of it serves this revision, or a later one."""
    deadline = time.monotonic() + PATIENCE
    while (seen := read_state(state)) is None or not seen.ready or _served(seen) < revision:
        assert time.monotonic() < deadline, seen
        time.sleep(0.05)
    return seen


def _served(seen: UpState) -> int:
    return min(each.revision or 0 for edge in seen.edges for each in edge.addresses)


def test_sigterm_leaves_no_process_no_port_and_no_file_outside(
    manifests: Path, tmp_path: Path, block: Block
) -> None:
    """After SIGTERM only the state directory is there, and the manifests as they were; `home` has nothing."""
    before = {path: path.read_bytes() for path in manifests.rglob("*.yaml")}
    with running_up(manifests, tmp_path / "state", block) as up:
        assert len(up.processes()) > 20
        assert read_state(up.state) is not None
        assert up.end() == 0
        assert up.processes() == {}
    for number in (1, 2, 3, 4, 11, 12, 13):
        assert port_is_free(block.address(number), 5060, socket.SOCK_DGRAM)
        assert port_is_free(block.address(number), 5061, socket.SOCK_STREAM)
    assert port_is_free(block.address(53), 5300, socket.SOCK_DGRAM)
    assert {path: path.read_bytes() for path in manifests.rglob("*") if path.is_file()} == before
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "manifests", "state"]
    assert [path for path in (tmp_path / "home").rglob("*") if not path.is_dir()] == []
    assert read_state(up.state) is None


def test_restart_keeps_certificates_and_goes_on_counting(
    manifests: Path, tmp_path: Path, block: Block, phones: Telephones
) -> None:
    """The same state directory: the same CA and certificates, rising sequences, generations that stay."""
    one_edge(manifests, block)
    state = tmp_path / "state"
    kept = ("ca/ca.crt", "edge.secret", "certificates/ashburn/server.crt", "published/ashburn/head")
    with running_up(manifests, state, block) as up:
        up.write("tenant/number.yaml", number_yaml("lab"))
        up.wait_for("now routes to Trunk acme/lab")
        up.end()
    before = {name: (state / name).read_bytes() for name in kept}
    stored = json.loads((state / "status/number/acme.main-line.json").read_text())
    with running_up(manifests, state, block) as up:
        assert {name: (state / name).read_bytes() for name in kept} == before
        assert phones.ring(block.address(1)) == "lab"
        up.write("tenant/number.yaml", number_yaml("hq"))
        up.wait_for("now routes to Trunk acme/hq")
        running = when_ready(state, revision=3)
        assert running.edges[0].published == 3
        assert [each.revision for each in running.edges[0].addresses] == [3]
    again = json.loads((state / "status/number/acme.main-line.json").read_text())
    assert (stored["metadata"]["generation"], again["metadata"]["generation"]) == (2, 3)


def test_up_that_was_killed_can_be_started_again(
    manifests: Path, tmp_path: Path, block: Block, phones: Telephones
) -> None:
    """kill -9 of `up` itself: what it left is ended, and the same state directory serves again."""
    one_edge(manifests, block)
    state = tmp_path / "state"
    with running_up(manifests, state, block) as up:
        # Without this the kernel ends the children with their parent: here they must become leftovers.
        workers = [pid for pid, line in up.processes().items() if "kamailio" in line]
        freeze(*workers)
        up.end(signal.SIGKILL)
        for pid in workers:
            assert pid in marked_processes(state)
        with running_up(manifests, state, block) as second:
            assert any("left behind" in line for line in second.lines)
            assert phones.ring(block.address(1)) == "hq"


def test_children_end_with_an_up_that_is_killed(manifests: Path, tmp_path: Path, block: Block) -> None:
    """kill -9 of `up` leaves no Kamailio, agent or knotd behind, without anybody's help."""
    one_edge(manifests, block)
    with running_up(manifests, tmp_path / "state", block) as up:
        up.end(signal.SIGKILL)
        deadline = time.monotonic() + PATIENCE
        while up.processes():
            assert time.monotonic() < deadline, up.processes()
            time.sleep(0.1)


def test_drain_lets_a_call_end_and_a_second_signal_does_not(
    manifests: Path, tmp_path: Path, block: Block, phones: Telephones
) -> None:
    """SIGTERM waits for calls, whose relay stays, refusing new ones with 503; a second stops at once."""
    one_edge(manifests, block)
    with running_up(manifests, tmp_path / "state", block, "--drain", "60") as up:
        edge = (block.address(1), 5060)
        call = send_invite(phones.carrier, edge, f"sip:{NUMBER}@{edge[0]}", caller="+12125550199")
        invite = phones.hq.wait("INVITE", call_id=call.call_id)
        phones.hq.respond(invite, 200)
        call.leg(call.final()).send("ACK", cseq=1)
        up.process.send_signal(signal.SIGTERM)
        up.wait_for("stopping")
        until(lambda: "503" in phones.ring(edge[0]), "new calls are refused")
        time.sleep(1.0)
        assert up.process.poll() is None
        assert up.process_of("rtpengine", edge[0])
        assert up.end(signal.SIGTERM, seconds=40) == 0
        assert up.processes() == {}


def test_without_rtpengine_calls_are_served_and_what_needs_it_is_told(
    manifests: Path, tmp_path: Path, block: Block, phones: Telephones, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In a mount namespace where something that cannot be run is in rtpengine's place."""
    one_edge(manifests, block)
    secure = "spec: {secure: true, termination: {domainName: vault}}"
    (manifests / "tenant" / "vault.yaml").write_text(
        "apiVersion: trunkline.dev/v1alpha1\nkind: Trunk\nmetadata: {name: vault, namespace: acme}\n" + secure
    )
    hide = 'mount --bind /dev/null "$(command -v rtpengine)" && exec "$@"'
    hidden = ["unshare", "--mount", "--map-root-user", "sh", "-c", hide, "sh"]
    monkeypatch.setattr("support.running_up.COMMAND", (*hidden, *COMMAND))
    with running_up(manifests, tmp_path / "state", block) as up:
        assert any("rtpengine is not installed" in line for line in up.lines)
        assert any(re.search(r"Trunk acme/vault: FeatureUnavailable: .*relay", line) for line in up.lines)
        assert phones.ring(block.address(1)) == "hq"
        assert not any("--interface=" in line for line in up.processes().values())


def test_port_in_use_names_address_port_and_holder(manifests: Path, tmp_path: Path, block: Block) -> None:
    """It does not start, says what is in the way, and starts nothing."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
        holder.bind((block.address(2), 5060))
        status, printed = outcome(manifests, tmp_path / "state", block)
    assert status == 1
    assert f"udp {block.address(2)}:5060: in use by" in printed
    assert f"(process {os.getpid()})" in printed
    assert marked_processes(tmp_path / "state") == {}


def test_dns_port_in_use(manifests: Path, tmp_path: Path, block: Block) -> None:
    """The port of --dns is looked at before anything is started."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as holder:
        holder.bind((block.address(53), 5300))
        holder.listen()
        status, printed = outcome(manifests, tmp_path / "state", block)
    assert status == 1
    assert f"tcp {block.address(53)}:5300: in use by" in printed


@pytest.mark.parametrize(
    ("options", "code", "said"),
    (
        (("--base-domain", "not a domain"), 2, "--base-domain 'not a domain' is not a domain name"),
        (("--base-domain", "10.0.0.1"), 2, "is an address"),
        (("--resolver", "127.0.0.1"), 2, "--resolver '127.0.0.1' is not ADDR:PORT"),
        (("--state-dir", "/proc/nowhere"), 1, "/proc/nowhere: cannot be written"),
    ),
)
def test_refusal_names_the_fault(
    manifests: Path, tmp_path: Path, block: Block, options: tuple[str, ...], code: int, said: str
) -> None:
    """One clear sentence; no traceback. Wrong options are wrong usage."""
    status, printed = outcome(manifests, tmp_path / "state", block, *options)
    assert status == code
    assert said in printed
    assert "Traceback" not in printed


def test_path_that_is_not_there(tmp_path: Path, block: Block) -> None:
    """No such directory: said before anything is made."""
    status, printed = outcome(tmp_path / "nothing", tmp_path / "state", block)
    assert status == 2
    assert f"{tmp_path}/nothing: no such file or directory" in printed
    assert not (tmp_path / "state").exists()


def test_two_ups_cannot_share_a_state_directory(manifests: Path, tmp_path: Path, block: Block) -> None:
    """The second one is refused and the first goes on."""
    one_edge(manifests, block)
    with running_up(manifests, tmp_path / "state", block) as up:
        status, printed = outcome(manifests, tmp_path / "state", block)
        assert status == 1
        assert "another `trunkline up` uses this state directory" in printed
        assert up.process.poll() is None


def test_waits_for_an_edge(manifests: Path, tmp_path: Path, block: Block) -> None:
    """Without any Edge it says so, and serves when one appears."""
    platform = (manifests / "platform.yaml").read_text()
    (manifests / "platform.yaml").unlink()
    with running_up(manifests, tmp_path / "state", block, ready=False) as up:
        up.wait_for("no Edge in .* waiting for one")
        up.write("platform.yaml", platform)
        up.wait_for("^Ready: 2 edges", START_PATIENCE)


def test_bad_manifest_does_not_keep_the_rest_from_being_served(
    manifests: Path, tmp_path: Path, block: Block, phones: Telephones
) -> None:
    """It is reported with file and line; everything else works."""
    one_edge(manifests, block)
    (manifests / "tenant" / "bad.yaml").write_text(
        "apiVersion: trunkline.dev/v1alpha1\nkind: Trunk\nmetadata: {name: bad, namespace: acme}\n"
        "spec:\n  secure: maybe\n---\n\tno: yaml\n"
    )
    (manifests / "tenant" / "later.yaml").write_text(
        "apiVersion: trunkline.dev/v1alpha1\nkind: IpAccessControlList\n"
        "metadata: {name: later, namespace: acme}\nspec:\n  entries: [{cidr: '2001:db8::/32'}]\n"
    )
    with running_up(manifests, tmp_path / "state", block) as up:
        printed = "\n".join(up.lines)
        assert re.search(r"bad\.yaml:5: Trunk acme/bad: spec\.secure: InvalidType: ", printed)
        assert re.search(r"bad\.yaml:7: InvalidYAML: ", printed)
        assert re.search(
            r"later\.yaml:5: IpAccessControlList acme/later: FeatureUnavailable: .*\(warning\)", printed
        )
        assert phones.ring(block.address(1)) == "hq"
        stored = json.loads((up.state / "status/trunk/acme.bad.json").read_text())
        conditions = {each["type"]: each["status"] for each in stored["status"]["conditions"]}
        assert conditions == {"Accepted": "False", "Programmed": "False", "Ready": "False", "Stalled": "True"}


def test_edge_without_addresses_gets_one_for_each_replica(
    manifests: Path, tmp_path: Path, block: Block
) -> None:
    """Edges that are not Static run on loopback addresses, the same each time, which are told."""
    (manifests / "platform.yaml").write_text(
        "apiVersion: trunkline.dev/v1alpha1\nkind: Edge\n"
        f"metadata: {{name: e{block.prefix.rpartition('.')[2]}}}\n"
        "spec: {advertise: {type: PodIP}, replicas: 2}\n"
    )
    with running_up(manifests, tmp_path / "state", block) as up:
        line = next(line for line in up.lines if "lists no addresses" in line)
        addresses = re.findall(r"127\.[0-9.]+[0-9]", line)
        assert len(set(addresses)) == 2
        assert all(64 <= int(address.split(".")[1]) < 128 for address in addresses)
        running = when_ready(up.state)
        assert [each.address for each in running.edges[0].addresses] == addresses


def test_no_secret_is_ever_printed_or_kept_outside_the_table(
    manifests: Path, tmp_path: Path, block: Block
) -> None:
    """Passwords stay out of the output, the statuses and the logs, good or weak."""
    one_edge(manifests, block)
    for name, password in (("good", "Corr3ctHorseBattery"), ("weak", "Planted1Weak")):
        (manifests / "tenant" / f"{name}.yaml").write_text(
            f"apiVersion: v1\nkind: Secret\nmetadata: {{name: {name}, namespace: acme}}\n"
            f"stringData: {{password: {password}}}\n---\n"
            f"apiVersion: trunkline.dev/v1alpha1\nkind: CredentialList\n"
            f"metadata: {{name: {name}, namespace: acme}}\nspec:\n  credentials:\n"
            f"  - {{username: pbx, passwordSecretRef: {{name: {name}, key: password}}}}\n"
        )
    with running_up(manifests, tmp_path / "state", block, "--verbose") as up:
        up.replace("tenant/weak.yaml", "Planted1Weak", "Planted2Weak")
        up.wait_for("Secret acme/weak changed")
        up.replace("tenant/weak.yaml", "password: Planted2Weak", "password: [Planted3Weak]")
        up.wait_for("Secret acme/weak: stringData.password")
        up.end()
        printed = "\n".join(up.lines).encode()
    files = [path for path in up.state.rglob("*") if path.is_file()]
    for planted in (b"Corr3ctHorseBattery", b"Planted1Weak", b"Planted2Weak", b"Planted3Weak"):
        assert planted not in printed
        assert [path for path in files if planted in path.read_bytes()] == []


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 64 MiB, which a test can fill."""
    directory = tmp_path / "small"
    directory.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(directory)], capture_output=True, check=False
    )
    if mounted.returncode != 0:
        pytest.skip("mounting a small tmpfs needs root")
    try:
        yield directory
    finally:
        subprocess.run(["umount", str(directory)], check=True)


def test_full_disk(manifests: Path, small_disk: Path, block: Block, phones: Telephones) -> None:
    """It is told; edges go on with the last table, and the edit arrives when there is room."""
    one_edge(manifests, block)
    with running_up(manifests, small_disk / "state", block) as up:
        filler = small_disk / "filler"
        with filler.open("wb", buffering=0) as file:
            try:
                while True:
                    file.write(bytes(65_536))
            except OSError:
                pass
        up.write("tenant/number.yaml", number_yaml("lab"))
        up.wait_for("the disk is full")
        assert phones.ring(block.address(1)) == "hq"
        filler.unlink()
        up.wait_for("now routes to Trunk acme/lab")
        assert phones.ring(block.address(1)) == "lab"


def test_port_that_is_taken_later_is_waited_for(manifests: Path, tmp_path: Path, block: Block) -> None:
    """An Edge that is added while something holds its port says so, and starts when the port is free."""
    one_edge(manifests, block)
    with running_up(manifests, tmp_path / "state", block) as up:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as holder:
            holder.bind((block.address(41), 5060))
            up.write("late.yaml", edge_yaml("late", block, (41,)))
            up.wait_for(rf"late {block.address(41)} does not serve: udp .* in use by")
        up.wait_for("Edge late Ready")
