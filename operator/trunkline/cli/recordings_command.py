"""`trunkline recordings`: options and help."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from trunkline.cli import exits
from trunkline.cli.options import Output, OutputOption, StateDirOfUp

recordings = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

Url = Annotated[
    str | None,
    typer.Option(
        metavar="URL", help="Where they are: s3://BUCKET/PREFIX or file:///PATH.", show_default=False
    ),
]
Endpoint = Annotated[
    str | None,
    typer.Option(metavar="URL", help="Where the bucket of --url is. Default: Amazon's.", show_default=False),
]


@recordings.callback(epilog=exits.EPILOG)
def recordings_alone() -> None:
    """What was recorded: where a running `up` stores it, below its --state-dir, or at --url.

    For a bucket at --url the variables of S3 clients count: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY,
    AWS_REGION. docs/recordings.md says more.
    """


@recordings.command("list", short_help="List recordings, newest first.", epilog=exits.EPILOG)
def list_recordings(
    trunk: Annotated[
        str | None,
        typer.Option(metavar="[NAMESPACE/]NAME", help="Only of calls of this trunk.", show_default=False),
    ] = None,
    account: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only of calls of this Account.", show_default=False)
    ] = None,
    number: Annotated[
        str | None,
        typer.Option(metavar="NUMBER", help="Only of calls from or to this number.", show_default=False),
    ] = None,
    since: Annotated[
        str | None,
        typer.Option(
            metavar="T",
            help="Only those begun since: 30m, 12h, 7d (how long ago), or a date or time.",
            show_default=False,
        ),
    ] = None,
    until: Annotated[
        str | None, typer.Option(metavar="T", help="Begun before then.", show_default=False)
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Only the newest N.", show_default=False)
    ] = None,
    url: Url = None,
    endpoint: Endpoint = None,
    state_dir: StateDirOfUp = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """List recordings, newest first.

    \b
    Example:
      trunkline recordings list --trunk acme/hq --since 1h
      trunkline recordings list --url s3://acme-calls/trunks -o json
    """
    _need_libraries("recordings list")
    from trunkline.cli.calls.choice import choice_of
    from trunkline.cli.recordings.commands import guarded, run_list
    from trunkline.cli.recordings.places import places

    def work() -> int:
        choice = choice_of(
            now=datetime.now(UTC), trunk=trunk, account=account, number=number, since=since, until=until
        )
        found = places(url, endpoint, state_dir)
        return run_list(found, choice, limit=limit, as_json=output is Output.JSON)

    _end(guarded("recordings list", work))


@recordings.command("get", short_help="Fetch one recording.", epilog=exits.EPILOG)
def get_recording(
    sid: Annotated[
        str,
        typer.Argument(metavar="SID", help="Its id, RE and 32 digits, or its call's.", show_default=False),
    ],
    to: Annotated[
        Path | None,
        typer.Option(
            "-o", metavar="FILE", help="Default: SID.wav; - is standard output.", show_default=False
        ),
    ] = None,
    url: Url = None,
    endpoint: Endpoint = None,
    state_dir: StateDirOfUp = None,
) -> None:
    """Fetch one recording: a WAV file of 8 kHz and 16 bit."""
    _need_libraries("recordings get")
    from trunkline.cli.recordings.commands import guarded, run_get
    from trunkline.cli.recordings.places import places

    _end(guarded("recordings get", lambda: run_get(places(url, endpoint, state_dir), sid, to)))


def _end(code: int) -> NoReturn:
    """Without the interpreter's own end, which threads of the storage library abort now and then."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)


def _need_libraries(command: str) -> None:
    if find_spec("obstore") is None:
        typer.echo(f"trunkline {command}: needs more libraries: pip install 'trunkline[recorder]'", err=True)
        raise typer.Exit(exits.FAILED)
