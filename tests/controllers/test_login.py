"""How kopf finds the API server from within a pod."""

from __future__ import annotations

from typing import Any

import kopf
import pytest

from trunkline.controllers import handlers


@pytest.mark.parametrize(
    ("host", "server"), (("10.96.0.1", "https://10.96.0.1:443"), ("fd00::1", "https://[fd00::1]:443"))
)
def test_the_api_server_is_reached_by_address(
    monkeypatch: pytest.MonkeyPatch, host: str, server: str
) -> None:
    """Without a cluster's DNS there is still an operator. What is mounted in a pod is a stand-in here."""

    def mounted(**_: Any) -> kopf.ConnectionInfo:
        return kopf.ConnectionInfo(server="https://kubernetes.default.svc", token="of the pod")

    monkeypatch.setattr(kopf, "login_with_service_account", mounted)
    environment = {"KUBERNETES_SERVICE_HOST": host, "KUBERNETES_SERVICE_PORT": "443"}
    found = handlers.connection(environment, settings=handlers.settings())
    assert found is not None
    assert (found.server, found.token) == (server, "of the pod")
