"""`trunkline calls` and `trunkline usage`: options and help."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from trunkline.cli import exits
from trunkline.cli.options import (
    KUBECTL,
    ClusterOptions,
    Context,
    EdgeNamespace,
    Kubeconfig,
    Output,
    OutputOption,
    StateDirOfUp,
    UsageBy,
)

if TYPE_CHECKING:
    from trunkline.cli.calls.places import Place

calls = typer.Typer(
    no_args_is_help=False,
    invoke_without_command=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)

Files = Annotated[
    list[Path] | None,
    typer.Option("--file", metavar="PATH", help="A file of records, instead of those of an `up`."),
]
Trunk = Annotated[
    str | None, typer.Option(metavar="[NAMESPACE/]NAME", help="Only calls of this trunk.", show_default=False)
]
Since = Annotated[
    str | None,
    typer.Option(
        metavar="T",
        help="Only those begun since: 30m, 12h, 7d (how long ago), or a date or time.",
        show_default=False,
    ),
]
SidOrBeginning = Annotated[
    str, typer.Argument(metavar="SID", help="The call's id, or how it begins.", show_default=False)
]


@dataclass(frozen=True)
class Where:
    """Whose calls are meant: those of an `up`, or of a cluster."""

    command: typer.Context
    state_dir: StateDirOfUp = None
    kubeconfig: Kubeconfig = None
    context: Context = None
    edge_namespace: EdgeNamespace = None

    def place(self, files: list[Path] | None = None) -> Place:
        """Where to look for them."""
        from trunkline.cli.calls.places import place_of

        is_plugin = self.command.find_root().info_name == KUBECTL
        cluster = ClusterOptions(self.kubeconfig, self.context)
        return place_of(files or (), self.state_dir, cluster, self.edge_namespace, is_plugin=is_plugin)


def asks_where(function: Callable[..., None]) -> Callable[..., None]:
    """A command that has the options of `Where` in the place of its first parameter, `where`."""
    _, *own = inspect.signature(function, eval_str=True).parameters.values()
    named = {each.name for each in dataclasses.fields(Where)}
    first, *options = inspect.signature(Where, eval_str=True).parameters.values()
    last = [each for each in own if each.name == "output"]
    parameters = [first, *(each for each in own if each not in last), *options, *last]

    @wraps(function)
    def command(**given: Any) -> None:
        where = Where(**{name: given.pop(name) for name in named & given.keys()})
        function(where, **given)

    shown: Any = command
    shown.__signature__ = inspect.Signature([each.replace(kind=each.KEYWORD_ONLY) for each in parameters])
    shown.__annotations__ = {each.name: each.annotation for each in parameters}
    del shown.__wrapped__
    return command


@calls.callback(epilog=exits.EPILOG)
def calls_alone(command: typer.Context) -> None:
    """What calls did, and which are in progress: of a running `up`, or of a cluster.

    Each attempt to set up a call leaves a record, refused ones too; docs/call-records.md has its keys.
    `calls` alone is `calls list`.
    """
    if command.invoked_subcommand is None:
        list_calls(command=command)


@calls.command("list", short_help="List call records, newest first.", epilog=exits.EPILOG)
@asks_where
def list_calls(
    where: Where,
    file: Files = None,
    trunk: Trunk = None,
    account: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only calls of this Account.", show_default=False)
    ] = None,
    number: Annotated[
        str | None,
        typer.Option(metavar="NUMBER", help="Only calls from or to this number.", show_default=False),
    ] = None,
    since: Since = None,
    until: Annotated[
        str | None, typer.Option(metavar="T", help="Begun before then.", show_default=False)
    ] = None,
    failed: Annotated[bool, typer.Option("--failed", help="Only calls that were not answered.")] = False,
    limit: Annotated[
        int | None, typer.Option(min=1, metavar="N", help="Only the newest N.", show_default=False)
    ] = None,
    follow: Annotated[bool, typer.Option("-f", "--follow", help="Show calls as they end.")] = False,
    output: OutputOption = Output.TEXT,
) -> None:
    """List call records, newest first: of a running `up`, of --file, or of a cluster.

    Of a cluster these are what the logs of its edge pods still hold; keep records for longer by
    collecting those logs. Reading them needs the right to read pod logs in the edge namespace.

    \b
    Example:
      trunkline calls list --trunk acme/hq --since 1h --failed
      trunkline calls list -f
      trunkline calls list -o json --since 2026-11-01 | jq -r '.[] | select(.result == "busy") | .to'
    """
    from trunkline.cli.calls.choice import choice_of
    from trunkline.cli.calls.commands import guarded, run_list

    def work() -> int:
        choice = choice_of(
            now=datetime.now(UTC),
            trunk=trunk,
            account=account,
            number=number,
            since=since,
            until=until,
            failed=failed,
        )
        place = where.place(file)
        return run_list(place, choice, follow=follow, limit=limit, as_json=output is Output.JSON)

    raise typer.Exit(guarded("calls list", work))


@calls.command("show", short_help="Show one call step by step.", epilog=exits.EPILOG)
@asks_where
def show_call(
    where: Where,
    sid: SidOrBeginning,
    file: Files = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Tell one call step by step: who was tried, what was answered, when, and why it ended."""
    from trunkline.cli.calls.commands import guarded, run_show

    def work() -> int:
        place = where.place(file)
        return run_show(place, sid, as_json=output is Output.JSON)

    raise typer.Exit(guarded("calls show", work))


@calls.command("active", short_help="List calls in progress.", epilog=exits.EPILOG)
@asks_where
def active_calls(
    where: Where,
    trunk: Trunk = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """List calls in progress, those that ring included.

    In a cluster each edge pod's agent is asked by a program that runs in its container: that needs the
    right `create` on `pods/exec` of the edge namespace.
    """
    from trunkline.cli.calls.commands import guarded, of_trunk, run_active

    def work() -> int:
        place = where.place()
        return run_active(place, of_trunk(trunk), as_json=output is Output.JSON)

    raise typer.Exit(guarded("calls active", work))


@calls.command("end", short_help="End one call.", epilog=exits.EPILOG)
@asks_where
def end_call(
    where: Where,
    sid: SidOrBeginning,
) -> None:
    """End a call: one that is up by a BYE to both sides, one that is being set up by a CANCEL and a 480.

    In a cluster it needs the same right as `calls active`.
    """
    from trunkline.cli.calls.commands import guarded, run_end

    def work() -> int:
        return run_end(where.place(), sid)

    raise typer.Exit(guarded("calls end", work))


@asks_where
def usage(
    where: Where,
    by: Annotated[UsageBy, typer.Option(help="Sum calls by this.")] = UsageBy.TRUNK,
    since: Since = None,
    rates: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="YAML with what calls cost by prefix.", show_default=False),
    ] = None,
    file: Files = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Sum up calls: how many, how many minutes, and what they cost.

    \b
    Example:
      trunkline usage --by day --since 30d
      trunkline usage --by carrier --rates rates.yaml
    \b
    rates.yaml; of several prefixes that fit the called number the longest counts:
      currency: USD
      rates:
      - {prefix: "+1", perMinute: 0.0075}
      - {prefix: "+44", perMinute: 0.012, perCall: 0.01, roundSeconds: 1, direction: termination}
    """
    from trunkline.cli.calls.commands import guarded, run_usage

    def work() -> int:
        place = where.place(file)
        return run_usage(place, by, since, rates, as_json=output is Output.JSON)

    raise typer.Exit(guarded("usage", work))
