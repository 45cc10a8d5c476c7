"""Requests to the API server as plain JSON: the few that the operator makes, with typed faults."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import aiohttp
from kubernetes.aio import config
from kubernetes.aio.client import ApiClient, Configuration
from kubernetes.aio.client.exceptions import ApiException
from kubernetes.aio.stream import WsApiClient

from trunkline.kube.faults import NotFoundError, PermanentError, UnreachableError, fault_of
from trunkline.kube.paths import PODS, Kind, kind_of
from trunkline.kube.unreachable import why_unreachable

FIELD_MANAGER: Final = "trunkline"
CHUNK: Final = 500
"""Objects in one answer to a list."""

_REQUEST_SECONDS: Final = 30.0
_SILENCE_SECONDS: Final = 75.0
"""A watch without a byte for so long is dead: bookmarks come about once a minute."""

_METADATA_OF_ONE: Final = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
_METADATA_ONLY: Final = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

Manifest = dict[str, Any]


class ConnectionFault(Exception):  # noqa: N818 - it is no answer of the API server
    """There is no way to an API server. The text says what to do."""


@dataclass(frozen=True, slots=True)
class Listing:
    """What a list said."""

    items: Sequence[Manifest]
    resource_version: str


class KubeClient:
    """One connection pool. `writes` bounds how many writes are under way at the same time."""

    def __init__(self, api: ApiClient, writes: int = 16) -> None:
        self._api = api
        self._writes = asyncio.Semaphore(writes)

    @property
    def server(self) -> str:
        """The API server's URL, for people."""
        return str(self._api.configuration.host)

    async def close(self) -> None:
        await self._api.close()  # type: ignore[no-untyped-call]

    async def serves(self, kind: Kind) -> bool:
        """True if the API server knows the kind and this client may list it. Raises TransientError."""
        try:
            await self._request("GET", kind.path(), query={"limit": "1"}, accept=_METADATA_ONLY)
        except PermanentError:
            return False
        return True

    async def kinds(self, api_version: str) -> frozenset[str]:
        """The kinds that the API server has of an API version; none if it has none. Raises KubeError."""
        try:
            found = await self._request("GET", f"/apis/{api_version}")
        except NotFoundError:
            return frozenset()
        resources = found.get("resources") or ()
        return frozenset(each["kind"] for each in resources if "/" not in each["name"])

    # ------------------------------------------------------------------------------------- reading

    async def get(
        self, kind: Kind, namespace: str | None, name: str, *, metadata_only: bool = False
    ) -> Manifest | None:
        """The object, or None if there is none. Raises KubeError."""
        accept = _METADATA_OF_ONE if metadata_only else None
        try:
            return await self._request("GET", kind.path(namespace, name), accept=accept)
        except NotFoundError:
            return None

    async def list(
        self,
        kind: Kind,
        namespace: str | None = None,
        query: Mapping[str, str] | None = None,
        *,
        metadata_only: bool = False,
    ) -> Listing:
        """All objects, of one namespace or of all. Raises KubeError; GoneError if it took too long."""
        items: list[Manifest] = []
        more: dict[str, str] = {"limit": str(CHUNK), **(query or {})}
        accept = _METADATA_ONLY if metadata_only else None
        while True:
            answer = await self._request("GET", kind.path(namespace), query=more, accept=accept)
            items.extend(answer["items"] or ())
            metadata = answer["metadata"]
            if not metadata.get("continue"):
                return Listing(items, metadata["resourceVersion"])
            more["continue"] = metadata["continue"]

    async def watch(
        self,
        kind: Kind,
        namespace: str | None,
        resource_version: str,
        query: Mapping[str, str],
        *,
        metadata_only: bool = False,
    ) -> AsyncIterator[tuple[str, Manifest]]:
        """Event types and objects from a resource version on, bookmarks included, until the server ends it.

        Raises KubeError, also for an error inside the stream.
        """
        parameters = {
            "watch": "true",
            "allowWatchBookmarks": "true",
            "timeoutSeconds": "240",
            "resourceVersion": resource_version,
            **query,
        }
        limits = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=_SILENCE_SECONDS)
        what = f"WATCH {kind.path(namespace)}"
        accept = _METADATA_OF_ONE if metadata_only else None
        async with self._answer(
            "GET", kind.path(namespace), parameters, accept=accept, limits=limits
        ) as answer:
            if answer.status >= 400:
                raise fault_of(answer.status, await answer.read(), answer.headers.get("Retry-After"), what)
            rest = b""
            async for chunk in answer.content.iter_any():
                *lines, rest = (rest + chunk).split(b"\n")
                for line in filter(None, lines):
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        raise fault_of(
                            event["object"].get("code", 500), json.dumps(event["object"]).encode(), None, what
                        )
                    yield event["type"], event["object"]

    async def log(self, namespace: str, pod: str, container: str, since_seconds: int | None = None) -> str:
        """What a container has written, as far as its node keeps it. Raises KubeError."""
        query = {"container": container}
        if since_seconds is not None:
            query["sinceSeconds"] = str(since_seconds)
        path = PODS.path(namespace, pod, "log")
        limits = aiohttp.ClientTimeout(total=None, sock_connect=10, sock_read=_REQUEST_SECONDS)
        async with self._answer("GET", path, query, accept="*/*", limits=limits) as answer:
            data = await answer.read()
            if answer.status >= 400:
                raise fault_of(answer.status, data, answer.headers.get("Retry-After"), f"GET {path}")
        return data.decode("utf-8", "replace")

    async def run(self, namespace: str, pod: str, container: str, command: Sequence[str]) -> str:
        """What a program in a container prints, run there without a shell. Raises KubeError."""
        path = PODS.path(namespace, pod, "exec")
        query = [("container", container), ("stdout", "true"), ("stderr", "false")]
        query += [("command", each) for each in command]
        try:
            socket = WsApiClient(self._api.configuration)  # type: ignore[no-untyped-call]
            async with socket as api, asyncio.timeout(_REQUEST_SECONDS):
                _, url, headers, _, _ = await api.param_serialize(
                    "GET", path, query_params=query, auth_settings=["BearerToken"]
                )
                answer = await api.request("GET", url, headers=headers)
        except aiohttp.WSServerHandshakeError as error:
            raise fault_of(error.status, b"{}", None, f"EXEC {path}") from error
        except (aiohttp.ClientError, ApiException, OSError, ValueError) as error:
            raise UnreachableError(f"EXEC {path}: {why_unreachable(error)}") from error
        found: bytes = answer.data
        return found.decode("utf-8", "replace")

    # ------------------------------------------------------------------------------------- writing

    async def apply(self, manifest: Manifest, kind: Kind | None = None) -> Manifest:
        """Server-side apply as the one field manager; what is stored then. Raises KubeError.

        `kind` is needed for objects that are neither ours nor an Edge's.

        With `metadata.resourceVersion` set, ConflictError if the object has changed since.
        """
        metadata = manifest["metadata"]
        path = (kind or kind_of(manifest)).path(metadata.get("namespace"), metadata["name"])
        query = {"fieldManager": FIELD_MANAGER, "force": "true"}
        return await self._write("PATCH", path, query, manifest, "application/apply-patch+yaml")

    async def create(self, kind: Kind, manifest: Manifest) -> Manifest:
        """Create the object. Raises KubeError; ConflictError if it exists already."""
        path = kind.path(manifest["metadata"].get("namespace"))
        return await self._write("POST", path, {"fieldManager": FIELD_MANAGER}, manifest, "application/json")

    async def merge(
        self, kind: Kind, namespace: str | None, name: str, patch: Manifest, subresource: str = ""
    ) -> Manifest:
        """Merge `patch` into the object (RFC 7396). Raises KubeError.

        With `metadata.resourceVersion` in it, ConflictError if the object has changed since.
        """
        path = kind.path(namespace, name, subresource)
        query = {"fieldManager": FIELD_MANAGER}
        return await self._write("PATCH", path, query, patch, "application/merge-patch+json")

    async def delete(
        self,
        kind: Kind,
        namespace: str | None,
        name: str,
        uid: str = "",
        grace_seconds: int | None = None,
    ) -> None:
        """Delete the object; no fault if it is gone. With `uid`, only if it is that one. Raises KubeError.

        `grace_seconds` is for a pod, and may shorten what it was given before.
        """
        body: Manifest = {"propagationPolicy": "Background"}
        if grace_seconds is not None:
            body["gracePeriodSeconds"] = grace_seconds
        if uid:
            body["preconditions"] = {"uid": uid}
        try:
            await self._write("DELETE", kind.path(namespace, name), {}, body, "application/json")
        except NotFoundError:
            pass

    async def evict(self, namespace: str, pod: str) -> None:
        """End a pod as its PodDisruptionBudget allows; no fault if it is gone. Raises KubeError.

        TransientError where the budget does not allow it now.
        """
        metadata = {"name": pod, "namespace": namespace}
        eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata}
        try:
            await self._write("POST", PODS.path(namespace, pod, "eviction"), {}, eviction, "application/json")
        except NotFoundError:
            pass

    async def _write(
        self, method: str, path: str, query: Mapping[str, str], body: Manifest, content_type: str
    ) -> Manifest:
        async with self._writes:
            return await self._request(method, path, query=query, body=body, content_type=content_type)

    # ------------------------------------------------------------------------------------ requests

    async def _request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Manifest | None = None,
        content_type: str = "application/json",
        accept: str | None = None,
    ) -> Manifest:
        limits = aiohttp.ClientTimeout(total=_REQUEST_SECONDS, sock_connect=10)
        async with self._answer(method, path, query, body, content_type, accept, limits) as answer:
            data = await answer.read()
            if answer.status >= 400:
                raise fault_of(answer.status, data, answer.headers.get("Retry-After"), f"{method} {path}")
            # Within: what is no JSON is no API server's answer, but that of something before it.
            found: Manifest = json.loads(data)
        return found

    @contextlib.asynccontextmanager
    async def _answer(
        self,
        method: str,
        path: str,
        query: Mapping[str, str] | None = None,
        body: Manifest | None = None,
        content_type: str = "application/json",
        accept: str | None = None,
        limits: aiohttp.ClientTimeout | None = None,
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The raw answer, whatever its status. Raises UnreachableError if there is none."""
        wanted = {"Content-Type": content_type, "Accept": accept or "application/json"}
        try:
            _, url, headers, data, _ = await self._api.param_serialize(
                method,
                path,
                query_params=list((query or {}).items()),
                header_params=wanted,
                body=body,
                auth_settings=["BearerToken"],
            )
            answer = await self._api.rest_client.request(  # type: ignore[no-untyped-call]
                method, url, headers=headers, body=data, _request_timeout=limits
            )
            try:
                yield answer.response
            finally:
                # Half a stream cannot be used for the next request.
                answer.response.close()
        except (aiohttp.ClientError, ApiException, OSError, ValueError) as error:
            raise UnreachableError(f"{method} {path}: {why_unreachable(error)}") from error


async def connect(writes: int = 16) -> KubeClient:
    """A client for the cluster that this process runs in, or else that of kubeconfig.

    Raises ConnectionFault.
    """
    configuration = Configuration()
    try:
        if os.environ.get("KUBERNETES_SERVICE_HOST"):
            config.load_incluster_config(client_configuration=configuration)  # type: ignore[no-untyped-call]
        else:
            # Left out, the library takes the value that the variable had when it was imported.
            await config.load_kube_config(_kubeconfig(), client_configuration=configuration)  # type: ignore[no-untyped-call]
    except (config.ConfigException, OSError, ValueError) as error:
        raise ConnectionFault(
            f"no cluster to talk to: {error}; set KUBECONFIG to a file that names one"
        ) from error
    return client_of(configuration, writes)


def _kubeconfig() -> str:
    """One or several files. Raises ConnectionFault where none is there: the library would only log that."""
    files = os.environ.get("KUBECONFIG") or os.path.expanduser("~/.kube/config")
    if not any(os.path.isfile(each) for each in files.split(os.pathsep)):
        raise ConnectionFault(
            f"no cluster to talk to: there is no kubeconfig {files}; set KUBECONFIG to a file that names one"
        )
    return files


def client_of(configuration: Configuration, writes: int = 16) -> KubeClient:
    """A client for the cluster that `configuration` names. Raises OSError for certificates it cannot read."""
    configuration.connection_pool_maxsize = 64
    api = ApiClient(configuration)
    api.user_agent = "trunkline"
    return KubeClient(api, writes)


def in_cluster_server(environment: Mapping[str, str]) -> str:
    """The API server's URL by address, as the kubelet tells a pod; "" outside of a cluster."""
    host, port = environment.get("KUBERNETES_SERVICE_HOST"), environment.get("KUBERNETES_SERVICE_PORT")
    if not host or not port:
        return ""
    return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"


def in_cluster_namespace() -> str | None:
    """The namespace of the pod that this process runs in; None outside of a cluster."""
    try:
        return Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace").read_text().strip() or None
    except OSError:
        return None
