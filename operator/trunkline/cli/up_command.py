"""`trunkline up`: its options and its help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from sipedge.b2bua_settings import DEFAULT_RECOVERY_CALLS
from sipedge.capacity import DEFAULT_CALLS_IN_PROGRESS, DEFAULT_CALLS_PER_SECOND
from trunkline.cli.options import BaseDomain, Paths, StateDir
from trunkline.standalone.options import DEFAULT_BASE_DOMAIN


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
        int, typer.Option(metavar="N", help="Calls in progress that each address has memory for.")
    ] = DEFAULT_CALLS_IN_PROGRESS,
    cnam_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help='URL that is asked for callers\' names, with {number} in it; answers JSON {"name": "..."}.',
            show_default=False,
        ),
    ] = None,
    stir_shaken_files: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="STIR/SHAKEN: with tls.crt, tls.key, x5u and ca.crt. Without it no call is signed.",
            show_default=False,
        ),
    ] = None,
    metrics: Annotated[
        str | None,
        typer.Option(
            metavar="ADDR:PORT", help="Serve metrics of all edges for Prometheus here, at /metrics."
        ),
    ] = None,
    otlp_endpoint: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Send call records there as OpenTelemetry logs: http://HOST:4318."),
    ] = None,
    recordings_url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Where recordings go if their Account does not say: s3://BUCKET/PREFIX or file:///PATH. "
            "Default: below the state directory.",
            show_default=False,
        ),
    ] = None,
    recovery_calls: Annotated[
        int,
        typer.Option(
            metavar="N",
            help="Calls of each address that follow the instructions of disaster recovery at a time, a fifth "
            "of them of one trunk.",
        ),
    ] = DEFAULT_RECOVERY_CALLS,
    speech_command: Annotated[
        str,
        typer.Option(
            metavar="LANGUAGE: COMMAND",
            help="Speaks this language in call instructions, instead of espeak-ng: text in, WAV out.",
            show_default=False,
        ),
    ] = "",
    verbose: Annotated[bool, typer.Option("-v", "--verbose", help="Log more of what happens.")] = False,
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
        cnam_url=cnam_url,
        stir_shaken_files=stir_shaken_files,
        metrics=metrics,
        otlp_endpoint=otlp_endpoint,
        recordings_url=recordings_url,
        recovery_calls=recovery_calls,
        speech_command=speech_command,
    )
    raise typer.Exit(run_up(options))
