"""A running `up`: DNS, certificates, live edits, and processes that die."""

from __future__ import annotations

import json
import math
import os
import signal
import socket
import ssl
import time
from pathlib import Path

import dns.message
import dns.query
import pytest

from support.addresses import Block
from support.freezing import freeze
from support.key_pairs import make_pair
from support.patience import PATIENCE, until
from support.registrar import PASSWORD, REALM, USER, running_registrar
from support.running_up import RunningUp
from support.sipua import callee_leg, send_invite
from support.telephones import ASHBURN, DUBLIN, HQ, NUMBER, Telephones, edge_yaml, number_yaml, trunks_yaml

BASE = "trunkline.test"


def every_address(block: Block) -> list[str]:
    return [block.address(number) for number in (*ASHBURN, *DUBLIN)]


def status_of(up: RunningUp, kind: str, name: str) -> dict[str, str]:
    """The conditions of an object: type to `status reason`."""
    fields = json.loads((up.state / "status" / kind / f"{name}.json").read_text())
    return {each["type"]: f"{each['status']} {each['reason']}" for each in fields["status"]["conditions"]}


def test_ready_line_counts_what_serves(shared_up: RunningUp) -> None:
    """Scripts wait for this line."""
    line = next(line for line in shared_up.lines if line.startswith("Ready"))
    assert line == (
        f"Ready: 2 edges, 7 addresses, 2 trunks; DNS {shared_up.dns_address}:5300; state {shared_up.state}"
    )


@pytest.mark.parametrize(
    "name",
    (
        "pstn.ashburn",
        "acme-hq.pstn.ashburn",
        "lab.acme-hq.pstn.ashburn",
        "no-trunk-at-all.pstn.ashburn",
        "pstn.us1",
        "acme-hq.pstn.us1",
        "a.b.pstn.us1",
    ),
)
def test_dig_gives_every_address_of_an_edge(shared_up: RunningUp, block: Block, name: str) -> None:
    """Four A records with TTL 600 at the edge's name, below it, and at its region's alias."""
    assert shared_up.dig(f"{name}.{BASE}") == [(600, block.address(number)) for number in ASHBURN]


def test_dig_gives_addresses_of_all_edges_in_turn(shared_up: RunningUp, block: Block) -> None:
    """The platform's name holds the addresses of both edges."""
    for name in ("pstn", "acme-hq.pstn"):
        assert sorted(value for _, value in shared_up.dig(f"{name}.{BASE}")) == sorted(every_address(block))


def test_sip_clients_find_transports_by_naptr_and_srv(shared_up: RunningUp, block: Block) -> None:
    """RFC 3263: NAPTR to SRV to an address, for each transport."""
    naptr = shared_up.dig(f"pstn.ashburn.{BASE}", "NAPTR")
    assert [value.split()[3] for _, value in naptr] == ['"SIP+D2U"', '"SIP+D2T"', '"SIPS+D2T"']
    for (_, value), port in zip(naptr, ("5060", "5060", "5061"), strict=True):
        services = shared_up.dig(value.split()[-1], "SRV")
        assert [each.split()[2] for _, each in services] == [port] * 4
        found = {shared_up.dig(each.split()[3])[0][1] for _, each in services}
        assert found == {block.address(number) for number in ASHBURN}


def test_names_of_trunks_have_no_srv_of_their_own(shared_up: RunningUp) -> None:
    """NAPTR and SRV stand at the edge's name only; below it clients fall back to addresses."""
    assert shared_up.dig(f"_sip._udp.acme-hq.pstn.ashburn.{BASE}", "SRV") == []
    assert shared_up.dig(f"acme-hq.pstn.ashburn.{BASE}", "NAPTR") == []


def test_dns_answers_over_tcp_with_authority(shared_up: RunningUp) -> None:
    """A resolver that falls back to TCP is served, and told that the answer is the owner's."""
    query = dns.message.make_query(f"pstn.ashburn.{BASE}", "A")
    answer = dns.query.tcp(query, shared_up.dns_address, port=shared_up.dns_port, timeout=PATIENCE)
    assert answer.flags & dns.flags.AA
    assert len(answer.answer[0]) == 4


def test_certificate_is_good_for_every_name(shared_up: RunningUp, block: Block) -> None:
    """A client that knows the CA accepts the edge by any name of it, sub-domain trunks included."""
    context = ssl.create_default_context(cafile=str(shared_up.state / "ca" / "ca.crt"))
    for name in (
        f"pstn.ashburn.{BASE}",
        f"acme-hq.pstn.ashburn.{BASE}",
        f"lab.acme-hq.pstn.us1.{BASE}",
        f"acme-hq.pstn.{BASE}",
        f"a1.sip.ashburn.{BASE}",
        block.address(1),
    ):
        with (
            socket.create_connection((block.address(1), 5061), timeout=PATIENCE) as plain,
            context.wrap_socket(plain, server_hostname=name) as secured,
        ):
            assert secured.version() in ("TLSv1.2", "TLSv1.3")


def test_state_is_private(shared_up: RunningUp) -> None:
    """Keys, the edge secret and tables are readable by their owner alone."""
    assert shared_up.state.stat().st_mode & 0o777 == 0o700
    for name in ("edge.secret", "ca/ca.key", "certificates/ashburn/server.key", "published/ashburn/head"):
        assert (shared_up.state / name).stat().st_mode & 0o077 == 0, name


def test_statuses_are_kept_with_acknowledgements(shared_up: RunningUp) -> None:
    """One JSON per object; Programmed means acknowledged."""
    wanted = {
        "Accepted": "True Accepted",
        "ResolvedRefs": "True Resolved",
        "TerminationReady": "True Ready",
        "OriginationReady": "True Ready",
        "Programmed": "True Programmed",
        "Ready": "True Ready",
    }

    def ready() -> list[bool]:
        edge = json.loads((shared_up.state / "status" / "edge" / "ashburn.json").read_text())["status"]
        return [address["ready"] for address in edge["addresses"]]

    # An address of a busy machine may be away for a moment.
    until(lambda: status_of(shared_up, "trunk", "acme.hq") == wanted, "the trunk's status")
    until(lambda: ready() == [True] * 4, "the Edge's addresses")


def test_number_moves_on_every_address_within_a_second(
    shared_up: RunningUp, block: Block, phones: Telephones
) -> None:
    """An edit of one file routes the number the new way everywhere; a call in progress is not touched."""
    edge = (block.address(1), 5060)
    call = send_invite(phones.carrier, edge, f"sip:{NUMBER}@{edge[0]}", caller="+12125550199")
    invite = phones.hq.wait("INVITE", call_id=call.call_id)
    phones.hq.respond(invite, 200)
    answer = call.final()
    caller = call.leg(answer)
    caller.send("ACK", cseq=1)
    phones.hq.wait("ACK", call_id=call.call_id)
    try:
        took: list[float] = []
        while not took or min(took) >= 1.0:  # other tests want the processor too
            took.append(seconds_to_move(shared_up, "lab"))
            assert len(took) < 10, took
            if min(took) >= 1.0:
                seconds_to_move(shared_up, "hq")
        assert [phones.ring(address) for address in every_address(block)] == ["lab"] * 7
        callee_leg(phones.hq, invite, edge).send("BYE")
        bye = phones.carrier.wait("BYE", call_id=call.call_id)
        phones.carrier.respond(bye, 200)
        assert phones.hq.wait(status=200, call_id=call.call_id).method == "BYE"
    finally:
        seconds_to_move(shared_up, "hq")
    assert phones.ring(block.address(11)) == "hq"


def seconds_to_move(up: RunningUp, trunk: str) -> float:
    """Edit the number's file; how long until all addresses route it there.

    Infinity where one of them did not serve for a moment, as on a busy machine: it was not counted.
    """
    began = time.monotonic()
    up.write("tenant/number.yaml", number_yaml(trunk))
    told = up.wait_for(rf"now routes to Trunk acme/{trunk}: on all \d addresses")
    return time.monotonic() - began if "all 7 addresses" in told else math.inf


def test_broken_yaml_keeps_the_last_good_content(
    shared_up: RunningUp, block: Block, phones: Telephones
) -> None:
    """Half of a saved file is reported with its line and deletes nothing."""
    whole = (shared_up.manifests / "tenant/trunks.yaml").read_text()
    try:
        shared_up.write("tenant/trunks.yaml", whole + "---\nkind: [\n")
        line = shared_up.wait_for("InvalidYAML")
        assert f"trunks.yaml:{len(whole.splitlines()) + 3}: " in line
        shared_up.write("tenant/trunks.yaml", "kind: [\n")
        shared_up.wait_for("trunks.yaml:1: InvalidYAML|trunks.yaml:2: InvalidYAML")
        time.sleep(0.3)
        assert phones.ring(block.address(2)) == "hq"
        assert status_of(shared_up, "trunk", "acme.hq")["Ready"] == "True Ready"
    finally:
        shared_up.write("tenant/trunks.yaml", whole)
        shared_up.wait_for("no problems any more")


def test_invalid_edit_keeps_the_last_good_content_and_says_so(
    shared_up: RunningUp, block: Block, phones: Telephones
) -> None:
    """A refused new version leaves the old one in force, as an API server would; the status tells."""
    whole = trunks_yaml(block)
    try:
        shared_up.replace("tenant/trunks.yaml", "domainName: acme-hq\n", "domainNam: acme-hq\n")
        assert "domainName" in shared_up.wait_for(r"trunks.yaml:6: Trunk acme/hq: spec.termination.domainNam")
        shared_up.wait_for("last good content stays in force")
        time.sleep(0.3)
        assert phones.ring(block.address(2)) == "hq"
        accepted = "False KeptLastGood"
        until(lambda: status_of(shared_up, "trunk", "acme.hq")["Accepted"] == accepted, "its status")
    finally:
        shared_up.write("tenant/trunks.yaml", whole)
        shared_up.wait_for("Trunk acme/hq Ready")


@pytest.mark.parametrize("command", ("kamailio", "sipedge.agent", "rtpengine"))
def test_killed_process_serves_again(
    shared_up: RunningUp, block: Block, phones: Telephones, command: str
) -> None:
    """kill -9 of Kamailio's main process, of the agent or of the relay: calls work again in seconds."""
    address = block.address(3)
    os.kill(shared_up.process_of(command, address), signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE
    while phones.ring(address) != "hq":
        assert time.monotonic() < deadline, "\n".join(shared_up.lines)
    shared_up.write("tenant/number.yaml", number_yaml("lab"))
    try:
        shared_up.wait_for("now routes to Trunk acme/lab")
        while phones.ring(address) != "lab":
            assert time.monotonic() < deadline, "\n".join(shared_up.lines)
    finally:
        shared_up.write("tenant/number.yaml", number_yaml("hq"))
        shared_up.wait_for("now routes to Trunk acme/hq")


def pids_of_relays(up: RunningUp) -> set[int]:
    return {pid for pid, line in up.processes().items() if "rtpengine" in line}


def test_a_relay_that_hangs_is_replaced(shared_up: RunningUp, block: Block, phones: Telephones) -> None:
    """Within seconds: whether its address leaves DNS for so short a time is chance."""
    address = block.address(4)
    hung = shared_up.process_of("rtpengine", address)
    freeze(hung)
    deadline = time.monotonic() + PATIENCE
    while hung in pids_of_relays(shared_up):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    while phones.ring(address) != "hq":
        assert time.monotonic() < deadline
        time.sleep(0.05)
    while len(shared_up.dig(f"pstn.ashburn.{BASE}")) != len(ASHBURN):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_an_edit_of_the_media_ports_is_followed(
    shared_up: RunningUp, block: Block, phones: Telephones
) -> None:
    """The relays of the Edge are others then, with the new range."""
    oslo = edge_yaml("oslo", block, (41,))
    narrow = oslo.replace("spec:", "spec:\n  media: {firstPort: 20000, lastPort: 20099}")
    for text, ports in ((oslo, (10_000, 60_000)), (narrow, (20_000, 20_099))):
        shared_up.write("oslo.yaml", text)
        told = "--port-min={} --port-max={}".format(*ports)
        deadline = time.monotonic() + PATIENCE
        while not any(
            told in line and f"--interface={block.address(41)} " in line
            for line in shared_up.processes().values()
        ):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        while phones.ring(block.address(41)) != "hq":
            assert time.monotonic() < deadline
    (shared_up.manifests / "oslo.yaml").unlink()
    shared_up.wait_for("Edge oslo removed")


def test_edge_that_is_added_serves_and_one_that_is_removed_is_gone(
    shared_up: RunningUp, block: Block, phones: Telephones
) -> None:
    """Edges come and go live, with their processes, their DNS records and their files."""
    shared_up.write("tokyo.yaml", edge_yaml("tokyo", block, (31, 32)))
    shared_up.wait_for(r"Edge tokyo added: on all \d addresses after")
    # On a busy machine one of the nine may be a moment late: it is counted, and named, once it serves.
    wanted = [(600, block.address(31)), (600, block.address(32))]
    deadline = time.monotonic() + PATIENCE
    while shared_up.dig(f"pstn.tokyo.{BASE}") != wanted:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert phones.ring(block.address(32)) == "hq"
    (shared_up.manifests / "tokyo.yaml").unlink()
    shared_up.wait_for("Edge tokyo removed")
    deadline = time.monotonic() + PATIENCE
    while any("/tokyo/" in line for line in shared_up.processes().values()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    while shared_up.dig(f"pstn.tokyo.{BASE}") or (shared_up.state / "published" / "tokyo").exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    while list((shared_up.state / "edges").glob("tokyo/*")):
        assert time.monotonic() < deadline
        time.sleep(0.1)


def test_calls_leave_from_the_edge_that_a_uri_names(
    shared_up: RunningUp, block: Block, phones: Telephones
) -> None:
    """S55, S57: by way of another edge, there and back; one that nobody has is told, and calls go on."""
    here, there = block.address(1), [block.address(number) for number in DUBLIN]
    plain, uri = trunks_yaml(block), f"sip:{block.address(HQ)}:5070"

    def left_from() -> str:
        to = f"sip:{NUMBER}@{here}"
        call = send_invite(phones.carrier, (here, 5060), to, caller="+12125550199")
        invite = phones.hq.wait("INVITE", call_id=call.call_id)
        phones.hq.respond(invite, 486)
        assert call.final().status == 486
        assert invite.uri == f"sip:{NUMBER}@{block.address(HQ)}:5070"
        return str(invite.path[0])  # type: ignore[index]

    def is_told() -> bool:
        told = status_of(shared_up, "originationuri", "acme.hq-pbx")
        return (told.get("UnknownEdge"), told["Ready"]) == ("True UnknownEdge", "True Ready")

    try:
        for named, fact in (
            (";edge=dublin", lambda: left_from() in there),
            (";region=us1", lambda: left_from() == here),
            (";edge=tokyo", is_told),
        ):
            shared_up.write("tenant/trunks.yaml", plain.replace(uri, uri + named))
            deadline = time.monotonic() + PATIENCE
            while not fact():  # type: ignore[no-untyped-call]
                assert time.monotonic() < deadline, named
                time.sleep(0.05)
        assert left_from() == here
    finally:
        shared_up.write("tenant/trunks.yaml", plain)


def test_a_carrier_tells_whether_edges_are_registered(
    shared_up: RunningUp, block: Block, tmp_path: Path
) -> None:
    """The other Edge does not register. A Secret that was wrong is mended live; who goes unregisters."""
    secret = """
apiVersion: v1
kind: Secret
metadata: {{name: registered, namespace: trunkline-system}}
stringData: {{username: {}, password: {}, realm: {}}}
"""
    registrar = f"""
apiVersion: trunkline.dev/v1alpha1
kind: Carrier
metadata: {{name: registered}}
spec:
  registration: {{registrar: {block.address(70)}, credentialSecretRef: {{name: registered}}, edges: [dublin]}}
---"""

    def told() -> str:
        if not (shared_up.state / "status" / "carrier" / "registered.json").exists():
            return ""
        return status_of(shared_up, "carrier", "registered").get("Registered", "")

    with running_registrar(tmp_path, block.address(70)) as running:
        try:
            shared_up.write("registered.yaml", registrar + secret.format(USER, "a wrong one", REALM))
            shared_up.wait_for("Carrier registered added")
            until(lambda: told() == "False NotRegistered", "the wrong Secret is told")
            shared_up.write("registered.yaml", registrar + secret.format(USER, PASSWORD, REALM))
            until(lambda: told() == "True Registered", "the right one registers")
            assert len(running.bindings()) == len(DUBLIN)
        finally:
            (shared_up.manifests / "registered.yaml").unlink()
        shared_up.wait_for("Carrier registered removed")
        deadline = time.monotonic() + PATIENCE
        while running.bindings():
            assert time.monotonic() < deadline
            time.sleep(0.05)


def test_dead_dns_server_comes_back_with_its_records(shared_up: RunningUp, block: Block) -> None:
    """knotd is supervised as well."""
    (pid,) = [pid for pid, line in shared_up.processes().items() if "knotd -c" in line]
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + PATIENCE
    query = dns.message.make_query(f"pstn.dublin.{BASE}", "A")
    while True:
        try:
            answer = dns.query.udp(query, shared_up.dns_address, port=shared_up.dns_port, timeout=0.2)
            if answer.answer and len(answer.answer[0]) == len(DUBLIN):
                break
        except (OSError, dns.exception.Timeout):
            pass
        assert time.monotonic() < deadline


def test_new_directory_is_watched(shared_up: RunningUp, tmp_path: Path) -> None:
    """Files in a directory that was made later count, also when it was moved there whole."""
    (tmp_path / "more" / "deep").mkdir(parents=True)
    (tmp_path / "more" / "deep" / "n.yaml").write_text(
        number_yaml("hq").replace("main-line", "second").replace("0100", "0199")
    )
    (tmp_path / "more").rename(shared_up.manifests / "more")
    shared_up.wait_for("Number acme/second now routes to Trunk acme/hq")
    (shared_up.manifests / "more" / "deep" / "n.yaml").unlink()
    shared_up.wait_for("Number acme/second removed")


def test_certificate_follows_new_names(shared_up: RunningUp, block: Block) -> None:
    """A trunk with a name of several labels is covered soon after it was added, without a restart."""
    context = ssl.create_default_context(cafile=str(shared_up.state / "ca" / "ca.crt"))
    kamailio = shared_up.process_of("kamailio", block.address(1))

    def connect(name: str) -> None:
        with socket.create_connection((block.address(1), 5061), timeout=PATIENCE) as plain:
            context.wrap_socket(plain, server_hostname=name).close()

    name = f"deep.acme-hq.pstn.ashburn.{BASE}"
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(name)
    trunk = trunks_yaml(block).split("---\n")[2].replace("lab", "deep")
    shared_up.write("tenant/deep.yaml", trunk)
    deadline = time.monotonic() + PATIENCE
    try:
        while True:
            try:
                connect(name)
                break
            except ssl.SSLCertVerificationError:
                assert time.monotonic() < deadline
                time.sleep(0.1)
        assert shared_up.process_of("kamailio", block.address(1)) == kamailio
    finally:
        (shared_up.manifests / "tenant" / "deep.yaml").unlink()
        shared_up.wait_for("Trunk acme/deep removed")


def test_given_certificate_is_served_and_a_bad_one_is_told(
    shared_up: RunningUp, block: Block, tmp_path: Path
) -> None:
    """secretRef takes a Secret of the files; while it is bad the edge goes on with one of its own CA."""
    name = f"*.pstn.gave.{BASE}"
    certificate, key = make_pair(tmp_path, "given", "-addext", f"subjectAltName=DNS:{name}")
    edge = edge_yaml("gave", block, (51,)).replace("spec:", "spec:\n  tls: {secretRef: {name: cert}}")
    try:
        shared_up.write("gave.yaml", edge)
        shared_up.wait_for("Edge gave not ready: CertificateMissing: .*trunkline-system/cert is not among")
        values = {"tls.crt": certificate.decode(), "tls.key": key.decode()}
        secret = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "cert", "namespace": "trunkline-system"},
            "stringData": values,
        }
        shared_up.write("cert.yaml", json.dumps(secret))
        shared_up.wait_for("Edge gave Ready")
        context = ssl.create_default_context(cadata=certificate.decode())
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                with socket.create_connection((block.address(51), 5061), timeout=PATIENCE) as plain:
                    context.wrap_socket(plain, server_hostname=f"acme-hq.pstn.gave.{BASE}").close()
                break
            except (ssl.SSLCertVerificationError, OSError):
                assert time.monotonic() < deadline
                time.sleep(0.1)
    finally:
        for path in ("gave.yaml", "cert.yaml"):
            (shared_up.manifests / path).unlink(missing_ok=True)
        shared_up.wait_for("Edge gave removed")
