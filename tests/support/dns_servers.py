"""Real primary servers that take signed updates: Knot DNS, and BIND for whatever differs."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import dns.exception
import dns.message
import dns.query
import dns.rcode
import dns.rdatatype
import dns.tsig
import dns.tsigkeyring
import dns.update
import dns.zone

from support.patience import PATIENCE

START_SECONDS = PATIENCE
KEY_NAME = "trunkline-key"
SECRET = "c29tZSBiYXNlNjQgdGhhdCBpcyBhIGtleSBmb3IgdGVzdHM="
OTHER_SECRET = "YW5vdGhlciBrZXkgdGhhdCB0aGUgc2VydmVyIGRvZXMgbm90IGtub3c="
ALGORITHM = "hmac-sha256"


@dataclass
class Primary:
    """A primary server of one zone; it can be stopped and started again."""

    address: str
    port: int
    zone: str
    directory: Path
    command: tuple[str, ...]
    process: subprocess.Popen[bytes] | None = field(default=None, repr=False)

    @property
    def place(self) -> str:
        return f"{self.address}:{self.port}"

    def start(self) -> None:
        with open(self.directory / "server.log", "ab") as log:
            bound = ("setpriv", "--pdeathsig", "KILL", "--")
            self.process = subprocess.Popen([*bound, *self.command], stdout=log, stderr=log)
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                if self.ask(self.zone, "SOA", 0.2).rcode() == dns.rcode.NOERROR:
                    return
            except (dns.exception.DNSException, OSError):
                time.sleep(0.05)
        raise RuntimeError(f"no answer:\n{(self.directory / 'server.log').read_text()}")

    def stop(self, *, hard: bool = False) -> None:
        if self.process is not None:
            (self.process.kill if hard else self.process.terminate)()
            self.process.wait(PATIENCE)
            self.process = None

    def ask(self, name: str, kind: str, timeout: float = 3.0) -> dns.message.Message:
        query = dns.message.make_query(name, kind)
        answer, _ = dns.query.udp_with_fallback(query, self.address, port=self.port, timeout=timeout)
        return answer

    def values(self, name: str, kind: str) -> list[str]:
        """The values of a record set, sorted; none if there is none."""
        query = self.ask(name, kind)
        return sorted(
            rdata.to_text()
            for rrset in query.answer
            if rrset.rdtype == dns.rdatatype.from_text(kind)
            for rdata in rrset
        )

    def serial(self) -> int:
        """Of the zone: it moves with each update that changed something."""
        answer = self.ask(self.zone, "SOA")
        return int(answer.answer[0][0].serial)

    def update(self, *changes: tuple[str, str, int, str, str]) -> None:
        """Change the zone behind the provider's back: (`add`, name, ttl, type, value), or `delete`."""
        keyring = dns.tsigkeyring.from_text({KEY_NAME: SECRET})
        message = dns.update.UpdateMessage(f"{self.zone}.", keyring=keyring, keyalgorithm=ALGORITHM)
        for verb, name, ttl, kind, value in changes:
            if verb == "add":
                message.add(f"{name}.", ttl, kind, value)
            else:
                message.delete(f"{name}.", kind, *([value] if value else []))
        answer = dns.query.tcp(message, self.address, port=self.port, timeout=PATIENCE)
        assert answer.rcode() == dns.rcode.NOERROR, dns.rcode.to_text(answer.rcode())

    def records(self) -> dict[tuple[str, str], list[str]]:
        """Everything in the zone but SOA and NS, by relative name and type."""
        zone = dns.zone.Zone(f"{self.zone}.")
        dns.query.inbound_xfr(self.address, zone, port=self.port, timeout=PATIENCE)
        return {
            (name.to_text(), dns.rdatatype.to_text(rdataset.rdtype)): sorted(
                each.to_text(origin=zone.origin, relativize=False) for each in rdataset
            )
            for name, rdataset in zone.iterate_rdatasets()
            if rdataset.rdtype not in (dns.rdatatype.SOA, dns.rdatatype.NS)
        }


@contextmanager
def knot_primary(
    directory: Path, address: str, port: int, zone: str, *, records: str = "", notify: str = ""
) -> Iterator[Primary]:
    """Knot with one zone that the key may update; `notify`, ADDR@PORT, is a secondary."""
    (directory / "db").mkdir(parents=True)
    _zone_file(directory, zone, address, records)
    remote = f"remote:\n  - id: secondary\n    address: {notify}\n" if notify else ""
    (directory / "knot.conf").write_text(
        _KNOT.format(address=address, port=port, directory=directory)
        + f"""key:
  - id: {KEY_NAME}.
    algorithm: {ALGORITHM}
    secret: {SECRET}
acl:
  - id: updates
    key: {KEY_NAME}.
    action: update
  - id: transfers
    action: transfer
{remote}zone:
  - domain: {zone}
    file: {directory}/zone
    acl: [updates, transfers]
    zonefile-load: difference
    zonefile-sync: 0
    {"notify: secondary" if notify else ""}
"""
    )
    yield from _running(Primary(address, port, zone, directory, ("knotd", "-c", f"{directory}/knot.conf")))


@contextmanager
def knot_secondary(directory: Path, address: str, port: int, zone: str, primary: str) -> Iterator[Primary]:
    """Knot that takes the zone from `primary`, ADDR@PORT."""
    (directory / "db").mkdir(parents=True)
    (directory / "knot.conf").write_text(
        _KNOT.format(address=address, port=port, directory=directory)
        + f"""remote:
  - id: primary
    address: {primary}
    via: {address}
acl:
  - id: notices
    action: notify
zone:
  - domain: {zone}
    file: {directory}/zone
    master: primary
    acl: notices
"""
    )
    yield from _running(Primary(address, port, zone, directory, ("knotd", "-c", f"{directory}/knot.conf")))


@contextmanager
def bind_primary(
    directory: Path, address: str, port: int, zone: str, *, records: str = ""
) -> Iterator[Primary]:
    """BIND with one zone that the key may update."""
    directory.mkdir(parents=True)
    _zone_file(directory, zone, address, records)
    (directory / "named.conf").write_text(
        f"""options {{
    directory "{directory}";
    pid-file none;
    session-keyfile none;
    listen-on port {port} {{ {address}; }};
    listen-on-v6 {{ none; }};
    recursion no;
    dnssec-validation no;
    allow-transfer {{ any; }};
    notify no;
}};
controls {{ }};
key "{KEY_NAME}" {{ algorithm {ALGORITHM}; secret "{SECRET}"; }};
zone "{zone}" {{
    type primary;
    file "{directory}/zone";
    allow-update {{ key "{KEY_NAME}"; }};
}};
"""
    )
    command = ("named", "-g", "-n", "1", "-c", f"{directory}/named.conf")
    yield from _running(Primary(address, port, zone, directory, command))


_KNOT = """server:
    listen: {address}@{port}
    rundir: {directory}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
control:
    listen: {directory}/knot.sock
database:
    storage: {directory}/db
log:
  - target: stderr
    any: warning
"""


def _zone_file(directory: Path, zone: str, address: str, records: str) -> None:
    (directory / "zone").write_text(
        f"$ORIGIN {zone}.\n$TTL 5\n@ SOA ns.{zone}. admin.{zone}. 1 60 60 600 5\n@ NS ns.{zone}.\n"
        f"ns A {address}\n{records}\n"
    )


def _running(server: Primary) -> Iterator[Primary]:
    program = server.command[0]
    path = f"{os.environ.get('PATH', '')}:/usr/sbin"
    server.command = (shutil.which(program, path=path) or program, *server.command[1:])
    server.start()
    try:
        yield server
    finally:
        server.stop()


def key_secret(secret: str = SECRET) -> Mapping[str, str]:
    """What the Secret with the key holds."""
    return {"secret": secret}
