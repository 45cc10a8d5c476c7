"""Has Kamailio verify gateways by the CAs that the table names: their file, and tls.cfg that names it."""

from __future__ import annotations

import hashlib
import logging
import ssl
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from sipedge.agent.faults import Faults
from sipedge.instance import InstanceSettings
from sipedge.instance_files import write_privately
from sipedge.table.codec import TableFormatError, unpack_row
from sipedge.table.rows import Section, SourcesRow
from sipedge.tls_files import current_authorities, current_pair, name_authorities

log = logging.getLogger(__name__)

TOPIC: Final = "authorities"


class Authorities:
    """Of one instance. `CertificateWatch` has Kamailio read what is written here."""

    def __init__(self, settings: InstanceSettings, faults: Faults) -> None:
        self._settings, self._faults = settings, faults
        self._wanted: tuple[str, ...] | None = None
        """None: not known yet; what tls.cfg says stays."""

    def follow(self, rows: Iterable[bytes]) -> None:
        """The table in use has these rows of section `sources`."""
        found: list[str] = []
        for data in rows:
            try:
                row = unpack_row(Section.SOURCES, data)
            except TableFormatError as error:
                log.error("%s", error)
                return
            if isinstance(row, SourcesRow):
                found += row.authorities
        self._wanted = tuple(sorted(set(found)))
        self.write()

    def write(self) -> None:
        """Make tls.cfg name the file; looked at again and again, since others write tls.cfg as well."""
        if self._wanted is None:
            return
        try:
            wanted = self._file(self._wanted)
            if current_authorities(self._settings.tls_directory) != wanted:
                name_authorities(self._settings, wanted)
        except OSError as error:
            self._faults.set(TOPIC, f"the CAs of gateways cannot be written: {error}")

    def _file(self, wanted: tuple[str, ...]) -> Path | None:
        good = [text for text in wanted if _is_good(text)]
        broken = len(wanted) - len(good)
        self._faults.set(TOPIC, f"{broken} CAs of gateways cannot be read" if broken else None)
        if not wanted:
            return None
        pair = current_pair(self._settings.tls_directory)
        if not good and pair is not None:
            # Nothing is to pass: the edge's own certificate has signed no gateway's.
            return pair.certificate
        text = "\n".join(good)
        name = f"authorities-{hashlib.sha256(text.encode()).hexdigest()[:16]}.pem"
        path = self._settings.tls_directory / name
        write_privately(path, text)
        return path


def _is_good(text: str) -> bool:
    """True if OpenSSL reads it as certificates of CAs."""
    try:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(cadata=text)
    except (OSError, ValueError):
        return False
    return bool(context.get_ca_certs())
