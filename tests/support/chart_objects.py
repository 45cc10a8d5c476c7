"""Finds objects among those that helm renders."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

Manifest = dict[str, Any]


def one(objects: Iterable[Manifest], kind: str, name: str, namespace: str | None = None) -> Manifest:
    """The object of this kind and name; there must be exactly one."""
    (found,) = (
        each
        for each in objects
        if (each["kind"], each["metadata"]["name"]) == (kind, name)
        and namespace in (None, each["metadata"].get("namespace"))
    )
    return found


def names(objects: Iterable[Manifest], kind: str) -> set[str]:
    """The names of all objects of a kind."""
    return {each["metadata"]["name"] for each in objects if each["kind"] == kind}


def operator_environment(objects: Iterable[Manifest]) -> dict[str, str]:
    """What the operator is told by plain environment variables."""
    pod = one(objects, "Deployment", "trunkline-operator")["spec"]["template"]["spec"]
    return {each["name"]: each["value"] for each in pod["containers"][0]["env"] if "value" in each}
