"""Secrets that may not be read: nobody passes, and the message holds the line that mends it."""

from __future__ import annotations

from dataclasses import replace

from sipedge.table import Section
from support.objects import make_account, make_credential_list, make_edge, make_resources
from trunkline.compiler import compile_resources
from trunkline.compiler.reasons import ConditionReason
from trunkline.compiler.verdict import ConditionType, Verdict

PASSWORDS = {("acme", "hq-pbx"): {"password": "Correct-Horse-2026"}}


def verdicts(*unreadable: str) -> tuple[dict[ConditionType, Verdict], int]:
    """The verdicts on the list, and how many users the edge knows."""
    resources = make_resources(make_account(), make_edge(), make_credential_list(), secrets=PASSWORDS)
    compilation = compile_resources(replace(resources, unreadable_namespaces=frozenset(unreadable)))
    found = {each.type: each for each in compilation.verdicts if each.ref.kind == "CredentialList"}
    return found, len(compilation.tables["ashburn"].sections[Section.CREDENTIAL])


def test_a_namespace_that_may_not_be_read_says_how_to_let_it_be_read() -> None:
    found, users = verdicts("acme")
    refs = found[ConditionType.RESOLVED_REFS]
    assert (refs.status, refs.reason) == (False, ConditionReason.SECRET_NOT_READABLE)
    assert (
        "kubectl create rolebinding trunkline-secret-reader --namespace=acme "
        "--clusterrole=trunkline-secret-reader --serviceaccount=trunkline-system:trunkline-operator"
    ) in refs.message
    assert found[ConditionType.ACCEPTED].status is True
    assert users == 0


def test_other_namespaces_are_not_concerned() -> None:
    found, users = verdicts("globex")
    assert found[ConditionType.RESOLVED_REFS].status is True
    assert users == 1
