"""Options that several commands share, each declared once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from trunkline.standalone.options import DEFAULT_BASE_DOMAIN

_LABEL: Final = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
KUBECTL: Final = "kubectl trunk"
"""How the command is called as a plugin of kubectl."""


class Output(StrEnum):
    TEXT = "text"
    JSON = "json"


class Transport(StrEnum):
    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


Paths = Annotated[
    list[str], typer.Argument(metavar="PATH", help="Directories of *.yaml, or files.", show_default=False)
]
PathsOrCluster = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PATH",
        help="Directories of *.yaml, or files. Without any, the cluster is read.",
        show_default=False,
    ),
]
PathsOfUp = Annotated[
    list[str] | None,
    typer.Argument(metavar="PATH", help="The paths that `up` was started with.", show_default=False),
]
_DOMAIN_HELP: Final = "The platform's domain; trunks are reached at <name>.pstn.<DOMAIN>."
BaseDomain = Annotated[
    str,
    typer.Option("--base-domain", envvar="TRUNKLINE_BASE_DOMAIN", metavar="DOMAIN", help=_DOMAIN_HELP),
]
BaseDomainOfAny = Annotated[
    str | None,
    typer.Option(
        "--base-domain",
        envvar="TRUNKLINE_BASE_DOMAIN",
        metavar="DOMAIN",
        help=f"{_DOMAIN_HELP} Default: {DEFAULT_BASE_DOMAIN}; of a cluster, what its trunks say.",
        show_default=False,
    ),
]
OutputOption = Annotated[Output, typer.Option("-o", "--output", help="`json` has stable keys, for scripts.")]
StateDir = Annotated[
    Path | None,
    typer.Option(
        "--state-dir",
        metavar="DIR",
        help="Where `up` keeps its state. Default: one directory for each set of PATHs.",
        show_default=False,
    ),
]

Kubeconfig = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Cluster: default as kubectl's, KUBECONFIG.", show_default=False),
]
Context = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Cluster: the context in kubeconfig.", show_default=False),
]
Namespace = Annotated[
    str | None,
    typer.Option(
        "-n", "--namespace", metavar="NAME", help="Cluster: default the context's.", show_default=False
    ),
]
AllNamespaces = Annotated[bool, typer.Option("-A", "--all-namespaces", help="Cluster: of every namespace.")]
EdgeNamespace = Annotated[
    str | None,
    typer.Option(
        "--edge-namespace",
        envvar="TRUNKLINE_EDGE_NAMESPACE",
        metavar="NAME",
        help="Cluster: where edge pods and their tables live; default the chart's.",
        show_default=False,
    ),
]


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """Which cluster, and what of it; None = as kubeconfig says."""

    kubeconfig: str | None = None
    context: str | None = None
    namespace: str | None = None
    all_namespaces: bool = False

    @property
    def given(self) -> tuple[str, ...]:
        """The options that were given, as written on the command line."""
        named = {
            "--kubeconfig": self.kubeconfig,
            "--context": self.context,
            "-n": self.namespace,
            "-A": self.all_namespaces,
        }
        return tuple(option for option, value in named.items() if value)

    def fault(self, others: tuple[str, ...]) -> str:
        """Why these cannot be used along with `others` (PATH, --state-dir); "" if they can."""
        if self.namespace is not None and not _LABEL.fullmatch(self.namespace):
            return f"-n {self.namespace!r} is no name of a namespace: use lower-case letters, digits and -"
        if self.namespace and self.all_namespaces:
            return "-n and -A do not go together: give one of them"
        if self.given and others:
            return f"{others[0]} and {self.given[0]} do not go together: the latter is of a cluster"
        return ""
