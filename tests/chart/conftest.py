"""The chart, rendered by a real helm."""

from __future__ import annotations

import copy
import json
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster import binaries

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "charts" / "trunkline"
NAMESPACE = "trunkline-system"
HOOK = "helm.sh/hook"

Manifest = dict[str, Any]
Render = Callable[..., list[Manifest]]


@pytest.fixture(scope="session")
def helm() -> Path:
    """Found on this machine, or built once."""
    return binaries.find(["helm"])["helm"]


@pytest.fixture(scope="session")
def run_helm(helm: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """`run_helm("lint", ..., values={...})`: helm with the chart; baseDomain is set unless values do."""

    def run(*arguments: str, values: Manifest | None = None) -> subprocess.CompletedProcess[str]:
        text = yaml.safe_dump({"baseDomain": "voice.example", **(values or {})})
        command = [str(helm), *arguments, str(CHART), "--namespace", NAMESPACE, "--values", "-"]
        return subprocess.run(command, input=text, capture_output=True, text=True, check=False)

    return run


@pytest.fixture(scope="session")
def render(run_helm: Callable[..., subprocess.CompletedProcess[str]]) -> Render:
    """`render(values)`: the objects of the release; with `hook="pre-delete"`, those of that hook."""

    rendered: dict[str, list[Manifest]] = {}

    def template(values: Manifest | None = None, *, hook: str | None = None) -> list[Manifest]:
        key = json.dumps(values or {}, sort_keys=True)
        if key not in rendered:
            done = run_helm("template", "trunkline", values=values)
            assert done.returncode == 0, done.stderr
            # The loader in C: the CRDs are long.
            rendered[key] = [each for each in yaml.load_all(done.stdout, yaml.CSafeLoader) if each]
        return [
            copy.deepcopy(each)
            for each in rendered[key]
            if each["metadata"].get("annotations", {}).get(HOOK) == hook
        ]

    return template
