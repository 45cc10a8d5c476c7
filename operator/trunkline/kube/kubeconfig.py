"""The cluster that a person means, chosen as kubectl does: by kubeconfig; in a pod without one, its own."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml
from kubernetes.aio import config
from kubernetes.aio.client import Configuration

from trunkline.kube.client import ConnectionFault, KubeClient, client_of, in_cluster_namespace

DEFAULT_NAMESPACE: Final = "default"
_HOME_FILE: Final = "~/.kube/config"


@dataclass(frozen=True, slots=True)
class Cluster:
    """A cluster to talk to, and where in it kubeconfig stands."""

    client: KubeClient
    context: str
    """The context's name in kubeconfig; "" in a pod without kubeconfig."""
    server: str
    """URL of the API server."""
    namespace: str


async def open_cluster(kubeconfig: str | None = None, context: str | None = None) -> Cluster:
    """The cluster of a context in kubeconfig; None = KUBECONFIG or the home directory's, and its current one.

    Nothing is asked of the cluster yet. Raises ConnectionFault.
    """
    configuration = Configuration()
    try:
        if _is_pod_without_choice(kubeconfig, context):
            config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
            name, namespace = "", in_cluster_namespace()
        else:
            name, namespace = await _load(_files(kubeconfig), context, configuration)
        client = client_of(configuration)
    except (config.ConfigException, yaml.YAMLError, OSError, ValueError, TypeError, AttributeError) as error:
        told = _told(error)
        raise ConnectionFault(
            f"kubeconfig {_files(kubeconfig)} cannot be used: {told}; "
            "see what `kubectl config get-contexts` and `kubectl cluster-info` make of it"
        ) from error
    return Cluster(client, name, str(configuration.host), namespace or DEFAULT_NAMESPACE)


def _told(error: Exception) -> str:
    """The library reads what is no whole kubeconfig with errors of Python, which tell a user nothing."""
    said = " ".join(str(error).split())
    if not said or isinstance(error, TypeError | AttributeError):
        return "its context lacks a cluster or a user, or it is not a kubeconfig at all"
    return said


async def _load(files: str, context: str | None, configuration: Configuration) -> tuple[str, str | None]:
    """Fills `configuration`; gives the context's name and namespace."""
    if not _is_there(files):
        raise ConnectionFault(
            f"no cluster to read: there is no kubeconfig {files}; name one by --kubeconfig or KUBECONFIG"
        )
    loader: Any = await config.load_kube_config(  # type: ignore[no-untyped-call]
        files, context=context, client_configuration=configuration, persist_config=False
    )
    chosen = loader.current_context
    return str(chosen["name"]), chosen["context"].get("namespace")


def _is_pod_without_choice(kubeconfig: str | None, context: str | None) -> bool:
    in_pod = bool(os.environ.get("KUBERNETES_SERVICE_HOST"))
    return in_pod and kubeconfig is None and context is None and not _is_there(None)


def _files(kubeconfig: str | None) -> str:
    return kubeconfig or os.environ.get("KUBECONFIG") or _HOME_FILE


def _is_there(kubeconfig: str | None) -> bool:
    """True if one of the files is there; KUBECONFIG may name several."""
    files = _files(kubeconfig).split(os.pathsep)
    return any(Path(each).expanduser().is_file() for each in files if each)
