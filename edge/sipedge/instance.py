"""One edge instance: one Kamailio and one agent serving one address of an Edge.

Everything that differs between instances is an `InstanceSettings`; the supervisor writes it with
`write_instance` and starts the two processes with `kamailio_command` and `agent_command`. Both find it by
the environment variable `TRUNKLINE_INSTANCE`.
"""

from __future__ import annotations

import dataclasses
import json
import os
import resource
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Final

from sipedge.b2bua_settings import B2buaSettings
from sipedge.capacity import DEFAULT_CALLS_IN_PROGRESS, DEFAULT_CALLS_PER_SECOND, Capacity
from sipedge.event_file import RECORD_FILES, RECORD_FILES_OF_POD
from sipedge.log_lines import LOG_ENGINE
from sipedge.media_settings import MediaSettings, media_of, told_media
from sipedge.routing.dialog.probing import PROBE_SECONDS
from sipedge.secret import Secret
from sipedge.uri import bracketed

INSTANCE_VARIABLE: Final = "TRUNKLINE_INSTANCE"
"""Names instance.json to Kamailio and to the agent."""


_KB_PER_TLS_CONNECTION: Final = 90
"""Most of it is OpenSSL's, which allocates in shared memory."""
_KB_PER_TCP_CONNECTION: Final = 18
"""Most of it is the buffer for one message (`tcp_rd_buf_size`)."""
_PATH: Final = "/usr/sbin:/usr/bin:/sbin:/bin"
"""Debian's programs. Embedded Python looks for its library beside the first `python3` on PATH."""


class InstanceError(ValueError):
    """The settings cannot be used; the message names the file or field, its fault and the mend."""


@dataclass(frozen=True, slots=True)
class Ports:
    """Where one address listens."""

    udp: int = 5060
    tcp: int = 5060
    tls: int = 5061


@dataclass(frozen=True)
class InstanceSettings:
    """All that one instance needs to know before it has a table."""

    edge: str
    address: str
    """The address to listen on, and the one requests and replies leave from."""
    ports: Ports
    directory: Path
    """Holds what belongs to this instance alone: configuration, LMDB, certificates, control socket."""
    source: Path
    """Where this edge's table is published: `head` and `parts/`."""
    edge_secret_file: Path
    """64 hex digits, the same on every edge of the platform: digest nonces and dialog tokens."""
    kamailio_dir: Path
    """Holds kamailio.cfg and kemi_main.py."""
    python_path: Path
    """Holds `sipedge` and nothing else, so that Debian's Python never sees a virtual environment."""
    resolver: str | None = None
    """`ADDR:PORT` of the resolver for the names in URIs; None = the system's."""
    calls_per_second: int = DEFAULT_CALLS_PER_SECOND
    calls_in_progress: int = DEFAULT_CALLS_IN_PROGRESS
    """These two: see `Capacity`."""
    shm_mb: int | None = None
    """Shared memory in MB; None = what the two numbers above need (`shared_memory_mb`)."""
    children: int = 2
    """Workers for UDP, and as many for TCP and TLS together."""
    ring_seconds: int = 120
    """How long a target may ring before the call ends with 480."""
    probe_seconds: int = PROBE_SECONDS
    """How often each side of a call that is up is asked whether it has it still."""
    advertised: str | None = None
    """The address written into Via and Record-Route where it differs from `address` (NAT)."""
    instances: Path | None = None
    """Holds the directories of all instances of the platform, as `<edge>/<address>`; None = they are
    elsewhere, or there is no other."""
    otlp_endpoint: str | None = None
    """Where call records are sent by OTLP over HTTP: `http://HOST:PORT`; None = nowhere."""
    deprecated_tls: bool = False
    """True: the listener admits TLS 1.0 and 1.1, and each call is judged by its account (S14)."""
    calls_directory: Path | None = None
    """Where records of calls are kept, of all instances together; None = in `directory`, fewer of them."""
    b2bua: B2buaSettings | None = None
    """None = there is none: no call is transferred."""
    media: MediaSettings | None = None
    """Of the relay beside Kamailio; None = there is none, and parties send each other their media."""

    @cached_property
    def own_addresses(self) -> tuple[str, ...]:
        """Addresses of this very instance: what it sends there comes back to it."""
        return (self.address,) if self.advertised is None else (self.address, self.advertised)

    @cached_property
    def sockets(self) -> Mapping[str, str]:
        """Where it listens for each transport, as Kamailio writes sockets."""
        ports = {"udp": self.ports.udp, "tcp": self.ports.tcp, "tls": self.ports.tls}
        return {name: f"{name}:{bracketed(self.address)}:{port}" for name, port in ports.items()}

    @property
    def record_route_uri(self) -> str:
        """The URI of the edge's own Record-Route, without the token."""
        port = "" if self.ports.udp == 5060 else f":{self.ports.udp}"
        return f"sip:{bracketed(self.advertised or self.address)}{port};lr=on"

    @property
    def shared_memory_mb(self) -> int:
        """Kamailio's shared memory: one half for calls, the other for connections."""
        if self.shm_mb is not None:
            return self.shm_mb
        return Capacity(self.calls_per_second, self.calls_in_progress).shared_memory_mb

    @property
    def tls_connections(self) -> int:
        """As many as fill three quarters of the half that connections may have."""
        return self.shared_memory_mb * 1024 * 3 // (8 * _KB_PER_TLS_CONNECTION)

    @property
    def connections(self) -> int:
        """TCP and TLS together: TCP has the last quarter of that half."""
        return self.tls_connections + self.shared_memory_mb * 1024 // (8 * _KB_PER_TCP_CONNECTION)

    @property
    def settings_file(self) -> Path:
        return self.directory / "instance.json"

    @property
    def config_file(self) -> Path:
        return self.directory / "instance.cfg"

    @property
    def expressions_file(self) -> Path:
        return self.directory / "expressions"

    @property
    def lmdb_directory(self) -> Path:
        """The published table."""
        return self.directory / "lmdb"

    @property
    def learned_directory(self) -> Path:
        """What the agent has found out by itself."""
        return self.directory / "learned"

    @property
    def tls_directory(self) -> Path:
        """Holds tls.cfg and the pairs of certificate and key; see `tls_files`."""
        return self.directory / "tls"

    @property
    def rpc_socket(self) -> Path:
        """Kamailio's JSON-RPC datagram socket."""
        return self.directory / "jsonrpc.sock"

    @property
    def events_file(self) -> Path:
        """Call events, one a line (`sipedge.calls.events`); full files beside it end in `.1`, `.2` ..."""
        return self.directory / "events.jsonl"

    @property
    def records_file(self) -> Path:
        """Call records, one a line (`sipedge.calls.record`); full files beside it end in `.1`, `.2` ..."""
        directory = self.calls_directory or self.directory / "calls"
        return directory / f"{self.edge}-{self.address}.jsonl"

    @property
    def record_files(self) -> int:
        """How many of them there may be, the current one included."""
        return RECORD_FILES_OF_POD if self.calls_directory is None else RECORD_FILES

    @property
    def call_book_file(self) -> Path:
        """How far the agent has read the events, and what is open of them."""
        return self.directory / "calls.book"

    @property
    def calls_socket(self) -> Path:
        """Where the agent is asked for calls in progress, and to end one: a stream socket."""
        return self.directory / "calls.sock"

    @property
    def lookups_socket(self) -> Path:
        """Where the agent is asked what a call must know first: a datagram socket."""
        return self.directory / "lookups.sock"

    @property
    def capture_socket(self) -> Path:
        """Where the agent takes copies of messages, while it wants any: a socket of packets in a row."""
        return self.directory / "capture.sock"

    @property
    def tallies_socket(self) -> Path:
        """Where the agent is told what is counted together with other instances: a datagram socket."""
        return self.directory / "tallies.sock"

    @property
    def acknowledgement_file(self) -> Path:
        return self.directory / "agent.json"


def read_settings(path: Path) -> InstanceSettings:
    """The settings in instance.json. Raises InstanceError for a file that is missing or wrong."""
    try:
        fields = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise InstanceError(f"{path}: cannot be read as settings of an instance: {error}") from error
    if not isinstance(fields, dict):
        raise InstanceError(f"{path}: must hold one JSON object")
    try:
        return _settings(fields)
    except (KeyError, TypeError, ValueError) as error:
        raise InstanceError(f"{path}: {error}") from error


def own_settings(environment: Mapping[str, str] | None = None) -> InstanceSettings:
    """The settings of the instance that this process belongs to.

    Raises InstanceError if `TRUNKLINE_INSTANCE` is not set or names no valid settings.
    """
    path = (os.environ if environment is None else environment).get(INSTANCE_VARIABLE)
    if not path:
        raise InstanceError(
            f"{INSTANCE_VARIABLE} is not set: it must name the instance.json of this instance"
        )
    return read_settings(Path(path))


def _settings(fields: Mapping[str, Any]) -> InstanceSettings:
    known = {field.name for field in dataclasses.fields(InstanceSettings)}
    unknown = sorted(fields.keys() - known)
    if unknown:
        raise ValueError(f"unknown field {unknown[0]}")
    values: dict[str, Any] = dict(fields)
    for name in ("directory", "source", "edge_secret_file", "kamailio_dir", "python_path"):
        values[name] = Path(fields[name])
    for name in ("instances", "calls_directory"):
        if fields.get(name) is not None:
            values[name] = Path(fields[name])
    values["ports"] = Ports(**fields["ports"])
    if fields.get("b2bua") is not None:
        values["b2bua"] = B2buaSettings(**fields["b2bua"])
    if fields.get("media") is not None:
        values["media"] = media_of(fields["media"])
    return InstanceSettings(**values)


def settings_json(settings: InstanceSettings) -> str:
    """The text of instance.json; `read_settings` gives the same settings back.

    What is as by default is left out: an older version refuses a field that it does not know.
    """
    defaults = {field.name: field.default for field in dataclasses.fields(settings)}
    fields = {name: value for name, value in dataclasses.asdict(settings).items() if value != defaults[name]}
    if settings.media is not None:
        fields["media"] = told_media(settings.media)
    return json.dumps(fields, indent=2, default=str) + "\n"


def read_edge_secret(path: Path) -> Secret:
    """The platform's edge secret. Raises InstanceError unless the file holds 64 hex digits."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise InstanceError(f"{path}: the edge secret cannot be read: {error}") from error
    if len(text) != 64 or not all(char in "0123456789abcdefABCDEF" for char in text):
        raise InstanceError(f"{path}: the edge secret must be 64 hex digits")
    return Secret(text)


def b2bua_command() -> list[str]:
    """How to start the B2BUA of the instance that the environment names."""
    return ["/usr/bin/python3", "-m", "sipedge.b2bua"]


def kamailio_command(settings: InstanceSettings) -> list[str]:
    """How to start this instance's Kamailio: in the foreground, logging to standard error.

    It works in the instance's directory: the control socket is bound below /proc/self/cwd, since the path
    of a unix socket may have 107 bytes only (unix(7)) and a directory's may be longer.
    """
    return [
        *(_kamailio(), "-DD", "-E", f"--log-engine={LOG_ENGINE}"),
        # Debian's default searches lists: a third of a call went into that. For shared memory not TLSF, which
        # writes into what is freed: 5.6.3's dialog module may touch a dialog once more after that.
        *("-X", "tlsf", "-x", "fm"),
        *(
            "-m",
            str(settings.shared_memory_mb),
            "-w",
            str(settings.directory),
            "-f",
            str(settings.config_file),
        ),
    ]


def _kamailio() -> str:
    """The program: Debian's, else wherever the caller has one."""
    return shutil.which("kamailio", path=f"{_PATH}:{os.environ.get('PATH', '')}") or "kamailio"


def forbid_core_files() -> None:
    """Let neither this process nor what it starts leave its memory on the disk when it crashes."""
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def logged_command(command: Sequence[str]) -> list[str]:
    """How to start Kamailio by `command` so that its log comes out as safe lines; see `sipedge.logged`."""
    return ["/usr/bin/python3", "-S", "-m", "sipedge.logged", *command]


def agent_command() -> list[str]:
    """How to start this instance's agent. Debian's Python: the same that Kamailio embeds."""
    return ["/usr/bin/python3", "-m", "sipedge.agent"]


def process_environment(settings: InstanceSettings) -> dict[str, str]:
    """The whole environment of both processes: nothing of the caller's Python leaks into theirs.

    The caller's PATH least of all: with another `python3` first on it (pyenv, conda) Kamailio's embedded
    Python takes that one's library, and cannot load what Debian has built for its own. Nor the caller's
    locale: the expressions in kamailio.cfg judge bytes, and in another one than C what is no UTF-8 fits none.
    """
    kept = {name: os.environ[name] for name in ("TZ",) if name in os.environ}
    return {
        **kept,
        "LC_ALL": "C",
        "PATH": _PATH,
        INSTANCE_VARIABLE: str(settings.settings_file),
        "PYTHONPATH": str(settings.python_path),
        "PYTHONDONTWRITEBYTECODE": "1",
    }
