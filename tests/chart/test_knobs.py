"""What companies ask of a chart: their registry, labels, accounts, and a second operator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from support.chart_objects import names, one
from support.chart_values import EVERYTHING

Manifest = dict[str, Any]
Render = Callable[..., list[Manifest]]


@pytest.fixture(scope="module")
def everything(render: Render) -> list[Manifest]:
    return [*render(EVERYTHING), *render(EVERYTHING, hook="pre-delete")]


def operator_spec(objects: list[Manifest]) -> Manifest:
    return dict(one(objects, "Deployment", "trunkline-operator")["spec"])


def test_common_labels_are_on_every_object_and_in_no_selector(everything: list[Manifest]) -> None:
    """But on those that users add, which are theirs."""
    label = ("example.com/owner", "voice")
    for each in everything:
        if not each["metadata"]["name"].endswith("-notes"):
            assert label in each["metadata"]["labels"].items(), each["metadata"]
    spec = operator_spec(everything)
    assert label in spec["template"]["metadata"]["labels"].items()
    assert label[0] not in spec["selector"]["matchLabels"]


def test_one_account_of_another_name_is_bound_and_used(everything: list[Manifest]) -> None:
    """Every binding of the operator names it."""
    assert one(everything, "ServiceAccount", "voice")["metadata"]["annotations"] == {
        "example.com/role": "dns"
    }
    assert operator_spec(everything)["template"]["spec"]["serviceAccountName"] == "voice"
    bound = {
        subject["name"]
        for each in everything
        for subject in each.get("subjects", ())
        if subject["kind"] == "ServiceAccount"
    }
    assert bound == {"voice", "trunkline-uninstall"}


def test_a_second_operator_is_a_spare_for_the_first(everything: list[Manifest]) -> None:
    """One of them stays while the other is replaced, and where nodes allow it they are apart."""
    spec = operator_spec(everything)
    assert spec["replicas"] == 2
    assert spec["strategy"] == {
        "type": "RollingUpdate",
        "rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1},
    }
    (spread,) = spec["template"]["spec"]["topologySpreadConstraints"]
    assert spread["topologyKey"] == "zone"
    assert spread["labelSelector"]["matchLabels"] == spec["selector"]["matchLabels"]
    budget = one(everything, "PodDisruptionBudget", "trunkline-operator")
    assert budget["spec"]["maxUnavailable"] == 1


def test_rights_of_an_uninstallation_can_be_part_of_the_release(
    render: Render, everything: list[Manifest]
) -> None:
    """The same ones; then only its Job is a hook."""
    hooks = render({"uninstall": {"rbac": "release"}}, hook="pre-delete")
    assert [each["kind"] for each in hooks] == ["Job"]
    released = {
        (each["kind"], each["metadata"].get("namespace"))
        for each in render({"uninstall": {"rbac": "release"}})
        if each["metadata"]["name"] == "trunkline-uninstall"
    }
    hooked = {
        (each["kind"], each["metadata"].get("namespace"))
        for each in render(hook="pre-delete")
        if each["metadata"]["name"] == "trunkline-uninstall"
    }
    assert released == hooked - {("Job", "trunkline-system")}


def test_the_lease_is_no_part_of_a_new_release(everything: list[Manifest]) -> None:
    """The operator makes it; tools that apply what helm renders never see it."""
    assert names(everything, "Lease") == set()


def test_an_account_of_ones_own(render: Render) -> None:
    """serviceAccount.create: false leaves it to whoever made it."""
    objects = render({"operator": {"serviceAccount": {"create": False, "name": "theirs"}}})
    assert names(objects, "ServiceAccount") == set()
    assert operator_spec(objects)["template"]["spec"]["serviceAccountName"] == "theirs"
