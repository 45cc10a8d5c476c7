"""`trunkline explain`: its options and its help."""

from __future__ import annotations

from typing import Annotated

import typer

from trunkline.cli.completion import complete_edge
from trunkline.cli.options import (
    Action,
    BaseDomainOfAny,
    ClusterOptions,
    Context,
    EdgeNamespace,
    Kubeconfig,
    Namespace,
    Output,
    OutputOption,
    PathsOrCluster,
    Sender,
    Transport,
)


def explain(
    edge: Annotated[
        str,
        typer.Option(metavar="NAME", help="The Edge that gets the message.", autocompletion=complete_edge),
    ],
    paths: PathsOrCluster = None,
    source: Annotated[
        str | None,
        typer.Option(
            metavar="IP[:PORT]",
            help="Where it comes from. Within a call, default: where its sender was seen last.",
            show_default=False,
        ),
    ] = None,
    request_uri: Annotated[
        str,
        typer.Option(
            metavar="URI",
            help="The Request-URI: who is called. Within a call, default: the other side's Contact.",
            show_default=False,
        ),
    ] = "",
    from_uri: Annotated[
        str, typer.Option("--from", metavar="URI", help="The From header: who calls.", show_default=False)
    ] = "",
    transport: Annotated[
        Transport | None, typer.Option(help="How it arrives. Default: udp.", show_default=False)
    ] = None,
    method: Annotated[str, typer.Option(help="The SIP method.")] = "INVITE",
    header: Annotated[
        list[str] | None,
        typer.Option(metavar="'NAME: VALUE'", help="Another header; may be repeated.", show_default=False),
    ] = None,
    body: Annotated[
        str | None,
        typer.Option(metavar="FILE", help="Its body, an SDP; - is standard input.", show_default=False),
    ] = None,
    content_type: Annotated[str, typer.Option(metavar="TYPE", help="Of the body.")] = "application/sdp",
    message: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="A whole SIP message, as captured, instead of its parts; - is standard input.",
            show_default=False,
        ),
    ] = None,
    username: Annotated[
        str | None,
        typer.Option(
            help="Assume the right password of this user. Without it the request has no digest.",
            show_default=False,
        ),
    ] = None,
    in_dialog: Annotated[
        str | None,
        typer.Option(
            metavar="MEMORY",
            help="A later message of a call: a file with what `explain -o json` says of the call.",
            show_default=False,
        ),
    ] = None,
    sender: Annotated[
        Sender | None,
        typer.Option(
            help="Who sends the later message. Default: the caller a request, the callee an answer.",
            show_default=False,
        ),
    ] = None,
    answer: Annotated[
        int | None,
        typer.Option(
            min=100,
            max=699,
            metavar="STATUS",
            help="The later message is an answer with this status, to a --method of the other side.",
            show_default=False,
        ),
    ] = None,
    set_up: Annotated[
        bool, typer.Option("--set-up", help="The answer is to the INVITE that sets the call up.")
    ] = False,
    resolve: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME=ADDRESS",
            help="What a target's name resolves to; may be repeated. Without it no name is looked up.",
            show_default=False,
        ),
    ] = None,
    caller_name: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NUMBER=NAME",
            help="What the platform's source of callers' names answers; may be repeated.",
            show_default=False,
        ),
    ] = None,
    stir_shaken: Annotated[
        bool,
        typer.Option("--stir-shaken", help="With files: the platform signs calls and judges signatures."),
    ] = False,
    no_relay: Annotated[
        bool,
        typer.Option(
            "--no-relay",
            help="With files: the edges have no media relay, as on machines without rtpengine. "
            "By default they have one.",
        ),
    ] = False,
    verstat: Annotated[
        str | None,
        typer.Option(
            metavar="VERDICT",
            help="What the edge finds the message's PASSporT worth, like TN-Validation-Passed-A.",
            show_default=False,
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(help="Makes the weighted draw among targets repeatable.", show_default=False),
    ] = None,
    expect: Annotated[
        Action | None,
        typer.Option(help="Exit with 1 if the edge would do something else.", show_default=False),
    ] = None,
    kubeconfig: Kubeconfig = None,
    context: Context = None,
    namespace: Namespace = None,
    edge_namespace: EdgeNamespace = None,
    base_domain: BaseDomainOfAny = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Say what an edge would do with one message: every question, where it goes, and what is changed in it.

    No call is placed. Whatever is decided, the exit code is 0; --expect makes another decision a 1. In
    brackets stands the rule (docs/rules.md) or the section of an RFC that a line follows from.

    \b
    A call from the PBX to the PSTN (termination):
      trunkline explain examples/quickstart/{tenant,platform-local} --edge ashburn --source 127.0.10.1 \\
        --request-uri sip:+12125550111@acme-hq.pstn.trunkline.test \\
        --from sip:+14155550100@pbx1.acme.example --username pbx

    \b
    A call from the PSTN to the PBX (origination): the source is a carrier's address.
      trunkline explain examples/quickstart/{tenant,platform-local} --edge dublin --source 127.0.9.1 \\
        --request-uri sip:+14155550100@127.0.12.1 --from sip:+12125550111@127.0.9.1

    \b
    What follows in a call: keep what the edge would remember of it, then ask.
      trunkline explain ... -o json > call.json
      trunkline explain PATH --edge ashburn --in-dialog call.json --method UPDATE \\
        --header 'P-Asserted-Identity: <sip:+19998887777@x.example>'
      trunkline explain PATH --edge ashburn --in-dialog call.json --sender callee --method BYE
      trunkline explain PATH --edge ashburn --in-dialog call.json --answer 200 --body answer.sdp

    \b
    A request out of a capture, and a check for a script:
      trunkline explain PATH --edge ashburn --source 203.0.113.5 --message invite.txt --expect forward

    Without PATH a cluster answers: by the very table that is published for the edge, if you may read Secrets
    in the edge namespace; else by what compiling gives of what you may read, and a note says what is assumed.

    \b
      trunkline explain -n acme --edge ashburn --source 203.0.113.5 \\
        --request-uri sip:+12125550111@acme-hq.pstn.voice.example.com --from +14155550100
    """
    from trunkline.cli.explain.command import run_explain
    from trunkline.cli.explain.given_files import GivenFiles
    from trunkline.cli.explain.request import ExplainOptions, ExplainPlace, MessageOptions

    parts = MessageOptions(method, request_uri, from_uri, tuple(header or ()), content_type=content_type)
    options = ExplainOptions(
        edge=edge,
        source=source,
        transport=transport,
        message=parts,
        username=username,
        seed=seed,
        expected=expect,
        resolved=tuple(resolve or ()),
        caller_names=tuple(caller_name or ()),
        verstat=verstat,
    )
    files = GivenFiles(body, message, in_dialog, sender, answer, set_up)
    place = ExplainPlace(
        paths=tuple(paths or ()),
        cluster=ClusterOptions(kubeconfig, context, namespace),
        edge_namespace=edge_namespace,
        base_domain=base_domain,
        stir_shaken=stir_shaken,
        media_relay=not no_relay,
    )
    raise typer.Exit(run_explain(place, options, files, output is Output.JSON))
