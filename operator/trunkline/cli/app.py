"""Every command with its options and its help; long ones stand in `*_command`. Nothing here does work."""

from __future__ import annotations

from typing import Annotated

import typer

from trunkline.cli import exits
from trunkline.cli.call_command import call
from trunkline.cli.calls_command import calls, usage
from trunkline.cli.explain_command import explain
from trunkline.cli.import_command import imports
from trunkline.cli.network_command import network
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
    PathsToValidate,
    StateDir,
    ValidateOutput,
)
from trunkline.cli.recordings_command import recordings
from trunkline.cli.run_command import run
from trunkline.cli.uninstall_command import uninstall
from trunkline.cli.up_command import up
from trunkline.standalone.options import DEFAULT_BASE_DOMAIN

app = typer.Typer(
    name="trunkline",
    no_args_is_help=True,
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
    An installed package has these files:
      mkdir examples && cp -r "$(python -m trunkline.shipped quickstart)" examples/

    \b
    `validate`, `explain`, `status`, `network` and `calls` read a cluster where no PATH is given, by
    kubeconfig as kubectl does. With `kubectl-trunk` on PATH, kubectl has them too: kubectl trunk status
    """


app.command(short_help="Run the edges of these files on this machine.", epilog=exits.EPILOG)(up)


@app.command(
    short_help="Check files, or what is in a cluster, without running anything.", epilog=exits.EPILOG
)
def validate(
    paths: PathsToValidate = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    namespace: Namespace = None,
    all_namespaces: AllNamespaces = False,
    base_domain: BaseDomainOfAny = None,
    output: Annotated[
        ValidateOutput,
        typer.Option(
            "-o", "--output", help="`json` and `yaml` have stable keys; the others are what CI systems read."
        ),
    ] = ValidateOutput.TEXT,
    fetch: Annotated[
        bool,
        typer.Option(
            "--fetch",
            help="Also ask for the call instructions of every disasterRecovery, from here, and read them.",
        ),
    ] = False,
) -> None:
    """Check files, or what is in a cluster: fields, rules, references, claims. Nothing is run or written.

    \b
    Prints one line for each finding; in a cluster, without file and line:
      file:line: Kind namespace/name: field: Reason: what is wrong (how to mend it)
    Errors make the exit code 1; warnings do not. Where there is nothing to check, it is 2.
    What follows from an error in another object stands at its end, and is no finding of its own.

    In a cluster, what the operator has found counts, as it sees all that takes part. What it has not looked
    at is checked here, with what you may read. No password is read.

    \b
    Example:
      trunkline validate examples/quickstart/tenant examples/quickstart/platform-local
      trunkline validate -o json . | jq -r '.[] | select(.severity == "error") | .message'
      kustomize build . | trunkline validate -
      helm template ./my-trunks | trunkline validate -o github -
      trunkline validate --fetch trunks/
      trunkline validate -n acme
    """
    from trunkline.cli.validate import run_validate

    cluster = ClusterOptions(kubeconfig, context, namespace, all_namespaces)
    raise typer.Exit(run_validate(paths or [], cluster, base_domain, output, fetch=fetch))


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


app.command(short_help="Show what an edge would do with one message.", epilog=exits.EPILOG_OF_EXPLAIN)(
    explain
)


@app.command(short_help="Show a running `up`, or a cluster: are the edges ready?", epilog=exits.EPILOG)
def status(
    command: typer.Context,
    paths: PathsOfUp = None,
    state_dir: StateDir = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    namespace: Namespace = None,
    all_namespaces: AllNamespaces = False,
    watch: Annotated[
        bool, typer.Option("-w", "--watch", help="Show it again whenever it changes, until Ctrl-C.")
    ] = False,
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
      kubectl trunk status -A --watch
    """
    from trunkline.cli.status import StatusOptions, run_status, watch_status

    cluster = ClusterOptions(kubeconfig, context, namespace, all_namespaces)
    is_plugin = command.find_root().info_name == KUBECTL
    options = StatusOptions(paths or [], state_dir, cluster, is_plugin, output is Output.JSON)
    raise typer.Exit(watch_status(options) if watch else run_status(options))


app.command(short_help="Place a real test call through an edge.", epilog=exits.EPILOG)(call)
app.add_typer(recordings, name="recordings", short_help="List and fetch recordings.")
app.add_typer(calls, name="calls", short_help="Show calls: past ones, and those in progress.")
app.command(short_help="Sum up calls: minutes and cost.", epilog=exits.EPILOG)(usage)
app.command(short_help="Show what a firewall must let through.", epilog=exits.EPILOG)(network)
app.add_typer(imports, name="import", short_help="Make manifests from another provider's export.")
app.command(short_help="Run the operator in a cluster.", epilog=exits.EPILOG)(run)
app.command(short_help="Remove what the operator made in a cluster.", epilog=exits.EPILOG)(uninstall)
