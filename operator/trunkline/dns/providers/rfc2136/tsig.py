"""The key that signs updates, from the Secret that holds it (RFC 8945)."""

from __future__ import annotations

import base64
import binascii
from typing import Final

import dns.exception
import dns.name
import dns.tsig

from trunkline.api import SecretValues, ValueFault
from trunkline.dns.faults import DnsFault
from trunkline.status.reasons import StatusReason

SECRET_KEY: Final = "secret"  # noqa: S105 - the name of a key, not its value
"""The key in the Secret. Its value is base64, as BIND writes it into key files."""

ALGORITHMS: Final = (
    "hmac-md5",
    "hmac-sha1",
    "hmac-sha224",
    "hmac-sha256",
    "hmac-sha384",
    "hmac-sha512",
)
_NAMES: Final = {"hmac-md5": "hmac-md5.sig-alg.reg.int"}
"""What the protocol calls an algorithm, where that differs."""


def tsig_key(values: SecretValues | None, name: str, algorithm: str, secret: str) -> dns.tsig.Key:
    """The key; `values` are those of the Secret `secret` (namespace/name), None if it is not there.

    Its repr shows the key: never log it. Raises DnsFault.
    """
    if values is None:
        raise _fault(f"Secret {secret} does not exist: create it, with the TSIG key under {SECRET_KEY!r}")
    if SECRET_KEY not in values:
        raise _fault(f"Secret {secret} has no key {SECRET_KEY!r}: put the TSIG key there, in base64")
    value = values[SECRET_KEY]
    text = "" if isinstance(value, ValueFault) else "".join(value.reveal().split()).strip('";')
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raw = b""
    if not raw:
        raise _fault(
            f"Secret {secret}: {SECRET_KEY!r} is not base64: copy what follows `secret` in the "
            "DNS server's key file"
        )
    chosen = algorithm.lower().removesuffix(".")
    if chosen not in ALGORITHMS:
        raise _fault(f"TSIG algorithm {algorithm!r} is unknown: use one of {', '.join(ALGORITHMS)}")
    try:
        owner = dns.name.from_text(name)
    except dns.exception.DNSException as error:
        raise _fault(
            f"TSIG key name {name!r} is not a name: write it as in the DNS server's settings"
        ) from error
    return dns.tsig.Key(owner, raw, dns.name.from_text(_NAMES.get(chosen, chosen)))


def _fault(message: str) -> DnsFault:
    return DnsFault(StatusReason.DNS_KEY_REFUSED, message)
