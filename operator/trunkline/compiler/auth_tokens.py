"""What signs the requests that an account's calls make of its applications (S67)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sipedge.secret import Secret
from trunkline.api import Account
from trunkline.api.meta import SecretKeyRef
from trunkline.api.secret_value import SecretValue, ValueFault, line, mend_line
from trunkline.compiler.access import describe_value
from trunkline.compiler.opinions import Fault
from trunkline.compiler.questions import Index, Question, View
from trunkline.compiler.reasons import ConditionReason

_FIELD: Final = "spec.authTokenSecretRef"
_CONSEQUENCE: Final = "requests for call instructions go unsigned"


def auth_token_questions(account: Account) -> Iterator[Question]:
    """What `auth_token_of` asks."""
    ref = account.spec.auth_token_secret_ref
    if ref is not None:
        yield Index.SYSTEM_SECRET, ref.name


def auth_token_of(account: Account, view: View) -> Secret | None:
    """The token that its requests are signed with; None where there is none that can be used."""
    ref = account.spec.auth_token_secret_ref
    if ref is None:
        return None
    value = _value(view, ref)
    return value if isinstance(value, Secret) and value else None


def auth_token_faults(account: Account, view: View) -> Iterator[Fault]:
    """What is wrong with its token."""
    ref = account.spec.auth_token_secret_ref
    if ref is None:
        return
    namespace, value = view.platform().system_namespace, _value(view, ref)
    if isinstance(value, ValueFault):
        told = describe_value(value, namespace, ref.name, ref.key)
        mend = mend_line(namespace, ref.name, ref.key, "the token")
        yield Fault(ConditionReason.SECRET_NOT_VALID, _FIELD, f"{_CONSEQUENCE}: {told}: {mend}")
    elif not value:
        message = f"Secret {namespace}/{ref.name} lacks {ref.key}: add it; until then {_CONSEQUENCE}"
        yield Fault(ConditionReason.SECRET_NOT_FOUND, _FIELD, message)


def _value(view: View, ref: SecretKeyRef) -> SecretValue | None:
    value = (view.system_secret(ref.name) or {}).get(ref.key)
    return None if value is None else line(value)
