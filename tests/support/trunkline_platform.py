"""A running `trunkline up` with telephones at its ends, on addresses of its own."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sipedge.ng.hanging import UNASKED_SECONDS
from support.addresses import Block, reserved_block
from support.patience import PATIENCE, START_PATIENCE
from support.trunkline_command import COMMAND, QUICKSTART, ROOT, environment, run_trunkline

EDGE, PBX, CARRIER, DNS = 1, 20, 30, 53
"""Last bytes of the addresses in the block. The edge has two: this and the next."""
PASSWORD = "Correct-horse-9 [battery] <&>"


def manifests(block: Block) -> str:
    """A trunk that asks for a digest, a carrier that takes and brings calls, an edge of two addresses."""
    return f"""apiVersion: trunkline.dev/v1alpha1
kind: Edge
metadata: {{name: rome}}
spec: {{advertise: {{type: Static, addresses: [{block.address(EDGE)}, {block.address(EDGE + 1)}]}}}}
---
apiVersion: trunkline.dev/v1alpha1
kind: Carrier
metadata: {{name: telco}}
spec:
  sourceRanges: [{block.address(CARRIER)}]
  prefixes: ["+39"]
  gateways: [{{host: {block.address(CARRIER)}, port: 5060, transport: UDP}}]
---
apiVersion: trunkline.dev/v1alpha1
kind: Trunk
metadata: {{name: shop, namespace: forum}}
spec:
  transfer: {{mode: EnableAll}}
  termination: {{domainName: forum-shop, credentialListRefs: [{{name: users}}]}}
---
apiVersion: trunkline.dev/v1alpha1
kind: CredentialList
metadata: {{name: users, namespace: forum}}
spec: {{credentials: [{{username: pbx, passwordSecretRef: {{name: pbx, key: password}}}}]}}
---
apiVersion: v1
kind: Secret
metadata: {{name: pbx, namespace: forum}}
stringData: {{password: "{PASSWORD}"}}
---
apiVersion: trunkline.dev/v1alpha1
kind: OriginationUri
metadata: {{name: shop-pbx, namespace: forum}}
spec: {{trunkRef: {{name: shop}}, sipUri: "sip:{block.address(PBX)}"}}
---
apiVersion: trunkline.dev/v1alpha1
kind: Number
metadata: {{name: desk, namespace: forum}}
spec: {{number: "+390612345678", trunkRef: {{name: shop}}}}
"""


@dataclass(frozen=True)
class Platform:
    """A running `trunkline up`, with a PBX and a carrier that answer every call."""

    block: Block
    directory: Path
    """Holds platform.yaml, and pbx.password."""
    state: Path

    @property
    def edge(self) -> str:
        return self.block.address(EDGE)

    @property
    def password_file(self) -> Path:
        return self.directory.parent / "pbx.password"

    @property
    def home(self) -> Path:
        """XDG_STATE_HOME of its user, who put the state directory elsewhere."""
        return self.state.with_name("home")

    @property
    def authority(self) -> Path:
        return self.state / "ca" / "ca.crt"


@contextmanager
def running_platform(root: Path, command: Sequence[str] = COMMAND, **changes: str) -> Iterator[Platform]:
    """The shipped command, ready; it must end with 0 at SIGTERM. Files go below `root`.

    `command` is another `trunkline` than the clone's; `changes` go into its environment.
    """
    with reserved_block("127.50") as block:
        found = Platform(block, root / "manifests", root / "state")
        found.directory.mkdir()
        (found.directory / "platform.yaml").write_text(manifests(block))
        found.password_file.write_text(f"{PASSWORD}\n")
        peers = [_answering(block.address(number), root) for number in (PBX, CARRIER)]
        up = _up(found, root / "up.log", command, changes)
        try:
            _wait_until_ready(up, root / "up.log")
            yield found
        finally:
            for peer in peers:
                peer.kill()
                peer.wait()
            up.send_signal(signal.SIGTERM)
            ended = up.wait(PATIENCE)
        assert ended == 0, (root / "up.log").read_text()


def run_call(*arguments: str | Path, stdin: str = "") -> subprocess.CompletedProcess[str]:
    """A `trunkline call` to its end, as `with_relay` makes it."""
    return with_relay(lambda: run_trunkline(*arguments, stdin=stdin))


def with_relay(
    call: Callable[[], subprocess.CompletedProcess[str]],
) -> subprocess.CompletedProcess[str]:
    """What comes of a call; it is made again where the edge has had no answer of its media relay.

    An edge waits for that for a second, which the relay of a busy machine may need.
    """
    deadline = time.monotonic() + PATIENCE
    while "MediaUnavailable" in (done := call()).stdout and time.monotonic() < deadline:
        time.sleep(UNASKED_SECONDS)
    return done


def _up(
    platform: Platform, log: Path, program: Sequence[str], changes: Mapping[str, str]
) -> subprocess.Popen[bytes]:
    command = [*program, "up", str(platform.directory), "--state-dir", str(platform.state), "--drain", "1"]
    command += ["--dns", f"{platform.block.address(DNS)}:5300"]
    # The PATH of an ordinary user on Debian: without /usr/sbin, where Kamailio and Knot are.
    own = {"PATH": "/usr/bin:/bin", "XDG_STATE_HOME": str(platform.home), **changes}
    with log.open("wb") as stream:
        return subprocess.Popen(command, cwd=ROOT, env=environment(**own), stdout=stream, stderr=stream)


def _answering(address: str, directory: Path) -> subprocess.Popen[bytes]:
    """A telephone that rings, answers and echoes: the quickstart's own scenario, with sound."""
    text = (QUICKSTART / "answer.xml").read_text()
    assert "m=audio 9 " in text
    scenario = directory / f"answer-{address}.xml"
    scenario.write_text(text.replace("m=audio 9 ", "m=audio [media_port] "))
    command = ["sipp", "-sf", str(scenario), "-i", address, "-p", "5060", "-bind_local"]
    return subprocess.Popen(
        [*command, "-mi", address, "-rtp_echo", "-nostdin"],
        cwd=directory,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def _wait_until_ready(up: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + START_PATIENCE
    while "\nReady: " not in log.read_text():
        assert up.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.05)
