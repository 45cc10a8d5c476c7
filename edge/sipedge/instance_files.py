"""The files of an instance: what differs between instances, around the shared kamailio.cfg."""

from __future__ import annotations

import ipaddress
import os
from pathlib import Path
from typing import Final

from sipedge.capacity import LARGEST_MB
from sipedge.e164 import EMERGENCY_NUMBERS
from sipedge.instance import InstanceError, InstanceSettings, read_edge_secret, settings_json
from sipedge.routing.dialog.native_expressions import expression_file
from sipedge.routing.dialog.native_filters import native_numbers, native_texts
from sipedge.routing.dialog.tokens import TOKEN_PARAMETER
from sipedge.secret import Secret
from sipedge.uri import bracketed

ROUTES: Final = "trunkline-routes"
"""In the instance's directory, a link to `kamailio_dir`. The name of an included file may have 125 bytes
(Kamailio's cfg.lex), and that of a virtual environment more; a relative one is looked for beside the file
that includes it."""
_SMALLEST_MB: Final = 32
_SOURCES: Final = 8
"""So many sources together must be able to take all connections, no fewer (Kamailio 5.8 and later)."""
_OTHER_FILES: Final = 512
"""Beside connections: sockets, pipes between processes, tables. The usual soft limit of 1,024 is too few."""


def write_instance(settings: InstanceSettings) -> None:
    """Write instance.json, instance.cfg and the expressions; unchanged files are not touched.

    The directory is made. What TLS reads is `tls_files`'; it must be there before Kamailio starts.
    Raises InstanceError for settings that cannot work, OSError if the disk refuses.
    """
    config = render(settings, read_edge_secret(settings.edge_secret_file))
    settings.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
    _link(settings.directory / ROUTES, settings.kamailio_dir)
    write_privately(settings.expressions_file, expression_file())
    write_privately(settings.config_file, config)
    write_privately(settings.settings_file, settings_json(settings))


def render(settings: InstanceSettings, edge_secret: Secret) -> str:
    """The text of instance.cfg: what differs between instances, around the shared kamailio.cfg.

    It holds the edge secret, so its file is readable by its owner alone.
    Raises InstanceError for values that a Kamailio configuration cannot hold.
    """
    _check(settings)
    listens = "\n".join(
        f"listen={transport}:{bracketed(settings.address)}:{port}{_advertise(settings, port)}"
        for transport, port in (
            ("udp", settings.ports.udp),
            ("tcp", settings.ports.tcp),
            ("tls", settings.ports.tls),
        )
    )
    free = settings.shared_memory_mb * 1024 * 1024 // 8
    numbers = "\n".join(f"#!define {name} {value}" for name, value in native_numbers().items())
    texts = "\n".join(
        f"#!define {name} {config_string(value)}" for name, value in _native_texts(settings).items()
    )
    return f"""#!KAMAILIO
# Written by sipedge.instance for {settings.edge} {settings.address}; edits are lost.

#!define CALLS_PER_SECOND {settings.calls_per_second}
#!define FREE_FOR_CALLS {free}
#!define FREE_FOR_EMERGENCY {free // 2}
#!define EMERGENCY_NUMBER "^([+][0-9]{{1,3}}0?)?({"|".join(sorted(EMERGENCY_NUMBERS))})(;.*)?$"
#!define RING_MILLISECONDS {settings.ring_seconds * 1000}
#!define CONNECTIONS_OF_ONE_SOURCE {settings.connections // _SOURCES}
{numbers}
{texts}

children={settings.children}
tcp_children={settings.children}
tcp_max_connections={settings.connections}
tls_max_connections={settings.tls_connections}
open_files_limit={settings.connections + _OTHER_FILES}
{listens}

include_file "{ROUTES}/kamailio.cfg"

modparam("auth", "secret", "{edge_secret.reveal()}")
modparam("jsonrpcs", "dgram_socket", "/proc/self/cwd/{settings.rpc_socket.name}")
# In kB: when calls are shed, no TLS connection is begun either.
modparam("tls", "low_mem_threshold1", {free // 1024})
modparam("tls", "config", "{settings.tls_directory}/tls.cfg")
modparam("regex", "file", "{settings.expressions_file}")
modparam("app_python3", "load", "{settings.kamailio_dir}/kemi_main.py")
"""


def _native_texts(settings: InstanceSettings) -> dict[str, str]:
    own = {f"OWN_{name.upper()}": socket for name, socket in settings.sockets.items()}
    route = f"<{settings.record_route_uri};{TOKEN_PARAMETER}="
    return own | {"OWN_ROUTE": route} | native_texts()


def config_string(text: str) -> str:
    """The text as a string of a Kamailio configuration."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t")
    escaped = escaped.replace("\r", "\\r").replace("\n", "\\n")
    return f'"{escaped}"'


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
        raise InstanceError(f"address: {settings.address!r} is not an IP address") from error
    for path in (settings.directory, settings.kamailio_dir):
        if not path.is_absolute() or any(char in str(path) for char in '"\\\n\r#'):
            raise InstanceError(
                f"{str(path)!r} cannot stand in a Kamailio configuration: "
                'use an absolute path without quotes, backslashes and "#"'
            )


def _advertise(settings: InstanceSettings, port: int) -> str:
    return "" if settings.advertised is None else f" advertise {bracketed(settings.advertised)}:{port}"


def _link(link: Path, target: Path) -> None:
    """Have `link` lead to `target`; replaced in one step, unless it does so already."""
    if link.is_symlink() and link.readlink() == target:
        return
    temporary = link.with_name(f".{link.name}.new")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(link)


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
