"""A running `up`: DNS, certificates, live edits, and processes that die."""

from __future__ import annotations

import json
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
from support.key_pairs import make_pair
from support.running_up import RunningUp
from support.sipua import callee_leg, send_invite
from support.telephones import ASHBURN, DUBLIN, NUMBER, Telephones, edge_yaml, number_yaml, trunks_yaml

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
    answer = dns.query.tcp(query, shared_up.dns_address, port=shared_up.dns_port, timeout=2)
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
            socket.create_connection((block.address(1), 5061), timeout=3) as plain,
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
    assert status_of(shared_up, "trunk", "acme.hq") == {
        "Accepted": "True Accepted",
        "ResolvedRefs": "True Resolved",
        "TerminationReady": "True Ready",
        "OriginationReady": "True Ready",
        "Programmed": "True Programmed",
        "Ready": "True Ready",
    }
    edge = json.loads((shared_up.state / "status" / "edge" / "ashburn.json").read_text())["status"]
    assert [address["ready"] for address in edge["addresses"]] == [True] * 4


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
        began = time.monotonic()
        shared_up.write("tenant/number.yaml", number_yaml("lab"))
        line = shared_up.wait_for("now routes to Trunk acme/lab: on all 7 addresses after")
        assert time.monotonic() - began < 1.0, line
        assert [phones.ring(address) for address in every_address(block)] == ["lab"] * 7
        callee_leg(phones.hq, invite, edge).send("BYE")
        bye = phones.carrier.wait("BYE", call_id=call.call_id)
        phones.carrier.respond(bye, 200)
        assert phones.hq.wait(status=200, call_id=call.call_id).method == "BYE"
    finally:
        shared_up.write("tenant/number.yaml", number_yaml("hq"))
        shared_up.wait_for("now routes to Trunk acme/hq: on all 7 addresses")
    assert phones.ring(block.address(11)) == "hq"


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
        assert status_of(shared_up, "trunk", "acme.hq")["Accepted"] == "False KeptLastGood"
    finally:
        shared_up.write("tenant/trunks.yaml", whole)
        shared_up.wait_for("Trunk acme/hq Ready")


@pytest.mark.parametrize("command", ("kamailio", "sipedge.agent"))
def test_killed_process_serves_again(
    shared_up: RunningUp, block: Block, phones: Telephones, command: str
) -> None:
    """kill -9 of Kamailio's main process or of the agent: calls work again in seconds, edits arrive."""
    address = block.address(3)
    os.kill(shared_up.process_of(command, address), signal.SIGKILL)
    deadline = time.monotonic() + 10
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


def test_edge_that_is_added_serves_and_one_that_is_removed_is_gone(
    shared_up: RunningUp, block: Block, phones: Telephones
) -> None:
    """Edges come and go live, with their processes, their DNS records and their files."""
    shared_up.write("tokyo.yaml", edge_yaml("tokyo", block, (31, 32)))
    shared_up.wait_for(r"Edge tokyo added: on all \d addresses after")
    # On a busy machine one of the nine may be a moment late: it is counted, and named, once it serves.
    wanted = [(600, block.address(31)), (600, block.address(32))]
    deadline = time.monotonic() + 15
    while shared_up.dig(f"pstn.tokyo.{BASE}") != wanted:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert phones.ring(block.address(32)) == "hq"
    (shared_up.manifests / "tokyo.yaml").unlink()
    shared_up.wait_for("Edge tokyo removed")
    deadline = time.monotonic() + 10
    while any("/tokyo/" in line for line in shared_up.processes().values()):
        assert time.monotonic() < deadline
        time.sleep(0.1)
    while shared_up.dig(f"pstn.tokyo.{BASE}") or (shared_up.state / "published" / "tokyo").exists():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    assert not list((shared_up.state / "edges").glob("tokyo/*"))


def test_dead_dns_server_comes_back_with_its_records(shared_up: RunningUp, block: Block) -> None:
    """knotd is supervised as well."""
    (pid,) = [pid for pid, line in shared_up.processes().items() if "knotd -c" in line]
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
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
        with socket.create_connection((block.address(1), 5061), timeout=3) as plain:
            context.wrap_socket(plain, server_hostname=name).close()

    name = f"deep.acme-hq.pstn.ashburn.{BASE}"
    with pytest.raises(ssl.SSLCertVerificationError):
        connect(name)
    trunk = trunks_yaml(block).split("---\n")[2].replace("lab", "deep")
    shared_up.write("tenant/deep.yaml", trunk)
    deadline = time.monotonic() + 10
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
        shared_up.wait_for("Edge gave not ready: InvalidCertificate: .*trunkline-system/cert is not among")
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
        deadline = time.monotonic() + 10
        while True:
            try:
                with socket.create_connection((block.address(51), 5061), timeout=3) as plain:
                    context.wrap_socket(plain, server_hostname=f"acme-hq.pstn.gave.{BASE}").close()
                break
            except (ssl.SSLCertVerificationError, OSError):
                assert time.monotonic() < deadline
                time.sleep(0.1)
    finally:
        for path in ("gave.yaml", "cert.yaml"):
            (shared_up.manifests / path).unlink(missing_ok=True)
        shared_up.wait_for("Edge gave removed")
