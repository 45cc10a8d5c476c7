"""The CAs by which gateways and registrars are verified, as their Secrets have them."""

from __future__ import annotations

import re
from typing import Final

from sipedge.secret import Secret
from trunkline.api import Carrier
from trunkline.api.carrier import CarrierTls
from trunkline.compiler.opinions import Fault
from trunkline.compiler.questions import View
from trunkline.compiler.reasons import ConditionReason

_KEY: Final = "ca.crt"
_LONGEST: Final = 65_536
"""Characters of the CAs of one gateway."""
_PEM: Final = re.compile(
    r"(?:[^-]*-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----)+[^-]*", re.ASCII
)


def is_verified(tls: CarrierTls | None) -> bool:
    """True where nothing is sent unless a certificate leads to a known CA."""
    return tls is not None and tls.verify


def server_name_of(tls: CarrierTls | None) -> str | None:
    """The name that is asked for; None = the host, if that is a name."""
    name = None if tls is None else tls.server_name
    return None if name is None else name.lower().rstrip(".")


def authorities_of(view: View, carrier: Carrier) -> tuple[dict[int, str], list[Fault]]:
    """The CA of each enabled gateway that is verified, by its position. One without gets no calls."""
    found: dict[int, str] = {}
    faults: list[Fault] = []
    for place, gateway in enumerate(carrier.spec.gateways):
        if not gateway.enabled:
            continue
        authority, more = _authority(
            view, gateway.tls, f"spec.gateways[{place}].tls", "until then no call is sent to the gateway"
        )
        if authority is not None:
            found[place] = authority
        faults += more
    return found, faults


def authority_of_registrar(view: View, carrier: Carrier) -> tuple[str | None, list[Fault]]:
    """The CA of a registrar that is verified. Without it no edge registers."""
    registration = carrier.spec.registration
    tls = None if registration is None else registration.tls
    return _authority(view, tls, "spec.registration.tls", "until then no edge registers with the carrier")


def _authority(view: View, tls: CarrierTls | None, field: str, so: str) -> tuple[str | None, list[Fault]]:
    if tls is None or tls.ca_secret_ref is None or not is_verified(tls):
        return None, []
    namespace, name = view.platform().system_namespace, tls.ca_secret_ref.name
    value = (view.secret(namespace, name) or {}).get(_KEY)
    where, field = f"Secret {namespace}/{name}", f"{field}.caSecretRef"
    if value is None:
        message = f"{where} lacks {_KEY}: add it; {so}"
        return None, [Fault(ConditionReason.SECRET_NOT_FOUND, field, message)]
    if not isinstance(value, Secret) or not _is_pem(value.reveal()):
        message = f"the value of {_KEY} in {where} is not a certificate in PEM: correct it; {so}"
        return None, [Fault(ConditionReason.SECRET_NOT_VALID, field, message)]
    return value.reveal().strip(), []


def _is_pem(text: str) -> bool:
    return len(text) <= _LONGEST and _PEM.fullmatch(text) is not None
