"""The API servers, platforms and edge pods that tests of this folder share.

Those of CRDs have one server for all; operators and pods have one for each module.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from apiserver.edge_calls import table
from apiserver.edge_pods import EdgeNamespace, EdgePod, edge_namespace
from apiserver.operated_edge import operated_pods
from apiserver.operators import Platform, platform_on, serving_crds
from cluster.apiserver import ApiServer, running
from cluster.kubectl import Kubectl
from cluster.processes import wait_until
from support.addresses import Block, reserved_block
from trunkline.api import ALL_KINDS
from trunkline.api.group import API_VERSION, GROUP


@pytest.fixture(scope="session")
def crds() -> Path:
    """The folder of the CRDs as they are checked in."""
    return Path(__file__).resolve().parents[2] / "crds"


@pytest.fixture(scope="session")
def server(crds: Path) -> Iterator[ApiServer]:
    """An API server with the CRDs, all of them served."""
    with running() as made:
        made.kubectl("create", "-f", str(crds))
        names = [f"crd/{kind.plural}.{GROUP}" for kind in ALL_KINDS]
        made.kubectl.until_established(*names)
        # Established means accepted; the paths appear a moment later.
        for kind in ALL_KINDS:
            path = f"/apis/{API_VERSION}/{kind.plural}"
            wait_until(f"{path} is served", partial(made.request, path), 60)
        yield made


@pytest.fixture
def kubectl(server: ApiServer) -> Kubectl:
    """kubectl as administrator, in a namespace that no other test uses."""
    name = f"test-{secrets.token_hex(4)}"
    server.request("/api/v1/namespaces", method="POST", body={"metadata": {"name": name}})
    return server.kubectl.within(name)


# ------------------------------------------------------------------------------------ with operators


@pytest.fixture(scope="module")
def operator_server() -> Iterator[ApiServer]:
    """An API server with our CRDs, for the operators of one module alone."""
    with serving_crds() as made:
        yield made


@pytest.fixture
def platform(operator_server: ApiServer, tmp_path: Path) -> Iterator[Platform]:
    """Namespaces of its own for one test, on `operator_server`."""
    with platform_on(operator_server, tmp_path) as made:
        yield made


# ------------------------------------------------------------------------------------ with edge pods


@pytest.fixture(scope="module")
def api() -> Iterator[ApiServer]:
    """An API server for the edge pods of this module."""
    with running() as server:
        yield server


@pytest.fixture
def block() -> Iterator[Block]:
    with reserved_block("127.61") as reserved:
        yield reserved


@pytest.fixture
def namespace(api: ApiServer, tmp_path: Path) -> Iterator[EdgeNamespace]:
    with edge_namespace(api, tmp_path) as made:
        yield made


@pytest.fixture
def pod(namespace: EdgeNamespace, block: Block) -> Iterator[EdgePod]:
    """A pod that serves revision 1."""
    with namespace.pod(block.address(1)) as made:
        namespace.publish(table(block))
        made.start()
        made.until_said(revision="1", ready="true")
        yield made


@pytest.fixture
def pods(platform: Platform, block: Block, tmp_path: Path) -> Iterator[list[EdgePod]]:
    """An operator, an edge, and both of its pods, ready."""
    with operated_pods(platform, block, tmp_path) as made:
        yield made
