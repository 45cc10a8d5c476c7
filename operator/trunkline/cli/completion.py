"""What a shell offers for a value that is begun: contexts and edges. It asks no server, and never fails."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import typer


def complete_context(ctx: typer.Context, incomplete: str) -> list[str]:
    """The contexts of kubeconfig, which may be several files."""
    files = ctx.params.get("kubeconfig") or os.environ.get("KUBECONFIG") or "~/.kube/config"
    names = (name for file in files.split(os.pathsep) if file for name in _contexts(Path(file)))
    return _fitting(names, incomplete)


def complete_edge(ctx: typer.Context, incomplete: str) -> list[str]:
    """The Edges of the files that are named, else of the `up` that runs."""
    found: list[str] = []
    # What stands before an option without its value is not parsed.
    paths = [*(ctx.params.get("paths") or ()), *(each for each in ctx.args if not each.startswith("-"))]
    with suppress(Exception):  # a shell that waits for names shows no fault
        found = [*_edges(paths)]
    return _fitting(found, incomplete)


def _fitting(names: Iterable[Any], begun: str) -> list[str]:
    return sorted({name for name in names if isinstance(name, str) and name.startswith(begun)})


def _contexts(file: Path) -> Iterator[Any]:
    import yaml

    with suppress(OSError, ValueError, yaml.YAMLError, TypeError, AttributeError):
        said = yaml.safe_load(file.expanduser().read_text(encoding="utf-8"))
        yield from [each.get("name") for each in said.get("contexts") or ()]


def _edges(paths: Iterable[str]) -> Iterator[Any]:
    from trunkline.cli.which_up import running_up
    from trunkline.standalone.load import load
    from trunkline.standalone.state_files import StateDirectory, read_json

    if named := [*paths]:
        yield from (ref.name for ref in load(named).documents if ref.kind == "Edge")
    elif (running := running_up()) is not None:
        summary = read_json(StateDirectory(running).summary)
        yield from (edge["name"] for edge in summary["edges"])
