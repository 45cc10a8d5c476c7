"""Verified outgoing caller ids (S40)."""

from __future__ import annotations

from typing import Final

from sipedge.table import CallerIdRow, Row, Section
from trunkline.api import CallerId
from trunkline.compiler import opinions
from trunkline.compiler.contribution import Contribution, Topic
from trunkline.compiler.delta import RowKey
from trunkline.compiler.opinions import Fault
from trunkline.compiler.questions import Index, Question, View
from trunkline.compiler.reasons import ConditionReason


def _questions(caller_id: CallerId) -> tuple[Question, ...]:
    return ((Index.ACCOUNT_IDS, caller_id.spec.account_ref.name),)


def _verify(caller_id: CallerId, view: View) -> Contribution:
    """Several accounts may have verified the same number."""
    name, number = caller_id.spec.account_ref.name, caller_id.spec.number
    accounts = view.account_ids(name)
    faults = []
    if accounts is None:
        message = f"Account {name} does not exist: create it, or correct accountRef"
        faults.append(Fault(ConditionReason.ACCOUNT_NOT_FOUND, "spec.accountRef", message))
    rows: dict[RowKey, Row] = {
        (Section.CALLER_ID, f"{account}|{number}"): CallerIdRow(account, number) for account in accounts or ()
    }
    verdicts = opinions.accepted(caller_id), opinions.references(caller_id, faults)
    return Contribution(verdicts, rows)


CALLER_IDS: Final = Topic(CallerId, frozenset({Index.ACCOUNT_IDS}), _questions, _verify)
