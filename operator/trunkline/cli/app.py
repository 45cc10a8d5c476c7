"""Every command with its options and its help; long ones stand in `*_command`. Nothing here does work."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sipedge.capacity import DEFAULT_CALLS_IN_PROGRESS, DEFAULT_CALLS_PER_SECOND
from trunkline.cli import exits
from trunkline.cli.explain_command import explain
from trunkline.cli.options import (
    KUBECTL,
    AllNamespaces,
    BaseDomain,
    BaseDomainOfAny,
    ClusterOptions,
    Context,
    Kubeconfig,
    Namespace,
    Output,
    OutputOption,
    Paths,
    PathsOfUp,
    PathsOrCluster,
    StateDir,
    Transport,
)
from trunkline.cli.run_command import run
from trunkline.cli.uninstall_command import uninstall
from trunkline.standalone.options import DEFAULT_BASE_DOMAIN

app = typer.Typer(
    name="trunkline",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


def _version(asked: bool) -> None:
    if asked:
        from importlib.metadata import version

        typer.echo(f"trunkline {version('trunkline')}")
        raise typer.Exit(exits.OK)


@app.callback(epilog=exits.EPILOG)
def trunkline(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Elastic SIP trunks from YAML: routes, access, TLS and DNS of SIP edges.

    \b
    Two words say which way a call goes:
      termination    from the customer's PBX to the PSTN (you call out)
      origination    from the PSTN to the customer's PBX (you are called)

    \b
    Start here:
      trunkline validate examples/quickstart/{tenant,platform-local}   is the YAML right?
      trunkline up examples/quickstart/{tenant,platform-local}         run its edges on this machine
      trunkline status examples/quickstart/{tenant,platform-local}     are they ready?
      trunkline explain --help                    why would this call be refused?

    \b
    `validate`, `explain` and `status` read a cluster where no PATH is given, by kubeconfig as kubectl
    does. With `kubectl-trunk` on PATH, kubectl has them too: kubectl trunk status -n acme
    """


@app.command(short_help="Run the edges of these files on this machine.", epilog=exits.EPILOG)
def up(
    paths: Paths,
    base_domain: BaseDomain = DEFAULT_BASE_DOMAIN,
    dns: Annotated[
        str, typer.Option(metavar="ADDR:PORT", help="Where the platform's DNS server listens.")
    ] = "127.0.0.1:5300",
    resolver: Annotated[
        str | None,
        typer.Option(
            metavar="ADDR:PORT",
            help="DNS server that resolves the names in SIP URIs. Default: the system's.",
            show_default=False,
        ),
    ] = None,
    state_dir: StateDir = None,
    drain: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="How long calls may go on after SIGTERM.")
    ] = 5.0,
    calls_per_second: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="New calls a second that each address takes; more get 503 with Retry-After. "
            "Memory is sized by it.",
        ),
    ] = DEFAULT_CALLS_PER_SECOND,
    calls_in_progress: Annotated[
        int, typer.Option(metavar="N", help="For how many calls in progress each address has memory.")
    ] = DEFAULT_CALLS_IN_PROGRESS,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Say more of what happens.")] = False,
) -> None:
    """Run the edges of these files on this machine, and follow edits live.

    Prints `Ready: ...` once every edge serves. A bad manifest is reported with file and line; the rest is
    served. Ctrl-C or SIGTERM lets calls end, then stops everything; a second one stops at once.

    \b
    Example:
      trunkline up examples/quickstart/{tenant,platform-local}
      dig +short @127.0.0.1 -p 5300 pstn.ashburn.trunkline.test
    """
    from trunkline.cli.standalone import run_up
    from trunkline.standalone.options import UpOptions

    options = UpOptions(
        paths=paths,
        base_domain=base_domain,
        dns=dns,
        resolver=resolver,
        state_dir=state_dir,
        drain_seconds=drain,
        calls_per_second=calls_per_second,
        calls_in_progress=calls_in_progress,
        verbose=verbose,
    )
    raise typer.Exit(run_up(options))


@app.command(
    short_help="Check files, or what is in a cluster, without running anything.", epilog=exits.EPILOG
)
def validate(
    paths: PathsOrCluster = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    namespace: Namespace = None,
    all_namespaces: AllNamespaces = False,
    base_domain: BaseDomainOfAny = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Check files, or what is in a cluster: fields, rules, references, claims. Nothing is run or written.

    \b
    Prints one line for each finding; in a cluster, without file and line:
      file:line: Kind namespace/name: field: Reason: what is wrong (how to mend it)
    Errors make the exit code 1; warnings do not.

    In a cluster, what the operator has found counts, as it sees all that takes part. What it has not looked
    at is checked here, with what you may read. No password is read.

    \b
    Example:
      trunkline validate examples/quickstart/tenant examples/quickstart/platform-local
      trunkline validate -o json . | jq -r '.[] | select(.severity == "error") | .message'
      trunkline validate -n acme
    """
    from trunkline.cli.validate import run_validate

    cluster = ClusterOptions(kubeconfig, context, namespace, all_namespaces)
    raise typer.Exit(run_validate(paths or [], cluster, base_domain, output is Output.JSON))


@app.command("compile", short_help="Print what the edges would be told.", epilog=exits.EPILOG)
def compile_command(
    paths: Paths, base_domain: BaseDomain = DEFAULT_BASE_DOMAIN, output: OutputOption = Output.TEXT
) -> None:
    """Print what the edges would be told: their tables, and a verdict on every object.

    Secrets appear as (redacted). Sections that are the same on several edges are printed once and
    referred to (YAML aliases).

    \b
    Example:
      trunkline compile examples/quickstart/{tenant,platform-local}
      trunkline compile -o json examples/quickstart/{tenant,platform-local} | jq '.tables.ashburn.number'
    """
    from trunkline.cli.compilation import run_compile

    raise typer.Exit(run_compile(paths, base_domain, output is Output.JSON))


app.command(short_help="Say what an edge would do with one message.", epilog=exits.EPILOG)(explain)


@app.command(short_help="Show a running `up`, or a cluster: are the edges ready?", epilog=exits.EPILOG)
def status(
    command: typer.Context,
    paths: PathsOfUp = None,
    state_dir: StateDir = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    namespace: Namespace = None,
    all_namespaces: AllNamespaces = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Show trunks, edges, and revision and readiness of each address: of a running `up` or of a cluster.

    PATH or --state-dir mean an `up`; an option of kubeconfig means a cluster. Without any of them it is the
    `up` that runs on this machine if there is one, else the cluster; the first line says which. As
    `kubectl trunk status` it is the cluster, whatever runs here.

    \b
    Example:
      trunkline status examples/quickstart/{tenant,platform-local}
      until trunkline status examples/quickstart/{tenant,platform-local}; do sleep 1; done
      trunkline status -n acme
      kubectl trunk status -A
    """
    from trunkline.cli.status import run_status

    cluster = ClusterOptions(kubeconfig, context, namespace, all_namespaces)
    is_plugin = command.find_root().info_name == KUBECTL
    raise typer.Exit(run_status(paths or [], state_dir, cluster, is_plugin, output is Output.JSON))


@app.command(short_help="Place a real test call through an edge.", epilog=exits.EPILOG)
def call(
    uri: Annotated[str, typer.Argument(metavar="URI", help="Whom to call.", show_default=False)],
    caller: Annotated[str, typer.Option("--from", metavar="NUMBER", help="The calling number.")],
    via: Annotated[
        str,
        typer.Option(metavar="EDGE_ADDRESS", help="The edge's IP address; :PORT if not 5060 (TLS: 5061)."),
    ],
    username: Annotated[
        str | None, typer.Option(help="User to answer a challenge with.", show_default=False)
    ] = None,
    password_file: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Holds the password; - is standard input.", show_default=False),
    ] = None,
    duration: Annotated[float, typer.Option(min=0, metavar="SECONDS", help="How long to talk.")] = 1.0,
    transport: Annotated[Transport, typer.Option(help="How to reach the edge.")] = Transport.UDP,
    source: Annotated[
        str | None,
        typer.Option(
            metavar="IP",
            help="Address of this machine to call from. Default: the system's choice.",
            show_default=False,
        ),
    ] = None,
    ca: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE", help="TLS: CA certificates that must have signed the edge's.", show_default=False
        ),
    ] = None,
    ring: Annotated[float, typer.Option(min=0.1, metavar="SECONDS", help="How long to let it ring.")] = 60.0,
    wait: Annotated[
        float, typer.Option(min=0.1, metavar="SECONDS", help="How long to wait for any answer at all.")
    ] = 8.0,
    messages: Annotated[
        bool, typer.Option("--messages", help="Print every SIP message whole (digests hidden).")
    ] = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """Place a real test call through an edge and tell each SIP step. No media is sent.

    \b
    A call from the PBX to the PSTN (termination):
      trunkline call sip:+12125550111@acme-hq.pstn.trunkline.test --from +14155550100 \\
        --via 127.0.11.1 --source 127.0.10.1 --username pbx --password-file pbx.password

    \b
    A call from the PSTN to the PBX (origination):
      trunkline call sip:+14155550100@127.0.12.1 --from +12125550111 --via 127.0.12.1 --source 127.0.9.1
    """
    from trunkline.cli.call.command import CallOptions, run_call

    options = CallOptions(
        uri=uri,
        caller=caller,
        via=via,
        username=username,
        password_file=password_file,
        duration=duration,
        transport=str(transport),
        source=source,
        ca_file=ca,
        ring=ring,
        silence=wait,
        messages=messages,
    )
    raise typer.Exit(run_call(options, output is Output.JSON))


app.command(short_help="Run the operator in a cluster.", epilog=exits.EPILOG)(run)
app.command(short_help="Remove what the operator made in a cluster.", epilog=exits.EPILOG)(uninstall)
