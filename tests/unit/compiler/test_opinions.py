"""What the compiler says of an object fits into its status, however much is wrong with it."""

from __future__ import annotations

from support.objects import make_credential_list, make_edge, make_resources
from trunkline.compiler import ConditionReason, compile_resources
from trunkline.compiler.opinions import LONGEST_MESSAGE


def test_a_thousand_faults_of_one_object_are_told_in_a_bounded_message() -> None:
    """A condition of Kubernetes takes 32,768 characters; one that is longer would never be written."""
    users = [
        {"username": f"user-{number}", "passwordSecretRef": {"name": "s" * 60, "key": "k" * 60}}
        for number in range(1000)
    ]
    compilation = compile_resources(make_resources(make_credential_list(credentials=users), make_edge()))
    (verdict,) = (each for each in compilation.verdicts if each.reason is ConditionReason.SECRET_NOT_FOUND)
    assert "user user-0:" in verdict.message
    assert verdict.message.endswith("fix these first")
    assert len(verdict.message) < LONGEST_MESSAGE + 100
