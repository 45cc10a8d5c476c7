"""kubectl as a test calls it: the real program, with what it said."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

Manifest = Mapping[str, Any]


@dataclass(frozen=True)
class Answer:
    """What one call of kubectl came to."""

    status: int
    output: str
    errors: str

    @property
    def json(self) -> Any:
        return json.loads(self.output)


@dataclass(frozen=True)
class Kubectl:
    """kubectl for one cluster, and one namespace if it has one."""

    program: Path
    kubeconfig: Path
    namespace: str | None = None

    def within(self, namespace: str) -> Kubectl:
        return replace(self, namespace=namespace)

    def try_(self, *arguments: str, given: str | None = None, seconds: float = 120) -> Answer:
        """Call kubectl, whatever comes of it. `given` is its standard input."""
        command = [str(self.program), f"--kubeconfig={self.kubeconfig}"]
        if self.namespace:
            command.append(f"--namespace={self.namespace}")
        # Its discovery cache would outlive the cluster, and its settings are the user's.
        own = {"KUBECACHEDIR": f"{self.kubeconfig}.cache", "KUBERC": "off"}
        done = subprocess.run(
            [*command, *arguments],
            check=False,
            input=given,
            capture_output=True,
            text=True,
            timeout=seconds,
            env={**os.environ, **own},
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    def __call__(self, *arguments: str, given: str | None = None, seconds: float = 120) -> str:
        """Standard output of a call that must succeed. Raises AssertionError with kubectl's complaint."""
        answer = self.try_(*arguments, given=given, seconds=seconds)
        if answer.status:
            raise AssertionError(f"kubectl {' '.join(arguments)}: {answer.errors.strip()}")
        return answer.output

    def until_established(self, *crds: str) -> None:
        """Wait until these are served, as `crd/NAME` or `crd --all`: a busy machine takes long."""
        self("wait", "--for=condition=Established", "--timeout=300s", *crds, seconds=320)

    def get(self, *what: str) -> Any:
        """An object, or a list of them, as the API server tells it."""
        return json.loads(self("get", "-o", "json", *what))

    def apply(self, *manifests: Manifest) -> str:
        """`kubectl apply` of manifests that must be taken."""
        return self("apply", "-f", "-", given=stream(*manifests))

    def try_apply(self, *manifests: Manifest) -> Answer:
        """`kubectl apply` of manifests that may be refused."""
        return self.try_("apply", "-f", "-", given=stream(*manifests))

    def patch_status(self, kind: str, name: str, status: Manifest) -> str:
        """Merge into the status of an object, as an operator does."""
        body = json.dumps({"status": status})
        return self("patch", kind, name, "--subresource=status", "--type=merge", "-p", body)


def stream(*manifests: Manifest) -> str:
    """Manifests as one stream of documents (JSON is YAML)."""
    return "\n---\n".join(json.dumps(manifest) for manifest in manifests)
