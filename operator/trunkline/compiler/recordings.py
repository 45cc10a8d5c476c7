"""Where recordings of an account go, with the keys of its bucket."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sipedge.secret import Secret
from sipedge.table.rows import RecordingsRow
from trunkline.api import Account
from trunkline.api.secret_value import SecretValue, ValueFault, line, mend_line
from trunkline.compiler.access import describe_value
from trunkline.compiler.opinions import Fault
from trunkline.compiler.questions import Index, Question, View
from trunkline.compiler.reasons import ConditionReason

ACCESS_KEY_ID: Final = "accessKeyId"
SECRET_ACCESS_KEY: Final = "secretAccessKey"  # noqa: S105 - the key's name
_WORDS: Final = {ACCESS_KEY_ID: "the id of the access key", SECRET_ACCESS_KEY: "the secret access key"}
_FIELD: Final = "spec.recordings.credentialSecretRef"


def recordings_questions(account: Account) -> Iterator[Question]:
    """What `recordings_of` asks."""
    said = account.spec.recordings
    if said is not None and said.credential_secret_ref is not None:
        yield Index.SYSTEM_SECRET, said.credential_secret_ref.name


def recordings_of(account: Account, view: View) -> RecordingsRow | None:
    """What the Account says of its recordings. While its keys are not there they wait for them."""
    said = account.spec.recordings
    if said is None:
        return None
    key_id, key = None, None
    if said.credential_secret_ref is not None:
        values = _values(view, said.credential_secret_ref.name)
        found = {name: value for name, value in values.items() if isinstance(value, Secret) and value}
        is_whole = len(found) == len(_WORDS)
        key_id = found[ACCESS_KEY_ID].reveal() if is_whole else ""
        key = found[SECRET_ACCESS_KEY] if is_whole else None
    return RecordingsRow(said.url, said.endpoint, said.region, key_id, key, said.retention_days)


def recordings_faults(account: Account, view: View) -> Iterator[Fault]:
    """What is wrong with its keys."""
    said = account.spec.recordings
    if said is None or said.credential_secret_ref is None:
        return
    namespace, name = view.platform().system_namespace, said.credential_secret_ref.name
    for key, value in _values(view, name).items():
        if isinstance(value, ValueFault):
            told, mend = (
                describe_value(value, namespace, name, key),
                mend_line(namespace, name, key, _WORDS[key]),
            )
            message = f"recordings wait: {told}: {mend}"
            yield Fault(ConditionReason.SECRET_NOT_VALID, _FIELD, message)
        elif not value:
            message = f"Secret {namespace}/{name} lacks {key}: add it; until then recordings wait"
            yield Fault(ConditionReason.SECRET_NOT_FOUND, _FIELD, message)


def _values(view: View, name: str) -> dict[str, SecretValue | None]:
    values = view.system_secret(name) or {}
    return {key: None if (value := values.get(key)) is None else line(value) for key in _WORDS}
