"""What an API server was asked to write, as it counts itself; and many objects written to it quickly."""

from __future__ import annotations

import http.client
import json
import re
import ssl
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from apiserver.quickstart import Manifest
from cluster.apiserver import ApiServer
from trunkline.api import API_VERSION, KINDS

_REQUESTS: Final = re.compile(r"^apiserver_request_total\{(?P<labels>.*)\} (?P<count>\S+)$", re.MULTILINE)
_LABEL: Final = re.compile(r'(\w+)="([^"]*)"')
_READING: Final = {"GET", "LIST", "WATCH", "CONNECT"}


def create(server: ApiServer, namespace: str, manifests: Sequence[Manifest]) -> None:
    """Create them on a few connections, each kept: kubectl takes ten times as long."""
    context = ssl.create_default_context(cafile=str(server.certificate))
    headers = {"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"}

    def send(share: Sequence[Manifest]) -> None:
        connection = http.client.HTTPSConnection(
            server.url.removeprefix("https://"), timeout=30, context=context
        )
        for manifest in share:
            plural = KINDS[manifest["kind"]].plural
            path = f"/apis/{API_VERSION}/namespaces/{namespace}/{plural}"
            connection.request("POST", path, json.dumps(manifest), headers)
            answer = connection.getresponse()
            text = answer.read()
            assert answer.status == 201, text
        connection.close()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(send, [manifests[first::4] for first in range(4)]))


def writes(server: ApiServer) -> Counter[str]:
    """How many writes of each kind of object the API server has had, refused ones included."""
    found: Counter[str] = Counter()
    for match in _REQUESTS.finditer(server.request("/metrics").decode()):
        labels = dict(_LABEL.findall(match["labels"]))
        if labels["verb"] not in _READING:
            name = "/".join(filter(None, (labels["resource"], labels["subresource"])))
            found[f"{labels['verb']} {name}"] += int(float(match["count"]))
    return found
