"""Writes docs/reference: each kind's fields from the models, and each command from its own help.

python scripts/reference.py --write    writes them;    --check    fails if a page is not what it would write.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trunkline.api.kinds import AnyResource

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "reference"
GENERATED = "<!-- Written by `make reference` from {source}; edit that instead. -->"
_MODELS = "operator/trunkline/api"
_COMMANDS = "operator/trunkline/cli"


def pages() -> dict[str, str]:
    """Every page by its name below docs/reference."""
    from trunkline.api.kinds import ALL_KINDS

    kinds = {f"{kind.kind.lower()}.md": kind_page(kind) for kind in ALL_KINDS}
    return {"README.md": index_page(), **kinds, "commands.md": commands_page()}


def index_page() -> str:
    """All kinds, with who writes them."""
    from trunkline.api.kinds import ALL_KINDS

    lines = [
        "# Fields of all kinds",
        "",
        GENERATED.format(source=_MODELS),
        "",
        "`kubectl explain trunk.spec` says the same. Tenant kinds are of a namespace, written by those who",
        "own trunks; cluster kinds are written by those who run the platform.",
        "",
        "| kind | short | whose | what it is |",
        "|---|---|---|---|",
    ]
    for kind in ALL_KINDS:
        whose = "tenant" if kind.scope == "Namespaced" else "cluster"
        short = ", ".join(f"`{name}`" for name in kind.short_names)
        lines.append(f"| [{kind.kind}]({kind.kind.lower()}.md) | {short} | {whose} | {_of_kind(kind)} |")
    lines += ["", "[Commands](commands.md) are on a page of their own."]
    return "\n".join(lines) + "\n"


def _of_kind(kind: type[AnyResource]) -> str:
    from trunkline.api.crd import object_schema

    return _cell(object_schema(kind)["description"])


# ------------------------------------------------------------------------------------------- kinds


def kind_page(kind: type[AnyResource]) -> str:
    """One kind: what it is, its fields, its status."""
    from trunkline.api.crd import object_schema
    from trunkline.api.group import API_VERSION

    schema = object_schema(kind)
    whose = "of a namespace" if kind.scope == "Namespaced" else "of the cluster"
    columns = ", ".join(column.name for column in kind.columns)
    lines = [
        f"# {kind.kind}",
        "",
        GENERATED.format(source=f"{_MODELS}/{kind.__module__.rpartition('.')[2]}.py"),
        "",
        f"{_cell(schema['description'])} `apiVersion: {API_VERSION}`, {whose}; `kubectl get {kind.plural}` "
        f"shows {columns}.",
        "",
        "## Fields",
        "",
        *_table(schema["properties"]["spec"], "spec"),
        "",
        "## Status",
        "",
        "Written by the operator; `trunkline status` and `kubectl get` show it.",
        "",
        *_table(schema["properties"]["status"], "status"),
    ]
    return "\n".join(lines) + "\n"


def _table(schema: Mapping[str, Any], path: str) -> Iterator[str]:
    yield "| field | type | default | meaning |"
    yield "|---|---|---|---|"
    for field, found, is_required in _fields(schema, path):
        default = f"`{json.dumps(found['default'])}`" if "default" in found else ""
        default = default.replace('"', "") or ("required" if is_required else "")
        meaning = f"{_cell(found.get('description', ''))}{_bounds(found)}"
        yield f"| `{field}` | {_type(found)} | {default} | {meaning} |"


def _fields(schema: Mapping[str, Any], path: str) -> Iterator[tuple[str, Mapping[str, Any], bool]]:
    """Each field below, the outer ones first."""
    required = schema.get("required", ())
    for name, found in schema.get("properties", {}).items():
        own = f"{path}.{name}"
        yield own, found, name in required
        yield from _fields(found, own)
        if "items" in found:
            yield from _fields(found["items"], f"{own}[]")


def _type(found: Mapping[str, Any]) -> str:
    if "enum" in found:
        return "one of " + ", ".join(f"`{value}`" for value in found["enum"])
    if found.get("type") == "array":
        return f"list of {_type(found['items'])}"
    if found.get("type") == "object" and "additionalProperties" in found:
        return f"map to {_type(found['additionalProperties'])}"
    if found.get("x-kubernetes-int-or-string"):
        return "number or text"
    return {"string": "text", "boolean": "true or false", "integer": "number"}.get(
        str(found.get("type")), str(found.get("type", ""))
    )


def _bounds(found: Mapping[str, Any]) -> str:
    """What a value or a list may be, as far as a number says it."""
    said = []
    if "minimum" in found and "maximum" in found:
        said.append(f"{found['minimum']:,} to {found['maximum']:,}")
    if found.get("type") == "array" and "maxItems" in found:
        said.append(f"at most {found['maxItems']:,} members")
    if found.get("type") == "string" and "maxLength" in found and "enum" not in found:
        said.append(f"at most {found['maxLength']:,} characters")
    return f" ({'; '.join(said)})" if said else ""


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


# ---------------------------------------------------------------------------------------- commands


def commands_page() -> str:
    """The help of each command, as it prints it."""
    import typer

    from trunkline.cli.app import app

    lines = [
        "# Commands",
        "",
        GENERATED.format(source=_COMMANDS),
        "",
        "As `trunkline COMMAND --help` prints it. `kubectl trunk` is the same, for a cluster.",
    ]
    for name, text in _helps(typer.main.get_command(app), "trunkline", None):
        lines += ["", f"## {name}", "", "```text", *(line.rstrip() for line in text.splitlines()), "```"]
    return "\n".join(lines) + "\n"


def _helps(command: Any, name: str, parent: Any) -> Iterator[tuple[str, str]]:
    """Of a command of typer, and of those below it."""
    settings = {**command.context_settings, "terminal_width": 100, "max_content_width": 100}
    own = name.rpartition(" ")[2]
    context = command.context_class(command, info_name=own, parent=parent, **settings)
    yield name, command.get_help(context)
    for each in sorted(getattr(command, "commands", {})):
        yield from _helps(command.commands[each], f"{name} {each}", context)


# -------------------------------------------------------------------------------------------- files


def stale() -> list[str]:
    """Names of pages that are not what they should be; those that should not be there too."""
    wanted = pages()
    kept = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    return sorted(name for name in wanted.keys() | kept.keys() if wanted.get(name) != kept.get(name))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    action = parser.add_mutually_exclusive_group(required=True)
    action.add_argument("--write", action="store_true")
    action.add_argument("--check", action="store_true")
    arguments = parser.parse_args()
    changed = stale()
    wanted = pages()
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in changed:
        if arguments.check:
            print(f"docs/reference/{name} is not up to date; run `make reference`", file=sys.stderr)
        elif name in wanted:
            (FOLDER / name).write_text(wanted[name], encoding="utf-8")
            print(f"wrote docs/reference/{name}")
        else:
            (FOLDER / name).unlink()
    return 1 if changed and arguments.check else 0


if __name__ == "__main__":
    sys.exit(main())
