"""Options that several commands share, each declared once."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from trunkline.cli.completion import complete_context
from trunkline.settings import namespace_fault, options, variable
from trunkline.standalone.options import DEFAULT_BASE_DOMAIN

KUBECTL: Final = "kubectl trunk"
"""How the command is called as a plugin of kubectl."""


class Output(StrEnum):
    TEXT = "text"
    JSON = "json"


class ValidateOutput(StrEnum):
    TEXT = "text"
    JSON = "json"
    YAML = "yaml"
    GITHUB = "github"
    SARIF = "sarif"
    JUNIT = "junit"


class NetworkOutput(StrEnum):
    TABLE = "table"
    JSON = "json"
    NFTABLES = "nftables"
    IPTABLES = "iptables"


class CallMedia(StrEnum):
    RTP = "rtp"
    SRTP = "srtp"


class Transport(StrEnum):
    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


class UsageBy(StrEnum):
    """What `usage` sums by."""

    TRUNK = "trunk"
    ACCOUNT = "account"
    CARRIER = "carrier"
    DAY = "day"


class Sender(StrEnum):
    CALLER = "caller"
    CALLEE = "callee"


class Action(StrEnum):
    FORWARD = "forward"
    REJECT = "reject"
    CHALLENGE = "challenge"
    DROP = "drop"
    ANSWER = "answer"


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
PathsToValidate = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="PATH",
        help="Directories of *.yaml, or files; - is standard input. Without any, the cluster is read.",
        show_default=False,
    ),
]
PathsOfUp = Annotated[
    list[str] | None,
    typer.Argument(metavar="PATH", help="The paths that `up` was started with.", show_default=False),
]
_DOMAIN: Final = next(each for each in options() if each.name == "base_domain")
BaseDomain = Annotated[
    str,
    typer.Option(_DOMAIN.flag, envvar=variable(_DOMAIN.name), metavar=_DOMAIN.metavar, help=_DOMAIN.help),
]
BaseDomainOfAny = Annotated[
    str | None,
    typer.Option(
        _DOMAIN.flag,
        envvar=variable(_DOMAIN.name),
        metavar=_DOMAIN.metavar,
        help=f"{_DOMAIN.help} Default: {DEFAULT_BASE_DOMAIN}; of a cluster, what its trunks say.",
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
StateDirOfUp = Annotated[
    Path | None,
    typer.Option(
        "--state-dir",
        metavar="DIR",
        help="The state directory of the `up` that is meant. Default: of the one that runs.",
        show_default=False,
    ),
]

Kubeconfig = Annotated[
    str | None,
    typer.Option(
        metavar="FILE",
        help="Cluster: the kubeconfig file. Default: KUBECONFIG, as for kubectl.",
        show_default=False,
    ),
]
Context = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Cluster: the context in kubeconfig.",
        show_default=False,
        autocompletion=complete_context,
    ),
]
Namespace = Annotated[
    str | None,
    typer.Option(
        "-n",
        "--namespace",
        metavar="NAME",
        help="Cluster: the namespace. Default: the context's.",
        show_default=False,
    ),
]
AllNamespaces = Annotated[bool, typer.Option("-A", "--all-namespaces", help="Cluster: every namespace.")]
EdgeNamespace = Annotated[
    str | None,
    typer.Option(
        "--edge-namespace",
        envvar=variable("edge_namespace"),
        metavar="NAME",
        help="Cluster: where edge pods and their tables are. Default: the chart's.",
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
        fault = "" if self.namespace is None else namespace_fault(self.namespace)
        if fault:
            return f"-n {self.namespace!r} {fault}"
        if self.namespace and self.all_namespaces:
            return "-n and -A do not go together: give one of them"
        if self.given and others:
            return f"{others[0]} and {self.given[0]} do not go together: the latter is for a cluster"
        return ""
