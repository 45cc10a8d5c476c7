"""What a Carrier's Secrets come to: by whose name the edge answers challenges, and registers."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Final

from sipedge.secret import Secret
from sipedge.table.registration import RegistrationRow
from trunkline.api import Carrier
from trunkline.api.carrier import Registration
from trunkline.api.secret_value import ValueFault, mend_line
from trunkline.compiler.access import describe_value, ha1, line_of
from trunkline.compiler.carrier_authorities import server_name_of
from trunkline.compiler.opinions import Fault
from trunkline.compiler.questions import View
from trunkline.compiler.reasons import ConditionReason

_KEYS: Final = {"username": "user name", "password": "password", "realm": "realm"}
"""The keys of a Carrier's Secret, in words."""
_CALLS: Final = "the carrier's challenges are not answered"
_REGISTRATION: Final = "no edge registers with the carrier"


@dataclass(frozen=True, slots=True)
class Login:
    """A Secret's user, with what digests need of the password."""

    username: str
    realm: str
    ha1: Secret
    ha1_sha256: Secret


def secrets_of(carrier: Carrier) -> frozenset[str]:
    """The names of the Secrets that it names."""
    spec, registration = carrier.spec, carrier.spec.registration
    links = [gateway.tls for gateway in spec.gateways]
    refs = [spec.credential_secret_ref]
    if registration is not None:
        links.append(registration.tls)
        refs.append(registration.credential_secret_ref)
    refs += [tls.ca_secret_ref for tls in links if tls is not None]
    return frozenset(ref.name for ref in refs if ref)


def login_of(view: View, carrier: Carrier) -> tuple[Login | None, list[Fault]]:
    """By which the challenges of its gateways are answered."""
    ref = carrier.spec.credential_secret_ref
    return (None, []) if ref is None else _login(view, ref.name, "spec.credentialSecretRef", _CALLS)


def registration_of(view: View, carrier: Carrier) -> tuple[RegistrationRow | None, list[Fault]]:
    """Where and as whom edges register with it; None without a Secret that can be used."""
    wanted = carrier.spec.registration
    if wanted is None:
        return None, []
    field = "spec.registration.credentialSecretRef"
    login, faults = _login(view, wanted.credential_secret_ref.name, field, _REGISTRATION)
    faults += _unknown_edges(view, wanted)
    host, transport = wanted.registrar.lower().rstrip("."), wanted.transport.lower()
    where, edges = (host, wanted.port, transport, wanted.expires_seconds), tuple(sorted(wanted.edges))
    if login is None:
        return None, faults
    who = (login.username, login.realm, login.ha1, login.ha1_sha256)
    return RegistrationRow(*where, *who, edges, server_name_of(wanted.tls) or ""), faults


def _unknown_edges(view: View, wanted: Registration) -> list[Fault]:
    return [
        Fault(
            ConditionReason.EDGE_NOT_FOUND,
            "spec.registration.edges",
            f"Edge {edge} does not exist: create it, or correct the name",
        )
        for edge in wanted.edges
        if not view.has_edge(edge)
    ]


def _login(view: View, secret: str, field: str, consequence: str) -> tuple[Login | None, list[Fault]]:
    namespace = view.platform().system_namespace
    values = {key: line_of(view, namespace, secret, key) for key in _KEYS}
    faults: list[Fault] = []
    missing = [key for key, value in values.items() if not value]
    if missing:
        message = f"Secret {namespace}/{secret} lacks {', '.join(missing)}: add it; until then {consequence}"
        faults.append(Fault(ConditionReason.SECRET_NOT_FOUND, field, message))
    for key, value in values.items():
        if isinstance(value, ValueFault):
            mend = mend_line(namespace, secret, key, f"the {_KEYS[key]}")
            told = describe_value(value, namespace, secret, key)
            faults.append(Fault(ConditionReason.SECRET_NOT_VALID, field, f"{consequence}: {told}: {mend}"))
    usable = {key: value for key, value in values.items() if isinstance(value, Secret) and value}
    if len(usable) < len(values):
        return None, faults
    username, realm = usable["username"].reveal(), usable["realm"].reveal()
    hashed = ha1(username, realm, usable["password"])
    return Login(username, realm, hashed, _ha1_sha256(username, realm, usable["password"])), faults


def _ha1_sha256(username: str, realm: str, password: Secret) -> Secret:
    """As `ha1`, by SHA-256."""
    return Secret(hashlib.sha256(f"{username}:{realm}:{password.reveal()}".encode()).hexdigest())
