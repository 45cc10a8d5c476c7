"""Accounts: what each says of itself, and what there is to say about it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from sipedge.numbering import countries
from trunkline.api import Account
from trunkline.compiler import opinions
from trunkline.compiler.auth_tokens import auth_token_faults, auth_token_of, auth_token_questions
from trunkline.compiler.contribution import Contribution, Topic
from trunkline.compiler.opinions import Fault
from trunkline.compiler.questions import THE_ONE, Index, Question, View
from trunkline.compiler.reasons import ConditionReason
from trunkline.compiler.recordings import recordings_faults, recordings_of, recordings_questions
from trunkline.compiler.tenants import settle
from trunkline.compiler.verdict import ConditionType, Verdict


def _settle(account: Account, view: View) -> Contribution:
    settled = settle(
        view.platform().base_domain, account, recordings_of(account, view), auth_token_of(account, view)
    )
    return Contribution(answers={(Index.OWN, account.metadata.name): settled})


def _settling_questions(account: Account) -> Iterator[Question]:
    yield Index.PLATFORM, THE_ONE
    yield from recordings_questions(account)
    yield from auth_token_questions(account)


SETTLING: Final = Topic(
    Account, frozenset({Index.PLATFORM, Index.SYSTEM_SECRET}), _settling_questions, _settle
)
"""What the Account says of itself; the namespaces that it lists are claims."""


def _questions(account: Account) -> Iterator[Question]:
    yield Index.SETTLED, account.metadata.name
    yield Index.OVERLAP, account.metadata.name
    for namespace in account.spec.namespaces:
        yield Index.HOLDER, namespace
    if account.spec.parent is not None:
        yield Index.SETTLED, account.spec.parent.name
    for edge in account.spec.edges or ():
        yield Index.EDGE, edge
    yield Index.PLATFORM, THE_ONE
    yield from recordings_questions(account)
    yield from auth_token_questions(account)


def _judge(account: Account, view: View) -> Contribution:
    references = opinions.references(account, _faults(account, view))
    return Contribution((opinions.accepted(account), references, *_overlap(account, view)))


def _faults(account: Account, view: View) -> Iterator[Fault]:
    spec, name = account.spec, account.metadata.name
    if spec.parent is not None and view.settled(spec.parent.name) is None:
        until = "" if spec.dialing_permissions else "; until then its trunks may call no country"
        message = f"Account {spec.parent.name} does not exist: create it, or remove parent{until}"
        yield Fault(ConditionReason.ACCOUNT_NOT_FOUND, "spec.parent", message)
    yield from _circle(account, view)
    yield from _unknown_countries(account)
    yield from recordings_faults(account, view)
    yield from auth_token_faults(account, view)
    for position, namespace in enumerate(spec.namespaces):
        older = view.holder(namespace)
        if older != name:
            yield Fault(
                ConditionReason.NAMESPACE_TAKEN,
                f"spec.namespaces[{position}]",
                f"namespace {namespace} belongs to the older Account {older}: list it in one Account only",
            )
    for position, edge in enumerate(spec.edges or ()):
        if not view.has_edge(edge):
            message = f"Edge {edge} does not exist: create it, or correct the name"
            yield Fault(ConditionReason.EDGE_NOT_FOUND, f"spec.edges[{position}]", message)


def _circle(account: Account, view: View) -> Iterator[Fault]:
    settled = view.settled(account.metadata.name)
    if settled is not None and settled.circle:
        message = (
            f"its parent accounts form a circle ({' -> '.join(settled.circle)}), so that nothing "
            "says what may be called, and without dialingPermissions of its own nothing may: remove a parent"
        )
        yield Fault(ConditionReason.PARENT_CIRCLE, "spec.parent", message)


def _unknown_countries(account: Account) -> Iterator[Fault]:
    permissions = account.spec.dialing_permissions
    for position, each in enumerate(permissions.countries if permissions is not None else ()):
        if each.iso_code not in countries():
            yield Fault(
                ConditionReason.COUNTRY_NOT_FOUND,
                f"spec.dialingPermissions.countries[{position}].isoCode",
                f"no country with telephone numbers has the code {each.iso_code}, so this permits nothing: "
                "write its ISO 3166 code, such as GB",
            )


def _overlap(account: Account, view: View) -> Iterator[Verdict]:
    found = view.overlap(account.metadata.name)
    if found is not None:
        yield opinions.unusual(
            account, ConditionType.CLAIMS_OVERLAP, found.reason, found.field, found.message
        )


JUDGING: Final = Topic(
    Account,
    frozenset(
        {
            Index.OVERLAP,
            Index.HOLDER,
            Index.SETTLED,
            Index.EDGE,
            Index.PLATFORM,
            Index.SYSTEM_SECRET,
        }
    ),
    _questions,
    _judge,
)
