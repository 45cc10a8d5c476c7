"""baresip as a customer's phone: Debian's, which plays one WAV file and writes down what it hears.

Its sockets for sound are bound to no address: what it sends comes from 127.0.0.1, whatever its SDP says.
"""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

SECONDS = 5.0
_CONFIG = """
sip_listen {phone.address}:5060
sip_certificate {phone.place}/cert.pem
sip_cafile {phone.authority}
net_interface {phone.address}
rtp_ports 10000-11000
audio_source aufile,{phone.sound}
audio_player aubridge,nowhere
audio_alert aubridge,nowhere
snd_path {phone.place}
module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module aubridge.so
module sndfile.so
module srtp.so
module_app account.so
module_app menu.so
"""


@dataclass(frozen=True)
class Phone:
    """What a baresip is told."""

    place: Path
    """Folder of its files."""
    address: str
    """Its own: port 5060, and 5061 for TLS."""
    account: str
    """Its line in `accounts`."""
    sound: Path
    """WAV file that it plays once; the call ends with it."""
    certificate: Path
    key: Path
    authority: Path
    """Certificates that it trusts."""

    @property
    def recording(self) -> Path:
        """WAV file of what it heard in its one call, when it has ended."""
        (found,) = self.place.glob("dump-*-dec.wav")
        return found


@contextmanager
def baresip(phone: Phone, call: str = "") -> Iterator[subprocess.Popen[str]]:
    """Ready, or calling this URI. What it wrote is printed when the test fails."""
    phone.place.mkdir(exist_ok=True)
    (phone.place / "cert.pem").write_text(phone.key.read_text() + phone.certificate.read_text())
    (phone.place / "config").write_text(_CONFIG.format(phone=phone))
    (phone.place / "accounts").write_text(f"{phone.account}\n")
    command = ["baresip", "-f", str(phone.place), *(["-e", f"/dial {call}"] if call else [])]
    output = phone.place / "output"
    with output.open("w") as file:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=file, stderr=file, text=True, start_new_session=True
        )
    try:
        yield process
    except BaseException:
        print(f"--- baresip\n{output.read_text(errors='replace')[-6000:]}")
        raise
    finally:
        process.terminate()
        try:
            process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
