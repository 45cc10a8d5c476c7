"""Every command with its options and its help, on one page. Nothing here does work."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from trunkline.cli import exits
from trunkline.cli.run_command import run


class Output(StrEnum):
    TEXT = "text"
    JSON = "json"


class Transport(StrEnum):
    UDP = "udp"
    TCP = "tcp"
    TLS = "tls"


app = typer.Typer(
    name="trunkline",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

_Paths = Annotated[
    list[str], typer.Argument(metavar="PATH...", help="Directories of *.yaml, or files.", show_default=False)
]
_OptionalPaths = Annotated[
    list[str] | None,
    typer.Argument(metavar="[PATH]...", help="The paths that `up` was started with.", show_default=False),
]
_BaseDomain = Annotated[
    str,
    typer.Option(
        "--base-domain",
        envvar="TRUNKLINE_BASE_DOMAIN",
        metavar="DOMAIN",
        help="The platform's domain; trunks are reached at <name>.pstn.<DOMAIN>.",
    ),
]
_OutputOption = Annotated[Output, typer.Option("-o", "--output", help="`json` has stable keys, for scripts.")]
_StateDir = Annotated[
    Path | None,
    typer.Option(
        "--state-dir",
        metavar="DIR",
        help="Where `up` keeps its state. Default: one directory for each set of PATHs.",
        show_default=False,
    ),
]


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
      trunkline validate examples/quickstart      is the YAML right?
      trunkline up examples/quickstart            run its edges on this machine
      trunkline status examples/quickstart        are they ready?
      trunkline explain --help                    why would this call be refused?
    """


@app.command(short_help="Run the edges of these files on this machine.", epilog=exits.EPILOG)
def up(
    paths: _Paths,
    base_domain: _BaseDomain = "trunkline.test",
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
    state_dir: _StateDir = None,
    drain: Annotated[
        float, typer.Option(min=0, metavar="SECONDS", help="How long calls may go on after SIGTERM.")
    ] = 5.0,
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Say more of what happens.")] = False,
) -> None:
    """Run the edges of these files on this machine, and follow edits live.

    Prints `Ready: ...` once every edge serves. A bad manifest is reported with file and line; the rest is
    served. Ctrl-C or SIGTERM lets calls end, then stops everything; a second one stops at once.

    \b
    Example:
      trunkline up examples/quickstart
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
        verbose=verbose,
    )
    raise typer.Exit(run_up(options))


@app.command(short_help="Check the files without running anything.", epilog=exits.EPILOG)
def validate(
    paths: _Paths, base_domain: _BaseDomain = "trunkline.test", output: _OutputOption = Output.TEXT
) -> None:
    """Check the files without running anything: fields, rules, references, claims.

    \b
    Prints one line for each finding:
      file:line: Kind namespace/name: field: Reason: what is wrong (how to mend it)
    Errors make the exit code 1; warnings do not.

    \b
    Example:
      trunkline validate examples/quickstart/tenant examples/quickstart/platform-local
      trunkline validate -o json . | jq -r '.[] | select(.severity == "error") | .message'
    """
    from trunkline.cli.validate import run_validate

    raise typer.Exit(run_validate(paths, base_domain, output is Output.JSON))


@app.command("compile", short_help="Print what the edges would be told.", epilog=exits.EPILOG)
def compile_command(
    paths: _Paths, base_domain: _BaseDomain = "trunkline.test", output: _OutputOption = Output.TEXT
) -> None:
    """Print what the edges would be told: their tables, and a verdict on every object.

    Secrets appear as (redacted). Sections that are the same on several edges are printed once and
    referred to (YAML aliases).

    \b
    Example:
      trunkline compile examples/quickstart
      trunkline compile -o json examples/quickstart | jq '.tables.ashburn.number'
    """
    from trunkline.cli.compilation import run_compile

    raise typer.Exit(run_compile(paths, base_domain, output is Output.JSON))


@app.command(short_help="Say what an edge would do with one request.", epilog=exits.EPILOG)
def explain(
    paths: _Paths,
    edge: Annotated[str, typer.Option(metavar="NAME", help="The Edge that gets the request.")],
    source: Annotated[str, typer.Option(metavar="IP[:PORT]", help="Where the request comes from.")],
    request_uri: Annotated[str, typer.Option(metavar="URI", help="The Request-URI: who is called.")],
    from_uri: Annotated[str, typer.Option("--from", metavar="URI", help="The From header: who calls.")] = "",
    transport: Annotated[Transport, typer.Option(help="How it arrives.")] = Transport.UDP,
    method: Annotated[str, typer.Option(help="The SIP method.")] = "INVITE",
    header: Annotated[
        list[str] | None,
        typer.Option(metavar="'NAME: VALUE'", help="Another header; may be given again.", show_default=False),
    ] = None,
    username: Annotated[
        str | None,
        typer.Option(
            help="Assume the right password of this user. Without it the request has no digest.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(help="Makes the weighted draw among targets repeatable.", show_default=False),
    ] = None,
    base_domain: _BaseDomain = "trunkline.test",
    output: _OutputOption = Output.TEXT,
) -> None:
    """Say what an edge would do with one request, and every step that led there. No call is placed.

    \b
    A call from the PBX to the PSTN (termination):
      trunkline explain examples/quickstart --edge ashburn --source 127.0.10.1 \\
        --request-uri sip:+12125550111@acme-hq.pstn.trunkline.test \\
        --from sip:+14155550100@pbx1.acme.example --username pbx

    \b
    A call from the PSTN to the PBX (origination): the source is a carrier's address.
      trunkline explain examples/quickstart --edge dublin --source 127.0.9.1 \\
        --request-uri sip:+14155550100@127.0.12.1 --from sip:+12125550111@127.0.9.1
    """
    from trunkline.cli.explain import ExplainOptions, run_explain

    options = ExplainOptions(
        edge=edge,
        source=source,
        transport=str(transport),
        method=method,
        request_uri=request_uri,
        from_uri=from_uri,
        headers=tuple(header or ()),
        username=username,
        seed=seed,
    )
    raise typer.Exit(run_explain(paths, base_domain, options, output is Output.JSON))


@app.command(short_help="Show a running `up`: are its edges ready?", epilog=exits.EPILOG)
def status(
    paths: _OptionalPaths = None, state_dir: _StateDir = None, output: _OutputOption = Output.TEXT
) -> None:
    """Show a running `up`: trunks, edges, and revision and readiness of each address.

    \b
    Example:
      trunkline status examples/quickstart
      until trunkline status examples/quickstart; do sleep 1; done
    """
    from trunkline.cli.standalone import run_status

    raise typer.Exit(run_status(paths or [], state_dir, output is Output.JSON))


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
    output: _OutputOption = Output.TEXT,
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
