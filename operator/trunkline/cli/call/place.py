"""Places the call: runs sipp, reads its trace as it grows, answers a challenge with a second INVITE."""

from __future__ import annotations

import secrets
import shutil
import socket
import ssl
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from trunkline.cli.call.digest import authorization, read_challenge
from trunkline.cli.call.request import CallRequest, Transport
from trunkline.cli.call.scenario import Attempt, build_hang_up, build_scenario
from trunkline.cli.call.tls_relay import TlsPeer, context_for, tls_relay
from trunkline.cli.call.tone_call import SoundResult, ToneCall, tone_call
from trunkline.cli.call.trace import SipMessage, TraceReader
from trunkline.cli.call.transfer import TransferResult, transfer_result, wait_seconds

POLL_SECONDS: Final = 0.02
CONNECT_SECONDS: Final = 4.0
"""How long a TCP connection may take: as long as the platform itself gives a target (S65)."""
_TRANSPORT_FLAGS: Final = {Transport.UDP: "u1", Transport.TCP: "t1", Transport.TLS: "t1"}
_CHALLENGES: Final = {
    401: ("WWW-Authenticate", "Authorization"),
    407: ("Proxy-Authenticate", "Proxy-Authorization"),
}


class CallError(RuntimeError):
    """The call could not even be tried; the text says why and the mend."""


@dataclass(frozen=True, slots=True)
class CallResult:
    """How a call went."""

    call_id: str
    source: str
    messages: tuple[SipMessage, ...]
    final: SipMessage | None
    """The last final response to an INVITE; None = none came."""
    connection: str = ""
    """What was agreed with the edge before SIP began: TLS version, cipher, whose certificate."""
    sound: SoundResult | None = None
    """None: the call was to be silent."""
    transfer: TransferResult | None = None
    """None: the call was not to be transferred."""

    @property
    def answered(self) -> bool:
        return self.final is not None and self.final.status is not None and self.final.status < 300

    @property
    def bye_status(self) -> int | None:
        """The status of the final answer to our BYE; None = there was no BYE of ours, or no answer to it."""
        answers = [each for each in self.messages if each.method == "BYE" and not each.sent]
        return next((each.status for each in answers if each.status is not None and each.status >= 200), None)

    @property
    def hung_up(self) -> bool:
        """False if the other side may think that the call goes on: our BYE was refused, or met silence."""
        byes = [each for each in self.messages if each.method == "BYE" and each.status is None]
        if not byes or any(not each.sent for each in byes):
            return True
        return self.bye_status is not None and self.bye_status < 300

    @property
    def succeeded(self) -> bool:
        """It was answered and hung up, and if it was to have sound or be transferred, it had and was."""
        as_asked = (self.sound is None or self.sound.comes_back) and (
            self.transfer is None or self.transfer.succeeded
        )
        return self.answered and self.hung_up and as_asked


def place(request: CallRequest, ca_file: Path | None, on_message: Callable[[SipMessage], None]) -> CallResult:
    """Places the call and tells each message as it passes. Raises CallError."""
    if shutil.which("sipp") is None:
        raise CallError("the program sipp is missing; install it with: sudo apt-get install -y sip-tester")
    source = request.source or _local_address(request)
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="trunkline-call-")))
        connection, remote = _connection(request, source, ca_file, stack)
        sound = _sound(request, source, stack)
        runner = _Runner(request, source, remote, directory, _hearing(on_message, sound))
        first = Attempt(secrets.token_hex(12), secrets.token_hex(6), 1, None, sound.offer if sound else "")
        messages = runner.run(first)
        answer = _answer_to_challenge(request, messages)
        if answer is not None:
            messages += runner.run(replace(first, cseq=2, authorization=answer))
    heard = sound.result() if sound else None
    transfer = None if request.transfer_to is None else transfer_result(request.transfer_to, messages)
    return CallResult(first.call_id, source, tuple(messages), _final(messages), connection, heard, transfer)


def _sound(request: CallRequest, source: str, stack: ExitStack) -> ToneCall | None:
    if request.sound is None:
        return None
    try:
        return stack.enter_context(tone_call(request.sound, source))
    except OSError as error:
        raise CallError(f"no port for sound at {source}: {error.strerror or error}") from error


def _hearing(
    on_message: Callable[[SipMessage], None], sound: ToneCall | None
) -> Callable[[SipMessage], None]:
    """Tells the sound of each message first."""
    if sound is None:
        return on_message
    follows = sound.note

    def both(message: SipMessage) -> None:
        follows(message)
        on_message(message)

    return both


def _answer_to_challenge(request: CallRequest, messages: list[SipMessage]) -> tuple[str, str] | None:
    final = _final(messages)
    if final is None or final.status not in _CHALLENGES or request.credentials is None:
        return None
    asked, answered = _CHALLENGES[final.status]
    challenge = read_challenge(final.header(asked))
    if challenge is None:
        return None
    value = authorization(challenge, request.credentials, "INVITE", request.uri, secrets.token_hex(8))
    return answered, value


def _final(messages: list[SipMessage]) -> SipMessage | None:
    finals = [
        each
        for each in messages
        if not each.sent and each.method == "INVITE" and each.status is not None and each.status >= 200
    ]
    return finals[-1] if finals else None


def _local_address(request: CallRequest) -> str:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect((request.address, request.port))
        except OSError as error:
            raise CallError(f"no way to {request.address}: {error.strerror}") from error
        address: str = probe.getsockname()[0]
        return address


def _connection(
    request: CallRequest, source: str, ca_file: Path | None, stack: ExitStack
) -> tuple[str, tuple[str, int]]:
    """Checks that the edge can be reached from `source`; says how, and where sipp must connect to."""
    _free_port(source, request.transport)
    if request.transport is Transport.UDP:
        return "", (request.address, request.port)
    where = f"{request.address}:{request.port}"
    peer = TlsPeer(request.address, request.port, request.host, source, ca_file)
    try:
        with socket.create_connection(
            (request.address, request.port), CONNECT_SECONDS, source_address=(source, 0)
        ) as plain:
            if request.transport is Transport.TCP:
                return "", (request.address, request.port)
            context = context_for(peer)
            with context.wrap_socket(plain, server_hostname=peer.server_name) as secured:
                cipher = (secured.cipher() or ("?",))[0]
                agreed = f"{secured.version()} {cipher}, certificate " + (
                    "verified" if ca_file else "not verified (--ca FILE verifies it)"
                )
    except ssl.SSLCertVerificationError as error:
        raise CallError(
            f"{where} has a certificate that {ca_file} does not vouch for: {error.verify_message}"
        ) from error
    except ssl.SSLError as error:
        raise CallError(f"TLS with {where} failed: {error.reason or error}") from error
    except TimeoutError as error:
        raise CallError(f"no connection to {where} within {CONNECT_SECONDS:g} s: is the edge up?") from error
    except OSError as error:
        raise CallError(f"no connection to {where}: {error.strerror or error}: is the edge up?") from error
    return agreed, (source, stack.enter_context(tls_relay(peer, context)))


def _free_port(source: str, transport: Transport) -> int:
    kind = socket.SOCK_DGRAM if transport is Transport.UDP else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as probe:
        try:
            probe.bind((source, 0))
        except OSError as error:
            raise CallError(
                f"cannot call from {source}: {error.strerror}; --source must be an address of this machine"
            ) from error
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True, slots=True)
class _Runner:
    request: CallRequest
    source: str
    remote: tuple[str, int]
    directory: Path
    on_message: Callable[[SipMessage], None]

    @property
    def _longest(self) -> float:
        """Seconds after which sipp gives up: every wait, and 32 s each for BYE, CANCEL and REFER."""
        transfer = 0 if self.request.transfer_to is None else 32 + 2 * wait_seconds(self.request)
        return self.request.silence + self.request.ring + self.request.duration + 64 + transfer

    def run(self, attempt: Attempt) -> list[SipMessage]:
        """One run of sipp = one INVITE and what follows from it. An interrupted call is hung up first."""
        port = _free_port(self.source, self.request.transport)
        process, trace, errors = self._start(
            f"attempt{attempt.cseq}", build_scenario(self.request, attempt), attempt, port
        )
        messages: list[SipMessage] = []
        try:
            for message in self._follow(process, trace):
                messages.append(message)
                self.on_message(message)
        except KeyboardInterrupt:
            _end(process)
            self._hang_up(attempt, messages, port)
            raise
        finally:
            _end(process)
        if not messages:
            fault = errors.read_text(errors="replace").strip() if errors.exists() else ""
            raise CallError(f"sipp sent nothing: {fault.splitlines()[-1] if fault else 'it gave no reason'}")
        return messages

    def _hang_up(self, attempt: Attempt, messages: list[SipMessage], port: int) -> None:
        """BYE or CANCEL by a sipp of its own: sipp ends on a signal without telling the other side."""
        scenario = build_hang_up(self.request, attempt, messages)
        if scenario is None:
            return
        # The same port, so that what the edge still has to say arrives; a TCP port is not free at once.
        again = port if self.request.transport is Transport.UDP else _free_port(self.source, Transport.TCP)
        process, trace, _ = self._start("hang-up", scenario, attempt, again)
        try:
            for message in self._follow(process, trace):
                self.on_message(message)
        finally:
            _end(process)

    def _start(
        self, name: str, scenario: str, attempt: Attempt, port: int
    ) -> tuple[subprocess.Popen[bytes], Path, Path]:
        """Starts sipp on a scenario; gives the process and where its trace and its errors will be."""
        script, trace, errors = (self.directory / f"{name}.{kind}" for kind in ("xml", "trace", "errors"))
        script.write_text(scenario)
        trace.touch()
        command = [
            *("sipp", f"{self.remote[0]}:{self.remote[1]}", "-sf", str(script), "-m", "1", "-nostdin"),
            "-aa",  # 200 to a NOTIFY that is repeated and to an OPTIONS, whenever they come
            *("-t", _TRANSPORT_FLAGS[self.request.transport], "-i", self.source, "-bind_local"),
            *("-p", str(port), "-cid_str", attempt.call_id),
            *("-trace_msg", "-message_file", str(trace), "-trace_err", "-error_file", str(errors)),
            *("-timeout", f"{self._longest:.0f}s"),
        ]
        process = subprocess.Popen(  # its screen is of no use; the trace says all
            command,
            cwd=self.directory,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        return process, trace, errors

    def _follow(self, process: subprocess.Popen[bytes], trace: Path) -> Iterator[SipMessage]:
        """Each message once it is written, until sipp ends or the edge stays silent for too long."""
        reader = TraceReader()
        started = time.monotonic()
        heard = False
        with trace.open("rb") as stream:
            while True:
                ended = process.poll() is not None  # asked before reading, so that nothing is missed
                for message in reader.feed(stream.read()):
                    heard = heard or not message.sent
                    yield message
                if ended or (not heard and time.monotonic() - started > self.request.silence):
                    return
                time.sleep(POLL_SECONDS)


def _end(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.terminate()
    try:
        process.wait(2)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
