"""What `trunkline call` was asked to do: values that have been checked."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sipedge.e164 import is_e164
from sipedge.secret import Secret
from sipedge.uri import SipUri, parse_uri, tel_number

_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")

DEFAULT_PORTS: Final = {"udp": 5060, "tcp": 5060, "tls": 5061}


class Transport(StrEnum):
    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


class CallUsageError(ValueError):
    """A call that cannot be placed as asked; the text says which argument is at fault and the mend."""


class Sound(StrEnum):
    """By what sound is sent."""

    RTP = "rtp"
    SRTP = "srtp"


@dataclass(frozen=True, slots=True)
class Credentials:
    username: str
    password: Secret


@dataclass(frozen=True, slots=True)
class CallRequest:
    """One test call. Times are in seconds."""

    uri: str
    caller: str
    address: str
    """IP address of the edge that gets the INVITE."""
    port: int
    transport: Transport
    source: str | None
    """The local IP address to call from; None = the system chooses."""
    credentials: Credentials | None
    duration: float
    """How long to talk before hanging up."""
    silence: float
    """How long to wait for the first answer of any kind."""
    ring: float
    """How long to let it ring before giving up with CANCEL."""
    sound: Sound | None = None
    """None: the call is silent."""
    transfer_to: str | None = None
    """Whom the other party is to talk to once the call is up; None = the call is not transferred."""

    @property
    def host(self) -> str:
        """The host of the called URI: what the From header says as well."""
        parsed = parse_uri(self.uri)
        return parsed.host if parsed else ""

    @property
    def names_address(self) -> bool:
        """True if the host of the called URI is an IP address: so carriers call, and no PBX does."""
        try:
            ipaddress.ip_address(self.host.strip("[]"))
        except ValueError:
            return False
        return True


def read_called(text: str) -> str:
    """The URI to call, `sip:` added if it is missing. Raises CallUsageError."""
    uri = f"sip:{text}" if _SCHEME.match(text) is None else text
    parsed = parse_uri(uri)
    if parsed is None or not parsed.user or parsed.headers:
        raise CallUsageError(
            f"URI {text!r} is not a SIP URI; write it like sip:+12125550111@acme-hq.pstn.trunkline.test"
        )
    return uri


def read_transfer_target(text: str) -> str:
    """Whom a REFER may name: a SIP URI or a telephone number. Raises CallUsageError."""
    uri = f"tel:{text}" if is_e164(text) else text
    if parse_uri(uri) is None and not tel_number(uri):
        raise CallUsageError(
            f"--transfer-to {text!r} is not a transfer target; "
            "write it like tel:+442071838750 or sip:bob@pbx2.example"
        )
    return uri


def read_caller(text: str) -> str:
    """The calling number. Any user part is allowed, so that refusals can be tried. Raises CallUsageError."""
    if not is_e164(text) and not _is_user_part(text):
        raise CallUsageError(f"--from {text!r} is not a number; write it like +14155550100")
    return text


def _is_user_part(text: str) -> bool:
    parsed: SipUri | None = parse_uri(f"sip:{text}@host.invalid")
    return parsed is not None and parsed.user == text


def read_via(text: str, transport: Transport) -> tuple[str, int]:
    """Address and port of the edge from `ADDRESS` or `ADDRESS:PORT`. Raises CallUsageError."""
    host, colon, port_text = text.rpartition(":")
    if not colon:
        host, port_text = text, str(DEFAULT_PORTS[transport])
    address = read_address(host, "--via")
    if not port_text.isascii() or not port_text.isdigit() or not 0 < int(port_text) < 65536:
        raise CallUsageError(f"--via {text!r}: the port must be a number from 1 to 65535")
    return address, int(port_text)


def read_address(text: str, option: str) -> str:
    """An IPv4 address as given. Raises CallUsageError."""
    try:
        return str(ipaddress.IPv4Address(text))
    except ValueError:
        raise CallUsageError(
            f"{option} {text!r} is not an IPv4 address; give one address of the edge "
            "(dig +short pstn.<edge>.<base domain> lists them)"
        ) from None
