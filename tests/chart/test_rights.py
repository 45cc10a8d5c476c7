"""What the chart lets whom do: as little as it takes, each right written down here a second time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from support.chart_objects import names, one
from support.objects import make_edge
from trunkline.api import ALL_KINDS
from trunkline.kube.paths import CHILDREN, PODS, SECRETS
from trunkline.plan.workload import WorkloadSettings, edge_objects

Manifest = dict[str, Any]
Render = Callable[..., list[Manifest]]
Rights = set[tuple[str, str, str]]
"""API group, resource, verb."""

READ = ("get", "list", "watch")
KEEP = (*READ, "create", "patch", "delete")
PLURALS = {kind.plural for kind in ALL_KINDS}
TENANT = {kind.plural for kind in ALL_KINDS if kind.scope == "Namespaced"}
EDGES = "trunkline-edges"
SYSTEM = "trunkline-system"


def rights(role: Manifest) -> Rights:
    return {
        (group, resource, verb)
        for rule in role["rules"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def of(group: str, resources: Iterable[str], verbs: Iterable[str]) -> Rights:
    return {(group, resource, verb) for resource in resources for verb in verbs}


def bound_everywhere(objects: list[Manifest]) -> Rights:
    """What the operator may do in the whole cluster."""
    roles = {each["roleRef"]["name"] for each in objects if each["kind"] == "ClusterRoleBinding"}
    return {each for name in roles for each in rights(one(objects, "ClusterRole", name))}


def test_no_role_has_a_wildcard(render: Render) -> None:
    """Nothing that a later version of Kubernetes adds is granted by itself."""
    for values in ({}, {"tenantNamespaces": ["*"]}):
        for each in (*render(values), *render(values, hook="pre-delete"), *render(values, hook="test")):
            if each["kind"] in ("Role", "ClusterRole"):
                assert not [right for right in rights(each) if "*" in right], each["metadata"]["name"]


def test_the_operator_in_the_whole_cluster(render: Render) -> None:
    """It reads what users write, answers in status and Events, and reads nodes' addresses. No Secret.

    Of CRDs it reads its own.
    """
    assert bound_everywhere(render()) == (
        of("trunkline.dev", PLURALS, READ)
        | of("trunkline.dev", {f"{plural}/status" for plural in PLURALS}, ["patch"])
        | of("trunkline.dev", ["edges/finalizers"], ["update"])
        | of("apiextensions.k8s.io", ["customresourcedefinitions"], ["get"])
        | of("events.k8s.io", ["events"], ["create"])
        | of("", ["nodes"], READ)
    )


def test_a_finalizer_only_where_dns_records_are_written(render: Render) -> None:
    """Only then may the operator change an Edge."""
    dns = {
        "provider": "rfc2136",
        "rfc2136": {"server": "ns.example", "tsigSecretRef": {"name": "tsig"}, "tsigKeyName": "key"},
    }
    assert bound_everywhere(render({"dns": dns})) - bound_everywhere(render()) == {
        ("trunkline.dev", "edges", "patch")
    }


EXTERNAL_DNS = {"provider": "externalDns", "externalDns": {"namespace": "external-dns"}}


def test_dns_endpoints_in_their_one_namespace(render: Render) -> None:
    """By a Role there, for the operator and for an uninstallation; without external-dns there is none."""
    found = render({"dns": EXTERNAL_DNS})
    assert rights(one(found, "Role", "trunkline-dns-endpoints", "external-dns")) == of(
        "externaldns.k8s.io", ["dnsendpoints"], ["list", "create", "patch", "delete"]
    )
    assert bound_everywhere(found) - bound_everywhere(render()) == {("trunkline.dev", "edges", "patch")}
    leaving = render({"dns": EXTERNAL_DNS}, hook="pre-delete")
    assert rights(one(leaving, "Role", "trunkline-uninstall-dns-endpoints", "external-dns")) == of(
        "externaldns.k8s.io", ["dnsendpoints"], ["list", "delete"]
    )
    for objects in (render(), render(hook="pre-delete")):
        assert not [each for each in objects if "dns-endpoints" in each["metadata"]["name"]]


def test_certificates_of_cert_manager_only_where_wanted(render: Render) -> None:
    """In the operator's namespace alone."""
    values = {"certManager": {"enabled": True}}
    assert rights(one(render(values), "Role", "trunkline-certificates", SYSTEM)) == of(
        "cert-manager.io", ["certificates"], ["list", "create", "patch", "delete"]
    )
    leaving, before = (
        rights(one(render(each, hook="pre-delete"), "Role", "trunkline-uninstall", SYSTEM))
        for each in (values, {})
    )
    assert leaving - before == of("cert-manager.io", ["certificates"], ["list", "delete"])
    assert not [each for each in render() if each["metadata"]["name"] == "trunkline-certificates"]


def test_the_operator_in_its_own_namespace(render: Render) -> None:
    """Its Lease; and Secrets, of which it makes one: its authority."""
    assert rights(one(render(), "Role", "trunkline-operator", SYSTEM)) == (
        of("coordination.k8s.io", ["leases"], ["get", "create", "patch"])
        | of("", ["secrets"], [*READ, "create", "patch"])
    )


def test_the_operator_in_the_edge_namespace(render: Render) -> None:
    """Each kind that an Edge consists of, its tables and certificates; its pods it may read and evict."""
    groups = {
        (kind.api_version.rpartition("/")[0] if "/" in kind.api_version else "", kind.plural)
        for kind in CHILDREN
    }
    groups.add(("", "secrets"))
    wanted = {(group, plural, verb) for group, plural in groups for verb in KEEP}
    pods = of("", ["pods"], READ) | of("", ["pods/eviction"], ["create"])
    assert rights(one(render(), "Role", "trunkline-operator", EDGES)) == wanted | pods


def test_an_uninstallation_has_rights_of_its_own(render: Render) -> None:
    """Only while `helm uninstall` runs: to stop the operator, and to remove what it made; none of users'."""
    objects = render(hook="pre-delete")
    everywhere = rights(one(objects, "ClusterRole", "trunkline-uninstall"))
    assert everywhere == (
        of("trunkline.dev", PLURALS, ["get", "list"])
        | of("trunkline.dev", {f"{plural}/status" for plural in PLURALS}, ["patch"])
        | of("trunkline.dev", ["edges"], ["patch"])
    )
    assert rights(one(objects, "Role", "trunkline-uninstall", SYSTEM)) == (
        of("apps", ["deployments"], ["get"])
        | of("apps", ["deployments/scale"], ["patch"])
        | of("coordination.k8s.io", ["leases"], ["create", "get", "patch", "delete"])
        | of("", ["secrets"], ["get"])
    )
    groups = {
        (kind.api_version.rpartition("/")[0] if "/" in kind.api_version else "", kind.plural)
        for kind in (*CHILDREN, SECRETS, PODS)
    }
    assert rights(one(objects, "Role", "trunkline-uninstall", EDGES)) == {
        (group, plural, verb) for group, plural in groups for verb in ("list", "delete")
    }
    bindings = [each for each in objects if each["kind"].endswith("Binding")]
    assert len(bindings) == 3
    for each in bindings:
        subject = {"kind": "ServiceAccount", "name": "trunkline-uninstall", "namespace": SYSTEM}
        assert each["subjects"] == [subject]


def test_an_uninstallation_reads_two_secrets_by_name(render: Render) -> None:
    """The installation's id and the TSIG key; no carrier's password, no authority."""
    dns = {
        "provider": "rfc2136",
        "rfc2136": {"server": "ns.example", "tsigSecretRef": {"name": "tsig"}, "tsigKeyName": "key"},
    }
    role = one(render({"dns": dns}, hook="pre-delete"), "Role", "trunkline-uninstall", SYSTEM)
    (rule,) = (each for each in role["rules"] if each["resources"] == ["secrets"])
    assert rule["resourceNames"] == ["trunkline-installation", "tsig"]


def test_helm_test_may_look_at_the_lease_and_at_edges(render: Render) -> None:
    """And at nothing else; it has no right while it does not run."""
    objects = render(hook="test")
    assert {each["kind"] for each in objects if each["kind"] != "Pod"} == {
        *("ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")
    }
    assert rights(one(objects, "ClusterRole", "trunkline-test")) == of("trunkline.dev", ["edges"], ["list"])
    role = one(objects, "Role", "trunkline-test", SYSTEM)
    assert rights(role) == of("coordination.k8s.io", ["leases"], ["get"])
    assert role["rules"][0]["resourceNames"] == ["trunkline-operator"]
    (container,) = one(objects, "Pod", "trunkline-test")["spec"]["containers"]
    assert container["command"][-1] == "trunkline.controllers.installed_check"


@pytest.mark.parametrize("kind", ("PodIP", "HostNetwork"))
def test_the_operator_has_every_right_that_it_hands_on(render: Render, kind: str) -> None:
    """The API server refuses a Role that grants more than its maker has."""
    own = rights(one(render(), "Role", "trunkline-operator", EDGES))
    edge = make_edge(advertise={"type": kind})
    for each in edge_objects(edge, WorkloadSettings(EDGES, "edge")):
        if each["kind"] == "Role":
            assert rights(each) <= own


@pytest.mark.parametrize("values", ({}, {"tenantNamespaces": ["acme", "globex"]}))
def test_secrets_of_tenants_are_read_only_where_asked_for(render: Render, values: Manifest) -> None:
    """One binding for each namespace that is named."""
    objects = render(values)
    bindings = [
        each
        for each in objects
        if each["kind"].endswith("Binding") and each["roleRef"]["name"] == "trunkline-secret-reader"
    ]
    assert [each["metadata"]["namespace"] for each in bindings] == values.get("tenantNamespaces", [])
    for each in bindings:
        assert each["subjects"] == [
            {"kind": "ServiceAccount", "name": "trunkline-operator", "namespace": SYSTEM}
        ]


def test_secrets_of_all_tenants_if_wanted(render: Render) -> None:
    """Read, never written."""
    everywhere = bound_everywhere(render({"tenantNamespaces": ["*"]})) - bound_everywhere(render())
    assert everywhere == of("", ["secrets"], READ)


def test_tenants_edit_their_own_kinds(render: Render) -> None:
    """By the cluster's view, edit and admin; the platform's kinds are in none of them."""
    objects = render()
    view, edit = (one(objects, "ClusterRole", name) for name in ("trunkline-view", "trunkline-edit"))
    prefix = "rbac.authorization.k8s.io/aggregate-to-"
    assert {label for label in view["metadata"]["labels"] if label.startswith(prefix)} == {
        f"{prefix}{role}" for role in ("view", "edit", "admin")
    }
    assert {label for label in edit["metadata"]["labels"] if label.startswith(prefix)} == {
        f"{prefix}{role}" for role in ("edit", "admin")
    }
    assert rights(view) == of("trunkline.dev", TENANT, READ)
    assert rights(edit) == of(
        "trunkline.dev", TENANT, ["create", "update", "patch", "delete", "deletecollection"]
    )


def test_aggregation_can_be_left_out(render: Render) -> None:
    """The roles stay, to be bound by name."""
    objects = render({"rbac": {"aggregate": False}})
    assert {"trunkline-view", "trunkline-edit"} <= names(objects, "ClusterRole")
    for name in ("trunkline-view", "trunkline-edit"):
        labels = one(objects, "ClusterRole", name)["metadata"]["labels"]
        assert not [label for label in labels if "aggregate" in label]


def test_the_platforms_people(render: Render) -> None:
    """Roles of their own: nobody has them by an aggregate."""
    objects = render()
    edit = one(objects, "ClusterRole", "trunkline-platform-edit")
    assert {resource for _, resource, _ in rights(edit)} == PLURALS - TENANT
    view = one(objects, "ClusterRole", "trunkline-platform-view")
    assert rights(view) == of("trunkline.dev", PLURALS, READ)
    assert not [
        label for each in (edit, view) for label in each["metadata"]["labels"] if "aggregate" in label
    ]
