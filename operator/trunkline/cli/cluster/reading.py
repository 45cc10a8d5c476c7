"""How the command line talks to a cluster: it lists and gets, and writes nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeVar

from sipedge.table.codec import TableFormatError
from trunkline.api import ALL_KINDS, API_VERSION
from trunkline.cli.cluster.faults import ClusterError, NoClusterError
from trunkline.cli.cluster.published import (
    PublishedTable,
    TornError,
    Unpublished,
    assemble,
    groups_of,
    selector,
)
from trunkline.cli.cluster.snapshot import PLATFORM_VIEW, Manifest, Snapshot
from trunkline.cli.options import ClusterOptions
from trunkline.kube.client import ConnectionFault
from trunkline.kube.faults import ForbiddenError, KubeError, UnauthorizedError, UnreachableError
from trunkline.kube.kubeconfig import Cluster, open_cluster
from trunkline.kube.paths import OURS, SECRETS, Kind

_TRIES: Final = 10
_TRY_SECONDS: Final = 0.3
"""A publication is over in less than a second."""

Answer = TypeVar("Answer")


def read_snapshot(options: ClusterOptions, *, wide: bool) -> Snapshot:
    """Every object that was asked for and may be read. Raises ClusterError.

    `wide` = those of other namespaces too, where they may be read: they take part in what is compiled.
    """
    return ask_cluster(options, lambda cluster: _snapshot(cluster, options, wide))


def read_table(options: ClusterOptions, edge_namespace: str, edge: str) -> PublishedTable | Unpublished:
    """The published table of an edge; else a wide snapshot. Raises ClusterError."""

    async def question(cluster: Cluster) -> PublishedTable | Unpublished:
        found = await _table(cluster, edge_namespace, edge)
        if isinstance(found, PublishedTable):
            return found
        return Unpublished(found, await _snapshot(cluster, options, wide=True))

    return ask_cluster(options, question)


def ask_cluster(options: ClusterOptions, question: Callable[[Cluster], Awaitable[Answer]]) -> Answer:
    """What `question` comes to, asked of the cluster that is meant. Raises ClusterError."""
    return asyncio.run(_ask(options, question))


async def _ask(options: ClusterOptions, question: Callable[[Cluster], Awaitable[Answer]]) -> Answer:
    try:
        cluster = await open_cluster(options.kubeconfig, options.context)
    except ConnectionFault as error:
        raise NoClusterError(str(error)) from error
    try:
        return await question(cluster)
    except KubeError as error:
        raise ClusterError(_told(cluster, error)) from error
    finally:
        await cluster.client.close()


def _told(cluster: Cluster, error: KubeError) -> str:
    where = f"the API server {cluster.server}" + (f" of context {cluster.context}" if cluster.context else "")
    match error:
        case UnreachableError():
            return f"{where} does not answer: see whether it is the right one (--context): {error}"
        case UnauthorizedError():
            return f"{where} rejects your credentials: they are wrong or have expired; log in again"
        case ForbiddenError():
            return f"{where} lets you read nothing: ask for a role there: {error}"
    return f"{where} cannot answer now: try again: {error}"


async def _snapshot(cluster: Cluster, options: ClusterOptions, wide: bool) -> Snapshot:
    name = cluster.context or cluster.server
    served = await cluster.client.kinds(API_VERSION)
    if not served:
        raise ClusterError(
            f"{name}: Trunkline is not installed in this cluster: "
            "helm install trunkline charts/trunkline -n trunkline-system --create-namespace "
            "--set baseDomain=DOMAIN, or choose another one by --context"
        )
    namespace = None if options.all_namespaces else options.namespace or cluster.namespace
    kinds = [OURS[each.kind] for each in ALL_KINDS if each.kind in served]
    found = await asyncio.gather(*(_objects(cluster, kind, namespace, wide) for kind in kinds))
    by_kind = {kind.name: objects for kind, (objects, _) in zip(kinds, found, strict=True)}
    unserved = frozenset(each.kind for each in ALL_KINDS) - served
    unread = frozenset(kind for kind, objects in by_kind.items() if objects is None)
    if len(unread) == len(kinds):
        raise ClusterError(_nothing_readable(name, namespace))
    return Snapshot(
        context=name,
        namespace=namespace,
        objects={kind: objects for kind, objects in by_kind.items() if objects is not None},
        unread=unread | unserved,
        unserved=unserved,
        alone=any(narrow for _, narrow in found),
    )


def _nothing_readable(name: str, namespace: str | None) -> str:
    if namespace is None:
        return (
            f"{name}: you may not read Trunkline's objects of all namespaces: "
            f"give -n NAMESPACE, or ask for ClusterRole {PLATFORM_VIEW}"
        )
    return (
        f"{name}: you may not read Trunkline's objects in namespace {namespace}: "
        "choose yours by -n, or ask for ClusterRole view in it"
    )


async def _objects(
    cluster: Cluster, kind: Kind, namespace: str | None, wide: bool
) -> tuple[tuple[Manifest, ...] | None, bool]:
    """The objects of a kind, None if they may not be read; and whether `namespace` was all that may be."""
    client = cluster.client
    try_all = wide and kind.namespaced and namespace is not None
    if try_all:
        try:
            return tuple((await client.list(kind)).items), False
        except ForbiddenError:
            pass
    try:
        return tuple((await client.list(kind, namespace)).items), try_all
    except ForbiddenError:
        return None, False


async def _table(cluster: Cluster, namespace: str, edge: str) -> PublishedTable | str:
    """The table; else why there is none to read."""
    for _ in range(_TRIES):
        try:
            secrets = await _table_secrets(cluster, namespace, selector(edge))
            if groups := groups_of(edge, secrets):
                secrets = await _table_secrets(cluster, namespace, selector(edge, groups))
            table = assemble(edge, secrets)
        except TornError:
            await asyncio.sleep(_TRY_SECONDS)
            continue
        except ForbiddenError:
            return f"you may not read the tables, which are Secrets of namespace {namespace}"
        except TableFormatError as error:
            return f"the table in namespace {namespace} cannot be read: {error}"
        return table or f"no table of {edge} is published in namespace {namespace} (--edge-namespace)"
    return f"the table of {edge} in namespace {namespace} is torn: the operator has not published all of it"


async def _table_secrets(cluster: Cluster, namespace: str, selector: str) -> Sequence[Manifest]:
    return (await cluster.client.list(SECRETS, namespace, {"labelSelector": selector})).items
