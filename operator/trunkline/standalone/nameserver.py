"""The authoritative DNS server of standalone mode: Knot, kept running, its zone kept as planned."""

from __future__ import annotations

import asyncio
import os
import re
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

import dns.exception
import dns.query

from trunkline.dns.probe import is_answer, question_for
from trunkline.plan.dns_records import RecordSet
from trunkline.standalone.knot import KnotSettings, config_text, reload_command, server_command
from trunkline.standalone.leftovers import marked
from trunkline.standalone.processes import ProcessSpec, Supervised
from trunkline.standalone.requirements import located
from trunkline.standalone.state_files import write_atomically
from trunkline.standalone.zone_file import zone_text

_SERIAL = re.compile(r" SOA \S+ \S+ (\d+) ")


class NameServer:
    """One Knot with one zone."""

    def __init__(self, settings: KnotSettings, state_root: Path) -> None:
        self._settings = settings
        self._records: tuple[RecordSet, ...] | None = None
        self._wrong: tuple[RecordSet, ...] = ()
        self._confirmed: frozenset[RecordSet] = frozenset()
        environment = marked({"PATH": os.environ.get("PATH", os.defpath)}, state_root)
        self._process = Supervised(
            ProcessSpec(
                name="knotd",
                command=located(server_command(settings)),
                environment=environment,
                directory=settings.directory,
                log=settings.directory / "knot.log",
            ),
            lambda: None,  # it is looked at every half second
        )

    @property
    def running(self) -> bool:
        return self._process.pid is not None

    @property
    def fault(self) -> str:
        """Why it does not run; "" while it does."""
        return self._process.fault

    def lacking(self, records: Iterable[RecordSet]) -> tuple[str, ...]:
        """The names of those record sets that it was not yet seen to answer with, sorted."""
        return tuple(sorted({record.name for record in records if record not in self._confirmed}))

    def start(self) -> None:
        """Write the configuration and an empty zone, and start the server. Raises OSError."""
        self._settings.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        write_atomically(self._settings.config_file, config_text(self._settings).encode())
        self._write_zone(())
        self._process.start()

    async def stop(self) -> None:
        await self._process.stop(patience=3.0)

    async def serve(self, records: Sequence[RecordSet]) -> None:
        """Make the server answer with `records`, and look whether it does. Raises OSError for the disk."""
        wanted = tuple(records)
        if wanted != self._records:
            self._write_zone(wanted)
            self._records = wanted
            await self._reload()
        elif not self._wrong:
            return
        self._wrong = await asyncio.to_thread(
            differences, wanted, self._settings.address, self._settings.port
        )
        self._confirmed = frozenset(wanted) - frozenset(self._wrong)
        if self._wrong and self.running:
            # It was starting, or missed the reload: ask again, and look again the next time.
            await self._reload()

    async def _reload(self) -> None:
        if not self.running:
            return
        process = await asyncio.create_subprocess_exec(
            *located(reload_command(self._settings)),
            cwd=self._settings.directory,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        await process.wait()

    def _write_zone(self, records: Sequence[RecordSet]) -> None:
        text = zone_text(self._settings.base_domain, records, self._next_serial(), self._settings.address)
        write_atomically(self._settings.zone_file, text.encode())

    def _next_serial(self) -> int:
        """Above the serial on disk, and above those of a state directory that was lost."""
        try:
            match = _SERIAL.search(self._settings.zone_file.read_text())
        except OSError:
            match = None
        return max(int(match[1]) + 1 if match else 0, int(time.time()))


def differences(
    records: Iterable[RecordSet], address: str, port: int, timeout: float = 1.0
) -> tuple[RecordSet, ...]:
    """The record sets that the server at `address` does not answer exactly so; all, if it is silent."""
    return tuple(record for record in records if not _is_answered(record, address, port, timeout))


def _is_answered(record: RecordSet, address: str, port: int, timeout: float) -> bool:
    try:
        answer, _ = dns.query.udp_with_fallback(question_for(record), address, timeout=timeout, port=port)
    except (dns.exception.DNSException, OSError):
        return False
    return is_answer(record, answer)
