"""One edge instance: one Kamailio and one agent serving one address of an Edge.

Everything that differs between instances is an `InstanceSettings`; the supervisor writes it with
`write_instance` and starts the two processes with `kamailio_command` and `agent_command`. Both find it by
the environment variable `TRUNKLINE_INSTANCE`.
"""

from __future__ import annotations

import dataclasses
import ipaddress
import json
import os
import resource
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from sipedge.capacity import DEFAULT_CALLS_IN_PROGRESS, DEFAULT_CALLS_PER_SECOND, LARGEST_MB, Capacity
from sipedge.e164 import EMERGENCY_NUMBERS
from sipedge.log_lines import LOG_ENGINE
from sipedge.routing.native_filters import native_numbers, native_texts
from sipedge.secret import Secret

INSTANCE_VARIABLE: Final = "TRUNKLINE_INSTANCE"
"""Names instance.json to Kamailio and to the agent."""


_KB_PER_TLS_CONNECTION: Final = 90
"""Most of it is OpenSSL's, which allocates in shared memory."""
_KB_PER_TCP_CONNECTION: Final = 18
"""Most of it is the buffer for one message (`tcp_rd_buf_size`)."""
_SMALLEST_MB: Final = 32
_SOURCES: Final = 8
"""So many sources together must be able to take all connections, no fewer (Kamailio 5.8 and later)."""
_OTHER_FILES: Final = 512
"""Beside connections: sockets, pipes between processes, tables. The usual soft limit of 1,024 is too few."""
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


@dataclass(frozen=True, slots=True)
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
    advertised: str | None = None
    """The address written into Via and Record-Route where it differs from `address` (NAT)."""
    deprecated_tls: bool = False
    """True: the listener admits TLS 1.0 and 1.1, and each call is judged by its account (S14)."""

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
    def lookups_socket(self) -> Path:
        """Where the agent is asked what a call must know first: a datagram socket."""
        return self.directory / "lookups.sock"

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
    values["ports"] = Ports(**fields["ports"])
    return InstanceSettings(**values)


def settings_json(settings: InstanceSettings) -> str:
    """The text of instance.json; `read_settings` gives the same settings back."""
    fields = dataclasses.asdict(settings)
    plain = {name: str(value) if isinstance(value, Path) else value for name, value in fields.items()}
    return json.dumps(plain, indent=2) + "\n"


def read_edge_secret(path: Path) -> Secret:
    """The platform's edge secret. Raises InstanceError unless the file holds 64 hex digits."""
    try:
        text = path.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as error:
        raise InstanceError(f"{path}: the edge secret cannot be read: {error}") from error
    if len(text) != 64 or not all(char in "0123456789abcdefABCDEF" for char in text):
        raise InstanceError(f"{path}: the edge secret must be 64 hex digits")
    return Secret(text)


def render(settings: InstanceSettings, edge_secret: Secret) -> str:
    """The text of instance.cfg: what differs between instances, around the shared kamailio.cfg.

    It holds the edge secret, so its file is readable by its owner alone.
    Raises InstanceError for values that a Kamailio configuration cannot hold.
    """
    _check(settings)
    listens = "\n".join(
        f"listen={transport}:{_in_uri(settings.address)}:{port}{_advertise(settings, port)}"
        for transport, port in (
            ("udp", settings.ports.udp),
            ("tcp", settings.ports.tcp),
            ("tls", settings.ports.tls),
        )
    )
    free = settings.shared_memory_mb * 1024 * 1024 // 8
    numbers = "\n".join(f"#!define {name} {value}" for name, value in native_numbers().items())
    texts = "\n".join(f"#!define {name} {_quoted(value)}" for name, value in _native_texts(settings).items())
    return f"""#!KAMAILIO
# Written by sipedge.instance for {settings.edge} {settings.address}; edits are lost.

#!define CALLS_PER_SECOND {settings.calls_per_second}
#!define FREE_FOR_CALLS {free}
#!define FREE_FOR_EMERGENCY {free // 2}
#!define EMERGENCY_NUMBER "^({"|".join(sorted(EMERGENCY_NUMBERS))})(;.*)?$"
#!define CONNECTIONS_OF_ONE_SOURCE {settings.connections // _SOURCES}
{numbers}
{texts}

children={settings.children}
tcp_children={settings.children}
tcp_max_connections={settings.connections}
tls_max_connections={settings.tls_connections}
open_files_limit={settings.connections + _OTHER_FILES}
{listens}

include_file "{settings.kamailio_dir}/kamailio.cfg"

modparam("auth", "secret", "{edge_secret.reveal()}")
modparam("jsonrpcs", "dgram_socket", "/proc/self/cwd/{settings.rpc_socket.name}")
# In kB: when calls are shed, no TLS connection is begun either.
modparam("tls", "low_mem_threshold1", {free // 1024})
modparam("tls", "config", "{settings.tls_directory}/tls.cfg")
modparam("app_python3", "load", "{settings.kamailio_dir}/kemi_main.py")
"""


def _native_texts(settings: InstanceSettings) -> dict[str, str]:
    own = {f"OWN_{name.upper()}": own_socket(settings, name) for name in ("udp", "tcp", "tls")}
    return own | native_texts()


def own_socket(settings: InstanceSettings, transport: str) -> str:
    """Where the instance listens for this transport, as Kamailio writes sockets."""
    ports = {"udp": settings.ports.udp, "tcp": settings.ports.tcp, "tls": settings.ports.tls}
    return f"{transport}:{_in_uri(settings.address)}:{ports[transport]}"


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    return f'"{escaped}"'


def write_instance(settings: InstanceSettings) -> None:
    """Write instance.json and instance.cfg; unchanged files are not touched.

    The directory is made. What TLS reads is `tls_files`'; it must be there before Kamailio starts.
    Raises InstanceError for settings that cannot work, OSError if the disk refuses.
    """
    config = render(settings, read_edge_secret(settings.edge_secret_file))
    settings.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    write_privately(settings.config_file, config)
    write_privately(settings.settings_file, settings_json(settings))


def kamailio_command(settings: InstanceSettings) -> list[str]:
    """How to start this instance's Kamailio: in the foreground, logging to standard error.

    It works in the instance's directory: the control socket is bound below /proc/self/cwd, since the path
    of a unix socket may have 107 bytes only (unix(7)) and a directory's may be longer.
    """
    return [
        *(_kamailio(), "-DD", "-E", f"--log-engine={LOG_ENGINE}"),
        # Constant time per allocation: with Debian's default a fifth of a call went into searching lists.
        # Not for shared memory: 5.6.3's dialog module may touch a dialog that it has freed, and the
        # default allocator bears that better.
        *("-X", "tlsf"),
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


def _check(settings: InstanceSettings) -> None:
    if settings.calls_per_second < 1 or settings.calls_in_progress < 1:
        raise InstanceError("calls_per_second and calls_in_progress: write 1 or more")
    if not _SMALLEST_MB <= settings.shared_memory_mb <= LARGEST_MB:
        raise InstanceError(
            f"{settings.shared_memory_mb} MB of shared memory cannot be used: {_SMALLEST_MB} to {LARGEST_MB}"
            " MB can; change shm_mb, or the calls that it is made for"
        )
    try:
        ipaddress.ip_address(settings.address)
    except ValueError as error:
        raise InstanceError(f"address: {settings.address!r} is no IP address") from error
    for path in (settings.directory, settings.kamailio_dir):
        if not path.is_absolute() or any(char in str(path) for char in '"\\\n\r#'):
            raise InstanceError(
                f"{str(path)!r} cannot stand in a Kamailio configuration: "
                'use an absolute path without quotes, backslashes and "#"'
            )


def _in_uri(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _advertise(settings: InstanceSettings, port: int) -> str:
    return "" if settings.advertised is None else f" advertise {_in_uri(settings.advertised)}:{port}"


def write_privately(path: Path, text: str) -> None:
    """Replace `path` in one step, readable by its owner alone, unless it says so already. Raises OSError."""
    data = text.encode()
    if path.exists() and path.read_bytes() == data:
        return
    temporary = path.with_name(f".{path.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
    temporary.replace(path)
