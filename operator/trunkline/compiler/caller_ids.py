"""Verified outgoing caller ids (S40)."""

from __future__ import annotations

from collections.abc import Mapping

from sipedge.table import CallerIdRow
from trunkline.api import CallerId, Resources
from trunkline.compiler import opinions
from trunkline.compiler.accounts import Tenancy
from trunkline.compiler.guard import Guard
from trunkline.compiler.reasons import ConditionReason
from trunkline.compiler.verdict import Verdict


def compile_caller_ids(
    resources: Resources, tenancy: Tenancy, guard: Guard
) -> tuple[Mapping[str, CallerIdRow], tuple[Verdict, ...]]:
    """Rows by `<account id>|<number>`; several accounts may have verified the same number."""
    rows: dict[str, CallerIdRow] = {}
    verdicts: list[Verdict] = []

    def judge(caller_id: CallerId) -> None:
        name = caller_id.spec.account_ref.name
        accounts = tenancy.accounts_named(name)
        faults = []
        if not accounts and not (tenancy.has_default and name == "default"):
            message = f"Account {name} does not exist: create it, or correct accountRef"
            faults.append((ConditionReason.ACCOUNT_NOT_FOUND, "spec.accountRef", message))
        verdicts.append(opinions.accepted(caller_id))
        verdicts.append(opinions.references(caller_id, faults))
        for account in accounts:
            rows[f"{account}|{caller_id.spec.number}"] = CallerIdRow(account, caller_id.spec.number)

    guard.each(resources.of(CallerId), judge)
    return dict(sorted(rows.items())), tuple(verdicts)
