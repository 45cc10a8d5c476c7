"""The CustomResourceDefinitions, made from the models: `python -m trunkline.api.crd --write crds`."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from trunkline.api.edge import Edge
from trunkline.api.group import CATEGORY, GROUP, VERSION
from trunkline.api.kinds import ALL_KINDS, AnyResource
from trunkline.api.resource import STATE, Column
from trunkline.api.schema import Schema, structural_schema
from trunkline.api.status_schema import status_schema

_HEADER: Final = "# Made by `make crds` from operator/trunkline/api; edit that.\n"


def crd_manifests() -> dict[str, dict[str, Any]]:
    """File name -> CustomResourceDefinition, one for each kind."""
    return {f"{kind.plural}.{GROUP}.yaml": crd_manifest(kind) for kind in ALL_KINDS}


def crd_manifest(kind: type[AnyResource]) -> dict[str, Any]:
    """The CustomResourceDefinition of one kind."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": kind.scope,
            "names": _names(kind),
            "versions": [
                {
                    "name": VERSION,
                    "served": True,
                    "storage": True,
                    "subresources": {"status": {}},
                    "additionalPrinterColumns": [_column(column) for column in (*kind.columns, *STATE)],
                    **_selectable(kind),
                    "schema": {"openAPIV3Schema": object_schema(kind)},
                }
            ],
        },
    }


def object_schema(kind: type[AnyResource]) -> Schema:
    """The structural schema of a whole object of one kind."""
    found = structural_schema(kind)
    metadata: Schema = {"type": "object"}
    if issubclass(kind, Edge):
        metadata["properties"] = {"name": _edge_name(found)}
    found["properties"] = {
        "apiVersion": {"type": "string", "description": "Version of the API group."},
        "kind": {"type": "string", "description": "Kind of the object."},
        "metadata": metadata,
        "spec": found["properties"]["spec"],
        "status": status_schema(kind.kind),
    }
    found["required"] = ["spec"]
    return found


def _edge_name(found: Schema) -> Schema:
    """An Edge's name is the one name with a format of its own, which the model's metadata says."""
    name: Schema = dict(found["properties"]["metadata"]["properties"]["name"])
    for word in ("description", "x-kubernetes-validations"):
        name.pop(word, None)
    return name


def _names(kind: type[AnyResource]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "kind": kind.kind,
        "listKind": f"{kind.kind}List",
        "plural": kind.plural,
        "singular": kind.kind.lower(),
        "categories": [CATEGORY],
    }
    return {**found, "shortNames": list(kind.short_names)}


def _selectable(kind: type[AnyResource]) -> dict[str, Any]:
    fields = [{"jsonPath": path} for path in kind.selectable]
    return {"selectableFields": fields} if fields else {}


def _column(column: Column) -> dict[str, Any]:
    found: dict[str, Any] = {"name": column.name, "type": column.type, "jsonPath": column.path}
    if column.wide:
        found["priority"] = 1
    return found


class _PlainDumper(yaml.SafeDumper):
    """Writes every value out, where YAML would refer to an equal one by an anchor."""

    def ignore_aliases(self, data: object) -> bool:
        return True


def rendered(manifest: Mapping[str, Any]) -> str:
    """A manifest as its file holds it."""
    return _HEADER + yaml.dump(
        dict(manifest), Dumper=_PlainDumper, sort_keys=False, allow_unicode=True, width=110
    )


def outdated(directory: Path) -> list[str]:
    """Names of files in `directory` that are not what the models say: changed, missing or left over."""
    wanted = {name: rendered(manifest) for name, manifest in crd_manifests().items()}
    present = {path.name: path.read_text(encoding="utf-8") for path in directory.glob("*.yaml")}
    return sorted(name for name in wanted.keys() | present.keys() if wanted.get(name) != present.get(name))


def write(directory: Path) -> list[str]:
    """Make the files in `directory` what the models say; the names of those that were not."""
    changed = outdated(directory)
    wanted = crd_manifests()
    directory.mkdir(parents=True, exist_ok=True)
    for name in changed:
        path = directory / name
        if name in wanted:
            path.write_text(rendered(wanted[name]), encoding="utf-8")
        else:
            path.unlink()
    return changed


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m trunkline.api.crd", description=__doc__)
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--write", type=Path, metavar="DIR", help="make the files in DIR what the models say")
    choice.add_argument(
        "--check", type=Path, metavar="DIR", help="fail if a file in DIR is not what they say"
    )
    options = parser.parse_args(arguments)
    if options.write is not None:
        for name in write(options.write):
            print(f"wrote {options.write / name}")
        return 0
    stale = outdated(options.check)
    for name in stale:
        print(f"{options.check / name} differs from the models (run make crds)", file=sys.stderr)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
