"""The options of `trunkline run`. Each has an environment variable, by which the Helm chart sets it."""

from __future__ import annotations

from typing import Annotated

import typer

_TENANTS = "Namespaces whose Secrets may be read, with commas between; * means all."
_CIDRS = "Networks where no call may be sent, with commas between."


def run(
    base_domain: Annotated[
        str,
        typer.Option(
            envvar="TRUNKLINE_BASE_DOMAIN",
            metavar="DOMAIN",
            help="The platform's domain; trunks are reached at <name>.pstn.<DOMAIN>.",
            show_default=False,
        ),
    ],
    edge_namespace: Annotated[
        str,
        typer.Option(
            envvar="TRUNKLINE_EDGE_NAMESPACE",
            metavar="NAME",
            help="Where edge pods and their tables live; nothing else may be there.",
        ),
    ] = "trunkline-edges",
    tenant_namespaces: Annotated[
        str, typer.Option(envvar="TRUNKLINE_TENANT_NAMESPACES", metavar="NAMES", help=_TENANTS)
    ] = "",
    denied_target_cidrs: Annotated[
        str, typer.Option(envvar="TRUNKLINE_DENIED_TARGET_CIDRS", metavar="CIDRS", help=_CIDRS)
    ] = "",
    dns_provider: Annotated[
        str,
        typer.Option(envvar="TRUNKLINE_DNS_PROVIDER", metavar="none|rfc2136", help="Who writes DNS records."),
    ] = "none",
    dns_server: Annotated[
        str,
        typer.Option(
            envvar="TRUNKLINE_DNS_SERVER", metavar="HOST[:PORT]", help="rfc2136: the primary server."
        ),
    ] = "",
    dns_zone: Annotated[
        str,
        typer.Option(
            envvar="TRUNKLINE_DNS_ZONE", metavar="ZONE", help="rfc2136: the zone. Empty: the base domain."
        ),
    ] = "",
    dns_tsig_secret: Annotated[
        str,
        typer.Option(
            envvar="TRUNKLINE_DNS_TSIG_SECRET",
            metavar="NAME",
            help="rfc2136: the Secret with the key, in the operator's namespace; its key is `secret`.",
        ),
    ] = "",
    dns_tsig_key_name: Annotated[
        str,
        typer.Option(envvar="TRUNKLINE_DNS_TSIG_KEY_NAME", metavar="NAME", help="rfc2136: the key's name."),
    ] = "",
    dns_tsig_algorithm: Annotated[
        str,
        typer.Option(envvar="TRUNKLINE_DNS_TSIG_ALGORITHM", metavar="NAME", help="rfc2136: its algorithm."),
    ] = "hmac-sha256",
    edge_image: Annotated[
        str, typer.Option(envvar="TRUNKLINE_EDGE_IMAGE", metavar="IMAGE", help="The edge pods' image.")
    ] = "trunkline/edge:latest",
    image_pull_policy: Annotated[
        str, typer.Option(envvar="TRUNKLINE_IMAGE_PULL_POLICY", metavar="POLICY", help="As in a pod.")
    ] = "IfNotPresent",
    edge_resources: Annotated[
        str,
        typer.Option(
            envvar="TRUNKLINE_EDGE_RESOURCES",
            metavar="JSON",
            help="Of the containers kamailio and agent of edge pods: requests and limits.",
            show_default=False,
        ),
    ] = "",
    edge_pull_secrets: Annotated[
        str,
        typer.Option(
            envvar="TRUNKLINE_EDGE_PULL_SECRETS",
            metavar="NAMES",
            help="Secrets of the edge namespace with which the edge image is pulled, with commas between.",
        ),
    ] = "",
    edge_priority_class: Annotated[
        str,
        typer.Option(
            envvar="TRUNKLINE_EDGE_PRIORITY_CLASS", metavar="NAME", help="PriorityClass of edge pods."
        ),
    ] = "",
    metrics_port: Annotated[
        int, typer.Option(envvar="TRUNKLINE_METRICS_PORT", help="Prometheus metrics; 0 = none.")
    ] = 8080,
    health_port: Annotated[
        int, typer.Option(envvar="TRUNKLINE_HEALTH_PORT", help="Liveness at /healthz; 0 = none.")
    ] = 8081,
    listen_address: Annotated[
        str,
        typer.Option(envvar="TRUNKLINE_LISTEN_ADDRESS", metavar="ADDR", help="Where both ports listen."),
    ] = "0.0.0.0",  # noqa: S104 - a pod's ports are reached from outside
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Log more of what happens.")] = False,
) -> None:
    """Run the operator: serve the cluster's trunks, numbers and edges until a signal.

    Uses the service account of its pod; outside of a cluster, kubeconfig. Any number may run: one acts, by
    the Lease trunkline-operator in its namespace (POD_NAMESPACE, default trunkline-system).

    \b
    Example:
      trunkline run --base-domain voice.example.com --tenant-namespaces acme,globex
    """
    import os

    from trunkline.cli.run import run_operator
    from trunkline.settings import OperatorSettings, listed, pod_settings

    settings = OperatorSettings(
        base_domain=base_domain.lower().removesuffix("."),
        edge_namespace=edge_namespace,
        tenant_namespaces=listed(tenant_namespaces),
        denied_target_cidrs=listed(denied_target_cidrs),
        dns_provider=dns_provider,
        dns_server=dns_server,
        dns_zone=dns_zone,
        tsig_secret=dns_tsig_secret,
        tsig_key_name=dns_tsig_key_name,
        tsig_algorithm=dns_tsig_algorithm,
        edge_image=edge_image,
        image_pull_policy=image_pull_policy,
        edge_resources=edge_resources,
        edge_pull_secrets=listed(edge_pull_secrets),
        edge_priority_class=edge_priority_class,
        metrics_port=metrics_port,
        health_port=health_port,
        listen_address=listen_address,
        **pod_settings(os.environ),
    )
    raise typer.Exit(run_operator(settings, verbose))
