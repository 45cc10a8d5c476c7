"""`make demo`: the quickstart's edges on this machine, and seven things that calls do and leave.

Exit code 0 only if every call ended as told and nothing was left behind.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import dns.message
import dns.query
import dns.rdatatype
import yaml
from peers import HERE, NameServer, Peer, PeerError, in_use
from rich.console import Console
from rich.markup import escape
from talking import TalkingPeer, longest_tone, tones_of_channels, tones_told

from trunkline.standalone.state import UpState, read_state

ASHBURN, DUBLIN = "127.0.11.1", "127.0.12.1"
READY_SECONDS = 40.0
STOP_SECONDS = 15.0
MOVE_SECONDS = 5.0
TALK_SECONDS = 2.0
RECORDING_SECONDS = 10.0
SECURE_AND_RECORDED = "  secure: true\n  recording: {mode: RecordFromAnswerDual}"


class DemoError(RuntimeError):
    """The demo cannot go on; the text says why."""


@dataclass(slots=True)
class Stage:
    """Everything the story plays on."""

    directory: Path
    ladder: bool
    console: Console
    carrier: Peer
    talking: TalkingPeer
    primary: Peer
    backup: Peer
    lab: Peer
    dns_port: int
    faults: list[str] = field(default_factory=list)

    @property
    def state_directory(self) -> Path:
        return self.directory / "state"

    @property
    def tenant(self) -> Path:
        """The copy of the tenant's files that the demo edits."""
        return self.directory / "tenant"

    @property
    def password_file(self) -> Path:
        return self.directory / "pbx.password"

    def title(self, text: str) -> None:
        self.console.print(f"\n[bold]{text}[/bold]")

    def tell(self, text: str) -> None:
        self.console.print(f"   {text}", soft_wrap=True)

    def print_plain(self, text: str) -> None:
        """What a command has printed, as it is."""
        for line in text.splitlines():
            self.console.print(f"   {line}", markup=False, highlight=False, soft_wrap=True)

    def check(self, good: bool, text: str) -> None:
        """Tells an outcome; remembers one that is not as told."""
        sign = "[green]as told:[/green]" if good else "[red]NOT as told:[/red]"
        self.console.print(f"   {sign} {escape(text)}", soft_wrap=True)
        if not good:
            self.faults.append(text)

    def look_up(self, name: str) -> tuple[list[str], int]:
        """The A records of a name, sorted, and their TTL, from the platform's own DNS server."""
        question = dns.message.make_query(name, dns.rdatatype.A)
        answer = dns.query.udp(question, "127.0.0.1", port=self.dns_port, timeout=2)
        records = [each for each in answer.answer if each.rdtype == dns.rdatatype.A]
        if not records:
            raise DemoError(f"DNS has no A record for {name}")
        return sorted(each.address for each in records[0]), records[0].ttl

    def call(
        self,
        uri: str,
        caller: str,
        via: str,
        source: str,
        *options: str,
        digest: bool = False,
        seconds: float = 0.5,
    ) -> dict[str, Any]:
        """One call by the shipped command."""
        command = [sys.executable, "-m", "trunkline", "call", uri, "--from", caller, "--via", via, *options]
        command += ["--source", source, "--duration", f"{seconds:g}", "--wait", "15", "--ring", "30"]
        command += ["-o", "json"]
        if digest:
            command += ["--username", "pbx", "--password-file", str(self.password_file)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if not done.stdout:
            raise DemoError(done.stderr.strip() or "`trunkline call` said nothing")
        result: dict[str, Any] = json.loads(done.stdout)
        if self.ladder:
            self._print_ladder(result)
        return result

    def _print_ladder(self, result: dict[str, Any]) -> None:
        self.tell(f"[dim]{result['source']:<32}{result['via']}[/dim]")
        for step in result["steps"]:
            sent = step["direction"] == "sent"
            label = step["method"] if step["status"] is None else f"{step['status']} {step['text']}"
            bar = "-" * max(1, 34 - len(label))
            arrow = f"{label} {bar}>" if sent else f"<{bar} {label}"
            self.console.print(f"   {step['at']:8.3f}  {arrow}", style="dim", highlight=False)


def termination(stage: Stage) -> None:
    stage.title("1. Termination: the PBX calls the PSTN")
    name = "acme-hq.pstn.ashburn.trunkline.test"
    addresses, ttl = stage.look_up(name)
    stage.tell(f"{name} has {len(addresses)} addresses, TTL {ttl}: {', '.join(addresses)}.")
    stage.tell("The PBX at 127.0.10.1 dials +12125550111 there. Trunk acme/hq checks its address")
    stage.tell("and its password (a digest), then that it may show +14155550100 as caller id.")
    result = stage.call(f"sip:+12125550111@{name}", "+14155550100", addresses[0], "127.0.10.1", digest=True)
    invite = stage.carrier.invite(result["callId"])
    asserted = invite.header("P-Asserted-Identity") if invite else ""
    stage.check(
        result["answered"] and "+14155550100" in asserted and len(addresses) == 4 and ttl == 600,
        f"carrier telco-a at {stage.carrier.address} answered; it was told {asserted or 'no caller id'}"
        if result["answered"]
        else result["explanation"],
    )


def origination(stage: Stage) -> None:
    stage.title("2. Origination: the PSTN calls the PBX")
    stage.tell("Carrier telco-a brings a call for +14155550100 to edge dublin. Number acme/main-line")
    stage.tell("says: trunk acme/hq. Its OriginationUri of priority 10 says: pbx1.acme.example.")
    result = stage.call("sip:+14155550100@127.0.12.1", "+12125550111", DUBLIN, stage.carrier.address)
    invite = stage.primary.invite(result["callId"])
    stage.check(
        result["answered"] and invite is not None,
        f"the primary PBX answered; its INVITE had Diversion {invite.header('Diversion')}"
        if invite and result["answered"]
        else result["explanation"],
    )


def refusal(stage: Stage) -> None:
    stage.title("3. A refusal, with its reason")
    stage.tell("The PBX shows a caller id that is not Acme's: +12025550123.")
    result = stage.call(
        "sip:+12125550111@acme-hq.pstn.trunkline.test", "+12025550123", ASHBURN, "127.0.10.1", digest=True
    )
    stage.check(
        result["status"] == 403 and result["reason"] == "CallerIdNotAllowed",
        f"{result['explanation']} X-Trunkline-Error: {result['errorCode']}",
    )


def failover(stage: Stage) -> None:
    stage.title("4. Failover: the primary PBX is down")
    stage.primary.stop()
    stage.tell("Nothing answers at pbx1.acme.example now. A call for desk phone +14155551234 waits")
    stage.tell("4 s for it, then goes to the OriginationUri of priority 20: pbx2.acme.example.")
    result = stage.call("sip:+14155551234@127.0.12.1", "+12125550111", DUBLIN, stage.carrier.address)
    invite = stage.backup.invite(result["callId"])
    stage.check(
        result["answered"] and invite is not None,
        f"the backup PBX answered after {_answer_seconds(result):.1f} s; "
        f"its INVITE had X-Site: {invite.header('X-Site')}"
        if invite and result["answered"]
        else result["explanation"],
    )


def _answer_seconds(result: dict[str, Any]) -> float:
    steps: list[dict[str, Any]] = result["steps"]
    return next(
        (float(each["at"]) for each in steps if each["method"] == "INVITE" and each["status"] == 200), 0
    )


def move(stage: Stage) -> None:
    stage.title("5. A number moves to another trunk: edit one file")
    stage.tell("tenant/numbers.yaml: main-line's trunkRef changes from hq to lab. Nothing is restarted.")
    taken, addresses = _edit(stage, "numbers.yaml", "trunkRef: {name: hq}", "trunkRef: {name: lab}")
    result = stage.call("sip:+14155550100@127.0.11.4", "+12125550111", "127.0.11.4", stage.carrier.address)
    stage.check(
        taken < 1 and result["answered"] and stage.lab.invite(result["callId"]) is not None,
        f"all {addresses} addresses had it after {taken:.2f} s; the lab's PBX answered the next call",
    )


def _edit(stage: Stage, name: str, old: str, new: str) -> tuple[float, int]:
    """Edit a file of the tenant. After how many seconds it was in force, and at how many addresses."""
    before, file = _revisions(stage), stage.tenant / name
    started = time.monotonic()
    file.write_text(file.read_text().replace(old, new, 1))
    while time.monotonic() - started < MOVE_SECONDS:
        now = _revisions(stage)
        if all(revision > before.get(address, 0) for address, revision in now.items()):
            break
        time.sleep(0.01)
    return time.monotonic() - started, len(before)


def sound(stage: Stage) -> None:
    stage.title("6. Sound: TLS and SRTP to the edge, recorded there")
    stage.tell("tenant/trunks.yaml: trunk hq becomes `secure: true`, and records its calls in two channels.")
    _edit(stage, "trunks.yaml", "friendlyName: Acme HQ", f"friendlyName: Acme HQ\n{SECURE_AND_RECORDED}")
    stage.tell("The PBX calls +442079460123 with a tone of 1000 Hz; carrier telco-b answers with 700 Hz.")
    authority = ("--ca", str(stage.state_directory / "ca" / "ca.crt"))
    name, transport = "acme-hq.pstn.ashburn.trunkline.test", ("--transport", "tls", "--media", "srtp")
    uri = f"sip:+442079460123@{name};transport=tls"
    result = stage.call(
        uri, "+14155550100", ASHBURN, "127.0.10.1", *transport, *authority, digest=True, seconds=TALK_SECONDS
    )
    told = result.get("sound") or {}
    stage.check(
        result["answered"] and told.get("toneHeard") == 700 and stage.talking.heard == 1000,
        f"by {told.get('suite')} the PBX heard {told.get('toneHeard')} Hz; by RTP the carrier heard "
        f"{stage.talking.heard} Hz"
        if result["answered"]
        else result["explanation"],
    )
    channels = _recorded(stage)
    stage.check(
        [longest_tone(each) for each in channels] == [1000, 700],
        "the recording has " + ", and ".join(map(tones_told, channels, ("caller's", "callee's")))
        if len(channels) == 2
        else f"there is no recording of two channels: {channels}",
    )


def _recorded(stage: Stage) -> list[dict[int, float]]:
    """Of each channel of the one recording: seconds of each tone, by Hz. Empty if there is none."""
    started, file = time.monotonic(), stage.directory / "recording.wav"
    while time.monotonic() - started < RECORDING_SECONDS:
        for said in (stage.state_directory / "recordings").rglob("*.json"):
            stage.tell(f"$ trunkline recordings get {said.stem}")
            _shipped(stage, "recordings", "get", said.stem, "-o", str(file))
            return tones_of_channels(file)
        time.sleep(0.1)
    return []


def records(stage: Stage) -> None:
    stage.title("7. What these calls have left: a record each, refused ones too")
    started = time.monotonic()
    while len(found := json.loads(_shipped(stage, "calls", "list", "-o", "json"))) < len(STORY) - 1:
        if time.monotonic() - started > MOVE_SECONDS:
            break
        time.sleep(0.2)
    stage.tell("$ trunkline calls list")
    stage.print_plain(_shipped(stage, "calls", "list"))
    stage.tell("$ trunkline usage --by trunk --rates rates.yaml")
    usage = _shipped(stage, "usage", "--by", "trunk", "--rates", str(HERE / "rates.yaml"))
    stage.print_plain(usage)
    results = sorted(each["result"] for each in found)
    stage.check(
        results == ["answered"] * 5 + ["refused"] and "total" in usage,
        "six calls, six records: five were answered and counted, one was refused",
    )


def _shipped(stage: Stage, *arguments: str) -> str:
    """What the shipped command prints of the running `up`."""
    command = [sys.executable, "-m", "trunkline", *arguments, "--state-dir", str(stage.state_directory)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        ended = f"`trunkline {' '.join(arguments)}` ended with {done.returncode}"
        raise DemoError(done.stderr.strip() or ended)
    return done.stdout


STORY: tuple[Callable[[Stage], None], ...] = (
    termination,
    origination,
    refusal,
    failover,
    move,
    sound,
    records,
)


def _revisions(stage: Stage) -> dict[str, int]:
    state = read_state(stage.state_directory)
    if state is None:
        raise DemoError("`trunkline up` has ended")
    return {each.address: each.revision or 0 for edge in state.edges for each in edge.addresses}


@contextmanager
def running_up(stage: Stage, names: NameServer) -> Iterator[subprocess.Popen[bytes]]:
    """`trunkline up` on the copied tenant and the platform; ready when the body begins."""
    log = stage.directory / "up.log"
    command = [sys.executable, "-m", "trunkline", "up", str(stage.tenant), str(HERE / "platform-local")]
    command += ["--state-dir", str(stage.state_directory), "--resolver", f"{names.address}:{names.port}"]
    command += ["--dns", f"127.0.0.1:{stage.dns_port}", "--drain", "1"]
    with log.open("wb") as stream:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=stream, stderr=stream, start_new_session=True
        )
    try:
        _wait_until_ready(stage, process, log)
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            stage.check(False, f"`trunkline up` did not stop within {STOP_SECONDS:g} s")
            process.kill()
            process.wait()


def _dns_port() -> int:
    """5300 as everywhere in the documentation; the next free one if it is taken."""
    kinds = (socket.SOCK_DGRAM, socket.SOCK_STREAM)
    return next(
        port for port in range(5300, 5400) if not any(in_use("127.0.0.1", port, kind) for kind in kinds)
    )


def _wait_until_ready(stage: Stage, process: subprocess.Popen[bytes], log: Path) -> None:
    started = time.monotonic()
    message = "starting 2 edges (7 addresses, each a Kamailio, its agent and its rtpengine) and DNS"
    with stage.console.status(message):
        if not stage.console.is_terminal:
            stage.tell(message + " ...")
        while not any(line.startswith("Ready:") for line in log.read_text().splitlines()):
            if process.poll() is not None:
                raise DemoError(log.read_text().strip() or "`trunkline up` ended without a word")
            if time.monotonic() - started > READY_SECONDS:
                raise DemoError(f"the edges are not ready after {READY_SECONDS:g} s:\n{log.read_text()}")
            time.sleep(0.05)
    stage.tell(f"ready after {time.monotonic() - started:.1f} s")


def _leftovers(state: UpState, directory: Path) -> list[str]:
    """What a stopped demo must not leave: processes that know its directory, ports, the directory."""
    addresses = (each.address for edge in state.edges for each in edge.addresses)
    found = [f"{each}:5060 is still in use" for each in addresses if in_use(each, 5060)]
    if directory.exists():
        found.append(f"{directory} is still there")
    mark = os.fsencode(directory)
    for process in Path("/proc").glob("[0-9]*"):
        try:
            known = (process / "cmdline").read_bytes() + (process / "environ").read_bytes()
        except OSError:
            continue  # it has ended, or is another user's
        if mark in known:
            found.append(f"process {process.name} is still running")
    return found


def _prepare(directory: Path) -> None:
    shutil.copytree(HERE / "tenant", directory / "tenant")
    secrets = [
        each
        for each in yaml.safe_load_all((HERE / "tenant" / "access.yaml").read_text())
        if each["kind"] == "Secret"
    ]
    password = directory / "pbx.password"
    password.touch(mode=0o600)
    password.write_text(secrets[0]["stringData"]["password"])


def _play(options: argparse.Namespace, console: Console) -> list[str]:
    """The whole demo; gives what did not go as told."""
    directory = Path(tempfile.mkdtemp(prefix="trunkline-demo-"))
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, directory, ignore_errors=True)
        _prepare(directory)
        stage = Stage(
            directory,
            options.ladder,
            console,
            carrier=Peer("carrier telco-a", "127.0.9.1", directory),
            primary=Peer("the primary PBX", "127.0.10.1", directory),
            backup=Peer("the backup PBX", "127.0.10.2", directory),
            talking=TalkingPeer("carrier telco-b", "127.0.9.17"),
            lab=Peer("the lab's PBX", "127.0.10.3", directory),
            dns_port=_dns_port(),
        )
        names = NameServer("127.0.10.53", 5300, directory)
        for peer in (names, stage.carrier, stage.talking, stage.primary, stage.backup, stage.lab):
            peer.start()
            stack.callback(peer.stop)
        stack.enter_context(running_up(stage, names))
        state = read_state(stage.state_directory)
        if state is None:
            raise DemoError("`trunkline up` has ended")
        for chapter in STORY:
            chapter(stage)
        if options.keep:
            _keep(stage, state)
    stage.title("The end: everything is stopped")
    left = _leftovers(state, directory)
    stage.check(not left, "no process, port or file is left behind" if not left else "; ".join(left))
    return stage.faults


def _keep(stage: Stage, state: UpState) -> None:
    stage.primary.start()
    stage.title("Still running: try it, then press Ctrl-C")
    address, _, port = state.dns.rpartition(":")
    for line in (
        f"dig +noall +answer @{address} -p {port} acme-hq.pstn.ashburn.{state.base_domain}",
        f"trunkline status --state-dir {stage.state_directory}",
        f"trunkline calls list -f --state-dir {stage.state_directory}",
        f"trunkline call sip:+12125550111@acme-hq.pstn.{state.base_domain} --from +14155550100 \\\n"
        f"     --via {ASHBURN} --source 127.0.10.1 --username pbx --password-file {stage.password_file}",
        f"$EDITOR {stage.tenant}/numbers.yaml",
    ):
        stage.console.print(f"   {line}", highlight=False, soft_wrap=True)
    try:
        signal.pause()
    except KeyboardInterrupt:
        pass


def main() -> int:
    """Plays the demo; gives the exit code."""
    parser = argparse.ArgumentParser(prog="demo", description="Calls through real SIP edges on this machine.")
    parser.add_argument("--ladder", action="store_true", help="show every SIP message of each call")
    parser.add_argument(
        "--keep", action="store_true", help="keep everything running at the end, to play with"
    )
    options = parser.parse_args()
    console = Console(highlight=False)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends as Ctrl-C does: nothing is left behind
    started = time.monotonic()
    console.print("[bold]Trunkline demo[/bold]: calls through real SIP edges on this machine")
    try:
        faults = _play(options, console)
    except (DemoError, PeerError) as error:
        print(f"demo: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("demo: stopped", file=sys.stderr)
        return 130
    taken = time.monotonic() - started
    if faults:
        console.print(f"\n[red]{len(faults)} of {len(STORY) + 1} did not go as told[/red] ({taken:.0f} s)")
        return 1
    console.print(f"\n[green]All went as told[/green], in {taken:.0f} s. What it ran: examples/quickstart")
    return 0


if __name__ == "__main__":
    sys.exit(main())
