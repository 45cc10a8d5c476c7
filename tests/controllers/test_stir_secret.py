"""What calls are signed with reaches the edge namespace, as far as a client without an API server shows."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, cast

import pytest

from trunkline.controllers.stir_secret import StirSecret
from trunkline.kube.client import KubeClient
from trunkline.kube.paths import Kind

DATA = dict.fromkeys(("tls.crt", "tls.key", "x5u", "ca.crt"), "eA==")
GIVEN, COPY = ("system", "platform"), ("edges", "stir-shaken")


class FakeClient:
    """Stores what is applied."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, str], dict[str, Any]] = {}
        self.applied = 0

    async def get(self, _: Kind, namespace: str, name: str) -> dict[str, Any] | None:
        return self.stored.get((namespace, name))

    async def apply(self, manifest: dict[str, Any]) -> dict[str, Any]:
        self.applied += 1
        self.stored[manifest["metadata"]["namespace"], manifest["metadata"]["name"]] = manifest
        return manifest


def test_it_is_copied_once_and_again_when_it_changes_by_a_fake_client() -> None:
    client = FakeClient()
    secret = StirSecret(cast("KubeClient", client), *GIVEN, "edges")

    async def scenario() -> None:
        client.stored[GIVEN] = {"data": {**DATA, "other": "eQ=="}}
        await secret.keep()
        await secret.keep()
        assert client.stored[COPY]["data"] == DATA
        assert client.applied == 1
        client.stored[GIVEN] = {"data": {**DATA, "tls.crt": "eg=="}}
        await secret.keep()
        assert client.stored[COPY]["data"]["tls.crt"] == "eg=="

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("given", "told"),
    (
        (None, "Secret system/platform is not there"),
        ({"data": {**DATA, "x5u": ""}}, "Secret system/platform has no x5u"),
        ({}, "has no tls.crt and no tls.key and no x5u and no ca.crt"),
    ),
)
def test_one_that_is_not_whole_is_told_once_and_the_copy_stays_by_a_fake_client(
    given: dict[str, Any] | None, told: str, caplog: pytest.LogCaptureFixture
) -> None:
    client = FakeClient()
    secret = StirSecret(cast("KubeClient", client), *GIVEN, "edges")
    client.stored[COPY] = {"data": DATA}
    if given is not None:
        client.stored[GIVEN] = given

    async def scenario() -> None:
        await secret.keep()
        await secret.keep()

    with caplog.at_level(logging.WARNING):
        asyncio.run(scenario())
    (record,) = caplog.records
    assert told in record.message
    assert "kubectl -n system create secret generic platform" in record.message
    assert client.stored[COPY] == {"data": DATA}
