"""Access lists to networks, credential lists to HA1 (S34-S39). Passwords end here."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sipedge.secret import Secret
from sipedge.table import CredentialRow
from trunkline.api import CredentialList, IpAccessControlList, Resources
from trunkline.api.secret_value import SecretValue, ValueFault, line, mend_line
from trunkline.compiler import opinions
from trunkline.compiler.guard import Guard
from trunkline.compiler.reasons import ConditionReason
from trunkline.compiler.verdict import Verdict

OPERATOR_ACCOUNT: Final = "trunkline-operator"
"""The operator's service account, in the system namespace."""


@dataclass(frozen=True, slots=True)
class AccessLists:
    """Usable lists by `namespace/name`."""

    networks: Mapping[str, tuple[str, ...]]
    users: Mapping[str, int]
    """How many users of a credential list can pass."""
    rows: Mapping[str, CredentialRow]
    """By `<list id>|<username>`."""


def compile_access(resources: Resources, guard: Guard) -> tuple[AccessLists, tuple[Verdict, ...]]:
    """Every list of every namespace; a user whose password is missing or weak is left out alone."""
    verdicts: list[Verdict] = []
    networks: dict[str, tuple[str, ...]] = {}

    def admit(access_list: IpAccessControlList) -> None:
        networks[access_list.ref.id] = tuple(entry.cidr for entry in access_list.spec.entries)
        verdicts.append(opinions.accepted(access_list))

    guard.each(resources.of(IpAccessControlList), admit)
    users: dict[str, int] = {}
    rows: dict[str, CredentialRow] = {}
    realm = f"sip.{resources.platform.base_domain}"

    def hash_passwords(credential_list: CredentialList) -> None:
        passwords, opinion = _passwords(resources, credential_list)
        verdicts.extend(opinion)
        users[credential_list.ref.id] = len(passwords)
        for username, password in passwords.items():
            rows[f"{credential_list.ref.id}|{username}"] = CredentialRow(
                username, ha1(username, realm, password)
            )

    guard.each(resources.of(CredentialList), hash_passwords)
    return AccessLists(networks, users, dict(sorted(rows.items()))), tuple(verdicts)


def ha1(username: str, realm: str, password: Secret) -> Secret:
    """MD5 of `username:realm:password` in hex (RFC 7616 section 3.4.2): what digest needs of a password."""
    text = f"{username}:{realm}:{password.reveal()}"
    return Secret(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest())


def is_strong(password: Secret) -> bool:
    """At least 12 characters with a digit, a small and a capital letter."""
    text = password.reveal()
    return (
        len(text) >= 12
        and any(char.isdigit() for char in text)
        and any(char.islower() for char in text)
        and any(char.isupper() for char in text)
    )


def _passwords(
    resources: Resources, credential_list: CredentialList
) -> tuple[dict[str, Secret], tuple[Verdict, ...]]:
    usable: dict[str, Secret] = {}
    namespace = credential_list.metadata.namespace or ""
    if namespace in resources.unreadable_namespaces and credential_list.spec.credentials:
        return {}, (opinions.accepted(credential_list), _not_readable(resources, credential_list, namespace))
    faults: list[tuple[ConditionReason, str, str]] = []
    weak: list[int] = []
    for position, credential in enumerate(credential_list.spec.credentials):
        secret = credential.password_secret_ref
        password = line_of(resources, namespace, secret.name, secret.key)
        field = f"spec.credentials[{position}].passwordSecretRef"
        if password is None:
            message = (
                f"user {credential.username}: Secret {namespace}/{secret.name} "
                f"with key {secret.key} does not exist: create it; until then the user cannot pass"
            )
            faults.append((ConditionReason.SECRET_NOT_FOUND, field, message))
        elif isinstance(password, ValueFault):
            message = (
                f"user {credential.username} cannot pass: "
                f"{describe_value(password, namespace, secret.name, secret.key)}"
            )
            if not any(reason is ConditionReason.SECRET_NOT_VALID for reason, _, _ in faults):
                message += f": {mend_line(namespace, secret.name, secret.key, 'the password')}"
            faults.append((ConditionReason.SECRET_NOT_VALID, field, message))
        elif not is_strong(password):
            weak.append(position)
        else:
            usable[credential.username] = password
    return usable, (
        _strength(credential_list, weak),
        opinions.references(credential_list, faults),
    )


def _not_readable(resources: Resources, credential_list: CredentialList, namespace: str) -> Verdict:
    """The mend is one command for whoever administers the namespace."""
    operator = f"{resources.platform.system_namespace}:{OPERATOR_ACCOUNT}"
    message = (
        f"Secrets of namespace {namespace} may not be read, so no user of this list can pass: "
        f"kubectl create rolebinding trunkline-secret-reader --namespace={namespace} "
        f"--clusterrole=trunkline-secret-reader --serviceaccount={operator}"
    )
    fault = (ConditionReason.SECRET_NOT_READABLE, "spec.credentials[0].passwordSecretRef", message)
    return opinions.references(credential_list, [fault])


def _strength(credential_list: CredentialList, weak: list[int]) -> Verdict:
    if not weak:
        return opinions.accepted(credential_list)
    names = ", ".join(credential_list.spec.credentials[position].username for position in weak)
    return opinions.refused(
        credential_list,
        ConditionReason.WEAK_PASSWORD,
        f"spec.credentials[{weak[0]}].passwordSecretRef",
        f"the password of {names} is too weak and is not served: "
        "use at least 12 characters with a digit, a capital and a small letter",
    )


def line_of(resources: Resources, namespace: str, name: str, key: str) -> SecretValue | None:
    """A password, user name or realm in a Secret, or why it is none; None if the key is not there."""
    value = (resources.secret(namespace, name) or {}).get(key)
    return None if value is None else line(value)


def describe_value(fault: ValueFault, namespace: str, name: str, key: str) -> str:
    """What is wrong with a value of a Secret; `mend_line` says what to do."""
    return f"the value of {key} in Secret {namespace}/{name} {fault.value}"
