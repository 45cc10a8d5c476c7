"""One instance as a whole: readiness, drain, live tables, death and restart, a missing or broken table."""

from __future__ import annotations

import os
import signal
import stat
import time
from pathlib import Path

import pytest

from sipedge.instance import read_settings
from sipedge.store import PUBLISHED, Store
from sipedge.table import Section
from support.edge import Edge, end_group, make_settings, probe, restart, running_edge
from support.lab import PBX, TELCO, Lab
from support.patience import PATIENCE, until
from support.sipmessage import digest_answer, new_token, render, sdp
from support.sipua import UserAgent, callee_leg
from support.tables import Platform, make_target


@pytest.fixture
def own(lab: Lab, tmp_path: Path) -> Lab:
    """An edge of this test alone, with the default platform."""
    address = lab.block.address(2)
    edge = lab.stack.enter_context(running_edge(None, address, tmp_path))
    one = Lab(edge, lab.block, lab.stack)
    one.serve()
    return one


def workers(edge: Edge) -> list[int]:
    return [int(each["pid"]) for each in edge.rpc("pkg.stats") if each["desc"].startswith("udp receiver")]


def test_without_a_table_the_edge_says_so_and_takes_calls_once_it_has_one(lab: Lab, tmp_path: Path) -> None:
    """503 with Retry-After to everybody, readiness included; no restart is needed."""
    with running_edge(None, lab.block.address(2), tmp_path) as edge:
        assert "503 Service Unavailable" in probe(edge)
        one = Lab(edge, lab.block, lab.stack)
        pbx, telco = lab.agent(PBX), lab.agent(TELCO)
        refused = one.call_out(pbx).final()
        assert (refused.status, refused.header("Retry-After")) == (503, "30")
        one.serve()
        assert "X-Trunkline-Revision: 1" in probe(edge)
        invite = one.call_out(pbx)
        telco.respond(telco.wait("INVITE"), 486)
        assert invite.final().status == 486


def test_a_new_revision_is_seen_by_the_next_request(own: Lab) -> None:
    """No reload: fifty commits, each seen at once by whichever worker answers."""
    for _ in range(50):
        own.serve()
        assert f"X-Trunkline-Revision: {own.edge.sequence}" in probe(own.edge)


def test_a_deleted_and_rebuilt_table_is_noticed(own: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """Another file at the same place is read within a second, by every worker."""
    directory = own.edge.settings.lmdb_directory
    for file in directory.iterdir():
        file.unlink()
    own.edge.store.close()
    own.edge.store = Store(directory, own.edge.settings.edge)
    own.edge.sequence = 700
    own.serve()
    until(lambda: "X-Trunkline-Revision: 701" in probe(own.edge), "it is noticed")
    time.sleep(1.1)
    for _ in range(4):
        invite = own.call_out(pbx)
        telco.respond(telco.wait("INVITE", call_id=invite.call_id), 486)
        assert invite.final().status == 486


def test_a_draining_edge_takes_no_new_calls_and_loses_none(
    own: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """503 with Retry-After for INVITE and OPTIONS; a call in progress goes on to its BYE."""
    invite = own.call_out(pbx)
    received = telco.wait("INVITE")
    telco.respond(received, 200, body=sdp(telco.address))
    leg = invite.leg(pbx.wait(status=200))
    leg.send("ACK")
    telco.wait("ACK")
    assert own.dialogs() == 1
    own.edge.rpc("htable.seti", "ctl", "drain", 1)
    for refused in (own.call_out(pbx).final(), own.call_in(telco).final()):
        assert (refused.status, refused.header("Retry-After")) == (503, "30")
    assert "X-Trunkline-Revision" in probe(own.edge)
    uri = f"sip:{own.edge.address}"
    fields = [pbx.via(), ("Max-Forwards", "70"), ("From", "<sip:a@b>;tag=1"), ("To", f"<{uri}>")]
    fields += [("Call-ID", new_token()), ("CSeq", "1 OPTIONS")]
    pbx.send(render(f"OPTIONS {uri} SIP/2.0", fields), own.edge_at)
    assert pbx.wait("OPTIONS", status=503).header("Retry-After") == "30"
    leg.send("BYE")
    telco.respond(telco.wait("BYE"), 200)
    pbx.wait("BYE", status=200)
    until(lambda: own.dialogs() == 0, "the call is over")
    own.edge.rpc("htable.seti", "ctl", "drain", 0)
    again = own.call_out(pbx)
    telco.respond(telco.wait("INVITE"), 486)
    assert again.final().status == 486


def test_a_killed_worker_ends_the_instance(own: Lab) -> None:
    """The supervisor restarts whole instances: a half-dead one would answer every other call."""
    os.kill(workers(own.edge)[0], signal.SIGKILL)
    own.edge.process.wait(PATIENCE)
    assert own.edge.process.returncode != 0


def test_a_call_survives_a_restart_of_the_edge(own: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """What a dialog needs is in its Route: after kill -9 of everything re-INVITE and BYE still pass."""
    invite = own.call_out(pbx)
    received = telco.wait("INVITE")
    telco.respond(received, 200, body=sdp(telco.address))
    leg = invite.leg(pbx.wait(status=200))
    leg.send("ACK")
    telco.wait("ACK")
    os.killpg(own.edge.process.pid, signal.SIGKILL)
    restart(own.edge)
    leg.send("INVITE", body=sdp(pbx.address))
    telco.respond(telco.wait("INVITE"), 200, body=sdp(telco.address))
    pbx.wait("INVITE", status=200)
    leg.send("ACK")
    telco.wait("ACK")
    callee_leg(telco, received, own.edge_at).send("BYE")
    pbx.respond(pbx.wait("BYE"), 200)
    telco.wait("BYE", status=200)


def test_a_dialog_of_one_edge_is_known_at_another_of_the_platform(
    own: Lab, pbx: UserAgent, telco: UserAgent, lab: Lab, tmp_path: Path
) -> None:
    """The edges share one secret: a digest asked for by one is taken by the other."""
    secret = own.edge.settings.edge_secret_file
    lists = {"credential_lists": ("acme/users",)}
    credentials = {("acme/users", "pbx"): "Correct-Horse-9"}
    with running_edge(None, lab.block.address(3), tmp_path / "b", edge_secret_file=secret) as other:
        second = Lab(other, lab.block, lab.stack)
        for one in (own, second):
            one.serve(trunk=lists, credentials=credentials)
        first = own.call_out(pbx)
        challenge = first.final().header("Proxy-Authenticate")
        value = digest_answer(challenge, "pbx", "Correct-Horse-9", "INVITE", first.uri)
        again = second.call_out(
            pbx,
            headers=[("Proxy-Authorization", value)],
            call_id=first.call_id,
            from_header=first.local,
            cseq=2,
        )
        telco.respond(telco.wait("INVITE"), 486)
        assert again.final().status == 486


def test_secrets_are_readable_by_their_owner_alone_and_in_no_command_line(own: Lab) -> None:
    """instance.cfg holds the edge secret: mode 0600; it is in no argument and in no log."""
    settings = own.edge.settings
    secret = settings.edge_secret_file.read_text().strip()
    assert stat.S_IMODE(settings.config_file.stat().st_mode) == 0o600
    assert stat.S_IMODE(settings.directory.stat().st_mode) == 0o700
    for pid in (own.edge.process.pid, *workers(own.edge)):
        assert secret not in Path(f"/proc/{pid}/cmdline").read_text()
        assert secret not in Path(f"/proc/{pid}/environ").read_text()
    assert secret not in own.edge.log()


def test_no_password_hash_is_logged(own: Lab, pbx: UserAgent) -> None:
    """Neither HA1 nor password nor digest answer of a refused caller stands in the log."""
    from support.tables import make_ha1

    own.serve(
        trunk={"credential_lists": ("acme/users",)}, credentials={("acme/users", "pbx"): "Correct-Horse-9"}
    )
    first = own.call_out(pbx)
    value = digest_answer(first.final().header("Proxy-Authenticate"), "pbx", "Wrong-1", "INVITE", first.uri)
    refused = own.call_out(
        pbx,
        headers=[("Proxy-Authorization", value)],
        call_id=first.call_id,
        from_header=first.local,
        cseq=2,
    )
    assert refused.final().status == 403
    log = own.edge.log()
    assert "CredentialsWrong" in log
    for secret in (make_ha1("pbx", "Correct-Horse-9").reveal(), "Correct-Horse-9", value[-60:]):
        assert secret not in log


def test_an_instance_whose_table_is_garbage_answers_503_and_lives(lab: Lab, tmp_path: Path) -> None:
    """A corrupt file is no reason to crash or to fall silent."""
    settings = make_settings(tmp_path, lab.block.address(2))
    settings.lmdb_directory.mkdir()
    (settings.lmdb_directory / "data.mdb").write_bytes(os.urandom(50_000))
    from support.edge import started

    with started(settings) as process:
        edge = Edge(settings, process, None)  # type: ignore[arg-type]
        deadline = time.monotonic() + PATIENCE
        while not (answer := probe(edge, 0.2)):
            assert time.monotonic() < deadline
        assert answer.startswith("SIP/2.0 503")
        assert process.poll() is None


def test_settings_round_trip_through_their_file(tmp_path: Path, lab: Lab) -> None:
    """What the supervisor writes is what Kamailio and the agent read."""
    settings = make_settings(tmp_path, lab.block.address(2), resolver="127.0.0.1:5353", deprecated_tls=True)
    assert read_settings(settings.settings_file) == settings


def test_a_stopped_instance_leaves_no_process(lab: Lab, tmp_path: Path) -> None:
    """SIGTERM to the main process ends every worker."""
    with running_edge(
        Platform(addresses=[lab.block.address(2)]).table(), lab.block.address(2), tmp_path
    ) as edge:
        pids = workers(edge)
        edge.process.send_signal(signal.SIGTERM)
        edge.process.wait(PATIENCE)
        until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), "the workers are gone")
        end_group(edge.process)


def test_a_target_that_rings_too_long_ends_the_call(lab: Lab, tmp_path: Path) -> None:
    """480 and no failover: somebody was called, nobody came."""
    with running_edge(None, lab.block.address(2), tmp_path, ring_seconds=2) as edge:
        one = Lab(edge, lab.block, lab.stack)
        first, second, telco = lab.agent(21), lab.agent(22), lab.agent(TELCO)
        targets = tuple(make_target(each.address, 5060, priority=n) for n, each in enumerate((first, second)))
        one.serve(trunk={"targets": targets})
        invite = one.call_in(telco)
        received = first.wait("INVITE")
        first.respond(received, 180)
        first.respond(first.wait("CANCEL"), 200)
        first.respond(received, 487)
        assert invite.final().status == 480
        assert second.silence(0.3) == []


def spoil(edge: Edge, section: Section, key: str) -> None:
    """Write a row that no edge can read."""
    rows: dict[Section, dict[bytes, bytes]] = {}
    rows |= {each: dict(edge.store.rows(each)) for each in PUBLISHED}
    rows[section][key.encode()] = b"no row at all"
    edge.sequence += 1
    edge.store.commit(edge.sequence, rows)


def test_a_fault_while_a_request_is_judged_is_answered_500(
    own: Lab, pbx: UserAgent, telco: UserAgent
) -> None:
    """An exception of ours: an answer and a line in the log, and the next call is not touched."""
    spoil(own.edge, Section.TRUNK, "acme/hq")
    assert own.call_out(pbx).final().status == 500
    assert own.call_in(telco).final().status == 500
    assert own.edge.logs("fault in request route: TableFormatError at ")
    own.serve()
    invite = own.call_out(pbx)
    telco.respond(telco.wait("INVITE"), 486)
    assert invite.final().status == 486


def test_a_fault_after_a_failed_attempt_is_answered_500(own: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """The same in the failure route: the caller does not wait for ever."""
    invite = own.call_out(pbx)
    received = telco.wait("INVITE")
    spoil(own.edge, Section.CARRIER, "telco")
    telco.respond(received, 407, headers=[("Proxy-Authenticate", 'Digest realm="x", nonce="y"')])
    assert invite.final().status == 500
    assert own.edge.logs("fault in failure route: TableFormatError at ")


def test_an_edge_behind_nat_shows_its_advertised_address(lab: Lab, tmp_path: Path) -> None:
    """Via and Record-Route name the public address, and requests routed to that name are its own."""
    with running_edge(None, lab.block.address(2), tmp_path, advertised="192.0.2.10") as edge:
        one = Lab(edge, lab.block, lab.stack)
        pbx, telco = lab.agent(PBX), lab.agent(TELCO)
        one.serve()
        invite = one.call_out(pbx)
        received = telco.wait("INVITE")
        assert "192.0.2.10" in received.header("Via")
        assert "sip:192.0.2.10" in received.header("Record-Route")
        # What the carrier would do on the far side of the NAT.
        path = received.path
        telco.respond(received, 200, body=sdp(telco.address))
        leg = invite.leg(pbx.wait("INVITE", status=200))
        leg.send("ACK")
        telco.wait("ACK")
        callee_leg(telco, received, path).send("BYE")
        pbx.respond(pbx.wait("BYE"), 200)
        telco.wait("BYE", status=200)


def test_a_directory_may_have_a_long_path(lab: Lab, tmp_path: Path) -> None:
    """Longer than a unix socket's path may be: the edge starts, and its control socket is there."""
    directory = tmp_path / "a-long-name-for-a-state-directory" / "and-another-long-name-below-it" / ("x" * 40)
    table = Platform(addresses=[lab.block.address(2)]).table()
    with running_edge(table, lab.block.address(2), directory) as edge:
        assert len(str(edge.settings.rpc_socket)) > 107
        assert stat.S_ISSOCK(edge.settings.rpc_socket.stat().st_mode)
        assert stat.S_IMODE(edge.settings.rpc_socket.stat().st_mode) & 0o077 == 0


def test_another_python_first_on_the_path_changes_nothing(
    lab: Lab, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pyenv, conda: embedded Python takes the library that it finds beside the first `python3` on PATH."""
    foreign = tmp_path / "foreign"
    for library in (f"lib/python3.{minor}" for minor in range(9, 16)):
        (foreign / library / "lib-dynload").mkdir(parents=True)
        (foreign / library / "os.py").write_text("")
    (foreign / "bin").mkdir()
    (foreign / "bin" / "python3").write_text("#!/bin/sh\nexit 1\n")
    (foreign / "bin" / "python3").chmod(0o755)
    monkeypatch.setenv("PATH", f"{foreign}/bin:{os.environ['PATH']}")
    monkeypatch.setenv("PYTHONHOME", str(foreign))
    with running_edge(None, lab.block.address(2), tmp_path) as edge:
        assert "503" in probe(edge)


def test_no_process_may_leave_a_core_file(own: Lab) -> None:
    """It would hold every password hash and the edge secret."""
    for pid in (own.edge.process.pid, *workers(own.edge)):
        (limit,) = (
            line for line in Path(f"/proc/{pid}/limits").read_text().splitlines() if "core file" in line
        )
        assert limit.split()[4:6] == ["0", "0"]


def test_no_answer_names_the_product(own: Lab, pbx: UserAgent, telco: UserAgent) -> None:
    """Neither what anybody is answered nor what the edge sends by itself, as its CANCEL."""
    uri = f"sip:{own.edge.address}"
    fields = [pbx.via(), ("Max-Forwards", "70"), ("From", "<sip:a@b>;tag=1"), ("To", f"<{uri}>")]
    fields += [("Call-ID", new_token()), ("CSeq", "1 OPTIONS")]
    pbx.send(render(f"OPTIONS {uri} SIP/2.0", fields), own.edge_at)
    answers = [pbx.wait("OPTIONS", status=200)]
    invite = own.call_out(pbx)
    received = telco.wait("INVITE")
    telco.respond(received, 180)
    answers.append(pbx.wait("INVITE", status=100))
    invite.cancel()
    answers.append(telco.wait("CANCEL"))
    telco.respond(answers[-1], 200)
    telco.respond(received, 487)
    answers.append(invite.final())
    for answer in answers:
        names = {name.lower() for name, _ in answer.headers}
        assert not names & {"server", "user-agent", "warning"}
        assert "kamailio" not in str(answer.headers).lower()
