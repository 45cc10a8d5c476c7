"""Asterisk as the PBX of a lab's trunk, between its phone and the edge."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sipedge.table.transfer import TransferRow
from sipedge.tls_files import current_pair
from support.asterisk import EXTENSIONS, Asterisk, Trunk, asterisk
from support.edge import write_certificate
from support.lab import OWN_NUMBER, PBX, Lab
from support.tables import make_target

PHONE = 41
"""Last byte of the phone's address."""
DOMAIN = "acme-hq.pstn.trunkline.test"
PASSWORD = "Correct-Horse-9"


@contextmanager
def pbx(
    lab: Lab,
    root: Path,
    place: Path,
    transport: str,
    *,
    secure: bool = False,
    transfer: TransferRow | None = None,
    extensions: str = EXTENSIONS,
    **platform: Any,
) -> Iterator[Asterisk]:
    """Asterisk at the PBX's address, where its phone finds it. By UDP its address opens the trunk, else a
    password does; over TLS it checks the edge's certificate. `secure`: so is the trunk, by SRTP alone.
    `transfer`: what it may ask for; `extensions`: its dialplan."""
    address, username = lab.block.address(PBX), "" if transport == "udp" else "pbx"
    trunk = Trunk(
        domain=DOMAIN,
        number=OWN_NUMBER,
        edge=lab.edge.address,
        transport=transport,
        username=username,
        password=PASSWORD,
        certificates=certificates(lab, place / "tls") if transport == "tls" else None,
        secure=secure,
    )
    lab.serve(
        trunk={
            "secure": secure,
            **({"transfer": transfer} if transfer else {}),
            "targets": (make_target(address, trunk.port, transport=transport),),
            **({"access": None, "credential_lists": ("acme/users",)} if username else {}),
        },
        credentials={("acme/users", "pbx"): PASSWORD},
        **platform,
    )
    with asterisk(root, place / "asterisk", address, lab.block.address(PHONE), trunk, extensions) as one:
        yield one


def certificates(lab: Lab, folder: Path) -> Path:
    """A pair of the PBX's own, and the edge's certificate as the authority that it trusts."""
    pair = current_pair(lab.edge.settings.tls_directory)
    assert pair is not None
    folder.mkdir()
    write_certificate(folder, "pbx.acme.example", lab.block.address(PBX))
    shutil.copy(pair.certificate, folder / "edge.crt")
    return folder
