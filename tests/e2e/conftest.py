"""One installation for all tests of this folder, from `helm install` to `helm uninstall`."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from cluster import binaries
from e2e.api import proxied
from e2e.calls import end_all_calls
from e2e.installation import TENANT, Installation, image_value
from e2e.own_node import OwnNode, own_node
from e2e.sites import Site
from e2e.their_cluster import KUBECONFIG, their_cluster
from trunkline.plan.workload_settings import DEFAULT_RESOURCES


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A cluster and its telephones: the tests' own node, or the cluster of TRUNKLINE_E2E_KUBECONFIG."""
    with their_cluster() if KUBECONFIG in os.environ else own_node(tmp_path_factory.mktemp("site")) as made:
        yield made


@pytest.fixture
def own(site: Site) -> OwnNode:
    """The tests' own node, for what needs the node itself, or a name server."""
    if not isinstance(site, OwnNode):
        pytest.skip("it needs the tests' own node, and this is somebody's cluster")
    return site


@pytest.fixture(scope="session")
def installation(site: Site, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The chart and the quickstart, applied, and everything of it Ready."""
    helm = binaries.find(["helm"])["helm"]
    own, (repository, tag) = site.values(), site.recorder_image
    # Tests have more pods on one node than it would have room for.
    resources = {container: {"requests": {"cpu": "20m"}} for container in DEFAULT_RESOURCES}
    recorder = {"image": {"repository": repository, "tag": tag}}
    values = {
        **own,
        "recordings": {**own.get("recordings", {}), **recorder},
        "tenantNamespaces": [TENANT],
        "operator": {"image": image_value(site.operator_image)},
        "edge": {"image": image_value(site.edge_image), "resources": resources},
    }
    with proxied(site.kubectl, TENANT) as api:
        made = Installation(helm, site, api, tmp_path_factory.mktemp("helm"), values)
        made.prepare()
        try:
            made.install()
            made.apply_quickstart()
            made.wait_ready()
            yield made
        finally:
            # Their cluster is left as it was; our own goes as a whole.
            if not isinstance(site, OwnNode):
                made.uninstall()


@pytest.fixture(autouse=True)
def calls_begin_anew(site: Site) -> Iterator[None]:
    """Nothing of earlier tests reaches a telephone; a node's daemon that ended fails the test it ended in."""
    for phone in site.phones.values():
        phone.forget()
    yield
    end_all_calls()
    if isinstance(site, OwnNode):
        site.cluster.check()
