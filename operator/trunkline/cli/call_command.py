"""`trunkline call`: its options and its help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from trunkline.cli.options import CallMedia, Output, OutputOption, Transport


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
        typer.Option(metavar="FILE", help="File with the password; - is standard input.", show_default=False),
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
            metavar="FILE",
            help="TLS: file with the CA certificates to verify the edge by.",
            show_default=False,
        ),
    ] = None,
    ring: Annotated[float, typer.Option(min=0.1, metavar="SECONDS", help="How long to let it ring.")] = 60.0,
    wait: Annotated[
        float, typer.Option(min=0.1, metavar="SECONDS", help="How long to wait for any answer at all.")
    ] = 8.0,
    media: Annotated[
        CallMedia | None,
        typer.Option(
            help="Send a tone, and fail unless it comes back: call a number that echoes. Default: no sound.",
            show_default=False,
        ),
    ] = None,
    transfer_to: Annotated[
        str | None,
        typer.Option(
            metavar="URI",
            help="Then transfer the other party there (REFER), and fail unless it answers.",
            show_default=False,
        ),
    ] = None,
    messages: Annotated[
        bool, typer.Option("--messages", help="Print every SIP message whole (digests and keys hidden).")
    ] = False,
    pcap: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write the SIP messages for Wireshark, also those that went over TLS (secrets hidden).",
            show_default=False,
        ),
    ] = None,
    output: OutputOption = Output.TEXT,
) -> None:
    """Place a real test call through an edge and tell each SIP step.

    \b
    A call from the PBX to the PSTN (termination):
      trunkline call sip:+12125550111@acme-hq.pstn.trunkline.test --from +14155550100 \\
        --via 127.0.11.1 --source 127.0.10.1 --username pbx --password-file pbx.password

    \b
    A call from the PSTN to the PBX (origination):
      trunkline call sip:+14155550100@127.0.12.1 --from +12125550111 --via 127.0.12.1 --source 127.0.9.1

    \b
    A call that the PBX then transfers: trunkline call ... --transfer-to sip:bob@pbx2.acme.example
    """
    from trunkline.cli.call.command import CallOptions, LoginOptions, TimeOptions, run_call

    options = CallOptions(
        uri=uri,
        caller=caller,
        via=via,
        login=LoginOptions(username, password_file),
        times=TimeOptions(duration, ring, wait),
        transport=str(transport),
        source=source,
        ca_file=ca,
        messages=messages,
        media=None if media is None else str(media),
        transfer_to=transfer_to,
    )
    raise typer.Exit(run_call(options, output is Output.JSON, pcap))
