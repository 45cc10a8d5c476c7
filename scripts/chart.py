"""What of the chart is made from elsewhere: CRDs, what values mean, dashboards, and deploy/.

    python scripts/chart.py --write [--helm HELM]     make the files what their sources say
    python scripts/chart.py --check [--helm HELM]     fail if one is not

Without a helm, the plain manifests are left alone.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

import dashboards

ROOT: Final = Path(__file__).resolve().parents[1]
CHART: Final = ROOT / "charts" / "trunkline"
CRDS: Final = ROOT / "crds"
PLAIN: Final = ROOT / "deploy"

BEGIN: Final = "<!-- values: made by `make chart` -->\n"
END: Final = "<!-- end of values -->\n"
NAMESPACE: Final = "trunkline-system"
HEADER: Final = "# Made by `make chart` from charts/trunkline; edit that.\n"
OVERLAY: Final = "# The base domain and the images are nobody's: set yours by an overlay (README.md).\n"

HOOK: Final = "helm.sh/hook"

_HELM_LABELS: Final = ("app.kubernetes.io/managed-by", "helm.sh/chart", "app.kubernetes.io/instance")


def made_from_sources() -> dict[Path, str]:
    """The files that need no helm, with what each should hold."""
    files = {
        CHART / "templates" / "crds" / path.name: crd_template(path.read_text(encoding="utf-8"))
        for path in sorted(CRDS.glob("*.yaml"))
    }
    files[CHART / "templates" / "_kinds.tpl"] = kinds_template()
    readme = CHART / "README.md"
    files[readme] = with_table(readme.read_text(encoding="utf-8"), values_table())
    schema = CHART / "values.schema.json"
    files[schema] = described(schema.read_text(encoding="utf-8"))
    files |= {CHART / "dashboards" / name: text for name, text in dashboards.made().items()}
    return files


# ------------------------------------------------------------------------------------------------ CRDs


def crd_template(text: str) -> str:
    """A CRD as a template: part of the release if wanted, and kept by `helm uninstall` if wanted."""
    _, marker, body = text.partition("apiVersion:")
    escaped = re.sub(r"\{\{|\}\}", lambda found: '{{ "' + found[0] + '" }}', body)
    name = re.search(r"^metadata:\n  name: \S+\n", escaped, re.MULTILINE)
    if name is None:
        raise ValueError("no CRD: metadata does not begin with the name")
    metadata = """  labels:
    {{- include "trunkline.labels" . | nindent 4 }}
  {{- if .Values.crds.keep }}
  annotations:
    helm.sh/resource-policy: keep
  {{- end }}
"""
    whole = escaped[: name.end()] + metadata + escaped[name.end() :]
    begin = "{{- /* Made by `make chart` from crds/; edit operator/trunkline/api. */}}\n"
    return f"{begin}{{{{- if .Values.crds.enabled }}}}\n{marker}{whole}{{{{- end }}}}\n"


def kinds_template() -> str:
    """The plurals of our kinds for the chart's roles: of all, of the tenants', of the platform's."""
    specs = [yaml.safe_load(path.read_text(encoding="utf-8"))["spec"] for path in sorted(CRDS.glob("*.yaml"))]
    plurals = {
        scope: [spec["names"]["plural"] for spec in specs if scope in ("", spec["scope"])]
        for scope in ("", "Namespaced", "Cluster")
    }
    lists = {"all": "", "tenant": "Namespaced", "platform": "Cluster"}
    return "{{/* Made by `make chart` from crds/: the kinds, for `fromJsonArray`. */}}\n" + "".join(
        f'{{{{- define "trunkline.kinds.{name}" -}}}}{json.dumps(plurals[scope])}{{{{- end }}}}\n'
        for name, scope in lists.items()
    )


# ---------------------------------------------------------------------------------------------- values


@dataclass(frozen=True)
class Value:
    """One line of the table."""

    path: str
    default: str
    comment: str


def values(text: str) -> Iterator[Value]:
    """The settings of values.yaml: whatever has a comment."""
    tree = yaml.safe_load(text)
    place: list[str] = []
    comment: list[str] = []
    for line in text.splitlines():
        if found := re.match(r"( *)# ?(.*)", line):
            comment.append(found[2])
        elif found := re.match(r"( *)([A-Za-z][\w-]*):", line):
            place = [*place[: len(found[1]) // 2], found[2]]
            if comment:
                yield Value(".".join(place), _shown(_at(tree, place)), " ".join(comment))
            comment = []
        elif not line.strip():
            comment = []


def _at(tree: Any, place: Sequence[str]) -> Any:
    for name in place:
        tree = tree[name]
    return tree


def _shown(value: Any) -> str:
    if value == "":
        return ""
    text = yaml.safe_dump(value, default_flow_style=True, width=10_000)
    return f"`{text.strip().removesuffix('...').strip()}`"


def values_table() -> str:
    """Every value with its default and its comment."""
    text = (CHART / "values.yaml").read_text(encoding="utf-8")
    rows = [f"| `{each.path}` | {each.default} | {each.comment} |" for each in values(text)]
    return "\n".join(["| value | default | what it does |", "|---|---|---|", *rows]) + "\n"


def described(schema: str) -> str:
    """The schema with each value's comment as its description. Raises KeyError for a value that it lacks."""
    whole = json.loads(schema)
    for each in values((CHART / "values.yaml").read_text(encoding="utf-8")):
        part = whole
        for name in each.path.split("."):
            part = part["properties"][name]
        part["description"] = each.comment
    return json.dumps(whole, indent=2, ensure_ascii=False) + "\n"


def with_table(page: str, table: str) -> str:
    """The page with the table between its marks. Raises ValueError if they are missing."""
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"README.md has no place for the values: {BEGIN.strip()} ... {END.strip()}")
    return f"{before}{BEGIN}{table}{END}{after}"


# ------------------------------------------------------------------------------------- plain manifests


def plain_manifests(helm: Path) -> dict[Path, str]:
    """The chart with its defaults as plain manifests, without the marks of a Helm release."""
    command = [str(helm), "template", "trunkline", str(CHART), "--namespace", NAMESPACE]
    command += ["--set", "baseDomain=trunkline.test"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found = (each for each in yaml.safe_load_all(done.stdout) if each)
    # Without Helm nobody runs its hooks.
    objects = [plain(each) for each in found if HOOK not in each["metadata"].get("annotations", {})]
    crds = [each for each in objects if each["kind"] == "CustomResourceDefinition"]
    rest = [each for each in objects if each["kind"] != "CustomResourceDefinition"]
    system = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": NAMESPACE,
            "labels": {
                "app.kubernetes.io/part-of": "trunkline",
                "pod-security.kubernetes.io/enforce": "restricted",
            },
        },
    }
    return {
        PLAIN / "crds.yaml": HEADER + _documents(crds),
        PLAIN / "operator.yaml": HEADER + OVERLAY + _documents([system, *rest]),
    }


def plain(found: Mapping[str, Any]) -> dict[str, Any]:
    """An object of the release without what only Helm understands."""
    cleaned = {
        key: plain(value) if isinstance(value, dict) else value
        for key, value in found.items()
        if key not in _HELM_LABELS and key != "helm.sh/resource-policy"
    }
    if "metadata" in cleaned and cleaned["metadata"].get("annotations") == {}:
        del cleaned["metadata"]["annotations"]
    return cleaned


def _documents(objects: Sequence[Mapping[str, Any]]) -> str:
    return yaml.safe_dump_all(objects, sort_keys=False, allow_unicode=True, width=110)


# ------------------------------------------------------------------------------------------------ main


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    choice = parser.add_mutually_exclusive_group(required=True)
    choice.add_argument("--write", action="store_true")
    choice.add_argument("--check", action="store_true")
    parser.add_argument("--helm", type=Path, help="the helm that renders the plain manifests")
    options = parser.parse_args(arguments)
    stale = _settle(made_from_sources(), options.check)
    for path in (CHART / "templates" / "crds").glob("*.yaml"):
        if not (CRDS / path.name).exists():
            stale.append(path)
            if options.write:
                path.unlink()
    if options.helm is not None:
        # Rendered from the templates that are right by now.
        stale += _settle(plain_manifests(options.helm), options.check)
    for path in stale:
        name = path.relative_to(ROOT)
        if options.check:
            print(f"{name} is not what its source says (run make chart)", file=sys.stderr)
        else:
            print(f"made {name}")
    return 1 if options.check and stale else 0


def _settle(files: Mapping[Path, str], only_look: bool) -> list[Path]:
    """The files that are not as they should be; they are then, unless `only_look`."""
    stale = [path for path, text in files.items() if _now(path) != text]
    for path in stale if not only_look else ():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[path], encoding="utf-8")
    return stale


def _now(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None


if __name__ == "__main__":
    sys.exit(main())
