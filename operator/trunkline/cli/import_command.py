"""`trunkline import`: options and help."""

from __future__ import annotations

from typing import Annotated

import typer

from trunkline.cli import exits

imports = typer.Typer(
    no_args_is_help=True,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


@imports.callback(epilog=exits.EPILOG)
def import_alone() -> None:
    """Make manifests from what another provider of trunks exports."""


@imports.command("twilio", short_help="From Twilio's trunking resources.", epilog=exits.EPILOG)
def twilio(
    files: Annotated[
        list[str], typer.Argument(metavar="FILE", help="JSON of the API or its clients.", show_default=False)
    ],
    namespace: Annotated[
        str,
        typer.Option(
            "-n", "--namespace", metavar="NAME", help="The namespace of the objects.", show_default=False
        ),
    ],
) -> None:
    """Make manifests from Twilio's trunking resources, as its API or its clients write them to JSON.

    FILEs hold pages of lists, arrays or single resources: Trunks, OriginationUrls, PhoneNumbers,
    CredentialLists and their Credentials, IpAccessControlLists and their IpAddresses. Nothing is asked
    of Twilio. Manifests go to standard output; what they cannot say is told line by line.

    Passwords are no part of an export: each user gets a new one, in a Secret.

    \b
    Example:
      trunkline import twilio export/*.json -n acme >acme.yaml
      trunkline validate acme.yaml
    """
    from trunkline.cli.importing.command import run_import

    raise typer.Exit(run_import(files, namespace))
