"""One real API server for all tests of this folder, with our CRDs; a namespace for each test."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from cluster.apiserver import ApiServer, running
from cluster.kubectl import Kubectl
from cluster.processes import wait_until
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
        made.kubectl("wait", "--for=condition=Established", "--timeout=20s", *names)
        # Established means accepted; the paths appear a moment later.
        for kind in ALL_KINDS:
            path = f"/apis/{API_VERSION}/{kind.plural}"
            wait_until(f"{path} is served", partial(made.request, path), 20)
        yield made


@pytest.fixture
def kubectl(server: ApiServer) -> Kubectl:
    """kubectl as administrator, in a namespace that no other test uses."""
    name = f"test-{secrets.token_hex(4)}"
    server.request("/api/v1/namespaces", method="POST", body={"metadata": {"name": name}})
    return server.kubectl.within(name)
