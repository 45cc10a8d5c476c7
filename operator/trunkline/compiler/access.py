"""Access lists to networks, credential lists to HA1 (S34-S39). Passwords end here."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from typing import Final

from sipedge.secret import Secret
from sipedge.table import CredentialRow, Row, Section
from trunkline.api import CredentialList, IpAccessControlList, Platform
from trunkline.api.secret_value import SecretValue, ValueFault, line, mend_line
from trunkline.compiler import opinions
from trunkline.compiler.contribution import Contribution, Topic
from trunkline.compiler.delta import RowKey
from trunkline.compiler.open_networks import open_to_all
from trunkline.compiler.opinions import Fault
from trunkline.compiler.questions import THE_ONE, Index, Question, View
from trunkline.compiler.reasons import ConditionReason
from trunkline.compiler.verdict import Verdict


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


_ANYBODY_CALLS: Final = (
    "a trunk that names this list and no credential list takes calls from strangers; list the addresses of "
    "your PBXs (a trunk that asks for a password needs no access list)"
)


def _questions_of_networks(access_list: IpAccessControlList) -> tuple[Question, ...]:
    return ((Index.OVER_QUOTA, access_list.ref),)


def _admit(access_list: IpAccessControlList, view: View) -> Contribution:
    over = view.over_quota(access_list.ref)
    if over is not None:
        return Contribution((_over(access_list, "spec.entries", over),))
    networks = tuple(entry.cidr for entry in access_list.spec.entries)
    verdicts = (
        opinions.accepted(access_list),
        *open_to_all(access_list, networks, "spec.entries[{}].cidr", _ANYBODY_CALLS),
    )
    return Contribution(verdicts, answers={(Index.NETWORKS, access_list.ref.id): networks})


ACCESS_LISTS: Final = Topic(
    IpAccessControlList, frozenset({Index.OVER_QUOTA}), _questions_of_networks, _admit
)


def _questions_of_users(credential_list: CredentialList) -> Iterator[Question]:
    namespace = credential_list.metadata.namespace or ""
    yield Index.PLATFORM, THE_ONE
    yield Index.TENANT, namespace
    yield Index.OVER_QUOTA, credential_list.ref
    yield Index.UNREADABLE, namespace
    for credential in credential_list.spec.credentials:
        yield Index.SECRET, (namespace, credential.password_secret_ref.name)


def _hash_passwords(credential_list: CredentialList, view: View) -> Contribution:
    over = view.over_quota(credential_list.ref)
    if over is not None:
        return Contribution((_over(credential_list, "spec.credentials", over),))
    id, realm = credential_list.ref.id, f"sip.{view.platform().base_domain}"
    passwords, verdicts = _passwords(view, credential_list)
    rows: dict[RowKey, Row] = {
        (Section.CREDENTIAL, f"{id}|{username}"): CredentialRow(username, ha1(username, realm, password))
        for username, password in passwords.items()
    }
    tenant = view.tenant(credential_list.metadata.namespace)
    account = None if tenant is None else tenant.id
    return Contribution(verdicts, rows, account, answers={(Index.USERS, id): len(passwords)})


CREDENTIAL_LISTS: Final = Topic(
    CredentialList,
    frozenset({Index.PLATFORM, Index.TENANT, Index.OVER_QUOTA, Index.UNREADABLE, Index.SECRET}),
    _questions_of_users,
    _hash_passwords,
)
"""A user whose password is missing or weak is left out alone."""


def _over(thing: CredentialList | IpAccessControlList, field: str, message: str) -> Verdict:
    return opinions.refused(thing, ConditionReason.QUOTA_EXCEEDED, field, message)


def _passwords(view: View, credential_list: CredentialList) -> tuple[dict[str, Secret], tuple[Verdict, ...]]:
    usable: dict[str, Secret] = {}
    namespace = credential_list.metadata.namespace or ""
    if view.is_unreadable(namespace) and credential_list.spec.credentials:
        refused = _not_readable(view.platform(), credential_list, namespace)
        return {}, (opinions.accepted(credential_list), refused)
    faults: list[Fault] = []
    weak: list[int] = []
    for position, credential in enumerate(credential_list.spec.credentials):
        secret = credential.password_secret_ref
        password = line_of(view, namespace, secret.name, secret.key)
        field = f"spec.credentials[{position}].passwordSecretRef"
        if password is None:
            message = (
                f"user {credential.username}: Secret {namespace}/{secret.name} "
                f"with key {secret.key} does not exist: create it; until then the user cannot pass"
            )
            faults.append(Fault(ConditionReason.SECRET_NOT_FOUND, field, message))
        elif isinstance(password, ValueFault):
            message = (
                f"user {credential.username} cannot pass: "
                f"{describe_value(password, namespace, secret.name, secret.key)}"
            )
            if not any(fault.reason is ConditionReason.SECRET_NOT_VALID for fault in faults):
                message += f": {mend_line(namespace, secret.name, secret.key, 'the password')}"
            faults.append(Fault(ConditionReason.SECRET_NOT_VALID, field, message))
        elif not is_strong(password):
            weak.append(position)
        else:
            usable[credential.username] = password
    return usable, (
        _strength(credential_list, weak),
        opinions.references(credential_list, faults),
    )


def _not_readable(platform: Platform, credential_list: CredentialList, namespace: str) -> Verdict:
    """The mend is one command for whoever administers the namespace."""
    operator = f"{platform.system_namespace}:{platform.operator_account}"
    message = (
        f"Secrets of namespace {namespace} may not be read, so no user of this list can pass: "
        f"kubectl create rolebinding trunkline-secret-reader --namespace={namespace} "
        f"--clusterrole=trunkline-secret-reader --serviceaccount={operator}"
    )
    fault = Fault(ConditionReason.SECRET_NOT_READABLE, "spec.credentials[0].passwordSecretRef", message)
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


def line_of(view: View, namespace: str, name: str, key: str) -> SecretValue | None:
    """A password, user name or realm in a Secret, or why it is none; None if the key is not there."""
    value = (view.secret(namespace, name) or {}).get(key)
    return None if value is None else line(value)


def describe_value(fault: ValueFault, namespace: str, name: str, key: str) -> str:
    """What is wrong with a value of a Secret; `mend_line` says what to do."""
    return f"the value of {key} in Secret {namespace}/{name} {fault.value}"
