"""Asterisk as a customer's PBX: chan_pjsip between a phone and the edge, its programs from Debian unstable.

Debian 12 has none. The tree is made once. Where the archive is away its tests do not run, and say so.
"""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from support.debian_root import NoRootError, debian_root, inside
from support.patience import PATIENCE

SECONDS: Final = PATIENCE
"""For whatever Asterisk is waited for."""
_MODULES: Final = (
    "res_sorcery_config",
    "res_sorcery_memory",
    "res_sorcery_astdb",
    "res_timing_timerfd",
    "res_pjproject",
    "res_pjsip",
    "res_pjsip_pubsub",
    "res_pjsip_session",
    "res_pjsip_sdp_rtp",
    "res_pjsip_caller_id",
    "res_pjsip_refer",
    "res_pjsip_rfc3326",
    "res_pjsip_endpoint_identifier_ip",
    "res_pjsip_outbound_authenticator_digest",
    "res_pjsip_logger",
    "res_pjsip_t38",
    "res_srtp",
    "res_rtp_asterisk",
    "bridge_simple",
    "codec_ulaw",
    "format_pcm",
    "chan_pjsip",
    "app_dial",
    "app_originate",
    "app_transfer",
    "app_verbose",
    "func_channel",
    "func_global",
    "pbx_config",
)


def asterisk_root() -> Path:
    """The tree with Asterisk. Raises NoRootError where there is none and none can be made now."""
    # The archive of unstable may be a copy that was frozen long ago.
    options = ('--aptopt=Acquire::Check-Valid-Until "false"', '--aptopt=Acquire::Retries "0"')
    try:
        return debian_root("asterisk", "unstable", ("asterisk",), *options)
    except subprocess.CalledProcessError as error:
        faults = [line for line in str(error.stderr).splitlines() if line.startswith("E: ")]
        raise NoRootError(f"Debian unstable's Asterisk cannot be had now: {faults[:1]}") from None


@dataclass(frozen=True)
class Trunk:
    """How a PBX is to reach its trunk."""

    domain: str
    number: str
    edge: str
    """Address of the edge."""
    transport: str = "udp"
    username: str = ""
    """"" = by its address, without a password."""
    password: str = ""
    certificates: Path | None = None
    """Folder with server.crt and server.key of the PBX and edge.crt of the edge, for TLS."""
    secure: bool = False
    """True: SRTP, keys by SDES, and nothing else."""

    @property
    def port(self) -> int:
        """Of the edge and of the PBX."""
        return 5061 if self.transport == "tls" else 5060

    @property
    def parameter(self) -> str:
        """Of a URI, as pjsip.conf writes it."""
        return "" if self.transport == "udp" else f"\\;transport={self.transport}"


def pjsip_conf(address: str, phone: str, trunk: Trunk) -> str:
    """Every call of the phone goes to the trunk, every call of the trunk to the phone; holding passes."""
    pair = trunk.certificates
    tls = f"""
method=tlsv1_2
cert_file={pair}/server.crt
priv_key_file={pair}/server.key
ca_list_file={pair}/edge.crt
verify_server=yes
"""
    another = f"""
[{trunk.transport}]
type=transport
protocol={trunk.transport}
bind={address}:{trunk.port}
{tls if pair else ""}
"""
    auth = f"""
[edge]
type=auth
auth_type=userpass
username={trunk.username}
password={trunk.password}
"""
    sound = f"media_address={address}\nbind_rtp_to_media_address=yes\nt38_udptl=yes"
    return f"""
[global]
type=global
debug=yes

[udp]
type=transport
protocol=udp
bind={address}:5060
{"" if trunk.transport == "udp" else another}
{auth if trunk.username else ""}
[edge]
type=aor
contact=sip:{trunk.domain}{trunk.parameter}

[edge]
type=endpoint
transport={trunk.transport}
context=from-edge
disallow=all
allow=ulaw
aors=edge
outbound_proxy=sip:{trunk.edge}:{trunk.port}{trunk.parameter}\\;lr
from_user={trunk.number}
from_domain={trunk.domain}
direct_media=no
moh_passthrough=yes
{sound}
{"outbound_auth=edge" if trunk.username else ""}
{"media_encryption=sdes" if trunk.secure else ""}

[edge]
type=identify
endpoint=edge
match={trunk.edge}

[phone]
type=aor
contact=sip:phone@{phone}:5060

[phone]
type=endpoint
transport=udp
context=from-phone
disallow=all
allow=ulaw
aors=phone
direct_media=no
moh_passthrough=yes
{sound}

[phone]
type=identify
endpoint=phone
match={phone}
"""


EXTENSIONS: Final = """
[from-phone]
exten => _+X.,1,Dial(PJSIP/${EXTEN}@edge)
[from-edge]
exten => _+X.,1,Dial(PJSIP/phone)
"""


def _modules(root: Path) -> Path:
    """Debian has them in a folder of the processor's name."""
    found = next(root.glob("usr/lib/*/asterisk/modules"))
    return Path("/", found.relative_to(root))


def _write(root: Path, place: Path, address: str, phone: str, trunk: Trunk, extensions: str) -> Path:
    folders = {name: place / name for name in ("etc", "run", "db", "spool", "log", "lib")}
    for folder in folders.values():
        folder.mkdir(parents=True)
    etc = folders["etc"]
    directories = {
        "astetcdir": etc,
        "astrundir": folders["run"],
        "astdbdir": folders["db"],
        "astspooldir": folders["spool"],
        "astlogdir": folders["log"],
        "astvarlibdir": folders["lib"],
        "astkeydir": folders["lib"],
        "astagidir": folders["lib"],
        "astdatadir": "/usr/share/asterisk",
        "astmoddir": _modules(root),
    }
    lines = ["[directories]", *(f"{name} => {value}" for name, value in directories.items())]
    (etc / "asterisk.conf").write_text("\n".join(lines) + "\n")
    modules = "".join(f"load={name}.so\n" for name in _MODULES)
    (etc / "modules.conf").write_text(f"[modules]\nautoload=no\n{modules}")
    (etc / "logger.conf").write_text("[logfiles]\nmessages => notice,warning,error,verbose\n")
    (etc / "extensions.conf").write_text(extensions)
    (etc / "pjsip.conf").write_text(pjsip_conf(address, phone, trunk))
    return etc / "asterisk.conf"


@dataclass(frozen=True)
class Asterisk:
    """A running one."""

    address: str
    place: Path

    def said(self) -> str:
        """All it wrote, every SIP message with it."""
        files = (self.place / "output", self.place / "log" / "messages")
        return "".join(each.read_text(errors="replace") for each in files if each.exists())

    def wait_for_ack(self, call_id: str, cseq: int) -> None:
        """Until it has this ACK: a re-INVITE that overtakes it is refused."""
        deadline = time.monotonic() + SECONDS
        while f"Call-ID: {call_id}\nCSeq: {cseq} ACK\n" not in self.said().replace("\r", ""):
            assert time.monotonic() < deadline, f"no ACK {cseq} of {call_id}"
            time.sleep(0.02)

    def wait_for_bridge(self) -> None:
        """Until both sides of its first call are joined: a hold that comes before is told to nobody."""
        deadline = time.monotonic() + SECONDS
        while self.said().count(" joined '") < 2:
            assert time.monotonic() < deadline, "the sides of the call were not joined"
            time.sleep(0.02)


@contextmanager
def asterisk(
    root: Path, place: Path, address: str, phone: str, trunk: Trunk, extensions: str = EXTENSIONS
) -> Iterator[Asterisk]:
    """An Asterisk with its files in `place`; what it wrote is printed when the test fails."""
    configuration = _write(root, place, address, phone, trunk, extensions)
    shared = (place,) if trunk.certificates is None else (place, trunk.certificates)
    command = [*inside(root, *shared), "asterisk", "-C", str(configuration)]
    with (place / "output").open("wb") as output:
        process = subprocess.Popen(
            [*command, "-f", "-vvv"], stdin=subprocess.DEVNULL, stdout=output, stderr=output
        )
    running = Asterisk(address, place)
    try:
        _wait([*command, "-rx", "core waitfullybooted"], process, running)
        yield running
    except BaseException:
        print(f"--- Asterisk\n{running.said()[-12000:]}")
        raise
    finally:
        process.kill()
        process.wait()


def _wait(command: list[str], process: subprocess.Popen[bytes], running: Asterisk) -> None:
    deadline = time.monotonic() + SECONDS
    while b"fully booted" not in subprocess.run(command, capture_output=True, check=False).stdout:
        assert process.poll() is None, "Asterisk ended"
        assert time.monotonic() < deadline, "Asterisk does not start"
        time.sleep(0.05)
