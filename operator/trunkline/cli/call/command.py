"""`trunkline call`: options to a request, the ladder as it happens, the exit code."""

from __future__ import annotations

import json
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from sipedge.printable import printable
from sipedge.secret import Secret
from trunkline.cli import exits
from trunkline.cli.call.ladder import Ladder, call_document, verdict
from trunkline.cli.call.pcap import pcap_of
from trunkline.cli.call.place import CallError, place
from trunkline.cli.call.request import (
    CallRequest,
    CallUsageError,
    Credentials,
    Sound,
    Transport,
    read_address,
    read_called,
    read_caller,
    read_transfer_target,
    read_via,
)
from trunkline.cli.call.trace import SipMessage, masked
from trunkline.cli.terminal import look_of, tell


@dataclass(frozen=True, slots=True)
class LoginOptions:
    """Of the user, as given."""

    username: str | None
    password_file: str | None


@dataclass(frozen=True, slots=True)
class TimeOptions:
    """In seconds, as given."""

    duration: float
    ring: float
    silence: float


@dataclass(frozen=True, slots=True)
class CallOptions:
    """The options as given."""

    uri: str
    caller: str
    via: str
    login: LoginOptions
    times: TimeOptions
    transport: str
    source: str | None
    ca_file: Path | None
    messages: bool
    media: str | None = None
    transfer_to: str | None = None


def run_call(options: CallOptions, as_json: bool, pcap: Path | None = None) -> int:
    """Places the call and tells it, in the file `pcap` as well; gives the exit code."""
    signal.signal(signal.SIGTERM, _stop)  # so that an open call ends with CANCEL or BYE
    look = look_of(sys.stdout)
    ladder = Ladder(look)

    def on_message(message: SipMessage) -> None:
        if as_json:
            return
        print(ladder.line(message), flush=True)
        if options.messages:
            print(_indented(masked(message.text)), flush=True)

    try:
        request = _request(options)
        _check_pcap(pcap)
        if not as_json:
            where = f"{request.address}:{request.port}"
            print(printable(f"{request.caller} calls {request.uri} at {where}, {request.transport}"))
        result = place(request, options.ca_file, on_message)
    except CallUsageError as error:
        tell(f"trunkline call: {error}")
        return exits.USAGE
    except CallError as error:
        tell(f"trunkline call: {error}")
        return exits.FAILED
    if pcap is not None:
        packets = pcap_of(request, result.source, result.messages)
        if not _written(pcap, packets):
            return exits.FAILED
    if as_json:
        print(json.dumps(call_document(request, result), indent=2))
    else:
        if result.connection:
            print(printable(f"connection: {result.connection}"))
        print(look.paint(printable(verdict(request, result)), "green" if result.succeeded else "red"))
    return exits.OK if result.succeeded else exits.FAILED


def _check_pcap(path: Path | None) -> None:
    """Before the call, so that none is placed in vain. Raises CallUsageError."""
    if path is not None and (path.is_dir() or not path.parent.is_dir()):
        raise CallUsageError(f"--pcap {str(path)!r}: give a file in a directory that is there")


def _written(path: Path, data: bytes) -> bool:
    try:
        path.write_bytes(data)
    except OSError as error:
        tell(f"trunkline call: --pcap {str(path)!r}: {error.strerror or error}")
        return False
    return True


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _request(options: CallOptions) -> CallRequest:
    transport = Transport(options.transport)
    address, port = read_via(options.via, transport)
    if options.ca_file is not None and transport is not Transport.TLS:
        raise CallUsageError("--ca needs --transport tls")
    return CallRequest(
        uri=read_called(options.uri),
        caller=read_caller(options.caller),
        address=address,
        port=port,
        transport=transport,
        source=None if options.source is None else read_address(options.source, "--source"),
        credentials=_credentials(options.login),
        duration=options.times.duration,
        silence=options.times.silence,
        ring=options.times.ring,
        sound=None if options.media is None else Sound(options.media),
        transfer_to=None if options.transfer_to is None else read_transfer_target(options.transfer_to),
    )


def _credentials(login: LoginOptions) -> Credentials | None:
    username, password_file = login.username, login.password_file
    if username is None and password_file is None:
        return None
    if username is None or password_file is None:
        raise CallUsageError("--username and --password-file go together: give both or neither")
    try:
        text = sys.stdin.read() if password_file == "-" else Path(password_file).read_text()  # noqa: S105
    except (OSError, UnicodeDecodeError) as error:
        fault = error.strerror if isinstance(error, OSError) else "is not UTF-8 text"
        raise CallUsageError(f"--password-file {password_file!r}: {fault}") from error
    password = text.split("\n", 1)[0].rstrip("\r")
    if not password:
        raise CallUsageError(f"--password-file {password_file!r}: its first line is empty")
    return Credentials(username, Secret(password))


def _indented(text: str) -> str:
    """A whole message below its line of the ladder; what a terminal could act on is escaped."""
    lines = text.replace("\r\n", "\n").rstrip("\n").split("\n")
    return "\n".join(f"            | {line.encode('unicode_escape').decode()}" for line in lines)
