"""A carrier's registrar: a real Kamailio with usrloc, which challenges, shortens nothing, and calls who is
registered."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.edge import end_group
from support.kamailio_rpc import ask_kamailio

REALM, USER, PASSWORD = "telco.example", "trunk-7", "Registrar-Password-1"

_CONFIG = """#!KAMAILIO
debug=1
log_stderror=yes
children=1
tcp_children=1
dns=no
rev_dns=no
listen=udp:{address}:5060
listen=tcp:{address}:5060
loadmodule "jsonrpcs.so"
loadmodule "kex.so"
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "auth.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "nathelper.so"
modparam("jsonrpcs", "transport", 4)
modparam("jsonrpcs", "dgram_socket", "{directory}/rpc.sock")
modparam("auth", "algorithm", "{algorithm}")
modparam("usrloc", "db_mode", 0)
modparam("registrar", "min_expires", 1)
modparam("registrar", "received_avp", "$avp(received)")
modparam("nathelper", "received_avp", "$avp(received)")
request_route {{
    if (is_method("REGISTER")) {{
        if ($hdr(Expires) != "0" && $(hdr(Expires){{s.int}}) < {shortest}) {{
            append_to_reply("Min-Expires: {shortest}\\r\\n");
            sl_send_reply("423", "Interval Too Brief");
            exit;
        }}
        if (!pv_www_authenticate("{realm}", "{password}", "0")) {{
            www_challenge("{realm}", "1");
            exit;
        }}
        if ($au != "{user}") {{
            sl_send_reply("403", "Forbidden");
            exit;
        }}
        # Over a connection its own way back, as behind NAT.
        if (proto == TCP) fix_nated_register();
        save("location");
        exit;
    }}
    if (has_totag()) {{
        loose_route();
        t_relay();
        exit;
    }}
    if (is_method("INVITE")) {{
        record_route();
        if (!lookup("location")) {{
            sl_send_reply("404", "Not Found");
            exit;
        }}
    }}
    t_relay();
}}
"""


@dataclass(frozen=True)
class Registrar:
    """One that runs."""

    address: str
    directory: Path

    def bindings(self) -> list[dict[str, Any]]:
        """Of everybody who is registered."""
        found = ask_kamailio(self.directory / "rpc.sock", "ul.dump")
        return [
            contact["Contact"]
            for domain in found["Domains"]
            for record in domain["Domain"]["AoRs"]
            for contact in record["Info"]["Contacts"]
        ]


@contextmanager
def running_registrar(
    directory: Path, address: str, *, algorithm: str = "", shortest: int = 0
) -> Iterator[Registrar]:
    """One that knows `USER` with `PASSWORD`, and registers nobody for less than `shortest` seconds."""
    directory.mkdir(parents=True, exist_ok=True)
    text = _CONFIG.format(
        address=address, directory=directory, algorithm=algorithm, shortest=shortest, realm=REALM, user=USER,
        password=PASSWORD,
    )  # fmt: skip
    (directory / "registrar.cfg").write_text(text)
    configuration, memory = str(directory / "registrar.cfg"), ["-m", "32", "-M", "8"]
    command = ["/usr/sbin/kamailio", "-DD", "-E", "-f", configuration, *memory, "-Y", str(directory)]
    with open(directory / "registrar.log", "ab") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
    try:
        yield Registrar(address, directory)
    finally:
        end_group(process)
