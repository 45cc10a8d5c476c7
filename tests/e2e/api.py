"""Trunkline's objects as the API server has them at this moment: what a test asks very often.

kubectl takes a tenth of a second a question, in which a status that came too early could come true.
"""

from __future__ import annotations

import http.client
import json
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any, Final

from cluster.kubectl import Kubectl
from trunkline.api import API_VERSION
from trunkline.api.resource import Resource

Manifest = dict[str, Any]

SECONDS: Final = 120.0
"""The longest wait for something that takes a few seconds on a quiet machine."""
_MERGE: Final = {"Content-Type": "application/merge-patch+json"}


class Api:
    """One connection to the API server, through `kubectl proxy`; `namespace` is that of tenants' objects."""

    def __init__(self, port: int, namespace: str) -> None:
        self._connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self._namespace = namespace

    def close(self) -> None:
        self._connection.close()

    def get(self, kind: type[Resource], name: str) -> Manifest:
        return self.request("GET", self._path(kind, name))

    def patch(self, kind: type[Resource], name: str, spec: Mapping[str, Any]) -> int:
        """Merge into a spec; the generation that this made."""
        return int(self.request("PATCH", self._path(kind, name), {"spec": spec})["metadata"]["generation"])

    def wait(
        self,
        kind: type[Resource],
        name: str,
        condition: str = "Programmed",
        generation: int = 0,
        *,
        status: str = "True",
        seconds: float = SECONDS,
    ) -> Manifest:
        """The object, once the condition has this status for `generation` or a later one."""
        end = time.monotonic() + seconds
        while True:
            found = self.get(kind, name)
            said = conditions(found).get(condition, {})
            if said.get("status") == status and said.get("observedGeneration", 0) >= generation:
                return found
            if time.monotonic() > end:
                raise TimeoutError(f"{kind.kind} {name}: {condition} is not {status}: {conditions(found)}")
            time.sleep(0.005)

    def request(self, method: str, path: str, body: object = None) -> Manifest:
        """The answer's object. Raises AssertionError with the API server's complaint."""
        try:
            self._connection.request(method, path, json.dumps(body) if body else None, _MERGE)
            answer = self._connection.getresponse()
        except (http.client.HTTPException, OSError):
            # A connection that a stopped API server ended: the next request makes a new one.
            self._connection.close()
            raise
        text = answer.read()
        assert answer.status < 300, f"{method} {path}: {answer.status} {text.decode(errors='replace')}"
        found: Manifest = json.loads(text)
        return found

    def _path(self, kind: type[Resource], name: str) -> str:
        place = f"namespaces/{self._namespace}/" if kind.scope == "Namespaced" else ""
        return f"/apis/{API_VERSION}/{place}{kind.plural}/{name}"


def conditions(found: Manifest) -> dict[str, Manifest]:
    """An object's conditions by type."""
    return {each["type"]: each for each in found.get("status", {}).get("conditions", [])}


@contextmanager
def proxied(kubectl: Kubectl, namespace: str) -> Iterator[Api]:
    """An Api with what the kubeconfig may do."""
    command = [str(kubectl.program), f"--kubeconfig={kubectl.kubeconfig}", "proxy", "--port=0"]
    bound = ("setpriv", "--pdeathsig", "KILL", "--")
    with subprocess.Popen([*bound, *command], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout
            found = re.search(r":(\d+)", process.stdout.readline())
            assert found, "kubectl proxy does not say its port"
            with closing(Api(int(found[1]), namespace)) as api:
                yield api
        finally:
            process.kill()
