"""One real cluster with a node for all tests of this folder; a namespace for each test."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from cluster import images
from cluster.cluster import Cluster, running
from cluster.kubectl import Kubectl


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """A cluster with one node that has the busybox image."""
    with running() as made:
        made.load(images.busybox(tmp_path_factory.mktemp("images") / "busybox.tar"))
        yield made


@pytest.fixture
def kubectl(cluster: Cluster) -> Iterator[Kubectl]:
    """kubectl as administrator, in a namespace that no other test uses; its pods are gone afterwards."""
    name = f"test-{secrets.token_hex(4)}"
    cluster.kubectl("create", "namespace", name)
    yield cluster.kubectl.within(name)
    cluster.check()
    cluster.kubectl("delete", "namespace", name, "--wait=false")
